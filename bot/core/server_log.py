"""The log of a server's settings: who changed what and when, and which change to take back.

Stores of `state` keep the entries, `services` asks what to undo, `/server changes` shows them.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, cast

from bot.core.server_settings import Change

MAX_LOG = 200  # entries of a server that are kept, the newest


@dataclass(frozen=True, slots=True, kw_only=True)
class LogEntry:
    """One change of a server's settings.

    Attributes:
        revision: of the settings after it.
        at_s: when (Unix time, by the store's clock).
        by_user: who; None: the bot, because a channel was deleted.
        changes: what.
        undoes: the revision of the change that this one took back, or None.
    """

    revision: int
    at_s: float
    by_user: int | None
    changes: tuple[Change, ...]
    undoes: int | None = None


def entry_json(by_user: int | None, changes: Sequence[Change], undoes: int | None) -> str:
    """What a store keeps of an entry beside its revision and time."""
    record = {"v": 1, "by": by_user, "undoes": undoes, "changes": [asdict(one) for one in changes]}
    return json.dumps(record, ensure_ascii=False)


def entry_of(text: str, *, revision: int, at_s: float) -> LogEntry:
    """Reads what `entry_json` wrote."""
    record = cast("dict[str, Any]", json.loads(text))
    return LogEntry(
        revision=revision,
        at_s=at_s,
        by_user=record["by"],
        undoes=record["undoes"],
        changes=tuple(
            Change(name=one["name"], before=one["before"], after=one["after"])
            for one in record["changes"]
        ),
    )


def to_undo(log: Sequence[LogEntry]) -> LogEntry | None:
    """The newest change by a person that was not taken back yet; None where there is none.

    Undoing again and again goes further and further back.

    Args:
        log: the newest entry first.
    """
    undone = {entry.undoes for entry in log}
    for entry in log:
        if entry.by_user is not None and entry.undoes is None and entry.revision not in undone:
            return entry
    return None
