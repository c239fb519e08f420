"""The memory queue and the queue on Redis, side by side through the same random life."""

import asyncio
import secrets
import time
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.core.jobs import JobState
from bot.jobqueue.api import JobQueue
from bot.jobqueue.connect import open_queue
from bot.jobqueue.limits import QueueLimits
from bot.jobqueue.memory_queue import MemoryQueue
from tests.factories import make_job
from tests.redis_servers import RedisServer, any_server, running_server

LIMITS = QueueLimits(max_queued=12)
NUMBERS = st.integers(0, 14)
STEP = st.one_of(
    st.tuples(st.just("put"), NUMBERS, st.sampled_from("ABC"), st.integers(0, 60), st.booleans()),
    st.tuples(st.just("claim"), st.integers(0, 4)),
    st.tuples(st.just("cancel"), NUMBERS),
    st.tuples(st.just("finish"), NUMBERS, st.integers(0, 90), st.sampled_from(["done", "dead"])),
    st.tuples(st.just("release"), NUMBERS),
    st.tuples(st.just("retry"), NUMBERS),
    st.tuples(st.just("mark"), NUMBERS, st.integers(1, 3), st.booleans()),
)


@pytest.fixture(scope="module")
def shared_server() -> Iterator[RedisServer]:
    """One server for all examples; each has a pool of its own."""
    with running_server(any_server()) as server:
        yield server


async def live(queue: JobQueue, steps: list[tuple], now_s: float) -> list[object]:
    """Takes the steps; returns everything that the queue ever said."""
    said: list[object] = []
    attempts: dict[str, int] = {}
    for name, *arguments in steps:
        job_id = str(arguments[0])
        held = ("w", job_id, attempts.get(job_id, 1))
        match name:
            case "put":
                _, tenant, cost, late = arguments
                ends_at_s = now_s + (-30 if late else 900)
                job = make_job(job_id, tenant=tenant, cost=cost, deadline_at_s=ends_at_s)
                said.append(await queue.put(job))
            case "claim":
                claims = await queue.claim("w", arguments[0], 0)
                attempts |= {claim.job.id: claim.attempt for claim in claims}
                said.append(claims)
            case "cancel":
                said.append(await queue.cancel(job_id))
            case "finish":
                said.append(await queue.finish(*held, JobState(arguments[2]), arguments[1]))
            case "release":
                await queue.release("w", [held[1:]])
            case "retry":
                said.append(await queue.retry(*held))
            case _:
                said.append(await queue.mark_part(*held, *arguments[1:]))
        said.append(await queue.load())
    everyone = [str(n) for n in range(15)]
    said.append([await queue.state(job_id) for job_id in everyone])
    said.append([await queue.place(job_id) for job_id in everyone])
    said.append(await queue.renew("w", 2, [(job_id, 1) for job_id in everyone]))
    said.append([letter.job_id for letter in await queue.dead_letters(20)])
    return said


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(steps=st.lists(STEP, max_size=40))
def test_memory_and_redis_say_the_same(shared_server: RedisServer, steps: list[tuple]):
    """Whatever is put, claimed, cancelled, ended and given back, in whatever order."""

    async def compare() -> None:
        now_s = time.time()
        memory = MemoryQueue(clock=lambda: now_s, limits=LIMITS)
        pool = secrets.token_hex(6)
        async with open_queue(shared_server.url, pool=pool, limits=LIMITS) as queue:
            assert await live(memory, steps, now_s) == await live(queue, steps, now_s)

    asyncio.run(compare())
