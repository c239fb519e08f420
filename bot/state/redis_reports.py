"""Reports on Redis. Used by services through the ReportsStore protocol.

Every key expires by itself. All keys share the hash tag `{<pool>-reports}`:

    key               type    lifetime      content
    report:<id>       STRING  REPORT_DAYS   `Report.to_json`
    all               ZSET    REPORT_DAYS   ids by when (ms)
    guild:<server>    ZSET    REPORT_DAYS   ids of a server, "" being none
    user:<id>         ZSET    REPORT_DAYS   ids of what a user reported, and of their texts
    filed:<user>      ZSET    REPORT_DAYS   "<code> <id>" of what a user reported, by when (ms)
    hidden:<code>     STRING  HIDDEN_DAYS   a text that stays behind a click
"""

from collections.abc import Sequence

import structlog
from redis.exceptions import RedisError

from bot.core.reports import (
    HIDDEN_DAYS,
    MAX_REPORTS,
    REPORT_DAYS,
    REPORTS_PER_HOUR,
    Report,
)
from bot.state.reports_api import Filed
from bot.storage.cancellation import heed_cancel
from bot.storage.clients import RedisClient
from bot.storage.scripts import Scripts, down_error

_log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

_SCRIPTS = ("reports_file", "reports_newest", "reports_forget", "reports_of_user")
_DAY_MS = 86_400_000
_FILED = {"new": Filed.NEW, "again": Filed.AGAIN, "many": Filed.TOO_MANY}


class RedisReports:
    """A ReportsStore on Redis.

    Args:
        client: without retries of its own; it belongs to whoever made it.
        pool: processes that share the reports share this name.
        max_reports: how many of one server are kept.
    """

    def __init__(self, client: RedisClient, *, pool: str, max_reports: int = MAX_REPORTS) -> None:
        self._client = client
        self._max_reports = max_reports
        self._prefix = f"{{{pool}-reports}}:"
        names = ("report:", "all", "guild:", "user:", "filed:")
        self._scripts = Scripts(
            client,
            package="bot.state",
            names=_SCRIPTS,
            keys=tuple(self._prefix + name for name in names),
        )

    async def file(self, report: Report) -> Filed:
        """Keeps a report."""
        (said,) = await self._scripts.run(
            "reports_file",
            report.id,
            report.code,
            "" if report.guild_id is None else report.guild_id,
            report.reporter_id,
            report.user_id,
            report.to_json(),
            REPORT_DAYS * _DAY_MS,
            REPORTS_PER_HOUR,
            self._max_reports,
        )
        return _FILED[said]

    async def newest(self, count: int) -> list[Report]:
        """The newest reports first."""
        return _read(await self._scripts.run("reports_newest", count))

    async def of_user(self, user_id: int) -> list[Report]:
        """What a user reported, and reports of their texts, the oldest first."""
        return _read(await self._scripts.run("reports_of_user", user_id))

    async def dismiss(self, report_id: str) -> bool:
        """Removes a report."""
        return await self._forget("id", report_id) > 0

    async def hide(self, code: str) -> None:
        """Says that a text is to stay behind a click."""
        try:
            await heed_cancel(self._client.set(self._hidden(code), 1, px=HIDDEN_DAYS * _DAY_MS))
        except (RedisError, OSError) as error:
            raise down_error(error) from error

    async def show(self, code: str) -> None:
        """Takes that back."""
        try:
            await heed_cancel(self._client.delete(self._hidden(code)))
        except (RedisError, OSError) as error:
            raise down_error(error) from error

    async def is_hidden(self, code: str) -> bool:
        """Whether a text is hidden."""
        try:
            return bool(await heed_cancel(self._client.exists(self._hidden(code))))
        except (RedisError, OSError) as error:
            raise down_error(error) from error

    async def forget_user(self, user_id: int) -> int:
        """Removes what a user reported, and reports of their texts."""
        return await self._forget("user", user_id)

    async def forget_guild(self, guild_id: int) -> int:
        """Removes all reports of a server."""
        return await self._forget("guild", guild_id)

    async def _forget(self, kind: str, which: str | int) -> int:
        (count,) = await self._scripts.run("reports_forget", kind, which)
        return int(count)

    def _hidden(self, code: str) -> str:
        return f"{self._prefix}hidden:{code}"


def _read(records: Sequence[str]) -> list[Report]:
    found: list[Report] = []
    for record in records:
        try:
            found.append(Report.from_json(record))
        except ValueError as error:  # of a newer program, maybe
            _log.warning("report left out", reason=str(error))
    return found
