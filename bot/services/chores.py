"""What a bot process does beside answering commands; each chore runs until it is cancelled."""

import asyncio
import random

import structlog

from bot.core.jobs import END_STATES
from bot.errors import RequestError
from bot.services import Services
from bot.services.pools import Pools
from bot.state.limits_api import LimitsStore

_FORGET_EVERY_S = 3600.0
_ORPHANS_EVERY_S = 30.0
_ORPHAN_AFTER_S = 60.0  # a job is put within seconds after it is charged
_PAGE = 200

_log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)


async def forget_removed_servers(services: Services) -> None:
    """Deletes the data of servers that removed the bot, once its time is over."""
    while True:
        try:
            for guild_id in await services.servers.due_for_deletion():
                await services.limits.forget_guild(guild_id)
                await services.usage.forget_guild(guild_id)
                await services.servers.forget_guild(guild_id)  # last: it holds the date
                _log.info("server forgotten", guild_id=guild_id)
        except RequestError as error:
            _log.warning("servers not forgotten yet", reason=type(error).__name__)
        await asyncio.sleep(_FORGET_EVERY_S * random.uniform(0.8, 1.2))


async def refund_orphans(
    limits: LimitsStore,
    pools: Pools,
    *,
    every_s: float = _ORPHANS_EVERY_S,
    after_s: float = _ORPHAN_AFTER_S,
) -> None:
    """Gives back what jobs were charged that never came into a queue.

    A bot process that is killed between the two leaves such a charge. So does a job that the queue
    ended by itself: what a worker wrote is settled before the queue hears that it is over.
    """
    while True:
        await asyncio.sleep(every_s * random.uniform(0.8, 1.2))
        try:
            await _refund_orphans(limits, pools, after_s)
        except RequestError as error:
            _log.warning("orphans not refunded yet", reason=type(error).__name__)


async def _refund_orphans(limits: LimitsStore, pools: Pools, after_s: float) -> None:
    offset = 0
    models = await pools.known()
    while job_ids := await limits.open_charges(after_s, offset, _PAGE):
        for job_id in job_ids:
            states = [await pools.of(model).state(job_id) for model in models]
            found = [state for state in states if state is not None]
            if found and not END_STATES.issuperset(found):
                offset += 1  # it waits or runs, and is settled at its end
                continue
            await (limits.settle(job_id, 0) if found else limits.refund(job_id))
            _log.info("orphan refunded", job_id=job_id)
