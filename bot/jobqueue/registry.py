"""Which models are announced by workers: one sorted set beside the pools, model -> last seen (ms).

Workers write it with their heartbeat, the bot reads it at each command. A pool's own keys can't
tell: nobody knows the pool before its model's name.
"""

from typing import Any, cast

from redis.exceptions import RedisError

from bot.storage.cancellation import heed_cancel
from bot.storage.scripts import down_error

_KEEP_S = 24 * 3600


class RedisModelRegistry:
    """The models of one installation.

    Args:
        client: for commands that answer at once.
        base: what the names of all pools of the installation begin with.
    """

    def __init__(self, client: Any, *, base: str) -> None:
        self._client = client
        self._key = f"{{{base}-models}}:seen"

    async def announce(self, model: str) -> None:
        """Says that a worker serves a model now.

        Raises:
            QueueDownError: Redis can't be reached.
        """
        try:
            now_ms = await self._now_ms()
            await heed_cancel(self._client.zadd(self._key, {model: now_ms}))
            oldest = now_ms - _KEEP_S * 1000
            await heed_cancel(self._client.zremrangebyscore(self._key, "-inf", oldest))
        except (RedisError, OSError) as error:
            raise down_error(error) from error

    async def seen(self, within_s: float) -> list[str]:
        """Models announced in the last `within_s` seconds, sorted.

        Raises:
            QueueDownError: Redis can't be reached.
        """
        try:
            oldest = await self._now_ms() - within_s * 1000
            found = await heed_cancel(self._client.zrangebyscore(self._key, oldest, "+inf"))
        except (RedisError, OSError) as error:
            raise down_error(error) from error
        return sorted(cast("list[str]", found))

    async def _now_ms(self) -> float:
        """The server's time: the processes' clocks may differ."""
        seconds, micros = cast("tuple[int, int]", await heed_cancel(self._client.time()))
        return int(seconds) * 1000 + int(micros) / 1000


class MemoryModelRegistry:
    """The same in this process's memory, for tests: what is announced stays."""

    def __init__(self, *models: str) -> None:
        self._models = set(models)

    async def announce(self, model: str) -> None:
        """Says that a worker serves a model now."""
        self._models.add(model)

    async def seen(self, within_s: float) -> list[str]:
        """All that were announced, sorted."""
        del within_s
        return sorted(self._models)
