"""What a bot process does beside answering commands; each chore runs until it is cancelled."""

import asyncio
import random
from typing import Protocol

import structlog

from bot.core.jobs import END_STATES
from bot.errors import RequestError
from bot.services import Services
from bot.services.ledger import Ledger
from bot.services.pools import Pools
from bot.state.limits_api import LimitsStore
from bot.state.outputs_api import OutputsStore

_FORGET_EVERY_S = 3600.0
_SWEEP_EVERY_S = 600.0
_BETWEEN_PIECES_S = 0.05  # others want Redis, too
_ORPHANS_EVERY_S = 30.0
_ORPHAN_AFTER_S = 60.0  # a job is put within seconds after it is charged
_PAGE = 200

_log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)


class ForgetsServers(Protocol):
    """Has data of servers that goes with them."""

    async def forget_guild(self, guild_id: int) -> object:
        """Removes all that is kept of a server."""
        ...


async def forget_removed_servers(services: Services, *others: ForgetsServers) -> None:
    """Deletes the data of servers that removed the bot, once its time is over.

    Args:
        services: of the bot.
        others: stores that no service of these stands for, such as the finished texts'.
    """
    while True:
        try:
            for guild_id in await services.servers.due_for_deletion():
                for other in others:
                    await other.forget_guild(guild_id)
                await services.limits.forget_guild(guild_id)
                await services.usage.forget_guild(guild_id)
                await services.reports.forget_guild(guild_id)
                await services.servers.forget_guild(guild_id)  # last: it holds the date
                _log.info("server forgotten", guild_id=guild_id)
        except RequestError as error:
            _log.warning("servers not forgotten yet", reason=type(error).__name__)
        await asyncio.sleep(_FORGET_EVERY_S * random.uniform(0.8, 1.2))


async def sweep_outputs(outputs: OutputsStore, *, every_s: float = _SWEEP_EVERY_S) -> None:
    """Takes texts whose time is over out of the indexes, a bounded piece at a time."""
    while True:
        await asyncio.sleep(every_s * random.uniform(0.8, 1.2))
        try:
            while removed := await outputs.sweep():
                _log.debug("texts swept", entries=removed)
                await asyncio.sleep(_BETWEEN_PIECES_S)
        except RequestError as error:
            _log.warning("texts not swept yet", reason=type(error).__name__)


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
