"""What a long line costs: each call of the queue with few and with very many jobs waiting.

Called by `queue`. Uses pools of its own; `queue` deletes what it made.
"""

import asyncio
import random
import statistics
import time
from collections import defaultdict
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import TypeVar

from redis.asyncio import Redis

from bot.core.jobs import Job, JobState
from bot.jobqueue.connect import open_queue
from bot.jobqueue.limits import QueueLimits
from bot.jobqueue.redis_queue import RedisQueue

SHALLOW, DEEP = 100, 100_000
NO_BOUNDS = QueueLimits(
    max_queued=10_000_000, max_queued_per_server=10_000_000, max_queued_per_user=10_000_000
)
_SERVERS = 20
_USERS = 50  # of each server
_FILLERS = 16  # connections that fill the line
_SAMPLES = 500  # of each call
_ROUNDS = 5

_T = TypeVar("_T")
NewJob = Callable[[int, int], Job]  # from server and user


@dataclass(frozen=True, slots=True, kw_only=True)
class Depth:
    """Calls with a line of one length.

    Attributes:
        queued: jobs that wait all the while.
        call_us: p50 of each call, as its caller sees it, by name.
        job_bytes: what one waiting job takes of the server's memory.
    """

    queued: int
    call_us: dict[str, float]
    job_bytes: float


async def measure_depths(
    url: str, client: Redis, *, pool: str, new_job: NewJob, depths: tuple[int, ...]
) -> list[Depth]:
    """The same calls with lines of several lengths, in pools whose names start with `pool`.

    They take turns, so that what disturbs the machine disturbs all alike.
    """
    rng = random.Random(1)
    calls: list[dict[str, list[float]]] = [defaultdict(list[float]) for _ in depths]
    job_bytes: list[float] = []
    async with _queues(url, pool, depths) as queues:
        for queue, depth in zip(queues, depths, strict=True):
            before = await _used_bytes(client)
            await _fill(queue, depth, new_job)
            job_bytes.append((await _used_bytes(client) - before) / depth)
        for _ in range(_ROUNDS):
            for queue, times in zip(queues, calls, strict=True):
                await _sample(queue, rng, new_job, times, _SAMPLES // _ROUNDS)
    return [
        Depth(
            queued=depth,
            call_us={name: statistics.median(times) * 1e6 for name, times in by_name.items()},
            job_bytes=size,
        )
        for depth, by_name, size in zip(depths, calls, job_bytes, strict=True)
    ]


def report_depths(depths: list[Depth]) -> None:
    """Prints them beside each other."""
    names = list(depths[0].call_us)
    print(f"\n{_SERVERS} servers, {_USERS} members each; p50 of a call in µs")
    print(f"{'waiting':>9} " + " ".join(f"{name:>8}" for name in names) + "  bytes/job")
    for one in depths:
        figures = " ".join(f"{one.call_us[name]:8.0f}" for name in names)
        print(f"{one.queued:9} {figures} {one.job_bytes:10.0f}")
    shallow, deep = depths[0].call_us, depths[-1].call_us
    print(f"{'ratio':>9} " + " ".join(f"{deep[name] / shallow[name]:8.2f}" for name in names))


@asynccontextmanager
async def _queues(url: str, pool: str, depths: tuple[int, ...]) -> AsyncGenerator[list[RedisQueue]]:
    async with AsyncExitStack() as stack:
        yield [
            await stack.enter_async_context(
                open_queue(url, pool=f"{pool}-{depth}", limits=NO_BOUNDS)
            )
            for depth in depths
        ]


async def _fill(queue: RedisQueue, n: int, new_job: NewJob) -> None:
    numbers = iter(range(n))

    async def put() -> None:
        for number in numbers:
            await queue.put(new_job(number % _SERVERS, number // _SERVERS % _USERS))

    async with asyncio.TaskGroup() as tasks:
        for _ in range(_FILLERS):
            tasks.create_task(put())


async def _sample(
    queue: RedisQueue, rng: random.Random, new_job: NewJob, times: dict[str, list[float]], n: int
) -> None:
    async def timed(name: str, call: Awaitable[_T]) -> _T:
        started_s = time.perf_counter()
        answer = await call
        times[name].append(time.perf_counter() - started_s)
        return answer

    for _ in range(n):
        jobs = [new_job(rng.randrange(_SERVERS), rng.randrange(_USERS)) for _ in range(2)]
        await timed("enqueue", queue.put(jobs[0]))
        await timed("place", queue.place(jobs[0].id))
        (claim,) = await timed("claim", queue.claim("w", 1, 0))
        done = (claim.job.id, claim.attempt, JobState.DONE, 60)
        await timed("finish", queue.finish("w", *done))
        await queue.put(jobs[1])
        await timed("cancel", queue.cancel(jobs[1].id))


async def _used_bytes(client: Redis) -> int:
    info = await client.info("memory")  # pyright: ignore[reportUnknownMemberType]  # untyped **kwargs
    return int(info["used_memory"])
