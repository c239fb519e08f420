"""Discord's rate limit of a webhook: so many requests in a window, said in headers.

Pure: the clock is an argument. The REST front asks and sends what comes out.
Headers: https://discord.com/developers/docs/topics/rate-limits
"""

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class RateLimit:
    """At most `requests` in `window_s` seconds, for each webhook (an interaction's replies too)."""

    requests: int = 5
    window_s: float = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowance:
    """What a request was told.

    Attributes:
        remaining: requests left in this window.
        reset_after_s: until the window ends.
        allowed: False for a request beyond the limit.
        scope: whose limit it is: user, shared or global.
    """

    limit: int
    remaining: int
    reset_after_s: float
    allowed: bool
    bucket: str
    scope: str = "user"

    def headers(self, now_s: float) -> dict[str, str]:
        """The headers that go with the answer; `now_s` is Unix time."""
        refusal: dict[str, str] = {}
        if not self.allowed:
            refusal = {
                "X-RateLimit-Scope": self.scope,
                "Retry-After": str(math.ceil(self.reset_after_s)),
            }
        if self.scope == "global":  # a limit of no bucket
            return refusal | {"X-RateLimit-Global": "true"}
        return refusal | {
            "X-RateLimit-Limit": str(self.limit),
            "X-RateLimit-Remaining": str(self.remaining),
            "X-RateLimit-Reset": f"{now_s + self.reset_after_s:.3f}",
            "X-RateLimit-Reset-After": f"{self.reset_after_s:.3f}",
            "X-RateLimit-Bucket": self.bucket,
        }


class RateLimiter:
    """Windows by webhook; each starts with its first request."""

    def __init__(self, limit: RateLimit) -> None:
        self.limit = limit
        self._windows: dict[str, tuple[float, int]] = {}  # webhook: (ends at, requests so far)

    def take(self, webhook: str, now_s: float) -> Allowance:
        """Counts one request; `now_s` is of any clock that only goes forward."""
        ends_at_s, used = self._windows.get(webhook, (0.0, 0))
        if now_s >= ends_at_s:
            self._forget_ended(now_s)
            ends_at_s, used = now_s + self.limit.window_s, 0
        allowed = used < self.limit.requests
        used += allowed
        self._windows[webhook] = (ends_at_s, used)
        return Allowance(
            limit=self.limit.requests,
            remaining=self.limit.requests - used,
            reset_after_s=ends_at_s - now_s,
            allowed=allowed,
            bucket=f"{abs(hash(webhook)):016x}",
        )

    def _forget_ended(self, now_s: float) -> None:
        self._windows = {key: value for key, value in self._windows.items() if value[0] > now_s}
