"""How late the worker's event loop does what is due: edits, leases and Stop all wait for it.

Run by the worker, which logs the figures; `bardling bench bot` reads them there.
"""

import asyncio
from dataclasses import dataclass

_EVERY_S = 0.05
_BUCKET_S = 0.0005
_N_BUCKETS = 4000  # the last one is for all that is later


@dataclass(frozen=True, slots=True, kw_only=True)
class Lag:
    """What was measured; all in seconds."""

    n_samples: int
    p50_s: float
    p99_s: float
    longest_s: float


class LoopLag:
    """Looks again and again how late it is called. A few bytes, however long it runs."""

    def __init__(self) -> None:
        self._counts = [0] * _N_BUCKETS
        self._longest_s = 0.0

    async def run(self) -> None:
        """For ever; ends by cancellation."""
        loop = asyncio.get_running_loop()
        while True:
            due_s = loop.time() + _EVERY_S
            await asyncio.sleep(_EVERY_S)
            self.note(loop.time() - due_s)

    def note(self, lag_s: float) -> None:
        """Takes one measurement.

        While the loop stood still, nobody looked: those looks count as well, each with what it
        would have seen.
        """
        self._longest_s = max(self._longest_s, lag_s)
        while True:
            self._counts[min(_N_BUCKETS - 1, max(0, int(lag_s / _BUCKET_S)))] += 1
            lag_s -= _EVERY_S
            if lag_s <= 0:
                return

    def figures(self) -> Lag:
        """Everything so far."""
        return Lag(
            n_samples=sum(self._counts),
            p50_s=self._quantile(0.5),
            p99_s=self._quantile(0.99),
            longest_s=max(0.0, self._longest_s),
        )

    def _quantile(self, share: float) -> float:
        """The upper end of the bucket in which it lies."""
        wanted = share * sum(self._counts)
        seen = 0
        for index, count in enumerate(self._counts):
            seen += count
            if count and seen >= wanted:
                return (index + 1) * _BUCKET_S
        return 0.0
