"""What a store of reports does, whatever it is built on.

Implemented by `redis_reports` and `memory_reports`; used by `services.reports`.
"""

from enum import Enum, auto
from typing import Protocol

from bot.core.reports import Report


class Filed(Enum):
    """What became of a report."""

    NEW = auto()  # it is kept
    AGAIN = auto()  # this member has reported this text before; nothing was kept
    TOO_MANY = auto()  # this member has reported too much in the last hour; nothing was kept


class ReportsStore(Protocol):
    """Keeps reports for the host for `REPORT_DAYS` days; the time is the store's.

    Every method raises QueueDownError where the store can't be reached.
    """

    async def file(self, report: Report) -> Filed:
        """Keeps a report; beyond `MAX_REPORTS` of a server its oldest go.

        The same report again, by its id, is NEW again: nothing is kept twice.
        """
        ...

    async def newest(self, count: int) -> list[Report]:
        """The newest reports first."""
        ...

    async def of_user(self, user_id: int) -> list[Report]:
        """What a user reported, and reports of their texts, the oldest first."""
        ...

    async def dismiss(self, report_id: str) -> bool:
        """Removes a report; False where there is none of this id."""
        ...

    async def hide(self, code: str) -> None:
        """Says that a text is to stay behind a click, wherever it is shown."""
        ...

    async def show(self, code: str) -> None:
        """Takes that back."""
        ...

    async def is_hidden(self, code: str) -> bool:
        """Whether a text is hidden."""
        ...

    async def forget_user(self, user_id: int) -> int:
        """Removes what a user reported, and reports of texts they had asked for; how many."""
        ...

    async def forget_guild(self, guild_id: int) -> int:
        """Removes all reports of a server; how many."""
        ...
