"""What is noted of each request: who, where, when and how much, and never a word of it.

Made by services, kept by the usage stores as versioned JSON, read by statistics and `simulation`.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from datetime import date
from enum import StrEnum
from typing import Any

from bot.core.asker import Asker
from bot.core.jobs import JobState, UnknownVersionError

RECORD_DAYS = 7  # the UTC day of a record and six more: then its user id is gone
COUNTER_DAYS = 90  # counts name nobody
MAX_RECORDS = 50_000  # of one server
MAX_ROLES = 50  # of one record; a member of more is known by the oldest ones
DAY_MS = 24 * 60 * 60 * 1000

# Upper bounds of the histogram of waits, in seconds. No job lives longer than the last.
WAIT_BOUNDS_S = (0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 900)

_VERSION = 1
_EPOCH_ORDINAL = date(1970, 1, 1).toordinal()


class Outcome(StrEnum):
    """What a request was answered; each name is stored."""

    ACCEPTED = "accepted"
    REFUSED_LIMIT = "refused_limit"  # by a limit of the server
    REFUSED_QUEUE = "refused_queue"  # too many texts waited, or the queue was down
    REFUSED_OTHER = "refused_other"  # paused, a channel that is not allowed, …


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A request, at the moment in which it was accepted or refused; the store adds the time.

    Attributes:
        job_id: the interaction's id, so that noting it twice counts once.
        guild_id: the server whose admins rule there, or None: then only counts are kept.
        channel_id: where.
        user_id: who asked.
        role_ids: the member's roles.
        tokens: estimated cost.
        outcome: what became of it.
    """

    job_id: str
    guild_id: int | None
    channel_id: int
    user_id: int
    role_ids: frozenset[int] = frozenset()
    tokens: int
    outcome: Outcome

    @classmethod
    def by(cls, asker: Asker, *, job_id: str, tokens: int, outcome: Outcome) -> "Asked":
        """The event of somebody's request."""
        return cls(
            job_id=job_id,
            guild_id=asker.guild_id,
            channel_id=asker.channel_id,
            user_id=asker.user_id,
            role_ids=asker.role_ids,
            tokens=tokens,
            outcome=outcome,
        )

    def counts(self) -> dict[str, int]:
        """What the day's counters grow by."""
        return {"jobs" if self.outcome is Outcome.ACCEPTED else self.outcome.value: 1}

    def to_json(self) -> str:
        """The stored record: JSON with a version."""
        return _dumps(
            v=_VERSION,
            j=self.job_id,
            c=self.channel_id,
            u=self.user_id,
            r=sorted(self.role_ids)[:MAX_ROLES],
            n=self.tokens,
            o=self.outcome.value,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """The end of an accepted request.

    Attributes:
        job_id: as in `Asked`.
        state: one of `END_STATES`.
        tokens_read: of the prompt.
        tokens_written: of the text.
        waited_s: from the request to its start; None where it never began.
    """

    job_id: str
    state: JobState
    tokens_read: int
    tokens_written: int
    waited_s: float | None

    def counts(self) -> dict[str, int]:
        """What the day's counters grow by."""
        counts = {
            self.state.value: 1,
            "tokens_read": self.tokens_read,
            "tokens_written": self.tokens_written,
        }
        if self.waited_s is not None:
            counts["wait_ms"] = round(self.waited_s * 1000)
            counts[f"w{wait_bucket(self.waited_s)}"] = 1
        return counts

    def to_json(self) -> str:
        """The stored record: JSON with a version."""
        return _dumps(v=_VERSION, j=self.job_id, n=self.tokens_read + self.tokens_written)


@dataclass(frozen=True, slots=True)
class Request:
    """A request as it is kept for `RECORD_DAYS`; times are Unix time in ms.

    Attributes:
        tokens: estimated cost.
        ended_at_ms: when it ended; None while it runs, and where it was refused.
        real_tokens: what it cost in the end; None as above.
    """

    at_ms: int
    job_id: str
    channel_id: int
    user_id: int
    role_ids: frozenset[int]
    tokens: int
    outcome: Outcome
    ended_at_ms: int | None = None
    real_tokens: int | None = None


@dataclass(frozen=True, slots=True)
class Counts:
    """What was counted in a day, or in several; tokens and texts are plain numbers.

    Attributes:
        jobs: texts that were accepted.
        wait_ms: all waits added up.
        waits: how many waits were in each bucket of `WAIT_BOUNDS_S`.
    """

    jobs: int = 0
    tokens_read: int = 0
    tokens_written: int = 0
    refused_limit: int = 0
    refused_queue: int = 0
    refused_other: int = 0
    done: int = 0
    stopped: int = 0
    failed: int = 0
    expired: int = 0
    dead: int = 0
    wait_ms: int = 0
    waits: tuple[int, ...] = (0,) * len(WAIT_BOUNDS_S)

    @classmethod
    def of(cls, counters: Mapping[str, int]) -> "Counts":
        """Reads a day's counters; names that this program does not know are left out."""
        known = {
            field.name: counters.get(field.name, 0) for field in fields(cls) if field.type is int
        }
        waits = tuple(counters.get(f"w{index}", 0) for index in range(len(WAIT_BOUNDS_S)))
        return cls(**known, waits=waits)

    @classmethod
    def total(cls, many: Iterable["Counts"]) -> "Counts":
        """All of them added up."""
        every = list(many)
        sums = {
            field.name: sum(getattr(one, field.name) for one in every)
            for field in fields(cls)
            if field.type is int
        }
        waits = tuple(sum(one.waits[index] for one in every) for index in range(len(WAIT_BOUNDS_S)))
        return cls(**sums, waits=waits)

    @property
    def refused(self) -> int:
        """Refusals of all kinds."""
        return self.refused_limit + self.refused_queue + self.refused_other

    @property
    def tokens(self) -> int:
        """Read and written."""
        return self.tokens_read + self.tokens_written

    def wait_s(self, share: float) -> float | None:
        """The wait that this share of all texts did not exceed, in seconds; None without texts.

        As exact as the histogram: within a bucket, waits are taken to be spread evenly.
        """
        wanted = share * sum(self.waits)
        if wanted <= 0:
            return None
        below, lower_s = 0, 0.0
        for count, upper_s in zip(self.waits, WAIT_BOUNDS_S, strict=True):
            if count and below + count >= wanted:
                return lower_s + (upper_s - lower_s) * (wanted - below) / count
            below, lower_s = below + count, upper_s
        return WAIT_BOUNDS_S[-1]


@dataclass(frozen=True, slots=True)
class DayUsage:
    """What was used on one UTC day."""

    day: date
    counts: Counts


def wait_bucket(waited_s: float) -> int:
    """Index into `WAIT_BOUNDS_S`; what is longer than the last bound goes there too."""
    for index, bound_s in enumerate(WAIT_BOUNDS_S):
        if waited_s <= bound_s:
            return index
    return len(WAIT_BOUNDS_S) - 1


def day_number(at_ms: float) -> int:
    """Days from 1970 to a Unix time in ms; the keys of days are named by it."""
    return int(at_ms // DAY_MS)


def date_of(number: int) -> date:
    """The UTC date of a day number."""
    return date.fromordinal(_EPOCH_ORDINAL + number)


def number_of(day: date) -> int:
    """The day number of a UTC date."""
    return day.toordinal() - _EPOCH_ORDINAL


def read_asked(at_ms: int, text: str) -> Request:
    """Reads a stored request.

    Raises:
        UnknownVersionError: a newer program wrote it.
        ValueError: it is damaged.
    """
    data = _loads(text)
    try:
        return Request(
            at_ms=at_ms,
            job_id=data["j"],
            channel_id=data["c"],
            user_id=data["u"],
            role_ids=frozenset(data["r"]),
            tokens=data["n"],
            outcome=Outcome(data["o"]),
        )
    except (KeyError, TypeError) as error:
        raise ValueError(f"damaged usage record: {error!r}") from error


def read_ended(text: str) -> tuple[str, int]:
    """Reads the stored end of a request: its job id and real tokens.

    Raises:
        UnknownVersionError: a newer program wrote it.
        ValueError: it is damaged.
    """
    data = _loads(text)
    try:
        return data["j"], data["n"]
    except KeyError as error:
        raise ValueError(f"damaged usage record: {error!r}") from error


def _loads(text: str) -> dict[str, Any]:
    data = json.loads(text)
    version = data.get("v") if isinstance(data, dict) else None  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
    if version != _VERSION:
        raise UnknownVersionError(f"usage record of version {version}")
    return data  # pyright: ignore[reportUnknownVariableType]


def _dumps(**data: object) -> str:
    return json.dumps(data, separators=(",", ":"))
