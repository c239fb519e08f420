"""How the worker waits between tries: longer each time, up to a bound, with jitter.

Used around Redis and Discord calls. Whoever retries decides how long.
"""

import asyncio
import random

_FIRST_S = 0.2
_LONGEST_S = 5.0


class Backoff:
    """The waits between the tries of one thing."""

    def __init__(self, rng: random.Random, *, longest_s: float = _LONGEST_S) -> None:
        self._rng = rng
        self._longest_s = longest_s
        self._next_s = _FIRST_S

    async def wait(self) -> None:
        """Waits; the next time up to twice as long."""
        wait_s = self._next_s * self._rng.uniform(0.5, 1.0)
        self._next_s = min(self._longest_s, self._next_s * 2)
        await asyncio.sleep(wait_s)

    def reset(self) -> None:
        """Starts again with short waits, after a success."""
        self._next_s = _FIRST_S
