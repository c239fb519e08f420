"""What only a queue on Redis can meet: lost servers, full memory, damaged records, stray keys."""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

import pytest
from redis.asyncio import Redis

from bot.core.jobs import Job, JobState
from bot.errors import QueueDownError
from bot.jobqueue.api import Reaped
from bot.jobqueue.connect import open_queue
from bot.jobqueue.control import Dropped
from bot.jobqueue.limits import QueueLimits
from bot.jobqueue.redis_queue import RedisQueue
from tests.factories import make_job
from tests.host_controls import pause, resume, weigh
from tests.redis_servers import RedisServer

POOL = "p"


def job(job_id: str, **changes: object) -> Job:
    """A job that can be answered for another ten minutes."""
    return make_job(job_id, deadline_at_s=time.time() + 600, **changes)


@asynccontextmanager
async def raw_client(server: RedisServer) -> AsyncIterator[Redis]:
    """A client to look at keys and to do damage with."""
    client = Redis(unix_socket_path=str(server.socket), decode_responses=True)
    try:
        yield client
    finally:
        await client.aclose()


async def test_damaged_record_goes_to_the_dead_letters_at_once(server: RedisServer):
    """It is not handed out again and again, and the jobs beside it are served."""
    damages = {"not json": "{", "not text": b"\xff\xfe", "list": "[]"}
    async with open_queue(server.url, pool=POOL) as queue, raw_client(server) as client:
        for job_id, payload in damages.items():
            await queue.put(job(job_id))
            await client.hset(f"{{{POOL}}}:job:{job_id}", "payload", payload)
        await queue.put(job("good"))

        claims = await queue.claim("w", 10, 0)

        assert ["good"] == [claim.job.id for claim in claims]
        assert 1 == (await queue.load()).running
        letters = {letter.job_id: letter.reason for letter in await queue.dead_letters(10)}
        assert damages.keys() == letters.keys()
        for job_id in damages:
            assert JobState.DEAD is await queue.state(job_id)


async def test_record_of_a_newer_version_is_left_to_a_newer_worker(server: RedisServer):
    """In a rolling upgrade an old worker must not destroy what it can't read."""
    limits = QueueLimits(lease_s=0.05)
    async with (
        open_queue(server.url, pool=POOL, limits=limits) as queue,
        raw_client(server) as client,
    ):
        await queue.put(job("new"))
        await client.hset(f"{{{POOL}}}:job:new", "payload", '{"v":99}')

        assert [] == await queue.claim("old worker", 10, 0)
        await asyncio.sleep(0.1)
        assert Reaped(put_back=1, ended=[]) == await queue.reap()
        await client.hset(f"{{{POOL}}}:job:new", "payload", job("new").to_json())

        assert ["new"] == [claim.job.id for claim in await queue.claim("new worker", 10, 0)]


async def test_lost_record_does_not_stop_the_line(server: RedisServer):
    """Somebody deleted a job's hash: the next one is served, and a dead letter says so."""
    limits = QueueLimits(lease_s=0.05)
    async with (
        open_queue(server.url, pool=POOL, limits=limits) as queue,
        raw_client(server) as client,
    ):
        await queue.put(job("waiting"))
        await client.delete(f"{{{POOL}}}:job:waiting")
        await queue.put(job("running"))

        claims = await queue.claim("w", 10, 0)
        await client.delete(f"{{{POOL}}}:job:running")
        await asyncio.sleep(0.1)

        assert ["running"] == [claim.job.id for claim in claims]
        assert Reaped(put_back=0, ended=["running"]) == await queue.reap()
        assert {"waiting", "running"} == {x.job_id for x in await queue.dead_letters(10)}
        assert (0, 0) == ((await queue.load()).queued, (await queue.load()).running)


async def test_nothing_is_left_behind(server: RedisServer):
    """When all jobs have ended there are their records, which expire, without the prompts."""
    async with open_queue(server.url, pool=POOL) as queue, raw_client(server) as client:
        for n in range(4):
            await queue.put(job(str(n), tenant=f"g{n}"))
        await queue.cancel("3")
        await queue.claim("w", 2, 0)
        await queue.renew("w", 2, [("0", 1), ("1", 1)])
        await queue.release("w", [("1", 1)])
        await queue.claim("w", 5, 0)
        for n in range(3):
            assert await queue.finish("w", str(n), 1, JobState.DONE, 5)
        await queue.leave("w")
        await queue.reap()

        keys = {key async for key in client.scan_iter()}
        prefix = f"{{{POOL}}}:"
        jobs = {f"{prefix}job:{n}" for n in range(4)}
        assert jobs | {f"{prefix}meta"} == keys
        for key in jobs:
            assert 3000 < await client.ttl(key) <= 3600
            assert "payload" not in await client.hgetall(key)


async def test_crowd_leaves_only_what_is_the_pools_own(server: RedisServer):
    """Many servers, users and classes, ended in every way: no node and no line stays."""
    limits = QueueLimits(keep_ended_s=0.2, max_running_per_server=2, lease_s=0.2)
    async with (
        open_queue(server.url, pool=POOL, limits=limits) as queue,
        raw_client(server) as client,
    ):
        rng = random.Random(3)
        await weigh(queue, "g1", 3)
        await queue.renew("w", 4, [])
        for n in range(150):
            whose = {"tenant": f"g{n % 7}", "user_id": n % 11, "is_background": n % 3 == 0}
            await queue.put(job(str(n), **whose))
            if n % 9 == 0:
                await queue.cancel(str(n))
        await queue.cancel_tenant("g5")
        while (load := await queue.load()).queued + load.running:
            for claim in await queue.claim("w", 3, 0):
                held = ("w", claim.job.id, claim.attempt)
                fate = rng.random()
                if fate < 0.6:
                    await queue.finish(*held, JobState.DONE, rng.randrange(60))
                elif fate < 0.7:
                    await queue.release("w", [held[1:]])
                elif fate < 0.9:
                    await queue.retry(*held)
            if rng.random() < 0.1:
                await asyncio.sleep(0.25)
                await queue.reap()
        await queue.leave("w")
        await asyncio.sleep(0.3)

        keys = [key.partition(":")[2] async for key in client.scan_iter()]
        passing = {key for key in keys if key.startswith("stopped:")}
        left = set(keys) - passing
        assert all([0 < await client.ttl(f"{{{POOL}}}:{key}") <= 60 for key in passing])
        assert {"meta", "weights"} <= left <= {"meta", "weights", "dead"}
        assert ["0", "0"] == await client.hmget(f"{{{POOL}}}:meta", "front", "running")


async def test_waiting_jobs_are_stopped_once_and_told_again_to_who_did_not_hear(
    server: RedisServer,
):
    """An answer may be lost on its way; a record that can't be read is stopped like the others."""
    async with open_queue(server.url, pool=POOL) as queue, raw_client(server) as client:
        for job_id in ("1", "2"):
            await queue.put(job(job_id))
        await client.hset(f"{{{POOL}}}:job:2", "payload", "{")
        call = ("cancel_waiting", "g10", "", 100, 60_000, "a call")

        first, again = await queue._run(*call), await queue._run(*call)

        assert first == again
        assert {"1", "2"} == set(first[::3])
        await queue.put(job("3"))
        await client.hset(f"{{{POOL}}}:job:3", "payload", "{")
        assert [Dropped(job_id="3", job=None)] == await queue.cancel_tenant("g10")
        assert JobState.STOPPED is await queue.state("3")


async def test_tenants_whose_turn_has_passed_are_forgotten(server: RedisServer):
    """The finish tags of servers that were here once do not pile up."""
    async with open_queue(server.url, pool=POOL) as queue, raw_client(server) as client:
        for n in range(30):
            await queue.put(job(f"{n}", tenant=f"once{n}", cost=10))
            await queue.put(job(f"busy{n}", tenant="busy", cost=10))
            for claim in await queue.claim("w", 2, 0):
                await queue.finish("w", claim.job.id, 1, JobState.DONE, 10)
        await queue.reap()

        assert await client.zcard(f"{{{POOL}}}:finish:i") < 10


async def test_wake_tokens_are_there_exactly_while_jobs_wait(server: RedisServer):
    """A lost token is replaced by the next claim; none is left over when the line is empty."""
    async with open_queue(server.url, pool=POOL) as queue, raw_client(server) as client:
        wake = f"{{{POOL}}}:wake"
        for n in range(3):
            await queue.put(job(str(n)))
        await client.delete(wake)

        await queue.claim("w", 1, 0)
        assert 1 == await client.llen(wake)
        await queue.claim("w", 2, 0)
        assert 0 == await client.llen(wake)


async def test_pools_do_not_see_each_other(server: RedisServer):
    """Two bots may share a Redis."""
    async with open_queue(server.url, pool="a") as one, open_queue(server.url, pool="b") as other:
        await one.put(job("1"))

        assert await other.state("1") is None
        assert [] == await other.claim("w", 1, 0)


def every_call(queue: RedisQueue) -> list[Callable[[], Awaitable[object]]]:
    """One of each."""
    return [
        lambda: queue.put(job("x")),
        queue.load,
        lambda: queue.claim("w", 1, 1),
        lambda: queue.renew("w", 1, []),
        lambda: queue.mark_part("w", "1", 1, 1, True),
        lambda: queue.finish("w", "1", 1, JobState.DONE, 1),
        lambda: queue.release("w", [("1", 1)]),
        lambda: queue.leave("w"),
        lambda: queue.cancel("1"),
        lambda: queue.wait_cancelled(1),
        lambda: queue.place("1"),
        lambda: queue.state("1"),
        lambda: queue.owner("1"),
        queue.reap,
        lambda: queue.dead_letters(1),
        lambda: queue.status("1"),
        lambda: weigh(queue, "g10", 2),
        queue.weights,
        lambda: pause(queue, "later"),
        lambda: resume(queue),
        queue.paused,
        lambda: queue.drain("w"),
        queue.workers,
        lambda: queue.queued_of("g10"),
        lambda: queue.cancel_tenant("g10"),
        lambda: queue.cancel_user(100),
        lambda: queue.retry_dead("1"),
        lambda: queue.drop_dead("1"),
    ]


async def test_lost_server_is_said_soon_by_every_call(server: RedisServer):
    """Within three seconds, as an error of ours; and all is well once it is back."""
    async with open_queue(server.url, pool=POOL) as queue:
        await queue.put(job("1"))
        await queue.wait_cancelled(0.01)
        server.kill()
        started = time.monotonic()

        results = await asyncio.gather(
            *(call() for call in every_call(queue)), return_exceptions=True
        )

        assert {QueueDownError} == {type(result) for result in results}
        assert time.monotonic() - started < 3
        server.start()
        assert JobState.QUEUED is await queue.state("1")
        (claim,) = await queue.claim("w", 1, 1)
        assert [] == await queue.wait_cancelled(0.05)
        await queue.cancel(claim.job.id)
        assert ["1"] == await queue.wait_cancelled(1)


async def test_short_restart_is_not_noticed(server: RedisServer):
    """What can safely be tried again is, for as long as a restart takes."""
    async with open_queue(server.url, pool=POOL) as queue:
        await queue.put(job("1"))
        server.kill()
        putting = asyncio.create_task(queue.put(job("2")))
        await asyncio.sleep(0.1)

        server.start()

        assert 2 == (await putting).place


async def test_frozen_server_holds_nobody_for_ever(server: RedisServer):
    """Connections stay open and no answer comes: calls end by their time-outs."""
    async with open_queue(server.url, pool=POOL) as queue:
        claiming = asyncio.create_task(queue.claim("w", 1, 2))
        await asyncio.sleep(0.1)
        server.freeze()
        started = time.monotonic()
        try:
            results = await asyncio.gather(claiming, queue.put(job("1")), return_exceptions=True)
        finally:
            server.thaw()

        assert [QueueDownError, QueueDownError] == [type(result) for result in results]
        assert time.monotonic() - started < 8
        assert await queue.load()


async def test_full_memory_refuses_new_jobs_and_lets_the_others_end(server: RedisServer):
    """Jobs that were taken can be run, renewed, given back, lost, stopped and ended."""
    limits = QueueLimits(lease_s=0.2)
    async with (
        open_queue(server.url, pool=POOL, limits=limits) as queue,
        raw_client(server) as client,
    ):
        for n in range(5):
            await queue.put(job(str(n)))
        await client.config_set("maxmemory", 1)

        with pytest.raises(QueueDownError, match="memory"):
            await queue.put(job("more"))
        assert 4 == len(await queue.claim("w", 4, 0))
        assert [] == (await queue.renew("w", 4, [(str(n), 1) for n in range(4)])).stops
        assert await queue.mark_part("w", "0", 1, 1, False)
        assert await queue.finish("w", "0", 1, JobState.DEAD, 5)
        await queue.release("w", [("1", 1)])
        assert JobState.RUNNING is await queue.cancel("2")
        assert JobState.QUEUED is await queue.cancel("4")
        await asyncio.sleep(0.3)
        assert 2 == (await queue.reap()).put_back
        await weigh(queue, "g10", 2)
        await pause(queue, "full")
        await resume(queue)
        await queue.renew("w", 4, [])
        assert await queue.drain("w")
        assert await queue.retry_dead("0")
        assert 2 <= len(await queue.cancel_tenant("g10"))
        await queue.leave("w")


async def test_killed_server_loses_nothing_it_accepted(server: RedisServer):
    """Put and finish go on over two kills; every accepted job ends, none of them twice."""
    limits = QueueLimits(lease_s=0.5, max_queued_per_server=10_000, max_queued_per_user=10_000)
    accepted: list[str] = []
    finished: list[str] = []
    async with open_queue(server.url, pool=POOL, limits=limits) as queue:

        async def produce() -> None:
            n = 0
            while True:
                n += 1
                with suppress(QueueDownError):
                    await queue.put(job(str(n)))
                    accepted.append(str(n))
                await asyncio.sleep(0.002)

        async def work() -> None:
            while True:
                try:
                    for claim in await queue.claim("w", 4, 0.1):
                        done = (claim.job.id, claim.attempt, JobState.DONE, 5)
                        if await queue.finish("w", *done):
                            finished.append(claim.job.id)
                    await queue.reap()
                except QueueDownError:
                    await asyncio.sleep(0.02)

        producer, worker = asyncio.create_task(produce()), asyncio.create_task(work())
        for pause_s in (0.2, 2.0):  # the second is longer than calls are tried again
            await asyncio.sleep(0.3)
            server.kill()
            await asyncio.sleep(pause_s)
            server.start()
        await asyncio.sleep(0.3)
        producer.cancel()
        async with asyncio.timeout(10):
            while (load := await queue.load()).queued + load.running:  # noqa: ASYNC110  # over there
                await asyncio.sleep(0.05)
        worker.cancel()
        states = {await queue.state(job_id) for job_id in accepted}
        await asyncio.gather(producer, worker, return_exceptions=True)

    assert len(accepted) > 20
    assert {JobState.DONE} == states
    assert len(set(finished)) == len(finished)
