"""What a bot process does beside answering commands; each chore runs until it is cancelled."""

import asyncio
import random

import structlog

from bot.core.jobs import END_STATES
from bot.errors import RequestError
from bot.services import Services
from bot.services.ledger import Ledger
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
                await services.reports.forget_guild(guild_id)
                await services.servers.forget_guild(guild_id)  # last: it holds the date
                _log.info("server forgotten", guild_id=guild_id)
        except RequestError as error:
            _log.warning("servers not forgotten yet", reason=type(error).__name__)
        await asyncio.sleep(_FORGET_EVERY_S * random.uniform(0.8, 1.2))


async def settle_orphans(
    limits: LimitsStore,
    ledger: Ledger,
    pools: Pools,
    *,
    every_s: float = _ORPHANS_EVERY_S,
    after_s: float = _ORPHAN_AFTER_S,
) -> None:
    """Settles what jobs were charged that nobody else will settle.

    A bot process that is killed between charge and put leaves such a charge; so does a worker
    killed between the end of a job and its settling, and a job that the queue ended by itself.
    """
    while True:
        await asyncio.sleep(every_s * random.uniform(0.8, 1.2))
        try:
            await _settle_orphans(limits, ledger, pools, after_s)
        except RequestError as error:
            _log.warning("orphans not settled yet", reason=type(error).__name__)


async def _settle_orphans(
    limits: LimitsStore, ledger: Ledger, pools: Pools, after_s: float
) -> None:
    offset = 0
    while job_ids := await limits.open_charges(after_s, offset, _PAGE):
        for job_id in job_ids:
            queue = await pools.find(job_id)
            state = await queue.state(job_id) if queue else None
            if queue is None or state is None:
                await limits.refund(job_id)
            elif state in END_STATES:
                await ledger.settle(job_id, state, tokens=await queue.used(job_id))
            else:
                offset += 1  # it waits or runs, and is settled at its end
                continue
            _log.info("orphan settled", job_id=job_id, state=state.value if state else None)
