"""What every job queue must do with jobs that workers hold: keep, lose and give them up."""

import pytest

from bot.core.jobs import JobState
from bot.jobqueue.api import (
    Load,
    PutStatus,
    Reaped,
    Stop,
    StopReason,
    Verdict,
)
from bot.jobqueue.limits import QueueLimits
from tests.contract.queue_steps import LEASE_S, NOTHING_REAPED, SHORT, claim_ids, claim_one, lose
from tests.queue_backends import Backend

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
