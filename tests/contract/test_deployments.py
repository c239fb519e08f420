"""The queue where Redis is several processes, and where it goes away and comes back."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import TypeVar

import pytest

from bot.core.jobs import Job, JobState
from bot.errors import QueueDownError, UnreachableError
from bot.jobqueue.api import Load
from bot.jobqueue.connect import open_queue
from bot.jobqueue.redis_queue import RedisQueue
from tests.factories import make_job
from tests.redis_deployments import (
    SERVICE,
    Node,
    running_cluster,
    running_node,
    running_sentinel,
    running_sentinels,
)
from tests.redis_servers import carried_server, server_on_path, valkey_server

PROGRAMS = {"redis": server_on_path, "redis-6.2": carried_server, "valkey-8": valkey_server}
FAILOVER_S = 15.0  # a second until it is noticed, a vote, and calls that end by their time-outs
BACK_S = 5.0
T = TypeVar("T")


@pytest.fixture(params=PROGRAMS)
def program(request: pytest.FixtureRequest) -> Path:
    """Each server that must do."""
    return PROGRAMS[request.param]()


def job(job_id: str) -> Job:
    """A job that can be answered for another ten minutes."""
    return make_job(job_id, deadline_at_s=time.time() + 600)


async def until_it_works(call: Callable[[], Awaitable[T]], within_s: float) -> T:
    """What callers do: they try again while the queue is down."""
    async with asyncio.timeout(within_s):
        while True:
            with suppress(QueueDownError):
                return await call()
            await asyncio.sleep(0.05)


class Worker:
    """Waits for jobs and for cancels in two loops that nobody helps."""

    def __init__(self, queue: RedisQueue) -> None:
        self._queue = queue
        self.claimed: dict[str, int] = {}
        self.cancelled: set[str] = set()

    async def claim(self) -> None:
        """Takes whatever comes."""
        while True:
            try:
                for claim in await self._queue.claim("w", 4, 2):
                    self.claimed[claim.job.id] = claim.attempt
            except QueueDownError:
                await asyncio.sleep(0.05)

    async def listen(self) -> None:
        """Hears of cancels."""
        while True:
            try:
                self.cancelled.update(await self._queue.wait_cancelled(0.5))
            except QueueDownError:
                await asyncio.sleep(0.05)


@asynccontextmanager
async def at_work(queue: RedisQueue) -> AsyncIterator[Worker]:
    """A worker that waits on an empty queue."""
    worker = Worker(queue)
    tasks = [asyncio.create_task(worker.claim()), asyncio.create_task(worker.listen())]
    await asyncio.sleep(0.3)
    try:
        yield worker
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def until(condition: Callable[[], bool], within_s: float) -> None:
    """Returns once the condition holds."""
    async with asyncio.timeout(within_s):
        while not condition():  # noqa: ASYNC110  # it has no event
            await asyncio.sleep(0.02)


def wait_for_copy(node: Node) -> None:
    """Returns once a replica has all that was written so far."""
    with node.admin() as admin:
        offset = admin.info("replication")["master_repl_offset"]
        give_up_at = time.monotonic() + 10
        while admin.info("replication")["slave0"]["offset"] < offset:
            assert time.monotonic() < give_up_at, "the replica does not follow"
            time.sleep(0.02)


async def check_failover(url: str, primary: Node, pool: str) -> None:
    """Kills the primary under a worker that waits; all goes on by itself, and no job is lost."""
    async with (
        open_queue(url, pool=pool, start_for_s=10) as bot,
        open_queue(url, pool=pool) as theirs,
    ):
        running = {"a", "b"}
        for job_id in running:
            await bot.put(job(job_id))
        async with at_work(theirs) as worker:
            await until(lambda: worker.claimed.keys() == running, 5)
            wait_for_copy(primary)

            primary.server.kill()
            await until_it_works(lambda: bot.put(job("new")), FAILOVER_S)
            await until(lambda: "new" in worker.claimed, FAILOVER_S)
            assert await bot.cancel("a") is JobState.RUNNING
            await until_cancel_is_heard(bot, worker)

        assert await theirs.finish("w", "b", worker.claimed["b"], JobState.DONE, 5)
        assert {"a": 1, "b": 1, "new": 1} == worker.claimed
        assert Load(queued=0, running=2, slots=0) == await bot.load()


async def until_cancel_is_heard(bot: RedisQueue, worker: Worker) -> None:
    """The channel keeps nothing: a cancel from before the worker listened again is gone."""
    async with asyncio.timeout(FAILOVER_S):
        while "a" not in worker.cancelled:
            await bot.cancel("a")
            await asyncio.sleep(0.2)


async def test_sentinels_name_the_next_primary(program: Path):
    """A primary is killed; its replica takes over, with the jobs, and nobody is restarted."""
    with running_sentinels(program) as watched:
        await check_failover(watched.url, watched.primary, "bardling")


async def test_waiting_jobs_outlive_a_failover():
    """What was accepted and copied is served by the next primary, in the same order."""
    with running_sentinels(server_on_path()) as watched:
        async with open_queue(watched.url, start_for_s=10) as queue:
            for n in range(20):
                await queue.put(job(str(n)))
            wait_for_copy(watched.primary)
            watched.primary.server.kill()

            load = await until_it_works(queue.load, FAILOVER_S)
            claims = await until_it_works(lambda: queue.claim("w", 30, 2), FAILOVER_S)

        assert 20 == load.queued
        assert [str(n) for n in range(20)] == [claim.job.id for claim in claims]


async def test_unknown_service_is_one_sentence():
    """The sentinels answer, but watch nothing of that name."""
    with running_sentinels(server_on_path()) as watched:
        url = watched.url.replace("/bardling", "/other")
        with pytest.raises(UnreachableError) as caught:
            async with open_queue(url, start_for_s=0.3):
                pass

    hosts = ",".join(f"127.0.0.1:{port}" for port in watched.sentinels)
    assert f"No sentinel at {hosts} names a primary for other." == str(caught.value)


async def test_cluster_replica_takes_over(program: Path):
    """Three primaries share the slots; the one that has the queue is killed."""
    with running_cluster(program, primaries=3, replicas=1) as cluster:
        lost = cluster.nodes[2]
        pool = next(
            name
            for name in (f"bardling-{n}" for n in range(1000))
            if cluster.primary_of(f"{{{name}}}:ready") == lost
        )
        await check_failover(cluster.url, lost, pool)


@pytest.mark.parametrize("where", ["sentinels", "redis"])
async def test_login_that_is_refused_is_said_at_once(where: str):
    """By the sentinels or by the primary: trying again would not help."""
    with running_node(server_on_path()) as node:
        line = ("requirepass richtig",) if where == "sentinels" else ()
        with running_sentinel(server_on_path(), node.port, *line) as port:
            await asyncio.sleep(1)
            if where == "redis":
                with node.admin() as admin:
                    admin.config_set("requirepass", "richtig")
            url = f"redis+sentinel://:geheim@127.0.0.1:{port}/{SERVICE}?sentinel_password=geheim"
            started = time.monotonic()
            with pytest.raises(UnreachableError) as caught:
                async with open_queue(url if where == "sentinels" else url.partition("?")[0]):
                    pass

    assert f"Redis at 127.0.0.1:{port} refused the login; check user and password." == str(
        caught.value
    )
    assert time.monotonic() - started < 3


@contextmanager
def lone_node(kind: str) -> Iterator[tuple[str, Node]]:
    """One node, as it is or in cluster mode, and its address."""
    if kind == "redis-cluster":
        with running_cluster(server_on_path()) as cluster:
            yield cluster.url, cluster.nodes[0]
    else:
        with running_node(PROGRAMS[kind]()) as node:
            yield f"redis://127.0.0.1:{node.port}", node


@pytest.mark.parametrize("kind", ["redis", "valkey-8", "redis-cluster"])
async def test_redis_comes_back_and_the_queue_with_it(kind: str):
    """Away for longer than calls are tried again: claims and puts work soon after its return."""
    with lone_node(kind) as (url, node):
        async with open_queue(url) as bot, open_queue(url) as theirs, at_work(theirs) as worker:
            await bot.put(job("before"))
            await until(lambda: "before" in worker.claimed, 5)
            node.server.kill()
            with pytest.raises(QueueDownError):
                await bot.put(job("lost"))
            await asyncio.sleep(3)

            node.server.start()
            back_at = time.monotonic()
            await until_it_works(lambda: bot.put(job("after")), BACK_S)
            await until(lambda: "after" in worker.claimed, BACK_S)

            assert time.monotonic() - back_at < BACK_S
            assert JobState.RUNNING is await bot.state("before")


async def test_node_that_is_no_cluster_says_so():
    """The wrong form of address is not a server that is away."""
    with running_node(server_on_path()) as node, pytest.raises(UnreachableError) as caught:
        async with open_queue(f"redis+cluster://127.0.0.1:{node.port}"):
            pass

    assert str(caught.value).startswith(f"Redis at 127.0.0.1:{node.port} refused the connection")
    assert "cluster support disabled" in str(caught.value)


@pytest.mark.parametrize("kind", ["sentinel", "cluster"])
async def test_absent_deployment_is_one_sentence(kind: str):
    """With all hosts, without the password, and in bounded time."""
    started = time.monotonic()
    with pytest.raises(UnreachableError) as caught:
        async with open_queue(
            f"redis+{kind}://u:geheim@127.0.0.1:1,127.0.0.1:2/{'x' * (kind == 'sentinel')}",
            start_for_s=0.3,
        ):
            pass

    assert "127.0.0.1:1,127.0.0.1:2" in str(caught.value)
    assert "geheim" not in str(caught.value)
    assert time.monotonic() - started < 3
