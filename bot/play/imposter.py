"""**imposter**: members go on with the same sentence, and the model hides among them.

The model writes three texts, members write theirs, and all guess of each how likely it is that a
machine wrote it. Guesses are scored by the Brier score; who is taken for a machine gains, too. A
house player guesses along by a simple detector that it states: the likelier the model finds a text
for its length, the more it is taken for the model's ("GPT-2 detects itself", arXiv 1908.09203).
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from bot.core.sentences import last_sentence_end
from bot.core.showable import has_visible, showable
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
    Texts,
    Tick,
    Turn,
    View,
    WroteTexts,
)  # fmt: skip
from bot.play.detector import suspicions
from bot.play.imposter_state import LETTERS, MAX_TEXT, MAX_WRITERS, N_FAKES, Entry, State
from bot.play.imposter_view import view_of
from bot.play.openings import OPENINGS
from bot.play.rounds import check_host, check_room, drawn, whole_option
from bot.play.scoring import brier, mean

_FAKE_TOKENS = 45
_MAX_OPENING = 200
_POINTS = 100


class Imposter:
    """The rules; see `api.Rules`."""

    def begin(self, options: Mapping[str, Any], player: Player, seed: int) -> Turn:
        """An opening, by choice or by the seed; the model writes first."""
        opening = _one_line(str(options.get("opening") or ""))
        if len(opening) > _MAX_OPENING:
            raise StoryError(
                tr("The opening is too long: {most} characters are the most.",
                   most=number(_MAX_OPENING))
            )  # fmt: skip
        state = State(
            opening=opening or drawn(OPENINGS, 1, seed, "opening")[0],
            seed=seed,
            write_s=whole_option(options, "write_seconds", 30, 900, 180),
            guess_s=whole_option(options, "guess_seconds", 30, 900, 120),
            is_rated=bool(options.get("rated")),
        )
        return _asking(state)

    def play(self, state: Mapping[str, Any], move: PlayMove, player: Player) -> Turn:
        """A text, a guess, the end of a phase; see `api.Rules.play`."""
        now = State.from_dict(state)
        match move:
            case Answered(answer=WroteTexts(texts=texts)) if now.phase == "asking":
                return _take_fakes(now, texts, player.at_s)
            case Answered(answer=Scored(logprobs=logprobs)) if now.phase == "scoring":
                return _guessing(now, logprobs, player.at_s)
            case AskFailed():
                return _without_model(now, player.at_s)
            case Tick() if player.at_s >= now.until_s:
                return _next_phase(now)
            case Act():
                return _act(now, move, player)
            case _:
                return _turn(now)

    def view(self, state: Mapping[str, Any]) -> View:
        """The opening, the texts, and what there is to do."""
        return view_of(State.from_dict(state))


def _without_model(state: State, at_s: float) -> Turn:
    """Without texts of the model there is no game; without its scores the house does not play."""
    if state.phase == "scoring":
        return _guessing(state, (), at_s)
    return _turn(replace(state, phase="stuck") if state.phase == "asking" else state)


def _turn(state: State, *, notice: str = "") -> Turn:
    is_over = state.phase == "over"
    return Turn(
        state=state.to_dict(),
        due_at_s=state.until_s if state.phase in {"writing", "guessing"} else None,
        is_over=is_over,
        notice=notice,
        results=_results(state) if is_over and state.is_rated else (),
    )


def _asking(state: State) -> Turn:
    ask = Texts(prompt=state.opening, count=N_FAKES, length=_FAKE_TOKENS)
    return replace(_turn(replace(state, phase="asking")), ask=ask)


def _take_fakes(state: State, texts: Sequence[str], at_s: float) -> Turn:
    """What the model wrote, made as short and plain as what people write."""
    fakes = [short for text in texts if (short := _shortened(text))]
    if not fakes:
        return _turn(replace(state, phase="stuck"))
    entries = tuple(Entry(text=text) for text in dict.fromkeys(fakes))
    return _turn(replace(state, phase="writing", entries=entries, until_s=at_s + state.write_s))


def _shortened(text: str) -> str:
    """Its first sentences, as many as people may write."""
    flat = _one_line(text)
    end = last_sentence_end(flat[:MAX_TEXT])
    if end is not None:
        return flat[:end]
    return flat if len(flat) <= MAX_TEXT else flat[:MAX_TEXT].rpartition(" ")[0]


def _one_line(text: str) -> str:
    return " ".join(showable(text).split())


def _next_phase(state: State) -> Turn:
    """The time of a phase is over, or its host ends it."""
    if state.phase == "writing":
        if not any(entry.user_id for entry in state.entries):
            return _turn(replace(state, phase="over"))
        order = drawn(state.entries, len(state.entries), state.seed, "order")
        state = replace(state, phase="scoring", entries=tuple(order))
        ask = Scores(
            context=state.opening,
            continuations=tuple(f" {entry.text}" for entry in state.entries),
        )
        return replace(_turn(state), ask=ask)
    if state.phase == "guessing":
        return _turn(replace(state, phase="over"))
    return _turn(state)


def _guessing(state: State, logprobs: Sequence[float], at_s: float) -> Turn:
    texts = [entry.text for entry in state.entries]
    house = suspicions(texts, logprobs) if len(logprobs) == len(texts) else ()
    return _turn(replace(state, phase="guessing", house=house, until_s=at_s + state.guess_s))


def _act(state: State, act: Act, player: Player) -> Turn:
    match act.action:
        case "write":
            return _write(state, act.value, player)
        case "guess":
            return _guess(state, act, player)
        case "close" if state.phase in {"writing", "guessing"}:
            check_host(player)
            return _next_phase(state)
        case "again" if state.phase == "stuck":
            return _asking(state)
        case "end" if state.phase != "over":
            check_host(player)
            return _turn(replace(state, phase="over"))
        case _:
            raise StoryError(tr("That is over; look at the newest state of the game."))


def _write(state: State, typed: str, player: Player) -> Turn:
    if state.phase != "writing":
        raise StoryError(tr("No texts are taken now; you can guess, or wait for the next game."))
    text = _one_line(typed)
    if not has_visible(text):
        raise StoryError(tr("Write a sentence or two that go on from the opening."))
    if len(text) > MAX_TEXT:
        raise StoryError(
            tr("That is too long: {most} characters are the most.", most=number(MAX_TEXT))
        )
    others = tuple(one for one in state.entries if one.user_id != player.user_id)
    if sum(bool(one.user_id) for one in others) >= MAX_WRITERS:
        raise StoryError(tr("There are enough texts already; you can guess along in a moment."))
    entry = Entry(text=text, user_id=player.user_id)
    state = replace(
        state,
        entries=(*others, entry),
        names={**state.names, str(player.user_id): player.name},
    )
    return _turn(state, notice=tr("Your text is hidden; until writing ends you can replace it."))


def _guess(state: State, act: Act, player: Player) -> Turn:
    """How sure somebody is that a text is the machine's, in percent."""
    if state.phase != "guessing":
        raise StoryError(tr("No guesses are taken now."))
    place = LETTERS.find(act.value) if len(act.value) == 1 else -1
    if not 0 <= place < len(state.entries):
        raise StoryError(tr("That is over; look at the newest state of the game."))
    if state.entries[place].user_id == player.user_id:
        raise StoryError(tr("That one is yours; guess about the others."))
    typed = act.second.strip().removesuffix("%").strip()
    if not (typed.isascii() and typed.isdecimal() and len(typed) <= 3 and int(typed) <= 100):
        raise StoryError(tr("Write a whole number from 0 (a human) to 100 (the machine)."))
    user = str(player.user_id)
    check_room({**state.names, **dict.fromkeys(state.guesses, "")}, player)
    mine = {**state.guesses.get(user, {}), act.value: int(typed) / 100}
    state = replace(
        state,
        names={**state.names, user: player.name},
        guesses={**state.guesses, user: mine},
    )
    left = [
        letter
        for letter, entry in zip(LETTERS, state.entries, strict=False)
        if letter not in mine and entry.user_id != player.user_id
    ]
    if left:
        return _turn(state, notice=tr("Noted. Still open: {letters}", letters=" ".join(left)))
    return _turn(state, notice=tr("Noted; that was the last one. You can change each of them."))


def guess_scores(state: State, guesses: Mapping[str, float]) -> list[float]:
    """Brier score of each guess."""
    return [
        brier(guesses[letter], entry.user_id == 0)
        for letter, entry in zip(LETTERS, state.entries, strict=False)
        if letter in guesses
    ]


def points_of(state: State, user: str) -> float:
    """Up to 100 for good guesses, and up to 100 for being taken for a machine."""
    scores = guess_scores(state, state.guesses.get(user, {}))
    found = mean(scores)
    guessed = 0.0 if found is None else max(0.0, _POINTS * (1 - found / 0.25))
    return guessed + _POINTS * (fooled(state, user) or 0.0)


def fooled(state: State, user: str) -> float | None:
    """How sure others were, on average, that this player's text is a machine's."""
    letters = [
        letter
        for letter, entry in zip(LETTERS, state.entries, strict=False)
        if str(entry.user_id) == user
    ]
    return mean(
        guesses[letter]
        for guesser, guesses in state.guesses.items()
        for letter in letters
        if guesser != user and letter in guesses
    )


def _results(state: State) -> tuple[Result, ...]:
    return tuple(
        Result(
            user_id=int(user),
            name=name,
            points=round(points_of(state, user), 1),
            brier=mean(guess_scores(state, state.guesses.get(user, {}))),
        )
        for user, name in state.names.items()
        if state.guesses
    )
