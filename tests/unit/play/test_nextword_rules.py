"""Bets on the next word: what pays, who may what, and that a state survives being stored."""

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.markdown import length
from bot.errors import StoryError
from bot.play.api import Act, Answered, AskFailed, Player, PlayMove, Scored, Scores, Tick, Turn
from bot.play.nextword import NextWord
from bot.play.nextword_state import State
from bot.play.passages import passages

ANNA = Player(user_id=1, name="Anna", at_s=1000.0, is_host=True)
BEN = Player(user_id=2, name="Ben", at_s=1000.0)
NOBODY = Player(user_id=0, name="", at_s=1000.0)
RULES = NextWord()
EVEN = Answered(Scored((-1.0, -1.0, -1.0, -1.0)))


def stored(turn: Turn) -> dict[str, Any]:
    return json.loads(json.dumps(turn.state))


def began(seed: int = 1, **options: Any) -> Turn:
    return RULES.begin(options, ANNA, seed)


def play(turn: Turn, move: PlayMove, player: Player = NOBODY) -> Turn:
    return RULES.play(stored(turn), move, player)


def truth(turn: Turn) -> str:
    return "ABCD"[State.from_dict(stored(turn)).truth]


def wrong(turn: Turn) -> str:
    return next(letter for letter in "ABCD" if letter != truth(turn))


@pytest.mark.parametrize("seed", range(30))
def test_each_round_offers_the_true_word_and_three_others(seed: int):
    """Which stands elsewhere in its text, never where it is asked for."""
    state = State.from_dict(stored(began(seed, rounds=10)))
    words = passages("nextword")[state.title].words
    for number, place in enumerate(state.places):
        current = replace(state, round=number)
        assert len(set(map(str.lower, current.options[number]))) == 4
        assert current.word in words[place]
        assert current.before.split() == words[:place]
        assert current.truth in range(4)


def test_same_seed_gives_the_same_game():
    """In every process."""
    assert began(5).state == began(5).state
    assert began(5).state != began(6).state


def test_model_is_asked_for_the_four_words():
    """As they follow on the text."""
    turn = began()
    state = State.from_dict(stored(turn))
    assert turn.ask == Scores(
        context=state.before, continuations=tuple(f" {word}" for word in state.options[0])
    )


def test_sure_bets_pay_by_the_log_score():
    """More than chance earns, less costs, and no loss is without end."""
    turn = play(began(rounds=1), EVEN)
    turn = play(turn, Act("sure", truth(turn)), ANNA)
    turn = play(turn, Act("sure", wrong(turn)), BEN)
    assert turn.due_at_s == 1045.0
    turn = play(turn, Tick(), replace(NOBODY, at_s=1045.0))
    state = State.from_dict(stored(turn))

    assert turn.is_over
    assert state.points == {"1": 86, "2": -105}
    assert state.model_points == 0
    assert state.model_surprises == (2.0,)
    assert "Bits per word" in RULES.view(stored(turn)).text


def test_only_the_last_bet_of_a_player_counts():
    """Spread over the words as they like."""
    turn = play(began(rounds=1), EVEN)
    turn = play(turn, Act("sure", wrong(turn)), ANNA)
    turn = play(turn, Act("spread", "25, 25 25/25"), ANNA)
    turn = play(turn, Act("close"), ANNA)

    assert State.from_dict(stored(turn)).points == {"1": 0}


def test_a_round_goes_on_to_the_next_word():
    """And the model is asked anew."""
    turn = play(play(began(rounds=2), EVEN), Act("close"), ANNA)
    assert not turn.is_over
    turn = play(turn, Act("next"), BEN)

    assert isinstance(turn.ask, Scores)
    assert State.from_dict(stored(turn)).round == 1


@pytest.mark.parametrize("typed", ["", "1 2 3", "1 2 3 4 5", "a b c d", "0 0 0 0", "-1 2 3 4", "²"])
def test_what_is_no_bet_is_refused(typed: str):
    """With an example."""
    turn = play(began(), EVEN)
    with pytest.raises(StoryError, match="70 20 5 5"):
        play(turn, Act("spread", typed), BEN)


def test_bets_are_taken_in_their_time_only():
    """Neither before the model has bet nor after the reveal."""
    turn = began()
    with pytest.raises(StoryError, match="No bets"):
        play(turn, Act("sure", "A"), BEN)
    turn = play(play(turn, EVEN), Act("close"), ANNA)
    with pytest.raises(StoryError, match="No bets"):
        play(turn, Act("sure", "A"), BEN)


def test_an_early_tick_changes_nothing():
    """Of a clock that is ahead."""
    turn = play(began(), EVEN)
    assert play(turn, Tick(), NOBODY).state == turn.state


@pytest.mark.parametrize("action", ["close", "end"])
def test_others_neither_close_nor_end(action: str):
    """Only who began it, or a moderator."""
    turn = play(began(), EVEN)
    with pytest.raises(StoryError, match="Only the one who began"):
        play(turn, Act(action), BEN)


def test_a_model_that_fails_is_asked_again():
    """By anybody."""
    turn = play(began(), AskFailed())
    assert turn.ask is None
    assert any(one.action == "again" for row in RULES.view(stored(turn)).rows for one in row)
    assert play(turn, Act("again"), BEN).ask == began().ask


def test_rated_game_ends_with_the_results_of_those_who_bet():
    """Of others nothing is kept; unrated games have none."""
    for rated, expected in ((True, [2]), (False, [])):
        turn = play(began(rounds=1, rated=rated), EVEN)
        turn = play(turn, Act("sure", "A"), BEN)
        turn = play(turn, Act("close"), ANNA)
        assert [result.user_id for result in turn.results] == expected


@pytest.mark.parametrize(
    "options", [{"rounds": 0}, {"rounds": 11}, {"seconds": 5}, {"text": "none such"}]
)
def test_options_out_of_bounds_are_refused(options: dict[str, Any]):
    """By a sentence."""
    with pytest.raises(StoryError):
        began(**options)


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["sure", "spread", "close", "next", "again", "end", "odd"]),
            st.text(max_size=20) | st.sampled_from(["A", "B", "1 2 3 4"]),
            st.sampled_from([ANNA, BEN, replace(BEN, user_id=3, name="> @everyone\n```**")]),
        ),
        max_size=30,
    )
)
def test_any_clicks_leave_a_game_that_can_be_shown(clicks: list[tuple[str, str, Player]]):
    """In bounds, with buttons that fit, and stored as JSON."""
    turn = began(rounds=3)
    for action, value, player in clicks:
        if turn.ask is not None:
            turn = play(turn, EVEN)
        try:
            turn = play(turn, Act(action, value), player)
        except StoryError:
            continue
        view = RULES.view(stored(turn))
        assert length(view.text) <= 1900
        assert len(view.rows) <= 5
        assert all(len(row) <= 5 for row in view.rows)
        assert "```" not in view.text
        assert "\n@" not in view.text
        assert all(
            len(one.action) <= 12 and len(one.value) <= 20 for row in view.rows for one in row
        )
