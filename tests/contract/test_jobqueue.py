"""What every job queue must do, whatever it is built on."""

import asyncio
import time

import pytest

from bot.core.jobs import JobState
from bot.jobqueue.api import (
    Claim,
    JobQueue,
    Load,
    Placement,
    PutStatus,
    Reaped,
    Stop,
    StopReason,
    Verdict,
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


# Leases


async def test_lost_job_goes_to_the_next_worker_first(backend: Backend):
    """Its lease over, it stands before everything else, and counts its second attempt."""
    queue = await backend.queue(SHORT)
    await queue.put(backend.job("lost", tenant="B"))
    await claim_one(queue, "dead worker")
    await queue.put(backend.job("other", tenant="A"))

    assert NOTHING_REAPED == await queue.reap()
    await backend.pass_time(LEASE_S * 1.5)
    assert Reaped(put_back=1, ended=[]) == await queue.reap()
    assert NOTHING_REAPED == await queue.reap()

    assert 1 == await queue.place("lost")
    claims = await queue.claim("w", 2, 0)
    assert [("lost", 2), ("other", 1)] == [(claim.job.id, claim.attempt) for claim in claims]


async def test_late_worker_can_do_nothing_more(backend: Backend):
    """Once the job is another's, or waits again, the old holder is refused everything."""
    queue = await backend.queue(SHORT)
    await queue.put(backend.job("1"))
    await lose(backend, queue)

    assert not await queue.finish("dead worker", "1", 1, JobState.DONE, 1)
    second = await claim_one(queue, "w")
    assert not await queue.finish("dead worker", "1", 1, JobState.DONE, 1)
    assert not await queue.finish("dead worker", "1", 2, JobState.DONE, 1)
    assert not await queue.finish("w", "1", 1, JobState.DONE, 1)
    assert not await queue.mark_part("dead worker", "1", 1, 1, True)
    await queue.release("dead worker", [("1", 1)])
    stops = (await queue.renew("dead worker", 1, [("1", 1)])).stops

    assert [Stop(job_id="1", reason=StopReason.LOST)] == stops
    assert JobState.RUNNING is await queue.state("1")
    assert await queue.finish("w", "1", second.attempt, JobState.DONE, 1)


async def test_renewed_lease_holds(backend: Backend):
    """A slow worker that shows that it lives keeps its job."""
    queue = await backend.queue(SHORT)
    await queue.put(backend.job("1"))
    await claim_one(queue)

    for _ in range(3):
        await backend.pass_time(LEASE_S / 2)
        assert [] == (await queue.renew("w", 1, [("1", 1)])).stops

    assert NOTHING_REAPED == await queue.reap()
    assert await queue.finish("w", "1", 1, JobState.DONE, 1)


async def test_finish_is_answered_alike_when_repeated(backend: Backend):
    """A worker that did not hear the answer may ask again; another end is refused."""
    queue = await backend.queue()
    await queue.put(backend.job("1"))
    await claim_one(queue)

    assert await queue.finish("w", "1", 1, JobState.DONE, 5)
    assert await queue.finish("w", "1", 1, JobState.DONE, 5)
    assert not await queue.finish("w", "1", 1, JobState.FAILED, 5)
    assert not await queue.finish("w", "never was", 1, JobState.DONE, 5)
    assert JobState.DONE is await queue.state("1")
    assert Load(queued=0, running=0, slots=0) == await queue.load()


@pytest.mark.parametrize("state", [JobState.QUEUED, JobState.RUNNING])
async def test_job_can_not_end_in_a_state_that_is_no_end(backend: Backend, state: JobState):
    """That would be a mistake in the program, said loudly."""
    queue = await backend.queue()

    with pytest.raises(ValueError, match="can't end"):
        await queue.finish("w", "1", 1, state, 0)


async def test_ended_job_is_forgotten_after_a_while(backend: Backend):
    """Its state can be asked for until then, and its id can be used again afterwards."""
    queue = await backend.queue(QueueLimits(keep_ended_s=0.3))
    await queue.put(backend.job("1"))
    await claim_one(queue)
    await queue.finish("w", "1", 1, JobState.FAILED, 0)

    assert JobState.FAILED is await queue.state("1")
    await backend.pass_time(0.4)
    assert await queue.state("1") is None
    assert await queue.owner("1") is None
    assert PutStatus.ACCEPTED is (await queue.put(backend.job("1"))).status


async def test_released_job_goes_first_and_loses_no_attempt(backend: Backend):
    """A worker that is told to end harms nobody, however often that happens."""
    queue = await backend.queue()
    for job_id in ("1", "2", "3"):
        await queue.put(backend.job(job_id))

    for _ in range(5):
        claims = await queue.claim("w", 2, 0)
        assert [("1", 1), ("2", 1)] == [(claim.job.id, claim.attempt) for claim in claims]
        await queue.release("w", [("1", 1), ("2", 1)])

    assert Load(queued=3, running=0, slots=0) == await queue.load()
    assert ["1", "2", "3"] == await claim_ids(queue, 3)


async def test_returned_job_does_not_turn_time_back(backend: Backend):
    """Who comes after it was served again does not get in before those who were there."""
    queue = await backend.queue()
    for job_id in ("a0", "a1"):
        await queue.put(backend.job(job_id, tenant="A"))
    await queue.claim("w", 2, 0)
    await queue.put(backend.job("c0", tenant="C"))
    await queue.release("w", [("a1", 1)])
    await queue.claim("w", 1, 0)

    await queue.put(backend.job("b0", tenant="B"))

    assert ["c0", "b0"] == await claim_ids(queue, 2)


# Giving up


async def test_used_up_attempts_end_in_a_farewell(backend: Backend):
    """After three lost attempts a worker is asked to tell the asker, then it is a dead letter."""
    queue = await backend.queue(SHORT)
    await queue.put(backend.job("1"))
    for attempt in (1, 2, 3):
        claim = await lose(backend, queue)
        assert (attempt, Verdict.RUN) == (claim.attempt, claim.verdict)

    claim = await claim_one(queue)
    assert (4, Verdict.EXHAUSTED) == (claim.attempt, claim.verdict)
    assert [] == await queue.dead_letters(10)
    assert await queue.finish("w", "1", 4, JobState.DEAD, 0)

    assert JobState.DEAD is await queue.state("1")
    (letter,) = await queue.dead_letters(10)
    assert ("1", 4) == (letter.job_id, letter.attempts)
    assert letter.reason
    assert abs(backend.now() - letter.at_s) < 5


async def test_farewell_that_fails_too_ends_silently(backend: Backend):
    """A job that kills every worker is not handed out for ever."""
    queue = await backend.queue(QueueLimits(lease_s=LEASE_S, max_attempts=1, max_farewells=2))
    await queue.put(backend.job("1"))
    for verdict in (Verdict.RUN, Verdict.EXHAUSTED):
        assert verdict is (await lose(backend, queue)).verdict
    assert Verdict.EXHAUSTED is (await claim_one(queue)).verdict
    await backend.pass_time(LEASE_S * 1.5)

    assert Reaped(put_back=0, ended=["1"]) == await queue.reap()
    assert JobState.DEAD is await queue.state("1")
    assert ["1"] == [letter.job_id for letter in await queue.dead_letters(10)]
    assert [] == await queue.claim("w", 1, 0)


async def test_job_past_its_deadline_is_handed_out_to_be_declined(backend: Backend):
    """It goes before the others, for its asker can't be told much longer."""
    queue = await backend.queue(SHORT)
    await queue.put(backend.job("in time"))
    await queue.put(backend.job("late", ends_in_s=0.1))
    await backend.pass_time(0.15)

    claim = await claim_one(queue)

    assert ("late", 1, Verdict.EXPIRED) == (claim.job.id, claim.attempt, claim.verdict)
    assert [] == (await queue.renew("w", 1, [("late", 1)])).stops
    assert await queue.finish("w", "late", 1, JobState.EXPIRED, 0)
    assert JobState.EXPIRED is await queue.state("late")
    assert [] == await queue.dead_letters(10)


async def test_job_long_past_its_deadline_waits_its_turn(backend: Backend):
    """Nobody can be told any more: a backlog of such jobs does not delay those in time."""
    queue = await backend.queue(QueueLimits(farewell_s=0.1))
    await queue.put(backend.job("in time", tenant="A"))
    await queue.put(backend.job("late", tenant="B", ends_in_s=0.05))
    await backend.pass_time(0.3)

    claims = await queue.claim("w", 2, 0)

    assert [("in time", Verdict.RUN), ("late", Verdict.EXPIRED)] == [
        (claim.job.id, claim.verdict) for claim in claims
    ]


async def test_declining_a_late_job_is_bounded_too(backend: Backend):
    """Two workers that die over it are enough."""
    queue = await backend.queue(SHORT)
    await queue.put(backend.job("1", ends_in_s=-1))
    assert Verdict.EXPIRED is (await lose(backend, queue)).verdict
    assert Verdict.EXPIRED is (await claim_one(queue)).verdict
    await backend.pass_time(LEASE_S * 1.5)

    assert Reaped(put_back=0, ended=["1"]) == await queue.reap()
    assert JobState.DEAD is await queue.state("1")
    assert 1 == len(await queue.dead_letters(10))


async def test_newest_dead_letters_come_first(backend: Backend):
    """The host sees what happened last."""
    queue = await backend.queue()
    for job_id in ("1", "2", "3"):
        await queue.put(backend.job(job_id))
        await claim_one(queue)
        await queue.finish("w", job_id, 1, JobState.DEAD, 0)

    assert ["3", "2"] == [letter.job_id for letter in await queue.dead_letters(2)]


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
