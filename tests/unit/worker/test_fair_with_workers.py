"""Fair shares with real workers: a real Redis, the worker's own loops, the scripted engine."""

import asyncio
import random
import statistics
import time
from contextlib import AsyncExitStack

import pytest

from bot.core.jobs import Job, ReplyTarget
from bot.core.replies import ReplyMessage
from bot.core.sampling import SamplingParams
from bot.engine.scripted import ScriptedEngine
from bot.jobqueue.connect import open_queue
from bot.jobqueue.limits import QueueLimits
from bot.jobqueue.redis_queue import RedisQueue
from bot.services.ledger import Ledger
from bot.state.memory_limits import MemoryLimits
from bot.state.memory_outputs import MemoryOutputs
from bot.state.memory_sessions import MemorySessions
from bot.state.memory_stories import MemoryStories
from bot.state.memory_usage import MemoryUsage
from bot.state.memory_xray_texts import MemoryXrayTexts
from bot.worker.runner import Worker
from bot.worker.tools import Mask
from tests.factories import make_job
from tests.redis_servers import any_server, running_server
from tests.unit.worker.workshop import MODEL, MemoryReplies, byte_tokenizer

SERVERS, MEMBERS, FLOOD = 20, 50, 5_000
WORKERS, SLOTS = 2, 8
LIMITS = QueueLimits(max_queued=20_000, max_queued_per_server=10_000, max_queued_per_user=1_000)


async def no_mask(_job: Job) -> Mask:
    return str


async def nobody(_model: str) -> None:
    """Nobody needs to know the model here."""


class Starts(MemoryReplies):
    """Notes when each job's first edit came; keeps no texts."""

    def __init__(self) -> None:
        super().__init__()
        self.at_s: dict[str, float] = {}

    async def edit_original(
        self, target: ReplyTarget, message: ReplyMessage, *, tries: int = 5
    ) -> None:
        self.at_s.setdefault(target.interaction_token, time.monotonic())


def short_text(job_id: str, tenant: str, user_id: int) -> Job:
    """A job whose reply is told apart by its token."""
    now_s = time.time()
    return make_job(
        job_id,
        tenant=tenant,
        user_id=user_id,
        prompt="Tell me",
        max_new_tokens=12,
        cost=19,
        sampling=SamplingParams(seed=1),
        reply=ReplyTarget(application_id=1, interaction_token=job_id, channel_id=2, guild_id=None),
        created_at_s=now_s,
        deadline_at_s=now_s + 800,
    )


def new_worker(name: str, queue: RedisQueue, replies: Starts) -> Worker:
    """A worker as `app` builds it, but for Discord and the stores."""
    return Worker(
        worker_id=name,
        queue=queue,
        engine=ScriptedEngine(n_vocab=257, n_ctx=1024, slots=SLOTS, step_delay_s=0.002),
        tokenizer=byte_tokenizer(),
        model=MODEL,
        replies=replies,
        ledger=Ledger(MemoryLimits(time.time), MemoryUsage(clock=time.time)),
        mask_of=no_mask,
        outputs=MemoryOutputs(clock=time.time),
        xray_texts=MemoryXrayTexts(clock=time.time, keep_days=30),
        stories=MemoryStories(clock=time.time),
        sessions=MemorySessions(clock=time.time),
        announce=nobody,
        lease_s=LIMITS.lease_s,
        drain_s=1.0,
    )


async def mean_waits_s(url: str, *, flood: int) -> dict[str, float]:
    """Each server's mean wait for the first words, all members asking at once.

    Args:
        url: of a Redis.
        flood: jobs that one more server has put just before.
    """
    async with AsyncExitStack() as stack:
        pool = f"fair-{flood}"
        queue = await stack.enter_async_context(open_queue(url, pool=pool, limits=LIMITS))
        for n in range(flood):
            await queue.put(short_text(f"{n}", "gflood", n % 10))
        asked = [(f"g{server}", member) for server in range(SERVERS) for member in range(MEMBERS)]
        random.Random(4).shuffle(asked)
        tenants = {str(flood + n): tenant for n, (tenant, _) in enumerate(asked)}
        for n, (tenant, member) in enumerate(asked):
            await queue.put(short_text(str(flood + n), tenant, member))
        replies, stop, started_s = Starts(), asyncio.Event(), time.monotonic()
        async with asyncio.TaskGroup() as workers:
            for n in range(WORKERS):
                own = await stack.enter_async_context(open_queue(url, pool=pool, limits=LIMITS))
                workers.create_task(new_worker(f"w{n}", own, replies).run(stop))
            while not tenants.keys() <= replies.at_s.keys():  # noqa: ASYNC110
                await asyncio.sleep(0.05)
            await queue.cancel_tenant("gflood")
            stop.set()
        waits = {tenant: list[float]() for tenant in tenants.values()}
        for job_id, tenant in tenants.items():
            waits[tenant].append(replies.at_s[job_id] - started_s)
        return {tenant: statistics.mean(some) for tenant, some in waits.items()}


@pytest.mark.timeout(240)
async def test_flood_doubles_no_other_servers_wait():
    """20 servers with 50 members each ask at once, with and without 5,000 jobs of one more."""
    with running_server(any_server()) as server:
        alone = await mean_waits_s(server.url, flood=0)
        flooded = await mean_waits_s(server.url, flood=FLOOD)

    ratios = {tenant: flooded[tenant] / alone[tenant] for tenant in alone}
    assert SERVERS == len(ratios)
    assert max(ratios.values()) < 2, ratios
