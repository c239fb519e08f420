"""What every job queue must do: jobs are put, stand in line, and are taken."""

import asyncio
import time

from bot.core.jobs import JobState
from bot.jobqueue.api import (
    Load,
    Placement,
    PutStatus,
    Verdict,
)
from bot.jobqueue.limits import QueueLimits
from tests.contract.queue_steps import claim_ids, claim_one
from tests.queue_backends import Backend

# Put


async def test_put_job_waits_and_is_known(backend: Backend):
    """Its place, state and owner can be asked for at once."""
    queue = await backend.queue()

    placement = await queue.put(backend.job("1"))

    assert Placement(status=PutStatus.ACCEPTED, place=1) == placement
    assert 1 == await queue.place("1")
    assert JobState.QUEUED is await queue.state("1")
    assert 100 == await queue.owner("1")
    assert Load(queued=1, running=0, slots=0) == await queue.load()


async def test_unknown_job_is_unknown(backend: Backend):
    """Every question about a job that never was has the answer None."""
    queue = await backend.queue()

    assert await queue.place("no") is None
    assert await queue.state("no") is None
    assert await queue.owner("no") is None
    assert await queue.cancel("no") is None


async def test_putting_twice_stores_once(backend: Backend):
    """A repeated delivery of the same interaction makes no second job, in any state."""
    queue = await backend.queue()
    await queue.put(backend.job("0"))
    job = backend.job("1")
    await queue.put(job)

    waiting = await queue.put(job)
    claims = await queue.claim("w", 5, 0)
    running = await queue.put(job)
    await queue.finish("w", "1", 1, JobState.DONE, 5)
    ended = await queue.put(job)

    assert Placement(status=PutStatus.DUPLICATE, place=2, own_share=True) == waiting
    assert 2 == len(claims)
    assert Placement(status=PutStatus.DUPLICATE, place=None) == running == ended
    assert [] == await queue.claim("w", 5, 0)


async def test_full_queue_takes_nothing_until_there_is_room(backend: Backend):
    """The refused job leaves no trace."""
    queue = await backend.queue(QueueLimits(max_queued=2))
    await queue.put(backend.job("1"))
    await queue.put(backend.job("2"))

    refused = await queue.put(backend.job("3"))
    assert Placement(status=PutStatus.FULL, place=None) == refused
    assert await queue.state("3") is None

    await queue.claim("w", 1, 0)
    assert PutStatus.ACCEPTED is (await queue.put(backend.job("3"))).status


async def test_job_comes_out_as_it_went_in(backend: Backend):
    """Every field survives the stored form, odd characters included."""
    queue = await backend.queue()
    job = backend.job("1")

    await queue.put(job)

    claim = await claim_one(queue)
    assert job == claim.job
    assert (1, Verdict.RUN, 0, None) == (
        claim.attempt,
        claim.verdict,
        claim.sent_parts,
        claim.sending_part,
    )


# Order


async def test_one_tenants_jobs_are_served_in_order(backend: Backend):
    """First come, first served; ids say nothing about it."""
    queue = await backend.queue()
    ids = [str(n) for n in (5, 30, 100, 2, 77)]
    for job_id in ids:
        await queue.put(backend.job(job_id))

    assert ids == await claim_ids(queue, 10)


async def test_new_tenants_are_served_in_order_of_arrival(backend: Backend):
    """Equal start tags: the earlier job goes first, not the lower id."""
    queue = await backend.queue()
    for job_id in ("9", "10", "1"):
        await queue.put(backend.job(job_id, tenant=f"g{job_id}"))

    assert ["9", "10", "1"] == await claim_ids(queue, 10)


async def test_small_tenant_is_not_behind_a_big_ones_backlog(backend: Backend):
    """A has put 20 jobs when B puts 2: B's are served after one of A's each."""
    queue = await backend.queue()
    for n in range(20):
        await queue.put(backend.job(f"a{n}", tenant="A"))
    await queue.put(backend.job("b0", tenant="B"))
    second = await queue.put(backend.job("b1", tenant="B"))

    assert 4 == second.place
    assert ["a0", "b0", "a1", "b1", "a2"] == await claim_ids(queue, 5)


async def test_newcomer_starts_now_not_in_the_past(backend: Backend):
    """Who comes later has no claim on the time before: turns are equal from then on."""
    queue = await backend.queue()
    for n in range(8):
        await queue.put(backend.job(f"a{n}", tenant="A"))
    await queue.claim("w", 5, 0)
    for n in range(3):
        await queue.put(backend.job(f"b{n}", tenant="B"))

    assert ["b0", "a5", "b1", "a6", "b2", "a7"] == await claim_ids(queue, 10)


async def test_share_is_counted_in_tokens_not_in_jobs(backend: Backend):
    """Who asks for texts four times as long is served a quarter as often."""
    queue = await backend.queue()
    for n in range(3):
        await queue.put(backend.job(f"long{n}", tenant="A", cost=400))
    for n in range(8):
        await queue.put(backend.job(f"short{n}", tenant="B", cost=100))

    served = await claim_ids(queue, 10)

    assert 2 == sum(job_id.startswith("long") for job_id in served[:9])
    assert "short0" == served[1]


async def test_unused_tokens_are_given_back_at_the_end(backend: Backend):
    """A job that ends early costs its tenant only what it took."""
    queue = await backend.queue()
    for tenant in ("A", "B", "still at work"):
        await queue.put(backend.job(f"{tenant}0", tenant=tenant, cost=100))
    await queue.claim("w", 3, 0)
    await queue.finish("w", "A0", 1, JobState.DONE, 100)
    await queue.finish("w", "B0", 1, JobState.DONE, 10)

    await queue.put(backend.job("A1", tenant="A", cost=100))
    await queue.put(backend.job("B1", tenant="B", cost=100))

    assert ["B1", "A1"] == await claim_ids(queue, 2)


# Claim


async def test_claim_takes_no_more_than_asked(backend: Backend):
    """Slots that are not free are not filled."""
    queue = await backend.queue()
    for n in range(5):
        await queue.put(backend.job(str(n)))

    assert [] == await queue.claim("w", 0, 0)
    assert ["0", "1", "2"] == await claim_ids(queue, 3)
    assert Load(queued=2, running=3, slots=0) == await queue.load()
    assert 1 == await queue.place("3")
    assert await queue.place("0") is None
    assert JobState.RUNNING is await queue.state("0")


async def test_waiting_claim_ends_in_time(backend: Backend):
    """With nothing to do it comes back empty, about when it was told to."""
    queue = await backend.queue()
    started = time.monotonic()

    claims = await queue.claim("w", 1, 0.2)

    assert [] == claims
    assert 0.15 < time.monotonic() - started < 1.5


async def test_waiting_claim_wakes_at_once(backend: Backend):
    """A put reaches an idle worker long before its wait is over."""
    queue = await backend.queue()
    waiting = asyncio.create_task(queue.claim("w", 1, 2))
    await asyncio.sleep(0.05)
    started = time.monotonic()

    await queue.put(backend.job("1"))
    claims = await waiting

    assert 1 == len(claims)
    assert time.monotonic() - started < 1


async def test_every_waiting_worker_gets_one_of_several_jobs(backend: Backend):
    """No wake-up is lost when several jobs meet several workers."""
    queue = await backend.queue()
    workers = [asyncio.create_task(queue.claim(f"w{n}", 1, 2)) for n in range(4)]
    await asyncio.sleep(0.05)
    started = time.monotonic()

    for n in range(4):
        await queue.put(backend.job(str(n)))
    claims = [claim for worker in workers for claim in await worker]

    assert {"0", "1", "2", "3"} == {claim.job.id for claim in claims}
    assert time.monotonic() - started < 1.5


async def test_returned_jobs_wake_waiting_workers(backend: Backend):
    """What a stopping worker gives back is taken at once."""
    queue = await backend.queue()
    for n in range(2):
        await queue.put(backend.job(str(n)))
    held = [(claim.job.id, claim.attempt) for claim in await queue.claim("old", 2, 0)]
    workers = [asyncio.create_task(queue.claim(f"w{n}", 1, 2)) for n in range(2)]
    await asyncio.sleep(0.05)
    started = time.monotonic()

    await queue.release("old", held)
    claims = [claim for worker in workers for claim in await worker]

    assert {"0", "1"} == {claim.job.id for claim in claims}
    assert time.monotonic() - started < 1.5
