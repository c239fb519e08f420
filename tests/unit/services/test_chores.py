"""Chores of a bot process, on memory twins."""

import asyncio
from collections.abc import Coroutine

from structlog.testing import capture_logs

from bot.core.asker import Asker
from bot.core.jobs import JobState
from bot.core.limits import HostLimits
from bot.errors import QueueDownError
from bot.jobqueue.memory_queue import MemoryQueue
from bot.services.chores import forget_removed_servers, settle_orphans, sweep_outputs
from bot.services.ledger import Ledger
from bot.state.memory_outputs import MemoryOutputs
from tests.contract.outputs_backends import make_output
from tests.factories import make_job
from tests.memory_services import memory_services, memory_stores

GUILD, OTHER_GUILD = 10, 11
ASKER = Asker(user_id=100, guild_id=10, channel_id=20)


async def test_texts_of_a_removed_server_go_with_it():
    """When its time is over, and not before; other servers' stay."""
    now_s = [1_000.0]
    queue = MemoryQueue(clock=lambda: now_s[0])
    services = memory_services(queue, lambda: now_s[0])
    outputs = MemoryOutputs(clock=lambda: now_s[0], keep_days=365)
    await outputs.save([make_output("A", guild_id=GUILD)])
    await outputs.save([make_output("B", root="2", job_id="2", guild_id=OTHER_GUILD)])
    await services.servers.on_guild_removed(GUILD)

    await _run_for_a_moment(forget_removed_servers(services, outputs))
    assert await outputs.find("A") is not None
    now_s[0] += 31 * 86_400
    await _run_for_a_moment(forget_removed_servers(services, outputs))

    assert await outputs.find("A") is None
    assert await outputs.find("B") is not None
    assert [] == await services.servers.due_for_deletion()


async def test_sweep_goes_on_until_nothing_is_left():
    """Again and again, also after Redis was away."""

    class Counted(MemoryOutputs):
        left, rounds = 5, 0

        async def sweep(self) -> int:
            self.rounds += 1
            if self.rounds == 2:
                raise QueueDownError("Redis can't be reached.")
            self.left -= self.left > 0
            return self.left

    outputs = Counted(clock=lambda: 0.0)
    chore = asyncio.create_task(sweep_outputs(outputs, every_s=0.01))
    with capture_logs() as logs:
        async with asyncio.timeout(5):
            while outputs.left or outputs.rounds < 8:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
    chore.cancel()

    assert ["texts not swept yet"] == [one["event"] for one in logs if one["log_level"] != "debug"]


async def _run_for_a_moment(chore: Coroutine[None, None, None]) -> None:
    task = asyncio.create_task(chore)
    await asyncio.sleep(0.05)
    task.cancel()


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
