"""What every job queue must do with a job whose holder says that its attempt failed."""

import asyncio

from bot.core.jobs import JobState
from bot.jobqueue.api import Claim, JobQueue, Load, StopReason, Verdict
from bot.jobqueue.limits import QueueLimits
from tests.queue_backends import Backend


async def claim_one(queue: JobQueue, worker_id: str = "w") -> Claim:
    """The one job that is there to be claimed."""
    (claim,) = await queue.claim(worker_id, 1, 0)
    return claim


async def test_job_to_be_tried_again_goes_first_and_the_attempt_counts(backend: Backend):
    """At once, without waiting for its lease; the next holder's attempt is the second."""
    queue = await backend.queue()
    for job_id in ("1", "2"):
        await queue.put(backend.job(job_id))
    first = await claim_one(queue)

    assert await queue.retry("w", "1", first.attempt)

    assert JobState.QUEUED is await queue.state("1")
    assert Load(queued=2, running=0, slots=0) == await queue.load()
    assert ("1", 2) == ((second := await claim_one(queue, "v")).job.id, second.attempt)


async def test_job_to_be_tried_again_wakes_a_waiting_worker(backend: Backend):
    """Somebody else has it before its last holder could ask."""
    queue, others = await backend.queue(), await backend.queue()
    if backend.server is None:
        others = queue  # memory's jobs are one object's
    await queue.put(backend.job("1"))
    await claim_one(queue)
    waiting = asyncio.create_task(others.claim("v", 1, 2))
    await asyncio.sleep(0.05)

    await queue.retry("w", "1", 1)

    assert ["1"] == [claim.job.id for claim in await waiting]


async def test_only_the_newest_holder_can_have_a_job_tried_again(backend: Backend):
    """Neither a stranger, nor one that lost it, nor the same one twice."""
    queue = await backend.queue()
    await queue.put(backend.job("1"))
    await claim_one(queue)

    assert not await queue.retry("stranger", "1", 1)
    assert not await queue.retry("w", "1", 2)
    assert not await queue.retry("w", "unknown", 1)
    assert await queue.retry("w", "1", 1)
    assert not await queue.retry("w", "1", 1)

    assert 2 == (await claim_one(queue)).attempt
    assert not await queue.retry("w", "1", 1)
    assert JobState.RUNNING is await queue.state("1")


async def test_last_run_is_marked_and_a_farewell_follows(backend: Backend):
    """So that its holder promises no other attempt."""
    queue = await backend.queue(QueueLimits(max_attempts=3))
    await queue.put(backend.job("1"))
    for is_last in (False, False, True):
        claim = await claim_one(queue)
        assert (Verdict.RUN, is_last) == (claim.verdict, claim.is_last_run)
        assert await queue.retry("w", "1", claim.attempt)

    claim = await claim_one(queue)

    assert (Verdict.EXHAUSTED, False) == (claim.verdict, claim.is_last_run)


async def test_farewells_given_back_end_too(backend: Backend):
    """As with lost leases: after two of them the job is a dead letter."""
    queue = await backend.queue(QueueLimits(max_attempts=1, max_farewells=2))
    await queue.put(backend.job("1"))
    for _ in range(3):
        claim = await claim_one(queue)
        assert await queue.retry("w", "1", claim.attempt)

    assert JobState.DEAD is await queue.state("1")
    assert [] == await queue.claim("w", 1, 0)
    assert ["1"] == [letter.job_id for letter in await queue.dead_letters(10)]


async def test_job_to_be_tried_again_keeps_what_happened_to_it(backend: Backend):
    """Parts that were posted, and that somebody pressed Stop."""
    queue = await backend.queue()
    await queue.put(backend.job("1"))
    await claim_one(queue)
    await queue.mark_part("w", "1", 1, 1, True)
    await queue.cancel("1")
    await queue.retry("w", "1", 1)

    claim = await claim_one(queue)
    (stop,) = (await queue.renew("w", 1, [("1", 2)])).stops

    assert 1 == claim.sent_parts
    assert StopReason.CANCELLED is stop.reason
