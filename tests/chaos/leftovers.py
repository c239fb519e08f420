"""The books after a chaos run: what the queue says of each job, and which keys are left over."""

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any, cast

from bot.core.jobs import END_STATES, JobState
from bot.jobqueue.connect import open_queues, pool_of
from bot.jobqueue.redis_queue import RedisQueue
from bot.state.redis_limits import RedisLimits

_WAIT_S = 180.0
_ORPHANS_S = 120.0
# What may stay when nobody waits and nothing runs. Records of ended jobs expire by themselves.
_MAY_STAY = (":job:", ":meta", ":workers", ":slots", ":dead", ":weights", ":cards")


class Books:
    """Reads Redis as it is after the run."""

    def __init__(self, queue: RedisQueue, client: Any, base: str, pool: str) -> None:
        self._queue = queue
        self._client = client
        self._base = base
        self._pool = pool

    async def wait_until_over(self, job_ids: Sequence[str]) -> list[JobState | None]:
        """The state of each job, once all have ended or patience has."""
        give_up_at_s = time.monotonic() + _WAIT_S
        while True:
            states = [await self._queue.state(job_id) for job_id in job_ids]
            n_open = sum(state is not None and state not in END_STATES for state in states)
            if not n_open or time.monotonic() > give_up_at_s:
                return states
            await asyncio.sleep(1)

    @property
    def limits(self) -> RedisLimits:
        """Where charges are."""
        return RedisLimits(self._client, pool=self._base)

    async def leftovers(self) -> list[str]:
        """Keys that should not be there, one sentence each.

        Charges of jobs that never came into the queue are given back within two minutes.
        """
        give_up_at_s = time.monotonic() + _ORPHANS_S
        while time.monotonic() < give_up_at_s:
            if not await self.limits.open_charges(0, 0, 1):
                break
            await asyncio.sleep(1)
        found: list[str] = []
        scan = cast("Callable[..., AsyncIterator[str]]", self._client.scan_iter)
        async for key in scan(match=f"{{{self._base}*", count=1000):
            tag, _, name = key.partition("}")
            if tag == f"{{{self._base}-limits" and ":charge:" in name:
                found.append(f"a charge is left over: {key}")
            elif tag == f"{{{self._pool}" and not name.startswith(_MAY_STAY):
                found.append(f"a key is left over: {key}")
        return found


@asynccontextmanager
async def open_books(
    url: str, base: str = "bardling", model: str = "bardling-small"
) -> AsyncGenerator[Books]:
    """For as long as the context is open."""
    async with open_queues(url, base=base) as store:
        yield Books(store.queue(model), store.commands, base, pool_of(base, model))
