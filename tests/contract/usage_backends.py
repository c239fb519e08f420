"""One way to make a usage store, whatever it is built on."""

import secrets
import time
from contextlib import AsyncExitStack

from bot.core.jobs import JobState
from bot.core.usage import Asked, Ended, Outcome
from bot.state.memory_usage import MemoryUsage
from bot.state.redis_usage import RedisUsage
from bot.state.usage_api import UsageStore
from bot.storage.connect import ANSWER_TIMEOUT_S, open_client
from tests.redis_servers import RedisServer

GUILD, CHANNEL, USER = 10, 20, 100


class UsageBackend:
    """Makes stores of one kind."""

    def __init__(self, server: RedisServer | None, stack: AsyncExitStack) -> None:
        self.server = server
        self.pool = f"test-{secrets.token_hex(6)}"
        self._stack = stack

    async def store(self, max_records: int = 50_000) -> UsageStore:
        """An empty store."""
        if self.server is None:
            return MemoryUsage(clock=time.time, max_records=max_records)
        client = await self._stack.enter_async_context(
            open_client(self.server.url, ANSWER_TIMEOUT_S)
        )
        return RedisUsage(client, pool=self.pool, max_records=max_records)


def asked(job_id: str, **changes: object) -> Asked:
    """A request that was accepted."""
    values: dict = {"guild_id": GUILD, "channel_id": CHANNEL, "user_id": USER, "tokens": 130}
    return Asked(job_id=job_id, **(values | {"outcome": Outcome.ACCEPTED} | changes))


def ended(job_id: str, **changes: object) -> Ended:
    """Its end."""
    values: dict = {"state": JobState.DONE, "tokens_read": 10, "tokens_written": 90}
    return Ended(job_id=job_id, **(values | {"waited_s": 1.5} | changes))
