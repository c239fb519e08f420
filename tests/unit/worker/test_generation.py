"""How a text grows and where it ends."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.model.tokenizers.byte_pair import StreamDecoder
from bot.worker.generation import End, Generation
from tests.unit.worker.workshop import byte_tokenizer

TOKENIZER = byte_tokenizer()
END_OF_TEXT = 256


def generation(stop: tuple[str, ...] = (), length: int = 1000, window_full: bool = False):
    """A text of byte tokens."""
    return Generation(
        StreamDecoder(TOKENIZER),
        max_new_tokens=length,
        end_of_text_id=END_OF_TEXT,
        stop=stop,
        window_full=window_full,
    )


@given(
    text=st.text(alphabet="abEN D🦊é\n", max_size=60),
    stop=st.lists(st.text(alphabet="abEN", min_size=1, max_size=4), max_size=3),
)
def test_stop_strings_across_tokens(text: str, stop: list[str]):
    """The text ends before the first stop string, and never showed any part of it."""
    growing = generation(tuple(stop))
    seen = [""]
    for byte in text.encode():
        growing.feed(byte)
        seen.append(growing.text)
    growing.finish(End.LENGTH)

    # One character at a time: the stop string that is complete first, the longest of those.
    expected = text
    for n in range(len(text) + 1):
        if complete := [one for one in stop if text[:n].endswith(one)]:
            expected = text[: n - max(map(len, complete))]
            break
    assert expected == growing.text
    assert all(expected.startswith(shown) for shown in seen)
    assert (End.STOP_STRING if expected != text else End.LENGTH) is growing.end


@pytest.mark.parametrize(
    ("full", "end"), [(False, End.LENGTH), (True, End.WINDOW)], ids=["asked", "window"]
)
def test_length_ends_the_text(full: bool, end: End):
    """Later tokens change nothing."""
    growing = generation(length=3, window_full=full)
    for byte in b"abcdef":
        growing.feed(byte)

    assert ("abc", end, 3) == (growing.text, growing.end, growing.n_tokens)


def test_end_of_text_ends_the_text():
    """What was held back as a possible stop string belongs to it after all."""
    growing = generation(stop=("END",))
    for token in [*b"the EN", END_OF_TEXT]:
        growing.feed(token)

    assert ("the EN", End.END_OF_TEXT) == (growing.text, growing.end)


def test_stopped_text_keeps_what_exists():
    """Half a character at the end is not shown broken."""
    growing = generation()
    for token in "fox 🦊".encode()[:-1]:
        growing.feed(token)
    growing.finish(End.STOPPED)

    assert ("fox ", End.STOPPED) == (growing.text, growing.end)


def test_control_characters_are_left_out():
    """A model may write any byte; a NUL never reaches the reply."""
    growing = generation()
    for token in b"a\x00b\r\nc":
        growing.feed(token)

    assert "ab\nc" == growing.text
