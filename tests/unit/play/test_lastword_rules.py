"""The duel over the last word: what counts as right, who may what."""

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.markdown import length
from bot.errors import StoryError
from bot.play.api import Act, Answered, AskFailed, Player, PlayMove, Texts, Tick, Turn, WroteTexts
from bot.play.lastword import LastWord, State, first_word, same_word
from bot.play.passages import passages

ANNA = Player(user_id=1, name="Anna", at_s=1000.0, is_host=True)
BEN = Player(user_id=2, name="Ben", at_s=1000.0)
NOBODY = Player(user_id=0, name="", at_s=1000.0)
RULES = LastWord()


def stored(turn: Turn) -> dict[str, Any]:
    return json.loads(json.dumps(turn.state))


def play(turn: Turn, move: PlayMove, player: Player = NOBODY) -> Turn:
    return RULES.play(stored(turn), move, player)


def state_of(turn: Turn) -> State:
    return State.from_dict(stored(turn))


def guessing(model: str = " nothing.", **options: Any) -> Turn:
    return play(RULES.begin(options, ANNA, 3), Answered(WroteTexts((model,))))


def test_the_last_word_is_not_shown_before_its_time():
    """Nor handed to the model."""
    turn = RULES.begin({}, ANNA, 3)
    state = state_of(turn)
    assert isinstance(turn.ask, Texts)
    assert turn.ask.is_greedy
    assert turn.ask.prompt == state.before
    assert f"{state.before} {state.word}" == passages("lastword")[state.titles[0]].text
    assert f"**{state.word}**" not in RULES.view(stored(guessing())).text


@pytest.mark.parametrize("title", sorted(passages("lastword")))
def test_each_last_word_stands_in_its_text_before_or_can_be_told(title: str):
    """As in LAMBADA: a single word of letters."""
    word = passages("lastword")[title].words[-1]
    assert word.isalpha()
    assert len(passages("lastword")[title].words) >= 40


def test_right_words_count_for_people_and_for_the_model():
    """Whatever their case and the marks around them."""
    word = state_of(RULES.begin({}, ANNA, 3)).word
    turn = guessing(f" {word.upper()}, and more", rounds=1)
    turn = play(turn, Act("guess", f" “{word.title()}.” "), ANNA)
    turn = play(turn, Act("guess", "zebra"), BEN)
    turn = play(turn, Tick(), replace(NOBODY, at_s=1060.0))
    state = state_of(turn)

    assert turn.is_over
    assert (state.points, state.model_points) == ({"1": 1, "2": 0}, 1)
    assert "the model knew it" in RULES.view(stored(turn)).text


def test_the_last_guess_of_a_player_counts():
    """And is told to them alone."""
    turn = play(guessing(rounds=1), Act("guess", "zebra"), BEN)
    turn = play(turn, Act("guess", state_of(turn).word), BEN)
    assert state_of(turn).word in turn.notice
    assert state_of(play(turn, Act("close"), ANNA)).points == {"2": 1}


@pytest.mark.parametrize("typed", ["", "two words", "...", "  "])
def test_what_is_no_word_is_refused(typed: str):
    """By a sentence."""
    with pytest.raises(StoryError, match="one word"):
        play(guessing(), Act("guess", typed), BEN)


def test_words_are_taken_in_their_time_only():
    """Not before the model has answered, and not after the reveal."""
    begun = RULES.begin({}, ANNA, 3)
    with pytest.raises(StoryError, match="No words"):
        play(begun, Act("guess", "fox"), BEN)
    with pytest.raises(StoryError, match="No words"):
        play(play(guessing(), Act("close"), ANNA), Act("guess", "fox"), BEN)


def test_a_silent_model_has_no_word():
    """Which is wrong."""
    turn = play(play(RULES.begin({}, ANNA, 3), Answered(WroteTexts(()))), Act("close"), ANNA)
    assert state_of(turn).model_points == 0
    failed = play(RULES.begin({}, ANNA, 3), AskFailed())
    assert play(failed, Act("again"), BEN).ask is not None


def test_rated_games_have_results():
    """Of those who guessed."""
    turn = play(guessing(rounds=1, rated=True), Act("guess", "fox"), BEN)
    results = play(turn, Act("close"), ANNA).results
    assert [(one.user_id, one.points) for one in results] == [(2, 0)]


@pytest.mark.parametrize(
    ("text", "word"), [(" fox.", "fox"), ("\n“Fox,” he", "Fox"), ("", ""), (" … ", "…")]
)
def test_first_word_of_the_model(text: str, word: str):
    """Without marks."""
    assert first_word(text) == word


@given(st.text(max_size=30))
def test_a_word_is_the_same_as_itself(word: str):
    """However it is written."""
    assert same_word(word, word)
    assert same_word(f" {word}", word) or not word.strip()


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["guess", "close", "next", "again", "end", "odd"]),
            st.text(max_size=40),
            st.sampled_from([ANNA, BEN, replace(BEN, user_id=3, name="> @everyone\n```**")]),
        ),
        max_size=30,
    )
)
def test_any_clicks_leave_a_duel_that_can_be_shown(clicks: list[tuple[str, str, Player]]):
    """In bounds, and stored as JSON."""
    turn = RULES.begin({"rounds": 3}, ANNA, 9)
    for action, value, player in clicks:
        if turn.ask is not None:
            turn = play(turn, Answered(WroteTexts((" fox",))))
        try:
            turn = play(turn, Act(action, value), player)
        except StoryError:
            continue
        view = RULES.view(stored(turn))
        assert length(view.text) <= 1900
        assert "```" not in view.text
