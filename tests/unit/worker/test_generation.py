"""How a text grows and where it ends."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.model.tokenizers.byte_pair import StreamDecoder
from bot.worker.generation import End, Generation
from tests.unit.worker.workshop import byte_tokenizer

TOKENIZER = byte_tokenizer()
END_OF_TEXT = 256


def generation(
    stop: tuple[str, ...] = (), length: int = 1000, window_full: bool = False, **guards: bool
):
    """A text of byte tokens."""
    return Generation(
        StreamDecoder(TOKENIZER),
        max_new_tokens=length,
        end_of_text_id=END_OF_TEXT,
        stop=stop,
        window_full=window_full,
        **guards,
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


class PieceDecoder:
    """Each token is a piece of text."""

    def __init__(self, pieces: list[str]) -> None:
        self._pieces = pieces

    def feed(self, token: int) -> str:
        return self._pieces[token]

    def flush(self) -> str:
        return ""


@given(
    text=st.text(alphabet="ab.E N\n", min_size=1, max_size=40),
    cuts=st.sets(st.integers(1, 40)),
    stop=st.lists(st.text(alphabet="abEN. ", min_size=1, max_size=4), max_size=2),
)
def test_ends_do_not_depend_on_where_tokens_are_cut(text: str, cuts: set[int], stop: list[str]):
    """Stop strings and sentence ends straddle tokens; shown text only grows until the end."""
    places = [0, *sorted(cut for cut in cuts if cut < len(text)), len(text)]
    pieces = [text[start:end] for start, end in pairwise(places)]
    found = []
    for some in (pieces, list(text)):
        growing = Generation(
            PieceDecoder(some),
            max_new_tokens=len(some),
            end_of_text_id=None,
            stop=tuple(stop),
            end_at_sentence=True,
            guard_loops=False,
        )
        shown = ""
        for token in range(len(some)):
            growing.feed(token)
            if growing.end is None:
                assert growing.text.startswith(shown)
                shown = growing.text
        found.append((growing.text, growing.end))
    assert found[0] == found[1]


@pytest.mark.parametrize("full", [False, True])
def test_text_as_long_as_asked_ends_with_its_last_sentence(full: bool):
    """What was shown beyond it goes; the end stays what it was."""
    growing = generation(length=14, window_full=full, end_at_sentence=True)
    for byte in b"It ran. And so":
        growing.feed(byte)

    assert ("It ran.", End.WINDOW if full else End.LENGTH) == (growing.text, growing.end)
    assert 14 == growing.n_tokens


@pytest.mark.parametrize("end", [End.STOPPED, End.DEADLINE, End.END_OF_TEXT])
def test_other_ends_keep_half_sentences(end: End):
    """Who presses Stop keeps what is there."""
    growing = generation(end_at_sentence=True)
    for byte in b"It ran. And so":
        growing.feed(byte)
    growing.finish(end)

    assert "It ran. And so" == growing.text


def test_loop_ends_the_text_and_is_cut_off():
    """The first occurrence and one repeat stay; more was shown meanwhile."""
    growing, longest = generation(guard_loops=True, stop=("no!",)), ""
    for byte in b"He said: " + b"no no " * 10:
        growing.feed(byte)
        longest = max(longest, growing.text, key=len)

    assert ("He said: no no", End.LOOP) == (growing.text, growing.end)
    assert len(longest) > len(growing.text)


def test_loop_goes_on_without_guard():
    """Where a person asked for the model as it is."""
    growing = generation()
    for byte in b"no " * 30:
        growing.feed(byte)

    assert ("no " * 30, None) == (growing.text, growing.end)


def test_end_of_text_can_be_ignored():
    """As OpenAI's script does; the token is text then."""
    growing = generation(ignore_end_of_text=True)
    for token in [*b"one ", END_OF_TEXT, *b" two"]:
        growing.feed(token)

    assert growing.end is None
    assert growing.text.startswith("one ")
    assert growing.text.endswith(" two")
