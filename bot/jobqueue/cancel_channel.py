"""Listens to the pool's channel of cancelled jobs, over broken connections too.

Owned by `redis_queue`. Best effort by nature: what is published while nobody listens is gone.
"""

import time
from collections.abc import Awaitable
from typing import Any, cast

from redis.asyncio.client import PubSub
from redis.exceptions import RedisError

from bot.storage.cancellation import heed_cancel
from bot.storage.clients import RedisClient
from bot.storage.scripts import down_error


class CancelChannel:
    """A subscription that starts with the first wait and renews itself after an error."""

    def __init__(self, client: RedisClient, channel: str) -> None:
        self._client = client
        self._channel = channel
        self._subscription: PubSub | None = None

    async def wait(self, wait_s: float) -> list[str]:
        """Ids published since the last call; waits up to `wait_s` for the first.

        Raises:
            QueueDownError: the connection broke; the next call subscribes anew.
        """
        until_s = time.monotonic() + wait_s
        try:
            subscription = await self._subscribed()
            job_ids: list[str] = []
            while True:
                left_s = 0.0 if job_ids else max(0.0, until_s - time.monotonic())
                reply = cast(
                    "Awaitable[dict[str, Any] | None]", subscription.get_message(timeout=left_s)
                )
                message = await heed_cancel(reply)
                if message is not None and message["type"] == "message":
                    job_ids.append(str(message["data"]))
                elif message is None and (job_ids or time.monotonic() >= until_s):
                    return job_ids
        except (RedisError, OSError) as error:
            await self.close()
            raise down_error(error) from error

    async def close(self) -> None:
        """Gives the connection back; safe to call twice."""
        subscription, self._subscription = self._subscription, None
        if subscription is not None:
            await subscription.aclose()

    async def _subscribed(self) -> PubSub:
        if self._subscription is None:
            self._subscription = self._client.pubsub()  # pyright: ignore[reportUnknownMemberType]  # untyped **kwargs
            await heed_cancel(self._subscription.subscribe(self._channel))
        return self._subscription
