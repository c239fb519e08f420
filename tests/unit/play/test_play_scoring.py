"""Proper scores: it pays to say what one believes."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.play.scoring import FLOOR, bits, brier, mean, payout, shares, softmax

BETS = st.lists(st.integers(0, 100), min_size=4, max_size=4).filter(any)


@given(BETS)
def test_shares_are_probabilities(bets: list[int]):
    """None of them nothing, none of them all."""
    found = shares(bets)
    assert math.isclose(sum(found), 1)
    assert all(FLOOR - 1e-12 <= one < 1 for one in found)


@given(BETS, BETS)
def test_nobody_gains_by_saying_something_else(belief: list[int], said: list[int]):
    """The mean of the log score is greatest where bet and belief are the same."""
    true, told = shares(belief), shares(said)

    def expected(bet: tuple[float, ...]) -> float:
        return -sum(one * bits(other) for one, other in zip(true, bet, strict=True))

    assert expected(told) <= expected(true) + 1e-9


def test_payout_is_nothing_for_chance():
    """And 50 for each bit."""
    assert payout(0.25, 4) == 0
    assert payout(0.5, 4) == 50
    assert payout(0.125, 4) == -50


def test_softmax_of_options():
    """In proportion, and safe where one has next to nothing."""
    assert softmax((math.log(0.02), math.log(0.06))) == pytest.approx((0.25, 0.75))
    assert all(one > 0 for one in softmax((-5000.0, -1.0)))


def test_brier_and_mean():
    """Of certainty, of doubt, of nothing."""
    assert brier(1.0, True) == 0
    assert brier(0.5, False) == 0.25
    assert mean([]) is None
    assert mean([1, 2]) == 1.5
