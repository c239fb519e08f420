"""The memory queue and the queue on Redis, side by side through the same random life."""

import asyncio
import secrets
import time
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.core.jobs import Job, JobState
from bot.jobqueue.api import Claim, JobQueue
from bot.jobqueue.connect import open_queue
from bot.jobqueue.limits import QueueLimits
from bot.jobqueue.memory_queue import MemoryQueue
from tests.factories import make_job
from tests.host_controls import pause, resume, weigh
from tests.redis_servers import RedisServer, any_server, running_server

NUMBERS = st.integers(0, 14)
TENANTS = st.sampled_from("ABC")
LIMITS = st.builds(
    QueueLimits,
    max_queued=st.just(12),
    max_queued_per_server=st.sampled_from([6, 12]),
    max_queued_per_user=st.sampled_from([3, 12]),
    max_running_per_server=st.sampled_from([0, 0, 2]),
    max_running_per_user=st.sampled_from([0, 0, 1]),
    max_attempts=st.just(2),
)
PUT = st.tuples(
    st.just("put"), NUMBERS, TENANTS, st.integers(1, 3), st.sampled_from([0, 7, 24, 24, 24, 60]),
    st.sampled_from([False, False, False, True]), st.booleans(),
)  # fmt: skip
CLAIM = st.tuples(st.just("claim"), st.integers(1, 4))
ENDS = st.sampled_from(["done", "done", "dead"])
STEP = st.one_of(
    PUT,
    PUT,
    PUT,
    CLAIM,
    CLAIM,
    st.tuples(st.just("cancel"), NUMBERS),
    st.tuples(st.just("finish"), NUMBERS, st.integers(0, 90), ENDS),
    st.tuples(st.just("release"), NUMBERS),
    st.tuples(st.just("retry"), NUMBERS),
    st.tuples(st.just("mark"), NUMBERS, st.integers(1, 3), st.booleans()),
    st.tuples(st.just("weigh"), TENANTS, st.sampled_from([0.5, 1, 3])),
    st.tuples(st.just("pause"), st.booleans()),
    st.tuples(st.just("sweep"), TENANTS),
    st.tuples(st.just("sweep_user"), st.integers(1, 3)),
    st.tuples(st.just("revive"), NUMBERS),
    st.tuples(st.just("drop"), NUMBERS),
)


@pytest.fixture(scope="module")
def shared_server() -> Iterator[RedisServer]:
    """One server for all examples; each has a pool of its own."""
    with running_server(any_server()) as server:
        yield server


class Life:
    """One queue's life; `said` is everything that it ever answered."""

    def __init__(self, queue: JobQueue, now_s: float) -> None:
        self.queue = queue
        self.said: list[object] = []
        self._now_s = now_s
        self._attempts: dict[str, int] = {}

    async def step(self, name: str, *arguments: Any) -> None:  # noqa: C901, PLR0912  # a list of calls
        """Does one thing, and looks at everything."""
        queue, first = self.queue, arguments[0]
        job_id = str(first)
        held = ("w", job_id, self._attempts.get(job_id, 1))
        match name:
            case "put":
                answer = await queue.put(self._job(job_id, *arguments[1:]))
            case "claim":
                answer = await self._claim(first)
            case "cancel":
                answer = await queue.cancel(job_id)
            case "finish":
                answer = await queue.finish(*held, JobState(arguments[2]), arguments[1])
            case "release":
                answer = await queue.release("w", [held[1:]])
            case "retry":
                answer = await queue.retry(*held)
            case "weigh":
                await weigh(queue, first, arguments[1])
                answer = await queue.weights()
            case "pause":
                await (pause(queue, "later") if first else resume(queue))
                answer = await queue.paused()
            case "sweep":
                answer = await queue.cancel_tenant(first)
                answer = sorted(answer, key=lambda one: one.job_id)
            case "sweep_user":
                answer = sorted(one.job_id for one in await queue.cancel_user(first))
            case "revive":
                answer = await queue.retry_dead(job_id)
            case "drop":
                answer = await queue.drop_dead(job_id)
            case _:
                answer = await queue.mark_part(*held, *arguments[1:])
        self.said += [name, answer, await queue.load()]
        self.said += [await queue.status(str(n)) for n in range(15)]

    async def end(self) -> None:
        """Looks at what is left, and serves it all."""
        queue, everyone = self.queue, [str(n) for n in range(15)]
        self.said += [await queue.state(job_id) for job_id in everyone]
        self.said += [await queue.owner(job_id) for job_id in everyone]
        self.said += [await queue.queued_of(tenant) for tenant in "ABC"]
        self.said.append(await queue.renew("w", 2, [(job_id, 1) for job_id in everyone]))
        letters = await queue.dead_letters(20)
        self.said += [(x.job_id, x.attempts, x.reason, x.job) for x in letters]
        await resume(queue)
        for _ in range(20):
            for claim in await self._claim(1):
                done = ("w", claim.job.id, claim.attempt, JobState.DONE, 24)
                self.said.append(await queue.finish(*done))

    async def _claim(self, n: int) -> list[Claim]:
        claims = await self.queue.claim("w", n, 0)
        self._attempts |= {claim.job.id: claim.attempt for claim in claims}
        self.said.append(claims)
        return claims

    def _job(
        self, job_id: str, tenant: str, user_id: int, cost: int, is_late: bool, is_background: bool
    ) -> Job:
        return make_job(
            job_id,
            tenant=tenant,
            user_id=user_id,
            cost=cost,
            deadline_at_s=self._now_s + (-30 if is_late else 900),
            is_background=is_background,
        )


async def live(queue: JobQueue, steps: list[tuple[Any, ...]], now_s: float) -> list[object]:
    """Takes the steps; returns everything that the queue ever said."""
    life = Life(queue, now_s)
    for step in steps:
        await life.step(*step)
    await life.end()
    return life.said


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(limits=LIMITS, steps=st.lists(STEP, max_size=40))
def test_memory_and_redis_say_the_same(
    shared_server: RedisServer, limits: QueueLimits, steps: list[tuple[Any, ...]]
):
    """Whatever is put, claimed, cancelled, ended, paused and given back, in whatever order."""

    async def compare() -> None:
        now_s = time.time()
        memory = MemoryQueue(clock=lambda: now_s, limits=limits)
        pool = secrets.token_hex(6)
        async with open_queue(shared_server.url, pool=pool, limits=limits) as queue:
            assert await live(memory, steps, now_s) == await live(queue, steps, now_s)

    asyncio.run(compare())
