"""Counts the calls that Discord holds against this address: it bans who makes too many.

https://discord.com/developers/docs/topics/rate-limits#invalid-request-limit-aka-cloudflare-bans
Pure: the clock is an argument. Used by `calls`, which then leaves out what can be left out.
"""

from collections import deque

_WINDOW_S = 600.0
MANY = 2000  # of the 10,000 that Discord allows: there may be other processes on this address
_OFFENCES = (401, 403, 429)


class Offences:
    """Those of the last ten minutes."""

    def __init__(self) -> None:
        self._at_s: deque[float] = deque(maxlen=MANY)

    def note(self, status: int, scope: str | None, now_s: float) -> None:
        """Takes an answer's status and the scope of its limit; `now_s` only goes forward."""
        if status in _OFFENCES and scope != "shared":
            self._at_s.append(now_s)

    def are_many(self, now_s: float) -> bool:
        """Whether nothing should be sent that need not be."""
        return len(self._at_s) == MANY and now_s - self._at_s[0] < _WINDOW_S
