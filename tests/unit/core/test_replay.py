"""A text that is made again: what is asked for, and what is said of it."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.outputs import Output
from bot.core.replay import Remade, again, replay_words
from tests.contract.outputs_backends import make_output

OUTPUT = make_output("ABC", text="the quick brown fox", weights="ab" * 32)


def remade(output: Output = OUTPUT, **changes: object) -> Remade:
    """The same, on the same worker, but for the changes."""
    same = Remade(
        text=output.text, n_tokens=output.n_tokens, end=output.end,
        quantization=output.quantization, weights=output.weights, engine=output.engine,
        is_repeatable=output.is_repeatable,
    )  # fmt: skip
    return replace(same, **changes)


def test_same_text_is_identical():
    """Whatever else is different."""
    for changes in ({}, {"engine": "other", "is_repeatable": False}, {"weights": ""}):
        words = replay_words(OUTPUT, remade(**changes))
        assert words.startswith("Identical: all 19 characters came out the same again.")
        assert words.endswith("-# small q8\\_0 · replay of receipt ABC · seed 7")


def test_departure_is_shown_from_before_it():
    """Both ways, with its place."""
    lines = replay_words(OUTPUT, remade(text="the quick red fox")).split("\n")

    assert "It departs after 10 of 19 characters." == lines[0]
    assert "> Then: the quick **brown fox**" == lines[1]
    assert "> Now: the quick **red fox**" == lines[2]


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({}, "so this is a fault"),
        ({"weights": "cd" * 32}, "The model file is another one"),
        ({"weights": ""}, "The model file may be another one"),
        ({"quantization": "f16"}, "stored as q8\\_0 then, and are stored as f16 now"),
        ({"engine": "wide*"}, "wrote it then: scripted; now it is wide\\*"),
        ({"is_repeatable": False}, "does not promise the same text again"),
    ],
)
def test_reason_of_a_departure_is_named(changes: dict[str, object], why: str):
    """As far as anybody can know it."""
    words = replay_words(OUTPUT, remade(text="the quick red fox", **changes))

    assert why in words
    assert ("this is a fault" in words) == (not changes)


def test_replay_that_is_stopped_is_compared_as_far_as_it_came():
    """A departure before that is one all the same."""
    words = replay_words(OUTPUT, remade(text="the quick", end="stopped"))
    assert words.startswith("Identical so far: it was stopped after 9 of 19 characters.")
    assert "departs" in replay_words(OUTPUT, remade(text="the quirk", end="stopped"))
    assert "departs after 9" in replay_words(OUTPUT, remade(text="the quick"))


def test_hidden_words_stay_hidden():
    """Also where a word that is hidden is all that differs."""
    words = replay_words(
        OUTPUT, remade(text="the quick brown ox"), lambda text: text.replace("brown", "▒▒▒▒▒")
    )
    assert "brown" not in words
    hidden = replay_words(OUTPUT, remade(text="the"), lambda _text: "▒")
    assert "It departs after 3 of 19 characters. What differs is hidden" in hidden


@given(st.text(), st.text())
def test_words_fit_into_a_message(then: str, now: str):
    """Whatever was written."""
    output = make_output(text=then)
    words = replay_words(output, remade(output, text=now))

    assert ("Identical" in words) == (then == now)
    assert len(words) < 1_500


@pytest.mark.parametrize("end", ["stopped", "deadline"])
def test_text_that_was_cut_short_is_written_as_far_as_it_came(end: str):
    """And not cut back to its last sentence, as one of full length would be."""
    output = make_output(end=end, n_tokens=3, max_new_tokens=50)
    output = replace(output, sampling=replace(output.sampling, end_at_sentence=True))

    assert (3, replace(output.sampling, end_at_sentence=False)) == again(output)


@pytest.mark.parametrize("end", ["length", "end of text", "loop", "window", "stop string"])
def test_text_that_ended_by_itself_is_asked_for_as_it_was(end: str):
    """It will end there again."""
    output = make_output(end=end, n_tokens=3, max_new_tokens=50)

    assert (50, output.sampling) == again(output)
