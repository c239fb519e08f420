"""What every job queue must do about shares, caps, places and times: users, servers, classes."""

import asyncio

import pytest

from bot.core.jobs import JobState
from bot.jobqueue.api import JobQueue, Placement, PutStatus, Waiting
from bot.jobqueue.limits import QueueLimits
from tests.host_controls import pause, weigh
from tests.queue_backends import Backend


async def claim_ids(queue: JobQueue, n: int) -> list[str]:
    """Ids in the order in which they are served."""
    return [claim.job.id for claim in await queue.claim("w", n, 0)]


# Shares


async def test_member_is_not_behind_anothers_backlog_in_the_same_server(backend: Backend):
    """One has put six jobs when another puts two: theirs take turns."""
    queue = await backend.queue()
    for n in range(6):
        await queue.put(backend.job(f"a{n}", user_id=1))
    await queue.put(backend.job("b0", user_id=2))
    last = await queue.put(backend.job("b1", user_id=2))

    assert 4 == last.place
    assert ["a0", "b0", "a1", "b1", "a2"] == await claim_ids(queue, 5)


async def test_background_jobs_get_a_tenth(backend: Backend):
    """While others wait; they never stand still."""
    queue = await backend.queue()
    for n in range(6):
        await queue.put(backend.job(f"b{n}", user_id=1, is_background=True))
    for n in range(20):
        await queue.put(backend.job(f"i{n}", user_id=2))

    served = await claim_ids(queue, 20)

    assert 2 == sum(job_id.startswith("b") for job_id in served)
    assert [f"i{n}" for n in range(18)] == [j for j in served if j.startswith("i")]


async def test_whole_order_is_foretold(backend: Backend):
    """Users, servers, classes and one put back: every place comes true."""
    queue = await backend.queue()
    await weigh(queue, "B", 2)
    for n in range(40):
        job = backend.job(str(n), tenant="ABC"[n % 3], user_id=n * n % 5, is_background=n % 7 == 0)
        await queue.put(job)
    (first,) = await queue.claim("w", 1, 0)
    await queue.claim("w", 3, 0)
    await queue.release("w", [(first.job.id, 1)])
    places = {str(n): await queue.place(str(n)) for n in range(40)}

    served = await claim_ids(queue, 40)

    assert {job_id: n + 1 for n, job_id in enumerate(served)} == {
        job_id: place for job_id, place in places.items() if place
    }


# Admission


@pytest.mark.parametrize(
    ("limits", "status"),
    [
        (QueueLimits(max_queued=3), PutStatus.FULL),
        (QueueLimits(max_queued_per_server=3), PutStatus.FULL_SERVER),
        (QueueLimits(max_queued_per_user=3), PutStatus.FULL_USER),
    ],
)
async def test_too_many_waiting_jobs_are_refused(
    backend: Backend, limits: QueueLimits, status: PutStatus
):
    """Of both classes together; nothing is stored, and one served makes room."""
    queue = await backend.queue(limits)
    for n in range(3):
        await queue.put(backend.job(str(n), is_background=n == 1))

    assert Placement(status=status, place=None) == await queue.put(backend.job("3"))

    assert await queue.state("3") is None
    others = {"tenant": "B"} if status is PutStatus.FULL_SERVER else {"user_id": 7}
    is_open = PutStatus.FULL if status is PutStatus.FULL else PutStatus.ACCEPTED
    assert is_open is (await queue.put(backend.job("4", **others))).status
    await queue.claim("w", 1, 0)
    assert PutStatus.ACCEPTED is (await queue.put(backend.job("3"))).status


@pytest.mark.parametrize(
    "limits", [QueueLimits(max_running_per_server=2), QueueLimits(max_running_per_user=2)]
)
async def test_no_more_run_at_once_than_the_cap(backend: Backend, limits: QueueLimits):
    """Others pass by; the next starts when one ends, and is waited for."""
    queue = await backend.queue(limits)
    for n in range(4):
        await queue.put(backend.job(f"a{n}", user_id=1, is_background=n == 1))
    await queue.put(backend.job("b", tenant="B", user_id=2))

    assert {"a0", "a1", "b"} == set(await claim_ids(queue, 9))
    assert (await queue.status("a2")).own_share
    waiting = asyncio.create_task(queue.claim("w", 9, 2))
    await asyncio.sleep(0.1)
    await queue.finish("w", "a0", 1, JobState.DONE, 24)

    assert ["a2"] == [claim.job.id for claim in await waiting]


async def test_job_put_back_keeps_its_place_under_the_cap(backend: Backend):
    """It goes first, and no other starts beside it."""
    queue = await backend.queue(QueueLimits(max_running_per_server=1))
    for job_id in ("1", "2"):
        await queue.put(backend.job(job_id))
    await queue.claim("w", 1, 0)
    await queue.release("w", [("1", 1)])

    assert ["1"] == await claim_ids(queue, 5)


# Waiting


async def test_own_share_says_who_is_ahead(backend: Backend):
    """Most of those ahead are the tenant's own, or they are not."""
    queue = await backend.queue()
    for n in range(5):
        await queue.put(backend.job(f"a{n}", tenant="A"))
    first_of_b = await queue.put(backend.job("b", tenant="B"))

    assert (2, False) == (first_of_b.place, first_of_b.own_share)
    assert Waiting(place=6, eta_s=None, own_share=True) == await queue.status("a4")
    await queue.claim("w", 1, 0)
    assert await queue.status("a0") is None
    assert await queue.status("unknown") is None


async def learn_pace(backend: Backend, queue: JobQueue) -> None:
    """One job of 100 tokens runs for 0.2 s; then one runs on the only slot."""
    await queue.put(backend.job("pace", cost=100))
    await queue.claim("w", 1, 0)
    await backend.pass_time(0.2)
    await queue.finish("w", "pace", 1, JobState.DONE, 100)
    await queue.renew("w", 1, [])


async def test_time_to_start_follows_the_pace_of_those_before(backend: Backend):
    """Tokens ahead and half of what runs, at the measured seconds per token."""
    queue = await backend.queue()
    await learn_pace(backend, queue)
    free = await queue.put(backend.job("running", cost=1000))
    await queue.claim("w", 1, 0)

    first = await queue.put(backend.job("1", cost=2000))
    second = await queue.put(backend.job("2", cost=100))

    assert 0 == free.eta_s
    assert first.eta_s == pytest.approx(500 * 0.002, rel=0.3)
    assert second.eta_s is not None
    assert second.eta_s == pytest.approx(first.eta_s + 1050 * first.eta_s / 500, rel=0.01)


async def test_time_to_start_is_unknown_without_a_worker_or_a_pace(backend: Backend):
    """Nobody is told a number that nothing stands for."""
    queue = await backend.queue()
    assert (await queue.put(backend.job("1"))).eta_s is None
    await queue.renew("w", 1, [])
    await queue.claim("w", 1, 0)
    assert (await queue.put(backend.job("2"))).eta_s is None
    await queue.renew("w", 3, [])
    assert 0 == (await queue.status("2")).eta_s
    await pause(queue, "later")
    assert (await queue.status("2")).eta_s is None


async def test_job_that_would_start_too_late_is_refused(backend: Backend):
    """It says when it would have; it leaves no trace, and one with more time is taken."""
    queue = await backend.queue()
    await learn_pace(backend, queue)
    await queue.put(backend.job("running", cost=100_000))
    await queue.claim("w", 1, 0)

    refused = await queue.put(backend.job("1", ends_in_s=20))

    assert (PutStatus.TOO_LATE, None) == (refused.status, refused.place)
    assert refused.eta_s == pytest.approx(100, rel=0.3)
    assert await queue.state("1") is None
    assert 0 == (await queue.load()).queued
    assert Placement(
        status=PutStatus.ACCEPTED, place=1, eta_s=refused.eta_s, own_share=False
    ) == await queue.put(backend.job("1", ends_in_s=600))
