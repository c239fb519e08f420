"""What every job queue must do to stop jobs, and to know of parts and workers."""

import asyncio
import time

from bot.core.jobs import JobState
from bot.jobqueue.api import (
    Stop,
    StopReason,
)
from tests.contract.queue_steps import LEASE_S, SHORT, claim_ids, claim_one
from tests.queue_backends import Backend

# Cancel


async def test_cancelled_waiting_job_is_gone(backend: Backend):
    """Nobody gets it, and a second cancel finds it stopped."""
    queue = await backend.queue()
    await queue.put(backend.job("1"))
    await queue.put(backend.job("2"))

    assert JobState.QUEUED is await queue.cancel("1")

    assert JobState.STOPPED is await queue.state("1")
    assert JobState.STOPPED is await queue.cancel("1")
    assert 1 == await queue.place("2")
    assert ["2"] == await claim_ids(queue, 2)


async def test_unused_cost_lets_no_later_job_overtake(backend: Backend):
    """Texts that end early cost less than was charged: the tenant's waiting jobs move up, too."""
    queue = await backend.queue()
    for n in range(1, 4):
        await queue.put(backend.job(str(n), cost=600))
    for claim in await queue.claim("w", 2, 0):
        assert await queue.finish("w", claim.job.id, claim.attempt, JobState.DONE, 100)

    await queue.put(backend.job("4", cost=600))
    await queue.put(backend.job("other", tenant="g20", cost=600))

    assert 1 == await queue.place("3")
    order = await claim_ids(queue, 3)
    assert order.index("3") < order.index("4")


async def test_cancelled_waiting_job_costs_its_tenant_nothing(backend: Backend):
    """The tenant's other jobs stand where they would have stood without it."""
    queue = await backend.queue()
    for job_id in ("a0", "a1", "a2"):
        await queue.put(backend.job(job_id, tenant="A"))
    for job_id in ("b0", "b1", "b2", "b3"):
        await queue.put(backend.job(job_id, tenant="B"))

    await queue.cancel("a0")
    await queue.put(backend.job("a3", tenant="A"))

    assert ["a1", "b0", "a2", "b1", "a3", "b2", "b3"] == await claim_ids(queue, 10)


async def test_cancelled_running_job_is_its_workers_to_end(backend: Backend):
    """The worker is told with its next renewal, every time until it has ended it."""
    queue = await backend.queue()
    await queue.put(backend.job("1"))
    await claim_one(queue)

    assert JobState.RUNNING is await queue.cancel("1")
    assert JobState.RUNNING is await queue.state("1")
    for _ in range(2):
        stops = (await queue.renew("w", 1, [("1", 1)])).stops
        assert [Stop(job_id="1", reason=StopReason.CANCELLED)] == stops
    assert await queue.finish("w", "1", 1, JobState.STOPPED, 3)
    assert JobState.STOPPED is await queue.cancel("1")


async def test_cancel_reaches_a_listening_worker_at_once(backend: Backend):
    """The signal comes long before the next renewal would be due."""
    worker = await backend.queue()
    bot = worker if backend.server is None else await backend.queue()
    await bot.put(backend.job("1"))
    await claim_one(worker)
    assert [] == await worker.wait_cancelled(0.05)
    listening = asyncio.create_task(worker.wait_cancelled(5))
    await asyncio.sleep(0.05)
    started = time.monotonic()

    await bot.cancel("1")

    assert ["1"] == await listening
    assert time.monotonic() - started < 1
    assert [] == await worker.wait_cancelled(0)


async def test_cancels_between_two_waits_are_heard_together(backend: Backend):
    """A worker that was busy misses none."""
    queue = await backend.queue()
    for job_id in ("1", "2"):
        await queue.put(backend.job(job_id))
    await queue.claim("w", 2, 0)
    await queue.wait_cancelled(0.05)

    await queue.cancel("1")
    await queue.cancel("2")
    heard: list[str] = []
    for _ in range(5):
        heard += await queue.wait_cancelled(0.1)

    assert ["1", "2"] == heard


async def test_ended_job_can_not_be_cancelled(backend: Backend):
    """The answer is how it ended."""
    queue = await backend.queue()
    await queue.put(backend.job("1"))
    await claim_one(queue)
    await queue.finish("w", "1", 1, JobState.DONE, 1)

    assert JobState.DONE is await queue.cancel("1")
    assert JobState.DONE is await queue.state("1")


async def test_cancel_outlives_the_worker_that_was_told(backend: Backend):
    """The next one hears it with its first renewal."""
    queue = await backend.queue(SHORT)
    await queue.put(backend.job("1"))
    await claim_one(queue, "dead worker")
    await queue.cancel("1")
    await backend.pass_time(LEASE_S * 1.5)
    await queue.reap()
    await claim_one(queue)

    stops = (await queue.renew("w", 1, [("1", 2)])).stops

    assert [Stop(job_id="1", reason=StopReason.CANCELLED)] == stops


async def test_running_job_is_stopped_before_its_deadline(backend: Backend):
    """There must be time to post what exists."""
    queue = await backend.queue()
    await queue.put(backend.job("soon", ends_in_s=19))
    await queue.put(backend.job("later", ends_in_s=120))
    await queue.claim("w", 2, 0)

    stops = (await queue.renew("w", 2, [("soon", 1), ("later", 1)])).stops

    assert [Stop(job_id="soon", reason=StopReason.DEADLINE)] == stops


# Follow-up messages


async def test_next_attempt_knows_which_parts_were_posted(backend: Backend):
    """Sent for sure, and perhaps sent, are told apart."""
    queue = await backend.queue(SHORT)
    await queue.put(backend.job("1"))
    await claim_one(queue, "dead worker")
    assert await queue.mark_part("dead worker", "1", 1, 1, False)
    assert await queue.mark_part("dead worker", "1", 1, 1, True)
    assert await queue.mark_part("dead worker", "1", 1, 2, False)
    await backend.pass_time(LEASE_S * 1.5)
    await queue.reap()

    second = await claim_one(queue)
    assert (1, 2) == (second.sent_parts, second.sending_part)
    await queue.mark_part("w", "1", 2, 2, True)
    await queue.release("w", [("1", 2)])
    third = await claim_one(queue)
    assert (2, None) == (third.sent_parts, third.sending_part)


# Workers


async def test_only_live_workers_slots_count(backend: Backend):
    """One that leaves goes at once, one that dies goes with its heartbeat."""
    queue = await backend.queue(SHORT)
    await queue.renew("stays", 4, [])
    await queue.renew("leaves", 2, [])
    await queue.renew("dies", 1, [])
    assert 7 == (await queue.load()).slots

    await queue.leave("leaves")
    await queue.leave("never was")
    assert 5 == (await queue.load()).slots

    await backend.pass_time(LEASE_S * 0.7)
    await queue.renew("stays", 3, [])
    await backend.pass_time(LEASE_S * 0.7)
    assert 3 == (await queue.load()).slots
