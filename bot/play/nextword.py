"""**nextword**: a hidden text, and at each round everybody bets on the word that comes next.

Four words are offered: the true one, and three that stand elsewhere in the game's texts. Players
spread 100 points over them; a round pays by the log score, and so does the model's own bet, which
is its probabilities of the four words. The end card compares bits per word.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from bot.core.markdown import escape
from bot.errors import StoryError
from bot.language import number, tr
from bot.play.api import (
    Act,
    Answered,
    AskFailed,
    Player,
    PlayMove,
    Result,
    Scored,
    Scores,
    Tick,
    Turn,
    View,
)  # fmt: skip
from bot.play.nextword_state import GAME, LETTERS, N_OPTIONS, State, bare
from bot.play.nextword_view import view_of
from bot.play.passages import passages
from bot.play.rounds import check_host, check_room, drawn, whole_option
from bot.play.scoring import bits, mean, payout, shares, softmax

_SURE = 85  # points of a bet by one click
_SHORTEST = 4  # letters of a word that is guessed
_FIRST_WORD = 8  # so many words are shown at the first round


class NextWord:
    """The rules; see `api.Rules`."""

    def begin(self, options: Mapping[str, Any], player: Player, seed: int) -> Turn:
        """A text and its rounds, drawn by the seed."""
        n_rounds = whole_option(options, "rounds", 1, 10, 5)
        seconds = whole_option(options, "seconds", 15, 300, 45)
        texts = passages(GAME)
        title = options.get("text") or drawn(sorted(texts), 1, seed, "text")[0]
        if title not in texts:
            raise StoryError(tr("There is no such text; choose one of those that are offered."))
        places = drawn(_guessable(texts[title].words), n_rounds, seed, "places")
        state = State(
            title=title,
            places=tuple(sorted(places)),
            options=tuple(_options(texts[title].words, place, seed) for place in sorted(places)),
            seconds=seconds,
            is_rated=bool(options.get("rated")),
            names={}, bets={}, points={}, surprises={},
        )  # fmt: skip
        return _asking(state)

    def play(self, state: Mapping[str, Any], move: PlayMove, player: Player) -> Turn:
        """A bet, a reveal, the next round; see `api.Rules.play`."""
        now = State.from_dict(state)
        match move:
            case Answered(answer=Scored(logprobs=logprobs)) if now.phase == "asking":
                until_s = player.at_s + now.seconds
                model = softmax(logprobs)
                return _turn(replace(now, phase="betting", model=model, until_s=until_s))
            case AskFailed() if now.phase == "asking":
                return _turn(replace(now, phase="stuck"))
            case Tick() if now.phase == "betting" and player.at_s >= now.until_s:
                return _reveal(now)
            case Act():
                return _act(now, move, player)
            case _:
                return _turn(now)

    def view(self, state: Mapping[str, Any]) -> View:
        """The text so far, the four words, and what there is to do."""
        return view_of(State.from_dict(state))


def _guessable(words: Sequence[str]) -> list[int]:
    """Places of words that say something: most shorter ones are the same in every text."""
    return [
        place
        for place, word in enumerate(words)
        if place >= _FIRST_WORD and bare(word).isalpha() and len(bare(word)) >= _SHORTEST
    ]


def _options(words: Sequence[str], place: int, seed: int) -> tuple[str, ...]:
    """The true word and three others of about its length, in an order by chance."""
    true = bare(words[place])
    others = {
        bare(word).lower()
        for text in passages(GAME).values()
        for word in text.words
        if bare(word).isalpha()
        and abs(len(bare(word)) - len(true)) <= 2
        and len(bare(word)) >= _SHORTEST
    }
    others.discard(true.lower())
    found = drawn(sorted(others), N_OPTIONS - 1, seed, f"others {place}")
    if true[0].isupper():
        found = [word.capitalize() for word in found]
    return tuple(drawn([true, *found], N_OPTIONS, seed, f"order {place}"))


def _turn(state: State, *, notice: str = "") -> Turn:
    due_s = state.until_s if state.phase == "betting" else None
    is_over = state.phase == "over"
    results = _results(state) if is_over and state.is_rated else ()
    return Turn(
        state=state.to_dict(), due_at_s=due_s, is_over=is_over, notice=notice, results=results
    )


def _asking(state: State) -> Turn:
    state = replace(state, phase="asking", bets={}, model=())
    ask = Scores(
        context=state.before,
        continuations=tuple(f" {word}" for word in state.options[state.round]),
    )
    return replace(_turn(state), ask=ask)


def _act(state: State, act: Act, player: Player) -> Turn:
    match act.action:
        case "sure" | "spread":
            return _bet(state, act, player)
        case "close" if state.phase == "betting":
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


def _bet(state: State, act: Act, player: Player) -> Turn:
    if state.phase != "betting":
        raise StoryError(tr("No bets are taken now; wait for the next word."))
    check_room(state.names, player)
    points = _sure(act.value) if act.action == "sure" else _spread(act.value)
    user = str(player.user_id)
    state = replace(
        state,
        names={**state.names, user: player.name},
        bets={**state.bets, user: points},
    )
    words = state.options[state.round]
    told_bet = " · ".join(
        f"{letter} {escape(word)} {number(round(100 * share))} %"
        for letter, word, share in zip(LETTERS, words, shares(points), strict=True)
    )
    return _turn(state, notice=tr("Your bet: {bet}. The last one counts.", bet=told_bet))


def _sure(letter: str) -> tuple[float, ...]:
    chosen = LETTERS.find(letter) if letter else -1
    if chosen < 0:
        raise StoryError(tr("That is over; look at the newest state of the game."))
    rest = (100 - _SURE) / (N_OPTIONS - 1)
    return tuple(_SURE if place == chosen else rest for place in range(N_OPTIONS))


def _spread(typed: str) -> tuple[float, ...]:
    """Four numbers with blanks or commas between them.

    Raises:
        StoryError: they are not four, or no numbers.
    """
    parts = typed.replace(",", " ").replace(";", " ").replace("/", " ").split()
    digits = all(part.isascii() and part.isdecimal() and len(part) <= 6 for part in parts)
    if len(parts) != N_OPTIONS or not digits or not any(int(part) for part in parts):
        raise StoryError(
            tr(
                "Write four whole numbers, one for each word, such as {example}.",
                example="70 20 5 5",
            )
        )
    return tuple(float(part) for part in parts)


def _reveal(state: State) -> Turn:
    """Pays the round, and says what was true."""
    truth = state.truth
    points, surprises = dict(state.points), dict(state.surprises)
    for user, bet in state.bets.items():
        share = shares(bet)[truth]
        points[user] = points.get(user, 0) + payout(share, N_OPTIONS)
        surprises[user] = (*surprises.get(user, ()), bits(share))
    share = shares(state.model)[truth]
    is_last = state.round + 1 == len(state.places)
    return _turn(
        replace(
            state,
            phase="over" if is_last else "told",
            points=points,
            surprises=surprises,
            model_points=state.model_points + payout(share, N_OPTIONS),
            model_surprises=(*state.model_surprises, bits(share)),
        )
    )


def _results(state: State) -> tuple[Result, ...]:
    return tuple(
        Result(
            user_id=int(user),
            name=state.names[user],
            points=points,
            bits=mean(state.surprises[user]),
        )
        for user, points in state.points.items()
    )
