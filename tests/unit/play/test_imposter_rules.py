"""People and a model go on with the same sentence: who hides, who guesses, who is told what."""

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.markdown import length
from bot.errors import StoryError
from bot.play.api import (
    Act,
    Answered,
    AskFailed,
    Player,
    PlayMove,
    Scored,
    Scores,
    Texts,
    Tick,
    Turn,
    WroteTexts,
)  # fmt: skip
from bot.play.detector import suspicions
from bot.play.imposter import Imposter, fooled, points_of
from bot.play.imposter_state import LETTERS, MAX_TEXT, MAX_WRITERS, State

ANNA = Player(user_id=1, name="Anna", at_s=1000.0, is_host=True)
BEN = Player(user_id=2, name="Ben", at_s=1000.0)
CLEO = Player(user_id=3, name="Cleo", at_s=1000.0)
NOBODY = Player(user_id=0, name="", at_s=1000.0)
RULES = Imposter()
FAKES = Answered(WroteTexts((" Fake one. And", " Fake two.", "\nFake three.")))


def stored(turn: Turn) -> dict[str, Any]:
    return json.loads(json.dumps(turn.state))


def state_of(turn: Turn) -> State:
    return State.from_dict(stored(turn))


def play(turn: Turn, move: PlayMove, player: Player = NOBODY) -> Turn:
    return RULES.play(stored(turn), move, player)


def writing(**options: Any) -> Turn:
    return play(RULES.begin(options, ANNA, 7), FAKES)


def guessing(**options: Any) -> Turn:
    turn = writing(**options)
    for player, text in ((ANNA, "Anna wrote this."), (BEN, "Ben wrote that.")):
        turn = play(turn, Act("write", text), player)
    turn = play(turn, Tick(), replace(NOBODY, at_s=1180.0))
    assert isinstance(turn.ask, Scores)
    scores = tuple(-float(10 + n) for n in range(len(turn.ask.continuations)))
    return play(turn, Answered(Scored(scores)))


def letter_of(turn: Turn, user_id: int) -> str:
    entries = state_of(turn).entries
    return next(LETTERS[n] for n, one in enumerate(entries) if one.user_id == user_id)


def test_model_writes_first():
    """So that nobody can tell texts by when they come."""
    turn = RULES.begin({"opening": "  Once\nupon "}, ANNA, 7)
    assert turn.ask == Texts(prompt="Once upon", count=3, length=45)


def test_fakes_look_as_what_people_write():
    """Whole sentences in one line."""
    assert [one.text for one in state_of(writing()).entries] == [
        "Fake one.", "Fake two.", "Fake three.",
    ]  # fmt: skip


def test_texts_are_hidden_until_all_are_there():
    """Only their number is told."""
    turn = play(writing(), Act("write", "Ben wrote that."), BEN)
    text = RULES.view(stored(turn)).text
    assert "Ben wrote" not in text
    assert "Fake" not in text
    assert "1 text" in text


def test_second_text_of_a_player_replaces_the_first():
    """Nobody is in the game twice."""
    turn = play(writing(), Act("write", "first"), BEN)
    turn = play(turn, Act("write", "second"), BEN)
    assert [one.text for one in state_of(turn).entries if one.user_id] == ["second"]


def test_order_says_nothing():
    """It is drawn, not that of their coming."""
    orders = set()
    for seed in range(20):
        turn = play(RULES.begin({}, ANNA, seed), FAKES)
        turn = play(turn, Act("write", "mine"), BEN)
        turn = play(turn, Act("close"), ANNA)
        orders.add([one.user_id for one in state_of(turn).entries].index(2))
    assert orders == {0, 1, 2, 3}


def test_game_without_writers_ends():
    """There is nothing to guess."""
    turn = play(writing(), Tick(), replace(NOBODY, at_s=1180.0))
    assert turn.is_over
    assert "Nobody wrote" in RULES.view(stored(turn)).text


def test_good_guesses_and_good_hiding_pay():
    """By the Brier score, and by how sure others were."""
    turn = guessing()
    state = state_of(turn)
    for letter, entry in zip(LETTERS, state.entries, strict=False):
        if entry.user_id != 1:
            turn = play(turn, Act("guess", letter, "0" if entry.user_id else "100"), ANNA)
    turn = play(turn, Act("guess", letter_of(turn, 1), "80 %"), CLEO)
    turn = play(turn, Act("close"), ANNA)
    state = state_of(turn)

    assert turn.is_over
    assert fooled(state, "1") == 0.8
    assert points_of(state, "1") == pytest.approx(180)
    assert points_of(state, "3") == 0
    text = RULES.view(stored(turn)).text
    assert "1. **Anna** 0" in text
    assert "the house" in text
    assert "🤖" in text


def test_nobody_guesses_about_their_own_text():
    """It would be a gift."""
    turn = guessing()
    with pytest.raises(StoryError, match="yours"):
        play(turn, Act("guess", letter_of(turn, 2), "50"), BEN)


@pytest.mark.parametrize("typed", ["", "101", "-1", "half", "1e2", "٣", "5.5"])
def test_what_is_no_percentage_is_refused(typed: str):
    """From 0 to 100."""
    turn = guessing()
    with pytest.raises(StoryError, match="from 0"):
        play(turn, Act("guess", letter_of(turn, 0), typed), BEN)


@pytest.mark.parametrize("letter", ["", "Z", "AB", "F"])
def test_unknown_letters_are_refused(letter: str):
    """Of another game, or made up."""
    with pytest.raises(StoryError):
        play(guessing(), Act("guess", letter, "50"), CLEO)


def test_game_goes_on_without_the_house():
    """Where the model could not score."""
    turn = play(play(writing(), Act("write", "mine"), BEN), Act("close"), ANNA)
    turn = play(turn, AskFailed())
    assert state_of(turn).phase == "guessing"
    assert state_of(turn).house == ()


def test_no_more_texts_than_letters():
    """Late ones guess along."""
    turn = writing()
    for user_id in range(1, MAX_WRITERS + 1):
        turn = play(turn, Act("write", f"text {user_id}"), replace(BEN, user_id=user_id))
    with pytest.raises(StoryError, match="enough texts"):
        play(turn, Act("write", "late"), replace(BEN, user_id=99))
    assert len(state_of(turn).entries) == len(LETTERS)


def test_rated_results_have_brier_scores():
    """Of those who took part, and only where anybody guessed."""
    turn = play(guessing(rated=True), Act("guess", "A", "50"), CLEO)
    results = {one.user_id: one for one in play(turn, Act("close"), ANNA).results}
    assert set(results) == {1, 2, 3}
    assert results[3].brier == 0.25
    assert results[1].brier is None


def test_detector_suspects_what_is_likely():
    """For its length, and never for certain."""
    found = suspicions(["a" * 10, "b" * 20, "c" * 10], [-10.0, -10.0, -30.0])
    assert found[1] > found[0] > found[2]
    assert all(0.05 <= one <= 0.95 for one in found)
    assert suspicions(["a", "b"], [-1.0, -1.0]) == (0.5, 0.5)


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["write", "guess", "close", "again", "end", "tick", "fail", "odd"]),
            st.text(max_size=MAX_TEXT + 5) | st.sampled_from(list(LETTERS)),
            st.integers(1, 12),
        ),
        max_size=40,
    )
)
def test_any_clicks_leave_a_game_that_fits(clicks: list[tuple[str, str, int]]):
    """Into a message, whatever people write and are called."""
    turn = RULES.begin({"opening": "*" * 200}, ANNA, 9)
    for number, (action, value, user_id) in enumerate(clicks):
        player = Player(
            user_id=user_id, name="**@everyone**```" * 2, at_s=1000.0 + 100 * number,
            is_host=user_id == 1,
        )  # fmt: skip
        if isinstance(turn.ask, Texts):
            turn = play(turn, FAKES, player)
        elif isinstance(turn.ask, Scores):
            scores = (-1.0,) * len(turn.ask.continuations)
            turn = play(turn, Answered(Scored(scores)), player)
        move: PlayMove = Act(action, value, "40")
        move = Tick() if action == "tick" else AskFailed() if action == "fail" else move
        try:
            turn = play(turn, move, player)
        except StoryError:
            continue
        view = RULES.view(stored(turn))
        assert length(view.text) <= 1900
        assert len(view.rows) <= 5
        assert all(0 < len(row) <= 5 for row in view.rows)
