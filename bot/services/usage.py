"""What was used: notes it, shows it, and tries a limit on it.

Built by `app` around a usage store; called by cogs, `asked` by `texts`; ends are the ledger's to
note. Knows nothing of Discord's client or Redis.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

import structlog

from bot.core.simulation import Proposal, simulate
from bot.core.usage import COUNTER_DAYS, Asked, Counts, date_of, day_number
from bot.core.usage_words import (
    nothing_to_replay,
    nothing_used,
    simulation_alt_text,
    simulation_text,
    stats_alt_text,
    stats_text,
)
from bot.errors import OptionError, QueueDownError
from bot.language import tr
from bot.plots.simulation import draw_simulation
from bot.plots.usage import draw_usage
from bot.state.usage_api import UsageStore

_log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageReport:
    """An answer for an admin.

    Attributes:
        text: the message.
        picture: a PNG; None where there is nothing to draw.
        alt_text: what the picture shows, in at most 1024 characters.
    """

    text: str
    picture: bytes | None = None
    alt_text: str = ""


class UsageService:
    """Notes requests and answers questions about them.

    Args:
        store: where records and counts lie.
        clock: gives Unix time in seconds.
    """

    def __init__(self, store: UsageStore, *, clock: Callable[[], float]) -> None:
        self._store = store
        self._clock = clock
        self._drawing = asyncio.Lock()  # pictures take a core for a second: one at a time

    async def asked(self, event: Asked) -> None:
        """Notes a request, once for each job id; a request must not fail for want of a note."""
        try:
            await self._store.asked(event)
        except QueueDownError as error:
            _log.warning("request not noted", job_id=event.job_id, reason=type(error).__name__)

    async def stats(self, guild_id: int | None, days: int) -> UsageReport:
        """What a server used, today included.

        Args:
            guild_id: which; None = the host, all servers together.
            days: from 1 to `COUNTER_DAYS`.

        Raises:
            OptionError: days is out of its bounds.
            QueueDownError: the store can't be reached.
        """
        if not 1 <= days <= COUNTER_DAYS:
            raise OptionError(
                tr("This can't be done: days must be from 1 to {most}.", most=COUNTER_DAYS)
            )
        usage = await self._store.days(guild_id, days)
        total = Counts.total(day.counts for day in usage)
        if not (total.jobs or total.refused):
            return UsageReport(text=nothing_used(days))
        async with self._drawing:
            picture = await asyncio.to_thread(draw_usage, usage)
        return UsageReport(text=stats_text(usage), picture=picture, alt_text=stats_alt_text(usage))

    async def simulate(self, guild_id: int, proposal: Proposal) -> UsageReport:
        """What a limit would have done to the requests of the last seven days.

        Raises:
            OptionError: the proposal makes no sense.
            QueueDownError: the store can't be reached.
        """
        proposal.gcra()  # refused before anything is read
        async with self._drawing:
            requests = await self._store.requests(guild_id)
            today = date_of(day_number(self._clock() * 1000))
            simulation = await asyncio.to_thread(simulate, requests, proposal, today=today)
            if not simulation.asked:
                return UsageReport(text=nothing_to_replay())
            picture = await asyncio.to_thread(draw_simulation, simulation)
        return UsageReport(
            text=simulation_text(simulation),
            picture=picture,
            alt_text=simulation_alt_text(simulation),
        )

    async def forget_guild(self, guild_id: int) -> None:
        """Removes all that was noted of a server; for when it removes the bot.

        Raises:
            QueueDownError: the store can't be reached.
        """
        await self._store.forget_guild(guild_id)

    async def forget_user(self, user_id: int) -> int:
        """Removes a user's requests in all servers; how many.

        Raises:
            QueueDownError: the store can't be reached; some may be gone already.
        """
        return await self._store.forget_user(user_id)
