"""What a prompt may be, and how it fits the window."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.prompts import MAX_PROMPT_CHARACTERS, clean_prompt, fit_window
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


@given(
    n_tokens=st.integers(1, 3000), n_ctx=st.integers(2, 1024), max_new_tokens=st.integers(1, 1000)
)
def test_prompt_and_text_never_exceed_the_window(n_tokens: int, n_ctx: int, max_new_tokens: int):
    """The newest tokens stay, something can always be written, the count of the rest is right."""
    fitted = fit_window(range(n_tokens), n_ctx, max_new_tokens)

    assert len(fitted.tokens) + fitted.max_new_tokens <= n_ctx
    assert 1 <= fitted.max_new_tokens <= max_new_tokens
    assert tuple(range(n_tokens))[fitted.dropped :] == fitted.tokens
    assert len(fitted.tokens) >= 1


def test_short_prompt_loses_nothing():
    """The window is big enough for both: nothing is dropped, everything asked for is given."""
    fitted = fit_window(range(100), 512, 300)

    assert (0, 300) == (fitted.dropped, fitted.max_new_tokens)
