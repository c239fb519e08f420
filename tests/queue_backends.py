"""One way to make a queue and to let its time pass, whatever the queue is built on."""

import asyncio
import secrets
import time
from contextlib import AsyncExitStack

from bot.core.jobs import Job
from bot.jobqueue.api import JobQueue
from bot.jobqueue.connect import open_queue
from bot.jobqueue.limits import QueueLimits
from bot.jobqueue.memory_queue import MemoryQueue
from tests.factories import make_job
from tests.redis_deployments import ClusterServer
from tests.redis_servers import RedisServer


class Backend:
    """Makes queues of one kind, and lets time pass for them."""

    def __init__(self, server: RedisServer | ClusterServer | None, stack: AsyncExitStack) -> None:
        self.server = server
        self._stack = stack
        self._memory_now_s = 1_000_000.0
        self.pool = f"test-{secrets.token_hex(6)}"

    def now(self) -> float:
        """The queue's Unix time."""
        return self._memory_now_s if self.server is None else time.time()

    async def pass_time(self, seconds: float) -> None:
        """Turns memory's clock on; Redis has its own, so there it is a wait."""
        if self.server is None:
            self._memory_now_s += seconds
        else:
            await asyncio.sleep(seconds)

    async def queue(self, limits: QueueLimits | None = None) -> JobQueue:
        """A queue; on Redis, all of one test share their jobs."""
        if self.server is None:
            return MemoryQueue(clock=self.now, limits=limits)
        return await self._stack.enter_async_context(
            open_queue(self.server.url, pool=self.pool, limits=limits)
        )

    def job(
        self, job_id: str, *, tenant: str = "g10", ends_in_s: float = 600, **changes: object
    ) -> Job:
        """A job with a deadline on the queue's clock; `changes` as for `make_job`."""
        return make_job(job_id, tenant=tenant, deadline_at_s=self.now() + ends_in_s, **changes)
