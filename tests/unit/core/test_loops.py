"""Texts that say the same again and again."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.loops import tokens_before_loop


@given(
    start=st.lists(st.integers(100, 10**6), max_size=80, unique=True),
    period=st.lists(st.integers(0, 99), min_size=1, max_size=12, unique=True),
)
def test_a_period_ends_the_text_within_its_first_repeat(start: list[int], period: list[int]):
    """It is noticed within 64 tokens, and what comes before it stays."""
    tokens, n_kept = list(start), None
    for n in range(64):
        tokens.append(period[n % len(period)])
        if (n_kept := tokens_before_loop(tokens)) is not None:
            break
    assert n_kept is not None
    assert len(start + period) <= n_kept <= len(start + period + period)


def test_one_4_gram_among_other_words_is_a_loop_at_its_fifth_time():
    """Four repeats in 64 tokens; the first occurrence and one repeat stay."""
    verse = [1, 2, 3, 4]
    text = [token for n in range(4) for token in (*range(10 * n + 10, 10 * n + 16), *verse)]

    assert tokens_before_loop(text) is None
    assert 20 == tokens_before_loop([*text, 90, 91, *verse])


@pytest.mark.parametrize("tokens", [[], [1], [1] * 15, list(range(64)), [1, 2] * 7])
def test_short_repetitions_are_no_loop(tokens: list[int]):
    """A laugh, a row of dashes."""
    assert tokens_before_loop(tokens) is None


@given(st.lists(st.integers(0, 2), max_size=100))
def test_what_is_kept_is_part_of_the_text(tokens: list[int]):
    """And never nothing."""
    n_kept = tokens_before_loop(tokens)
    assert n_kept is None or 0 < n_kept <= len(tokens)
