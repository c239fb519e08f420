"""What a prompt may be."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.prompts import MAX_PROMPT_CHARACTERS, clean_prompt
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
