"""The rate limit's arithmetic, against what a bucket that fills evenly would say."""

import math

from hypothesis import given
from hypothesis import strategies as st

from bot.core.gcra import Gcra

NOW_MS = 1_795_000_000_000.0  # a real time: rounding errors are as large as they get
MINUTE_MS = 60_000


def test_full_burst_is_allowed_at_once_and_not_one_more():
    """The next unit comes back after one interval."""
    gcra = Gcra(interval_ms=MINUTE_MS / 3, burst=3)
    tat = 0.0
    for left in (2, 1, 0):
        allowed, tat, still_left, _ = gcra.check(tat, NOW_MS, 1)
        assert (True, left) == (allowed, still_left)

    allowed, after, left, retry_at = gcra.check(tat, NOW_MS, 1)

    assert (False, tat, 0, NOW_MS + MINUTE_MS / 3) == (allowed, after, left, retry_at)
    assert gcra.check(tat, retry_at, 1).allowed
    assert not gcra.check(tat, retry_at - 2, 1).allowed


@given(amount=st.integers(1, 1000), per_ms=st.sampled_from([60_000, 3_600_000, 86_400_000]))
def test_rounding_refuses_nobody(amount: int, per_ms: int):
    """However crooked the interval, all of a burst is allowed, and then nothing."""
    gcra, tat = Gcra(interval_ms=per_ms / amount, burst=amount), 0.0
    for _ in range(amount):
        allowed, tat, _, _ = gcra.check(tat, NOW_MS, 1)
        assert allowed
    assert not gcra.check(tat, NOW_MS, 1).allowed


@given(
    gaps_ms=st.lists(st.integers(0, 30_000), max_size=40),
    costs=st.lists(st.integers(0, 6), min_size=40, max_size=40),
    burst=st.integers(1, 5),
)
def test_it_is_a_bucket_that_fills_evenly(gaps_ms: list[int], costs: list[int], burst: int):
    """In whole numbers, so that the two can't differ by rounding."""
    interval_ms = 5_000
    gcra, tat, now = Gcra(interval_ms=interval_ms, burst=burst), 0.0, int(NOW_MS)
    level_ms = burst * interval_ms
    for gap_ms, cost in zip(gaps_ms, costs, strict=False):
        now += gap_ms
        level_ms = min(burst * interval_ms, level_ms + gap_ms)
        expected = cost * interval_ms <= level_ms
        if expected:
            level_ms -= cost * interval_ms

        allowed, tat, left, retry_at = gcra.check(tat, now, cost)

        assert (expected, level_ms // interval_ms) == (allowed, left)
        if not allowed and cost <= burst:
            assert now + cost * interval_ms - level_ms == retry_at


def test_what_costs_more_than_the_burst_is_never_allowed():
    """Not even of a full bucket."""
    assert math.inf == Gcra(interval_ms=1000, burst=5).check(0, NOW_MS, 6).retry_at_ms


def test_settling_gives_back_what_was_not_used():
    """A request that was charged 10 and cost 4 leaves as much as one that was charged 4."""
    gcra = Gcra(interval_ms=1000, burst=10)
    tat = gcra.check(0, NOW_MS, 10).tat_ms

    settled = gcra.settle(tat, NOW_MS, charged_tat_ms=tat, charged=10, real=4)

    assert gcra.check(0, NOW_MS, 4).tat_ms == settled
    assert gcra.check(settled, NOW_MS, 6).allowed


def test_settling_takes_what_was_not_charged():
    """Even where the bucket was full again: the text used it only now."""
    gcra = Gcra(interval_ms=1000, burst=10)
    tat = gcra.check(0, NOW_MS, 4).tat_ms

    for late_ms in (0, 4_000, 60_000):
        now = NOW_MS + late_ms
        settled = gcra.settle(tat, now, charged_tat_ms=tat, charged=4, real=7)
        assert max(tat, now) + 3000 == settled


def test_what_came_back_by_itself_is_not_given_back_again():
    """Charged 10, of which 7 are back when it turns out that it cost nothing: 3 are left to give.
    A bucket that was charged again in the meantime gets no more than those."""
    gcra = Gcra(interval_ms=1000, burst=10)
    first = gcra.check(0, NOW_MS, 10).tat_ms
    now = NOW_MS + 7_000
    second = gcra.check(first, now, 7).tat_ms

    settled = gcra.settle(second, now, charged_tat_ms=first, charged=10, real=0)
    much_later = gcra.settle(second, now + 3_000, charged_tat_ms=first, charged=10, real=0)

    assert now + 7_000 == settled
    assert second == much_later
