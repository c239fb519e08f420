"""What is kept of a member: shown, handed out, and deleted, over all stores that keep any.

Built by `app` from a list of stores; called by the `/privacy` commands. A store that is new joins
by a `PersonalStore` of its own in that list.
"""

import asyncio
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any, Protocol

import structlog

from bot.core import privacy
from bot.core.privacy import Holding
from bot.core.reports import REPORT_DAYS
from bot.core.usage import DAY_MS, RECORD_DAYS, day_number
from bot.language import tr
from bot.state.limits_api import LimitsStore
from bot.state.outputs_api import OutputsStore
from bot.state.reports_api import ReportsStore
from bot.state.usage_api import UsageStore
from bot.state.xray_texts_api import XrayTextsStore

MAX_EXPORT_BYTES = 9_000_000  # Discord takes 10 MiB

_log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)
_VERSION = 1


class PersonalStore(Protocol):
    """Keeps something of users.

    Every method raises QueueDownError where it can't be reached.
    """

    @property
    def name(self) -> str:
        """Of its list in an export."""
        ...

    async def count_of(self, user_id: int) -> Holding:
        """How much is kept of a user."""
        ...

    async def export_of(self, user_id: int) -> list[dict[str, Any]]:
        """All of it, the oldest first, as JSON can say it."""
        ...

    async def forget_user(self, user_id: int) -> int:
        """Removes all that does not have to stay; how many."""
        ...


class KeptOutputs:
    """The texts that a user asked for."""

    name = "texts"

    def __init__(self, store: OutputsStore) -> None:
        self._store = store

    async def count_of(self, user_id: int) -> Holding:
        """How many, and until when."""
        kept = await self._store.kept_of_user(user_id)
        return Holding(
            what=tr("Texts, with prompts and settings"), count=kept.count, until_s=kept.until_s
        )

    async def export_of(self, user_id: int) -> list[dict[str, Any]]:
        """Whole records."""
        return [json.loads(output.to_json()) for output in await self._store.of_user(user_id)]

    async def forget_user(self, user_id: int) -> int:
        """Removes them."""
        return await self._store.forget_user(user_id)


class KeptXrays:
    """X-rays that a user asked for, as text."""

    name = "xrays"

    def __init__(self, store: XrayTextsStore, keep_days: int) -> None:
        self._store = store
        self._keep_s = keep_days * 86_400

    async def count_of(self, user_id: int) -> Holding:
        """How many, and until when."""
        found = await self._store.of_user(user_id)
        last_s = max((xray.asked_at_s for xray in found), default=None)
        until_s = None if last_s is None else last_s + self._keep_s
        return Holding(what=tr("X-rays as text"), count=len(found), until_s=until_s)

    async def export_of(self, user_id: int) -> list[dict[str, Any]]:
        """Whole records."""
        return [json.loads(xray.to_json()) for xray in await self._store.of_user(user_id)]

    async def forget_user(self, user_id: int) -> int:
        """Removes them."""
        return await self._store.forget_user(user_id)


class KeptReports:
    """Reports that a user filed, and reports of texts that the user asked for."""

    name = "reports"

    def __init__(self, store: ReportsStore) -> None:
        self._store = store

    async def count_of(self, user_id: int) -> Holding:
        """How many, and until when."""
        found = await self._store.of_user(user_id)
        last_s = max((report.at_s for report in found), default=None)
        until_s = None if last_s is None else last_s + REPORT_DAYS * 86_400
        return Holding(
            what=tr("Reports, your own and those of your texts"),
            count=len(found),
            until_s=until_s,
        )

    async def export_of(self, user_id: int) -> list[dict[str, Any]]:
        """Whole records of what the user filed; of the others not who filed them, nor why."""
        hidden = ("reporter_id", "reason")
        exported: list[dict[str, Any]] = []
        for report in await self._store.of_user(user_id):
            record: dict[str, Any] = json.loads(report.to_json())
            if report.reporter_id != user_id:
                record = {key: value for key, value in record.items() if key not in hidden}
            exported.append(record)
        return exported

    async def forget_user(self, user_id: int) -> int:
        """Removes them."""
        return await self._store.forget_user(user_id)


class NotedRequests:
    """What statistics know of a user's requests."""

    name = "requests"

    def __init__(self, store: UsageStore) -> None:
        self._store = store

    async def count_of(self, user_id: int) -> Holding:
        """How many, and when the day of the last one is over."""
        found = await self._store.of_user(user_id)
        last = max((request.at_ms for _, request in found), default=None)
        until_s = None if last is None else (day_number(last) + RECORD_DAYS) * DAY_MS / 1000
        return Holding(
            what=tr("Requests noted in servers, without their words"),
            count=len(found),
            until_s=until_s,
        )

    async def export_of(self, user_id: int) -> list[dict[str, Any]]:
        """Whole records."""
        found = await self._store.of_user(user_id)
        return [
            asdict(request) | {"guild_id": guild_id, "role_ids": sorted(request.role_ids)}
            for guild_id, request in found
        ]

    async def forget_user(self, user_id: int) -> int:
        """Removes them; the counts of each day, which name nobody, stay."""
        return await self._store.forget_user(user_id)


class LimitCounters:
    """What limits have counted of a user. They stay: deleting them would be a way around them."""

    name = "limit_counters"

    def __init__(self, store: LimitsStore) -> None:
        self._store = store

    async def count_of(self, user_id: int) -> Holding:
        """How many, and when the last one has come back."""
        counters = await self._store.counters_of(user_id)
        return Holding(
            what=tr("Counters of limits"),
            count=len(counters),
            until_s=max(counters.values(), default=None),
            stays=True,
        )

    async def export_of(self, user_id: int) -> list[dict[str, Any]]:
        """Each by its name, with the time at which it has come back."""
        counters = await self._store.counters_of(user_id)
        return [{"counter": key, "whole_at_s": at_s} for key, at_s in sorted(counters.items())]

    async def forget_user(self, user_id: int) -> int:
        """Removes nothing."""
        del user_id
        return 0


@dataclass(frozen=True, slots=True)
class Export:
    """A copy of what is kept of a member.

    Attributes:
        data: a JSON file in UTF-8.
        n_left_out: how many of the oldest entries did not fit into it.
    """

    data: bytes
    n_left_out: int


class PrivacyService:
    """What is kept of members.

    Args:
        stores: all that keep any of it.
        clock: gives Unix time in seconds.
        keep_days: how long texts are kept.
        privacy_url: of the host's own policy, or "".
    """

    def __init__(
        self,
        stores: Sequence[PersonalStore],
        *,
        clock: Callable[[], float],
        keep_days: int,
        privacy_url: str = "",
    ) -> None:
        self._stores = tuple(stores)
        self._clock = clock
        self._keep_days = keep_days
        self._privacy_url = privacy_url

    async def show(self, user_id: int) -> str:
        """What is kept of a user, and what for.

        Raises:
            QueueDownError: a store can't be reached.
        """
        return privacy.shown(await self._holdings(user_id), self._keep_days, self._privacy_url)

    async def export(self, user_id: int, max_bytes: int = MAX_EXPORT_BYTES) -> Export:
        """A copy of all of it; where that is too much, of the newest.

        Raises:
            QueueDownError: a store can't be reached.
        """
        lists = {store.name: await store.export_of(user_id) for store in self._stores}
        about = {
            "v": _VERSION,
            "user_id": str(user_id),
            "made_at": datetime.fromtimestamp(self._clock(), UTC).isoformat(timespec="seconds"),
        }
        return await asyncio.to_thread(_packed, about, lists, max_bytes)

    async def question(self, user_id: int) -> str:
        """What is asked before anything is deleted.

        Raises:
            QueueDownError: a store can't be reached.
        """
        return privacy.question(await self._holdings(user_id))

    async def delete(self, user_id: int) -> str:
        """Deletes it in all stores, and says what is gone; can be done again.

        Raises:
            QueueDownError: a store can't be reached; others may have deleted theirs.
        """
        before = await self._holdings(user_id)
        counts = [await store.forget_user(user_id) for store in self._stores]
        _log.info("user forgotten", entries=sum(counts))
        return privacy.deleted(before, counts)

    async def _holdings(self, user_id: int) -> list[Holding]:
        return [await store.count_of(user_id) for store in self._stores]


def _packed(
    about: dict[str, Any], lists: dict[str, list[dict[str, Any]]], max_bytes: int
) -> Export:
    """Drops the oldest of the longest list until all fits."""
    ready = {
        name: [json.dumps(_readable(entry), ensure_ascii=True) for entry in entries]
        for name, entries in lists.items()
    }
    size = 1_000 + sum(len(line) + 4 for lines in ready.values() for line in lines)
    n_left_out = 0
    starts = dict.fromkeys(ready, 0)
    while size > max_bytes:
        name = max(ready, key=lambda one: len(ready[one]) - starts[one])
        size -= len(ready[name][starts[name]]) + 4
        starts[name] += 1
        n_left_out += 1
    parts = [
        f"  {json.dumps(name)}: [\n    " + ",\n    ".join(lines[starts[name] :]) + "\n  ]"
        for name, lines in ready.items()
    ]
    head = [f"  {json.dumps(key)}: {json.dumps(value)}" for key, value in about.items()]
    if n_left_out:
        head.append(f'  "n_left_out": {n_left_out}')
    return Export(("{\n" + ",\n".join((*head, *parts)) + "\n}\n").encode(), n_left_out)


def _readable(entry: dict[str, Any]) -> dict[str, Any]:
    """Ids as text: many programs read numbers of this size wrongly."""
    return {
        key: _as_text(value) if key.endswith(("_id", "_ids")) else value
        for key, value in entry.items()
    }


def _as_text(value: Any) -> Any:
    if isinstance(value, list):
        return [str(one) for one in value]  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
    return value if value is None else str(value)
