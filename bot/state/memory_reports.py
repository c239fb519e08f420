"""Reports in this process's memory: what `RedisReports` does, on a clock that tests can turn."""

from collections.abc import Callable

from bot.core.reports import (
    HIDDEN_DAYS,
    MAX_REPORTS,
    REPORT_DAYS,
    REPORTS_PER_HOUR,
    Report,
)
from bot.state.reports_api import Filed

_DAY_S = 86_400.0
_HOUR_S = 3_600.0


class MemoryReports:
    """A ReportsStore without Redis, for one process.

    Args:
        clock: gives Unix time in seconds.
        max_reports: how many of one server are kept.
    """

    def __init__(self, clock: Callable[[], float], *, max_reports: int = MAX_REPORTS) -> None:
        self._clock = clock
        self._max_reports = max_reports
        self._kept: dict[str, tuple[float, Report]] = {}  # by id, the oldest first
        self._filed: dict[tuple[int, str], tuple[float, str]] = {}  # (reporter, code) -> (when, id)
        self._hidden: dict[str, float] = {}  # code -> until when

    async def file(self, report: Report) -> Filed:
        """Keeps a report."""
        now_s = self._sweep()
        by = (report.reporter_id, report.code)
        if by in self._filed:
            return Filed.NEW if self._filed[by][1] == report.id else Filed.AGAIN
        recent = [
            reporter
            for (reporter, _), (at_s, _) in self._filed.items()
            if reporter == report.reporter_id and at_s > now_s - _HOUR_S
        ]
        if len(recent) >= REPORTS_PER_HOUR:
            return Filed.TOO_MANY
        self._filed[by] = (now_s, report.id)
        self._kept[report.id] = (now_s, report)
        theirs = [id_ for id_, (_, one) in self._kept.items() if one.guild_id == report.guild_id]
        for id_ in theirs[: -self._max_reports]:
            del self._kept[id_]
        return Filed.NEW

    async def newest(self, count: int) -> list[Report]:
        """The newest reports first."""
        self._sweep()
        return [report for _, report in reversed(self._kept.values())][:count]

    async def of_user(self, user_id: int) -> list[Report]:
        """What a user reported, and reports of their texts, the oldest first."""
        self._sweep()
        kept = (report for _, report in self._kept.values())
        return [one for one in kept if user_id in {one.reporter_id, one.user_id}]

    async def dismiss(self, report_id: str) -> bool:
        """Removes a report."""
        self._sweep()
        return self._kept.pop(report_id, None) is not None

    async def hide(self, code: str) -> None:
        """Says that a text is to stay behind a click."""
        self._hidden[code] = self._clock() + HIDDEN_DAYS * _DAY_S

    async def show(self, code: str) -> None:
        """Takes that back."""
        self._hidden.pop(code, None)

    async def is_hidden(self, code: str) -> bool:
        """Whether a text is hidden."""
        return self._hidden.get(code, 0.0) > self._clock()

    async def forget_user(self, user_id: int) -> int:
        """Removes what a user reported, and reports of their texts."""
        self._filed = {by: filed for by, filed in self._filed.items() if by[0] != user_id}
        return self._forget(lambda report: user_id in {report.reporter_id, report.user_id})

    async def forget_guild(self, guild_id: int) -> int:
        """Removes all reports of a server."""
        return self._forget(lambda report: report.guild_id == guild_id)

    def _forget(self, is_theirs: Callable[[Report], bool]) -> int:
        self._sweep()
        gone = [id_ for id_, (_, report) in self._kept.items() if is_theirs(report)]
        for id_ in gone:
            del self._kept[id_]
        return len(gone)

    def _sweep(self) -> float:
        """Drops what is too old; returns now."""
        now_s = self._clock()
        since_s = now_s - REPORT_DAYS * _DAY_S
        self._kept = {id_: kept for id_, kept in self._kept.items() if kept[0] > since_s}
        self._filed = {by: filed for by, filed in self._filed.items() if filed[0] > since_s}
        return now_s
