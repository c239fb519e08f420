"""Chores of a bot process, on memory twins."""

import asyncio

from bot.core.asker import Asker
from bot.core.jobs import JobState
from bot.core.limits import HostLimits
from bot.jobqueue.memory_queue import MemoryQueue
from bot.services.chores import settle_orphans
from bot.services.ledger import Ledger
from tests.factories import make_job
from tests.memory_services import memory_services, memory_stores

ASKER = Asker(user_id=100, guild_id=10, channel_id=20)


async def test_charge_of_a_job_that_no_queue_knows_is_given_back():
    """Those of jobs that wait or have ended are their queue's business."""
    now_s = [1_000.0]
    queue = MemoryQueue(clock=lambda: now_s[0])
    stores = memory_stores(queue, lambda: now_s[0])
    host_limits = HostLimits(ceiling_member_tokens_per_day=1000)
    services = memory_services(queue, lambda: now_s[0], stores=stores, host_limits=host_limits)
    for job_id in ("lost", "waiting", "dropped"):
        await services.limits.charge(ASKER, job_id, 100)
    await queue.put(make_job("waiting"))
    await queue.put(make_job("dropped", tenant="g11"))
    await queue.cancel_tenant("g11")
    now_s[0] += 61

    chore = asyncio.create_task(
        settle_orphans(
            stores.limits, Ledger(stores.limits, stores.usage), stores.pools, every_s=0.01
        )
    )
    async with asyncio.timeout(5):
        while len(await stores.limits.open_charges(0, 0, 10)) == 3:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    await asyncio.sleep(0.1)  # the chore comes round again
    chore.cancel()

    assert ["waiting"] == await stores.limits.open_charges(0, 0, 10)
    assert JobState.QUEUED is await queue.state("waiting")
    assert not await stores.limits.settle("lost", 0)
