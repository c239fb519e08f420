"""What a prompt may be."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.prompts import (
    KEPT_CHARACTERS,
    MAX_FILE_BYTES,
    MAX_PROMPT_CHARACTERS,
    clean_prompt,
    decode_file,
    newest_characters,
)
from bot.errors import PromptError


@given(st.text(max_size=MAX_PROMPT_CHARACTERS))
def test_any_text_is_usable_or_refused(text: str):
    """A cleaned prompt can be encoded, holds no control characters and is stable."""
    try:
        cleaned = clean_prompt(text)
    except PromptError:
        return

    assert cleaned == clean_prompt(cleaned)
    cleaned.encode()
    assert "\x00" not in cleaned
    assert cleaned == cleaned.rstrip()


@pytest.mark.parametrize("text", ["", " ", "\n\t", "\u200b\u2060", "\x00\x07", "\ufeff"])
def test_nothing_visible_is_refused(text: str):
    """The sentence says what to do."""
    with pytest.raises(PromptError, match="Write a few words"):
        clean_prompt(text)


def test_too_long_is_refused_with_the_bound():
    """The sentence names both lengths."""
    with pytest.raises(PromptError, match=r"6,001 characters; 6,000"):
        clean_prompt("x" * 6001)


def test_inner_text_is_kept_verbatim():
    """Only line ends, controls, halves of characters and the end change."""
    assert "a\n  b\ufffd\tc" == clean_prompt("a\r\n  b\ud83d\tc\x00 \n")


def test_limit_may_be_another():
    """A file has room for more."""
    assert "x" * 7000 == clean_prompt("x" * 7000, 7000)
    with pytest.raises(PromptError, match=r"7,001 characters; 7,000"):
        clean_prompt("x" * 7001, 7000)


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_file_is_read_with_and_without_its_mark(text: str):
    """As editors write it."""
    text = text.removeprefix("\ufeff")
    assert text == decode_file(text.encode())
    assert text == decode_file(text.encode("utf-8-sig"))


@given(st.binary())
def test_any_file_is_text_or_refused(data: bytes):
    """Nothing else is raised, and nothing is made up."""
    try:
        text = decode_file(data)
    except PromptError as error:
        assert "UTF-8" in str(error)
    else:
        assert data.removeprefix(b"\xef\xbb\xbf") == text.encode()


def test_longest_file():
    """The bound is in bytes."""
    assert MAX_FILE_BYTES == len(decode_file(b"x" * MAX_FILE_BYTES))
    with pytest.raises(PromptError, match="64 KB"):
        decode_file(b"x" * (MAX_FILE_BYTES + 1))


def test_end_of_a_long_text_is_kept():
    """That is what it goes on from."""
    assert "b" * KEPT_CHARACTERS == newest_characters("a" + "b" * KEPT_CHARACTERS)
    assert "short" == newest_characters("short")
