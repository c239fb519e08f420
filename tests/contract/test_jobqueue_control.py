"""What every job queue must do when it is steered: pause, weights, drain, dead letters."""

import asyncio
import time

from bot.core.jobs import JobState
from bot.jobqueue.api import JobQueue, PutStatus, Verdict
from bot.jobqueue.control import HostControls, Orders, TenantLoad, WorkerCard
from bot.jobqueue.limits import QueueLimits
from tests.host_controls import pause, resume, weigh
from tests.queue_backends import Backend

LEASE_S = 0.3


async def claim_ids(queue: JobQueue, n: int) -> list[str]:
    """Ids in the order in which they are served."""
    return [claim.job.id for claim in await queue.claim("w", n, 0)]


# Pause


async def test_paused_pool_takes_and_gives_nothing(backend: Backend):
    """What runs goes on and can end, and may be put back; the others start once it is over."""
    queue = await backend.queue()
    for job_id in ("1", "2", "3"):
        await queue.put(backend.job(job_id))
    await queue.claim("w", 2, 0)
    assert await queue.paused() is None

    await pause(queue, "A new model comes.")

    assert "A new model comes." == await queue.paused()
    assert PutStatus.PAUSED is (await queue.put(backend.job("4"))).status
    assert await queue.state("4") is None
    assert PutStatus.DUPLICATE is (await queue.put(backend.job("1"))).status
    assert await queue.finish("w", "1", 1, JobState.DONE, 5)
    await queue.release("w", [("2", 1)])
    assert [] == await claim_ids(queue, 5)
    await resume(queue)
    assert await queue.paused() is None
    assert ["2", "3"] == await claim_ids(queue, 5)


async def test_askers_of_late_jobs_are_told_during_a_pause_too(backend: Backend):
    """Later their replies can't be edited any more."""
    queue = await backend.queue()
    await queue.put(backend.job("late", ends_in_s=0.1))
    await queue.put(backend.job("in time"))
    await pause(queue, "")
    await backend.pass_time(0.15)

    claims = await queue.claim("w", 5, 0)

    assert [("late", Verdict.EXPIRED)] == [(claim.job.id, claim.verdict) for claim in claims]


async def test_end_of_a_pause_wakes_waiting_workers(backend: Backend):
    """They need not ask again."""
    queue = await backend.queue()
    await queue.put(backend.job("1"))
    await pause(queue, "soon")
    waiting = asyncio.create_task(queue.claim("w", 1, 2))
    await asyncio.sleep(0.1)
    started = time.monotonic()

    await resume(queue)

    assert ["1"] == [claim.job.id for claim in await waiting]
    assert time.monotonic() - started < 1


# Weights


async def test_weight_is_a_share(backend: Backend):
    """Who has three times the weight is served three times as often."""
    queue = await backend.queue()
    await weigh(queue, "big", 3)
    for n in range(8):
        await queue.put(backend.job(f"s{n}", tenant="small"))
        await queue.put(backend.job(f"b{n}", tenant="big"))

    served = await claim_ids(queue, 8)

    assert {"big": 3.0} == await queue.weights()
    assert 6 == sum(job_id.startswith("b") for job_id in served)


async def test_nothing_older_than_what_was_done_is_done(backend: Backend):
    """Decisions may come late, or twice: the newest one stands, as a whole."""
    queue = await backend.queue()
    newest = HostControls(revision=1_800_000_000_001, paused="now", weights={"A": 0.25, "B": 3.5})

    await queue.obey(newest)
    await queue.obey(HostControls(revision=1_800_000_000_000, paused=None, weights={"C": 2}))
    await queue.obey(HostControls(revision=newest.revision))
    await queue.obey(HostControls())

    assert ("now", newest.weights) == (await queue.paused(), await queue.weights())
    await queue.obey(HostControls(revision=newest.revision + 1))
    assert (None, {}) == (await queue.paused(), await queue.weights())


# Workers


async def test_live_workers_are_listed_with_what_they_said(backend: Backend):
    """Model, version, slots and jobs, and how long ago; not those that left or died."""
    queue = await backend.queue(QueueLimits(lease_s=LEASE_S))
    await queue.renew("dies", 1, [])
    await backend.pass_time(LEASE_S * 0.7)
    await queue.renew("b", 4, [("1", 1)], WorkerCard(model="tiny ✓", version="1.2"))
    await queue.renew("a", 2, [])
    await queue.renew("leaves", 2, [])
    await queue.leave("leaves")
    await backend.pass_time(LEASE_S * 0.5)

    a, b = await queue.workers()

    assert ("a", "", "", 2, 0, False) == (a.id, a.model, a.version, a.slots, a.running, a.drain)
    assert ("b", "tiny ✓", "1.2", 4, 1) == (b.id, b.model, b.version, b.slots, b.running)
    assert LEASE_S * 0.4 < b.heartbeat_age_s < LEASE_S


async def test_drained_worker_is_told_and_gets_nothing_more(backend: Backend):
    """It keeps its jobs, its slots count no more, and others take the rest."""
    queue = await backend.queue()
    for job_id in ("1", "2"):
        await queue.put(backend.job(job_id))
    await queue.claim("w", 1, 0)
    assert Orders(stops=[], drain=False) == await queue.renew("w", 4, [("1", 1)])

    assert await queue.drain("w")

    assert 0 == (await queue.load()).slots
    assert Orders(stops=[], drain=True) == await queue.renew("w", 4, [("1", 1)])
    assert [True] == [worker.drain for worker in await queue.workers()]
    assert 0 == (await queue.load()).slots
    assert [] == await queue.claim("w", 1, 0.1)
    assert await queue.finish("w", "1", 1, JobState.DONE, 5)
    assert ["2"] == [claim.job.id for claim in await queue.claim("v", 1, 0)]


async def test_only_live_workers_can_be_drained(backend: Backend):
    """A name that comes again later is not held to an old order."""
    queue = await backend.queue()
    assert not await queue.drain("never was")
    await queue.renew("w", 1, [])
    await queue.drain("w")
    await queue.leave("w")

    assert not await queue.drain("w")
    assert not (await queue.renew("w", 1, [])).drain


# Dead letters


async def bury(queue: JobQueue, backend: Backend, job_id: str, **changes: float) -> None:
    """Makes a job a dead letter."""
    await queue.put(backend.job(job_id, **changes))
    (claim,) = await queue.claim("w", 1, 0)
    assert await queue.finish("w", claim.job.id, claim.attempt, JobState.DEAD, 0)


async def test_dead_letter_keeps_its_job_and_can_be_tried_again(backend: Backend):
    """As if it had never been tried; the letter is gone."""
    queue = await backend.queue()
    job = backend.job("1")
    await queue.put(job)
    await queue.claim("w", 1, 0)
    await queue.mark_part("w", "1", 1, 1, True)
    await queue.finish("w", "1", 1, JobState.DEAD, 0)
    assert [job] == [letter.job for letter in await queue.dead_letters(5)]

    assert await queue.retry_dead("1")

    assert [] == await queue.dead_letters(5)
    assert JobState.QUEUED is await queue.state("1")
    (claim,) = await queue.claim("w", 1, 0)
    assert (job, 1, Verdict.RUN, 1) == (claim.job, claim.attempt, claim.verdict, claim.sent_parts)
    assert not await queue.retry_dead("1")


async def test_dead_letter_past_its_deadline_stays_dead(backend: Backend):
    """Nobody could be answered."""
    queue = await backend.queue()
    await bury(queue, backend, "1", ends_in_s=0.2)
    await backend.pass_time(0.3)

    assert not await queue.retry_dead("1")
    assert not await queue.retry_dead("never was")

    assert JobState.DEAD is await queue.state("1")
    assert ["1"] == [letter.job_id for letter in await queue.dead_letters(5)]


async def test_dead_letter_can_be_dropped(backend: Backend):
    """That one only."""
    queue = await backend.queue()
    for job_id in ("1", "2"):
        await bury(queue, backend, job_id)

    assert await queue.drop_dead("1")
    assert not await queue.drop_dead("1")

    assert ["2"] == [letter.job_id for letter in await queue.dead_letters(5)]


# A tenant's jobs


async def test_tenants_load_names_those_who_have_most(backend: Backend):
    """Both classes together, what waits and what runs; at most 25 of them."""
    queue = await backend.queue()
    for user_id in range(30):
        for n in range(1 + (user_id == 7)):
            await queue.put(backend.job(f"{user_id}-{n}", user_id=user_id, is_background=n == 1))
    await queue.put(backend.job("other", tenant="B"))
    await queue.claim("w", 1, 0)

    load = await queue.queued_of("g10")

    assert (30, 1) == (load.queued, load.running)
    assert 25 == len(load.users)
    assert [(7, 2, 0), (0, 0, 1), (1, 1, 0)] == load.users[:3]
    assert TenantLoad(queued=0, running=0, users=[]) == await queue.queued_of("nobody")


async def test_all_waiting_jobs_of_a_tenant_can_be_stopped(backend: Backend):
    """Those put back as well, and however many; running ones and others' stay."""
    queue = await backend.queue()
    for n in range(130):
        await queue.put(backend.job(f"a{n}", tenant="A", user_id=n % 9, is_background=n % 4 == 0))
        await queue.put(backend.job(f"b{n}", tenant="B", user_id=n % 9))
    held = [claim.job for claim in await queue.claim("w", 6, 0)]
    of_a = [job.id for job in held if job.tenant == "A"]
    await queue.release("w", [(of_a[0], 1)])

    dropped = await queue.cancel_tenant("A")

    assert 130 - len(of_a) + 1 == len({one.job_id for one in dropped}) == len(dropped)
    assert all(one.job and one.job.id == one.job_id for one in dropped)
    assert [] == await queue.cancel_tenant("A")

    assert JobState.STOPPED is await queue.state(of_a[0])
    assert JobState.RUNNING is await queue.state(of_a[1])
    assert 130 - (6 - len(of_a)) == (await queue.load()).queued


async def test_all_waiting_jobs_of_a_user_can_be_stopped(backend: Backend):
    """In whatever tenant and class, those put back as well; others' stay."""
    queue = await backend.queue()
    for n, tenant in enumerate(("A", "B", "u7")):
        for user_id in (7, 77):
            whose = {"tenant": tenant, "user_id": user_id, "is_background": n == 1}
            await queue.put(backend.job(f"{tenant}-{user_id}", **whose))
    await queue.claim("w", 6, 0)
    await queue.release("w", [("A-7", 1), ("B-77", 1)])
    await queue.put(backend.job("new", tenant="C", user_id=7))

    dropped = await queue.cancel_user(7)

    assert {"A-7", "new"} == {one.job_id for one in dropped}
    assert JobState.STOPPED is await queue.state("new")
    assert JobState.RUNNING is await queue.state("u7-7")
    assert ["B-77"] == await claim_ids(queue, 5)


async def test_stopped_job_is_told_with_its_reply_and_an_edit_on_its_way(backend: Backend):
    """Whoever tells its asker must not be overtaken by a notice."""
    queue = await backend.queue()
    job = backend.job("1")
    for job_id in ("1", "2", "3"):
        await queue.put(backend.job(job_id))
    await queue.begin_notice("2", 30)
    await queue.begin_notice("3", 30)
    await queue.end_notice("3")

    dropped = {one.job_id: one for one in await queue.cancel_tenant("g10")}

    assert job.reply == dropped["1"].job.reply
    assert [0, 0] == [dropped[job_id].notice_s for job_id in "13"]
    assert 25 < dropped["2"].notice_s <= 30
    assert await queue.begin_notice("2", 30) is None


async def test_ended_job_is_known_by_what_it_has_used(backend: Backend):
    """For whoever settles it when its worker can't any more."""
    queue = await backend.queue()
    for job_id in ("done", "cancelled"):
        await queue.put(backend.job(job_id))
    (claim,) = await queue.claim("w", 1, 0)
    assert 0 == await queue.used("done")

    assert not await queue.finish("other", "done", claim.attempt, JobState.DONE, 9)
    assert 0 == await queue.used("done")
    assert await queue.finish("w", "done", claim.attempt, JobState.DONE, 17)
    await queue.cancel("cancelled")

    assert 17 == await queue.used("done")
    assert 0 == await queue.used("cancelled")
    assert 0 == await queue.used("unknown")
