"""Many producers and workers at once, some of them failing: every job has exactly one end."""

import asyncio
import random
from collections import Counter
from contextlib import suppress

from bot.core.jobs import END_STATES, JobState
from bot.jobqueue.api import Claim, JobQueue, PutStatus, Verdict
from bot.jobqueue.limits import QueueLimits
from tests.queue_backends import Backend

LEASE_S = 0.15
JOBS_PER_PRODUCER = 40


class Crowd:
    """What the producers and workers saw, to be compared with what the queue says."""

    def __init__(self, backend: Backend, queue: JobQueue) -> None:
        self.backend = backend
        self.queue = queue
        self.accepted: set[str] = set()
        self.ends: Counter[str] = Counter()
        self.refused = 0
        self._random = random.Random(4)

    async def produce(self, name: int) -> None:
        """Puts jobs of three tenants, some twice, and cancels some of them."""
        for n in range(JOBS_PER_PRODUCER):
            job = self.backend.job(f"{name}-{n}", tenant=f"g{n % 3}")
            assert PutStatus.ACCEPTED is (await self.queue.put(job)).status
            self.accepted.add(job.id)
            if self._random.random() < 0.1:
                assert PutStatus.DUPLICATE is (await self.queue.put(job)).status
            if self._random.random() < 0.15:
                await asyncio.sleep(self._random.uniform(0, 0.05))
                if await self.queue.cancel(job.id) is JobState.QUEUED:
                    self.ends[job.id] += 1

    async def work(self, worker_id: str) -> None:
        """Takes jobs until it is cancelled."""
        while True:
            for claim in await self.queue.claim(worker_id, 2, 0.1):
                await self._run(worker_id, claim)
            await asyncio.sleep(0)

    async def _run(self, worker_id: str, claim: Claim) -> None:
        fate = self._random.random()
        if fate < 0.08:  # the worker dies
            return
        if fate < 0.16:  # a new version is rolled out
            await self.queue.release(worker_id, [(claim.job.id, claim.attempt)])
            return
        if fate < 0.19 and claim.verdict is Verdict.RUN:  # its engine fails
            await self.queue.retry(worker_id, claim.job.id, claim.attempt)
            return
        if fate < 0.22:  # it hangs for longer than its lease
            await asyncio.sleep(LEASE_S * 1.5)
        state = {
            Verdict.RUN: JobState.DONE,
            Verdict.EXHAUSTED: JobState.DEAD,
            Verdict.EXPIRED: JobState.EXPIRED,
        }[claim.verdict]
        if await self.queue.finish(worker_id, claim.job.id, claim.attempt, state, 3):
            self.ends[claim.job.id] += 1
        else:
            self.refused += 1

    async def reap(self) -> None:
        """Returns lost jobs until it is cancelled; memory's clock goes with the real one."""
        while True:
            await asyncio.sleep(0.03)
            if self.backend.server is None:
                await self.backend.pass_time(0.03)
            await self.queue.reap()

    async def unfinished(self) -> set[str]:
        """Accepted jobs that have not ended."""
        return {
            job_id for job_id in self.accepted if await self.queue.state(job_id) not in END_STATES
        }


async def test_every_job_ends_exactly_once(backend: Backend):
    """Crashes, late workers, cancels and repeats neither lose a job nor end it twice."""
    queue = await backend.queue(QueueLimits(lease_s=LEASE_S, max_queued_per_user=500))
    crowd = Crowd(backend, queue)
    workers = [asyncio.create_task(crowd.work(f"w{n}")) for n in range(8)]
    background = [*workers, asyncio.create_task(crowd.reap())]

    await asyncio.gather(*(crowd.produce(name) for name in range(6)))
    async with asyncio.timeout(20):
        while await crowd.unfinished():
            assert not any(task.done() for task in background)
            await asyncio.sleep(0.1)
    for task in background:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task

    for letter in await queue.dead_letters(1000):  # reap ended these with nobody to tell
        if not crowd.ends[letter.job_id]:
            crowd.ends[letter.job_id] += 1
    assert 6 * JOBS_PER_PRODUCER == len(crowd.accepted)
    assert dict.fromkeys(crowd.accepted, 1) == dict(crowd.ends)
    assert crowd.refused > 0
    load = await queue.load()
    assert (0, 0) == (load.queued, load.running)
    assert [] == await queue.claim("w", 1, 0)
