"""Puts back what dead workers held, and settles what nobody will write any more.

Owned by the runner, beside whose other loops it runs: any worker does it for all of the pool.
"""

import asyncio
import contextlib
import random
from collections.abc import Sequence

import structlog

from bot.core.jobs import JobState
from bot.errors import QueueDownError
from bot.jobqueue.api import JobQueue
from bot.services.ledger import Ledger

_INTERVAL_S = 2.0

_log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)


class Reaper:
    """Looks for leases that have run out.

    Args:
        queue: whose.
        ledger: settles the texts that are given up.
        lease_s: how long the queue leaves a job to a worker that is silent.
        rng: jitter of the waits.
    """

    def __init__(
        self, queue: JobQueue, ledger: Ledger, *, lease_s: float, rng: random.Random
    ) -> None:
        self._queue = queue
        self._ledger = ledger
        self._lease_s = lease_s
        self._rng = rng
        self._from_s = 0.0  # on the loop's clock

    async def run(self) -> None:
        """Until it is cancelled."""
        while True:
            await asyncio.sleep(_INTERVAL_S * self._rng.uniform(0.75, 1.25))
            if asyncio.get_running_loop().time() < self._from_s:
                continue
            try:
                reaped = await self._queue.reap()
            except QueueDownError:  # the claim loop tells of it
                self.hold_off()
                continue
            if reaped.put_back:
                _log.warning("jobs taken back from dead workers", count=reaped.put_back)
            await self._settle_given_up(reaped.ended)

    def hold_off(self) -> None:
        """After an outage leases have run out that living workers are about to renew."""
        self._from_s = asyncio.get_running_loop().time() + self._lease_s

    async def _settle_given_up(self, job_ids: Sequence[str]) -> None:
        """Nobody wrote these texts, so they cost nothing."""
        for job_id in job_ids:
            _log.error("job given up", job_id=job_id)
            with contextlib.suppress(QueueDownError):  # then their charge runs out by itself
                await self._ledger.settle(job_id, JobState.DEAD)
