"""What the contract tests of queues do again and again."""

from bot.jobqueue.api import (
    Claim,
    JobQueue,
    Reaped,
)
from bot.jobqueue.limits import QueueLimits
from tests.queue_backends import Backend

LEASE_S = 0.2
SHORT = QueueLimits(lease_s=LEASE_S)
NOTHING_REAPED = Reaped(put_back=0, ended=[])


async def claim_one(queue: JobQueue, worker_id: str = "w") -> Claim:
    """The one job that is there to be claimed."""
    (claim,) = await queue.claim(worker_id, 1, 0)
    return claim


async def claim_ids(queue: JobQueue, n: int) -> list[str]:
    """Ids in the order in which they are served."""
    return [claim.job.id for claim in await queue.claim("w", n, 0)]


async def lose(backend: Backend, queue: JobQueue) -> Claim:
    """A worker takes the one job and dies; the job waits again."""
    claim = await claim_one(queue, "dead worker")
    await backend.pass_time(LEASE_S * 1.5)
    assert Reaped(put_back=1, ended=[]) == await queue.reap()
    return claim
