"""Remembers what was read from Redis, for a while, and for longer while Redis is away.

Owned by `redis_settings`. Whoever hears of a change calls `expire`; who hears of none reads anew
when the time to live is over.
"""

from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

from bot.errors import QueueDownError

K = TypeVar("K")
V = TypeVar("V")

_ASK_AGAIN_S = 2.0  # while Redis is away, not every request has to wait to learn it


class SettingsCache(Generic[K, V]):
    """Values by key, the least used of too many forgotten.

    Args:
        clock: monotonic seconds.
        ttl_s: how long a value counts as known.
        capacity: how many values are kept.
    """

    def __init__(self, *, clock: Callable[[], float], ttl_s: float, capacity: int) -> None:
        self._clock = clock
        self._ttl_s = ttl_s
        self._capacity = capacity
        self._values: OrderedDict[K, tuple[V, float]] = OrderedDict()  # value, good until
        self._expiries = 0

    async def get(self, key: K, fetch: Callable[[], Awaitable[V]]) -> V:
        """The value, fetched where it is not known any more.

        Raises:
            QueueDownError: it can't be fetched, and never was.
        """
        known = self._values.get(key)
        if known is not None and self._clock() < known[1]:
            self._values.move_to_end(key)
            return known[0]
        expiries = self._expiries
        try:
            value = await fetch()
        except QueueDownError:
            if known is None:
                raise
            self._keep(key, known[0], _ASK_AGAIN_S)
            return known[0]
        # What changed while it was on its way may be missing in it.
        self._keep(key, value, self._ttl_s if expiries == self._expiries else 0.0)
        return value

    def expire(self, key: K | None = None) -> None:
        """The value (None: every value) must be fetched anew; it still does while Redis is away."""
        self._expiries += 1
        for one in list(self._values) if key is None else [key]:
            if one in self._values:
                self._values[one] = self._values[one][0], 0.0

    def _keep(self, key: K, value: V, for_s: float) -> None:
        self._values[key] = value, self._clock() + for_s
        self._values.move_to_end(key)
        while len(self._values) > self._capacity:
            self._values.popitem(last=False)
