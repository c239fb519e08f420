"""The limit that the local Discord puts on each webhook."""

from hypothesis import given
from hypothesis import strategies as st

from bot.local.rate_limits import RateLimit, RateLimiter


def test_requests_beyond_the_limit_wait_for_the_window_to_end() -> None:
    """Two of three go through; the third is told when to come back."""
    limiter = RateLimiter(RateLimit(requests=2, window_s=5.0))
    answers = [limiter.take("a", now_s) for now_s in (10.0, 11.0, 12.0, 15.0)]
    assert [True, True, False, True] == [answer.allowed for answer in answers]
    assert [1, 0, 0, 1] == [answer.remaining for answer in answers]
    assert 3.0 == answers[2].reset_after_s


def test_webhooks_do_not_share_their_windows() -> None:
    """A reply that is edited often leaves the others alone."""
    limiter = RateLimiter(RateLimit(requests=1))
    assert limiter.take("a", 1.0).allowed
    assert limiter.take("b", 1.0).allowed
    assert not limiter.take("a", 1.0).allowed


def test_a_refusal_says_when_to_come_back() -> None:
    """Retry-After is in whole seconds, rounded up; the others are exact."""
    limiter = RateLimiter(RateLimit(requests=1, window_s=2.5))
    first = limiter.take("a", 1.0).headers(1000.0)
    second = limiter.take("a", 2.0).headers(1001.0)
    assert "Retry-After" not in first
    assert ("2", "1.500", "1002.500") == (
        second["Retry-After"],
        second["X-RateLimit-Reset-After"],
        second["X-RateLimit-Reset"],
    )


@given(st.lists(st.floats(min_value=0.0, max_value=3.0), max_size=60))
def test_no_two_windows_hold_more_than_twice_the_limit(gaps_s: list[float]) -> None:
    """Whatever the pauses, eleven requests that got through reach over a whole window."""
    limiter = RateLimiter(RateLimit(requests=5, window_s=5.0))
    now_s, allowed = 1.0, list[float]()
    for gap_s in gaps_s:
        now_s += gap_s
        if limiter.take("a", now_s).allowed:
            allowed.append(now_s)
    for first_s, eleventh_s in zip(allowed, allowed[10:], strict=False):
        assert eleventh_s - first_s >= 5.0 - 1e-6
