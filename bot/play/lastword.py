"""**lastword**: a duel with the model over the last word of a text, as in LAMBADA.

The word can be told from the whole text, hardly from its last sentence (arXiv 1606.06031).
Everybody types one word; the model goes on with the text, and its first word counts.
"""

import unicodedata
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from bot.core.markdown import escape
from bot.errors import StoryError
from bot.language import number, tr, tr_n
from bot.play.api import (
    Act,
    Answered,
    AskFailed,
    Button,
    FormField,
    Player,
    PlayMove,
    Result,
    Texts,
    Tick,
    Turn,
    View,
    WroteTexts,
)  # fmt: skip
from bot.play.nextword_state import bare
from bot.play.passages import passages
from bot.play.rounds import (
    again_button,
    check_host,
    check_room,
    drawn,
    end_button,
    listed_scores,
    told,
    whole_option,
)  # fmt: skip

GAME = "lastword"
_ANSWER_TOKENS = 6  # enough for a word and what ends it
_LONGEST_WORD = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """Where the game stands.

    Attributes:
        titles: of the texts, a round each.
        seconds: that a round takes words.
        is_rated: whether it counts for the server's table.
        phase: "asking" the model, "guessing", "told", "stuck", "over".
        round: from 0.
        names: by user id.
        guesses: of this round, by user id.
        points: right words, by user id.
        guess: the model's word of this round, once it is known.
        model_points: its right words.
        until_s: when the round closes (Unix time).
    """

    titles: tuple[str, ...]
    seconds: int
    is_rated: bool
    phase: str = "asking"
    round: int = 0
    names: Mapping[str, str]
    guesses: Mapping[str, str]
    points: Mapping[str, int]
    guess: str = ""
    model_points: int = 0
    until_s: float = 0.0

    @property
    def word(self) -> str:
        """The true last word."""
        return bare(passages(GAME)[self.titles[self.round]].words[-1])

    @property
    def before(self) -> str:
        """The text without its last word."""
        return " ".join(passages(GAME)[self.titles[self.round]].words[:-1])

    def to_dict(self) -> dict[str, Any]:
        """JSON only."""
        return asdict(self)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> "State":
        """Reads that form."""
        known = {name: data[name] for name in cls.__dataclass_fields__ if name in data}
        known["titles"] = tuple(data["titles"])
        return cls(**known)


class LastWord:
    """The rules; see `api.Rules`."""

    def begin(self, options: Mapping[str, Any], player: Player, seed: int) -> Turn:
        """The texts of all rounds, drawn by the seed."""
        n_rounds = whole_option(options, "rounds", 1, 10, 5)
        state = State(
            titles=tuple(drawn(sorted(passages(GAME)), n_rounds, seed, "texts")),
            seconds=whole_option(options, "seconds", 15, 300, 60),
            is_rated=bool(options.get("rated")),
            names={}, guesses={}, points={},
        )  # fmt: skip
        return _asking(state)

    def play(self, state: Mapping[str, Any], move: PlayMove, player: Player) -> Turn:
        """A word, a reveal, the next text; see `api.Rules.play`."""
        now = State.from_dict(state)
        match move:
            case Answered(answer=WroteTexts(texts=texts)) if now.phase == "asking":
                guess = first_word(texts[0]) if texts else ""
                until_s = player.at_s + now.seconds
                return _turn(replace(now, phase="guessing", guess=guess, until_s=until_s))
            case AskFailed() if now.phase == "asking":
                return _turn(replace(now, phase="stuck"))
            case Tick() if now.phase == "guessing" and player.at_s >= now.until_s:
                return _reveal(now)
            case Act():
                return _act(now, move, player)
            case _:
                return _turn(now)

    def view(self, state: Mapping[str, Any]) -> View:
        """The text, and what there is to do."""
        return _view(State.from_dict(state))


def first_word(text: str) -> str:
    """The first word of what the model wrote, without the marks around it."""
    words = text.split()
    return bare(words[0]) if words else ""


def same_word(one: str, other: str) -> bool:
    """Whether two words are the same but for case, accents' way of writing and marks around."""
    return _folded(one) == _folded(other)


def _folded(word: str) -> str:
    return unicodedata.normalize("NFKC", bare(word.strip())).casefold()


def _turn(state: State, *, notice: str = "") -> Turn:
    due_s = state.until_s if state.phase == "guessing" else None
    is_over = state.phase == "over"
    results = _results(state) if is_over and state.is_rated else ()
    return Turn(
        state=state.to_dict(), due_at_s=due_s, is_over=is_over, notice=notice, results=results
    )


def _asking(state: State) -> Turn:
    state = replace(state, phase="asking", guesses={}, guess="")
    ask = Texts(prompt=state.before, length=_ANSWER_TOKENS, is_greedy=True)
    return replace(_turn(state), ask=ask)


def _act(state: State, act: Act, player: Player) -> Turn:
    match act.action:
        case "guess":
            return _guess(state, act.value, player)
        case "close" if state.phase == "guessing":
            check_host(player)
            return _reveal(state)
        case "next" if state.phase == "told":
            return _asking(replace(state, round=state.round + 1))
        case "again" if state.phase == "stuck":
            return _asking(state)
        case "end" if state.phase != "over":
            check_host(player)
            return _turn(replace(state, phase="over"))
        case _:
            raise StoryError(tr("That is over; look at the newest state of the game."))


def _guess(state: State, typed: str, player: Player) -> Turn:
    if state.phase != "guessing":
        raise StoryError(tr("No words are taken now; wait for the next text."))
    check_room(state.names, player)
    word = " ".join(typed.split())[:_LONGEST_WORD]
    if not bare(word) or " " in word:
        raise StoryError(tr("Write one word: the last one of the text."))
    user = str(player.user_id)
    state = replace(
        state,
        names={**state.names, user: player.name},
        guesses={**state.guesses, user: bare(word)},
        points={user: 0, **state.points},
    )
    notice = tr("Your word: {word}. The last one counts.", word=f"**{escape(bare(word))}**")
    return _turn(state, notice=notice)


def _reveal(state: State) -> Turn:
    points = {
        user: count + same_word(state.guesses.get(user, ""), state.word)
        for user, count in state.points.items()
    }
    is_last = state.round + 1 == len(state.titles)
    return _turn(
        replace(
            state,
            phase="over" if is_last else "told",
            points=points,
            model_points=state.model_points + same_word(state.guess, state.word),
        )
    )


def _results(state: State) -> tuple[Result, ...]:
    return tuple(
        Result(user_id=int(user), name=state.names[user], points=points)
        for user, points in state.points.items()
    )


def _view(state: State) -> View:
    match state.phase:
        case "asking":
            return View(text=_text(state) + "\n" + tr("The model thinks of a word …"))
        case "stuck":
            line = tr("The model did not answer; the round can be tried again.")
            return View(text=f"{_text(state)}\n{line}", rows=((again_button(), end_button()),))
        case "guessing":
            return View(text=_guessing_text(state), rows=(_guessing_buttons(),))
        case "told":
            following = Button(action="next", label=tr("Next text"), emoji="▶️", is_main=True)
            text = f"{_text(state)}\n{_truth(state)}\n{_table(state)}"
            return View(text=text, rows=((following, end_button()),))
        case _:
            head = tr("**Last word** · it is over")
            last = f"{_truth(state)}\n" if state.guess or state.points else ""
            return View(text=f"{head}\n{last}{_table(state)}")


def _text(state: State) -> str:
    head = tr(
        "**Last word** · text {round} of {rounds}",
        round=number(state.round + 1),
        rounds=number(len(state.titles)),
    )
    word = f"**{escape(state.word)}**" if state.phase in {"told", "over"} else "**＿＿＿**"
    return f"{head}\n> {escape(state.before)} {word}"


def _guessing_text(state: State) -> str:
    count = tr_n("{n} word so far", "{n} words so far", len(state.guesses))
    closes = tr("closes {when}", when=f"<t:{int(state.until_s)}:R>")
    return f"{_text(state)}\n-# {count} · {closes} · " + tr("the model has its word already")


def _guessing_buttons() -> tuple[Button, ...]:
    field = FormField(label=tr("The last word"), max_length=_LONGEST_WORD)
    guess = Button(
        action="guess", label=tr("My word …"), emoji="✍️", is_main=True, form=(field,),
        form_title=tr("The last word of the text"),
    )  # fmt: skip
    close = Button(action="close", label=tr("Show the word"), emoji="⏭️")
    return (guess, close, end_button())


def _truth(state: State) -> str:
    right = [
        told(state.names[user])
        for user, word in state.guesses.items()
        if same_word(word, state.word)
    ]
    model = escape(state.guess) or "…"
    if same_word(state.guess, state.word):
        line = tr("It was **{word}**, and the model knew it.", word=escape(state.word))
    else:
        line = tr(
            "It was **{word}**; the model said {guess}.", word=escape(state.word), guess=model
        )
    if not right:
        return line + "\n" + tr("Nobody else had it.")
    return line + "\n" + tr("Right: {names}", names=", ".join(right[:20]))


def _table(state: State) -> str:
    lines = [
        tr_n(
            "{name}: {n} point", "{name}: {n} points", points, name=f"**{told(state.names[user])}**"
        )
        for user, points in sorted(state.points.items(), key=lambda one: (-one[1], one[0]))
    ]
    model = tr_n("🤖 the model: {n} point", "🤖 the model: {n} points", state.model_points)
    return f"{listed_scores(lines)}\n{model}" if lines else model
