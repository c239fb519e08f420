"""The generic cell rate algorithm: how a rate limit counts, as arithmetic and nothing else.

Used by `simulation`; the scripts of the real limiter count by the same rules. One number is kept
for each bucket, the theoretical arrival time (TAT): when the bucket will be full again.
"""

import math
from dataclasses import dataclass
from typing import NamedTuple

# Times in ms since 1970 are doubles to a quarter of a microsecond; what adds up over many
# requests must not refuse the last one of a burst.
_ROUNDING_MS = 1.0


class Verdict(NamedTuple):
    """What became of one request.

    Attributes:
        allowed: whether it may go on.
        tat_ms: the bucket's new TAT (Unix time in ms); of a refused request the old one.
        left: how many units are left in the bucket now.
        retry_at_ms: when the same request would be allowed (Unix time in ms): now, where it is;
            infinity, where it costs more than the bucket holds.
    """

    allowed: bool
    tat_ms: float
    left: int
    retry_at_ms: float


@dataclass(frozen=True, slots=True)
class Gcra:
    """One rule of "so many units in such a time".

    Attributes:
        interval_ms: how long one unit takes to come back; above 0.
        burst: how many units a full bucket holds; at least 1.
    """

    interval_ms: float
    burst: int

    def check(self, tat_ms: float, now_ms: float, cost: int) -> Verdict:
        """Whether a request may go on.

        Args:
            tat_ms: the bucket's TAT; 0 for one that was never used.
            now_ms: Unix time in ms.
            cost: units the request takes; at least 0.
        """
        room_ms = self.burst * self.interval_ms
        base_ms = max(tat_ms, now_ms)
        new_ms = base_ms + cost * self.interval_ms
        if new_ms - now_ms <= room_ms + _ROUNDING_MS:
            return Verdict(True, new_ms, self._left(new_ms - now_ms), now_ms)
        retry_at_ms = new_ms - room_ms if cost <= self.burst else math.inf
        return Verdict(False, tat_ms, self._left(base_ms - now_ms), retry_at_ms)

    def settle(
        self, tat_ms: float, now_ms: float, *, charged_tat_ms: float, charged: int, real: int
    ) -> float:
        """The TAT once it is known that a request cost `real` units and not those charged.

        What came back by itself in the meantime is not given back again.

        Args:
            tat_ms: the bucket's TAT.
            now_ms: Unix time in ms.
            charged_tat_ms: the TAT that the charge left.
            charged: units that were charged.
            real: units that it cost.
        """
        unspent_ms = min(0.0, now_ms - charged_tat_ms)
        return max(tat_ms, now_ms) + max((real - charged) * self.interval_ms, unspent_ms)

    def _left(self, used_ms: float) -> int:
        room_ms = self.burst * self.interval_ms - used_ms + _ROUNDING_MS
        return min(self.burst, max(0, math.floor(room_ms / self.interval_ms)))
