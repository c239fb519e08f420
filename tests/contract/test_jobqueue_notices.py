"""What every job queue tells workers about somebody else's edit that may still be on its way."""

import pytest

from bot.jobqueue.api import Claim, JobQueue
from bot.jobqueue.limits import QueueLimits
from tests.queue_backends import Backend

HOLD_S = 30.0
LEASE_S = 0.2


async def claim_one(queue: JobQueue) -> Claim:
    """The one job that is there to be claimed."""
    (claim,) = await queue.claim("w", 1, 0)
    return claim


async def test_beginning_a_notice_answers_as_status_does(backend: Backend):
    """One call for both: what the notice says, and that it is on its way."""
    queue = await backend.queue()
    await queue.put(backend.job("1"))
    await queue.put(backend.job("2"))

    waiting = await queue.begin_notice("2", HOLD_S)

    assert waiting is not None
    assert 2 == waiting.place
    assert waiting == await queue.status("2")


async def test_claim_tells_how_long_a_notice_may_be_on_its_way(backend: Backend):
    """Of the job that it is about, and of no other."""
    queue = await backend.queue()
    await queue.put(backend.job("1"))
    await queue.put(backend.job("2"))
    await queue.begin_notice("1", HOLD_S)

    noticed, other = await queue.claim("w", 2, 0)

    assert ("1", "2") == (noticed.job.id, other.job.id)
    assert noticed.notice_s == pytest.approx(HOLD_S, abs=10)
    assert noticed.notice_s <= HOLD_S
    assert 0 == other.notice_s


async def test_ended_notice_holds_nobody_back(backend: Backend):
    """The edit is through, so the worker's may follow at once."""
    queue = await backend.queue()
    await queue.put(backend.job("1"))
    await queue.begin_notice("1", HOLD_S)
    await queue.end_notice("1")

    assert 0 == (await claim_one(queue)).notice_s


async def test_notice_that_nobody_ends_runs_out(backend: Backend):
    """The process that began it may be dead."""
    queue = await backend.queue()
    await queue.put(backend.job("1"))
    await queue.begin_notice("1", 0.1)
    await backend.pass_time(0.15)

    assert 0 == (await claim_one(queue)).notice_s


async def test_newer_notice_counts(backend: Backend):
    """Each one begins anew."""
    queue = await backend.queue()
    await queue.put(backend.job("1"))
    await queue.begin_notice("1", 0.1)
    await queue.end_notice("1")
    await queue.begin_notice("1", HOLD_S)
    await backend.pass_time(0.15)

    assert 0 < (await claim_one(queue)).notice_s <= HOLD_S


@pytest.mark.parametrize("then", ["claimed", "stopped"])
async def test_no_notice_begins_of_a_job_that_does_not_wait(backend: Backend, then: str):
    """A worker has the reply now, or nobody needs it: whoever asks must not write to it."""
    queue = await backend.queue(QueueLimits(lease_s=LEASE_S))
    await queue.put(backend.job("1"))
    if then == "claimed":
        assert 0 == (await claim_one(queue)).notice_s
    else:
        await queue.cancel("1")

    assert await queue.begin_notice("1", HOLD_S) is None
    await queue.end_notice("1")
    if then == "claimed":  # and the next worker is not held back by what was refused
        await backend.pass_time(LEASE_S * 1.5)
        await queue.reap()
        assert 0 == (await claim_one(queue)).notice_s


async def test_unknown_job_has_no_notice(backend: Backend):
    """Neither call leaves anything behind: the job can be put afterwards as if nothing was."""
    queue = await backend.queue()

    assert await queue.begin_notice("1", HOLD_S) is None
    await queue.end_notice("1")

    assert await queue.state("1") is None
    await queue.put(backend.job("1"))
    assert 0 == (await claim_one(queue)).notice_s
