"""What steers a queue and looks into it: workers, weights, a pause, dead letters.

The part of the JobQueue protocol (`api`) that admins' and host's commands use, and the records of
a worker's heartbeat.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from bot.core.jobs import Job

MAX_WEIGHT = 1000.0
MAX_LISTED_USERS = 25


class StopReason(StrEnum):
    """Why a worker must stop a job that it holds."""

    CANCELLED = "cancelled"  # somebody pressed Stop: post what exists, finish as STOPPED
    LOST = "lost"  # the lease went to another worker or the job ended: drop it silently
    DEADLINE = "deadline"  # the reply can't be edited much longer: post what exists


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop:
    """Order to stop one held job."""

    job_id: str
    reason: StopReason


@dataclass(frozen=True, slots=True, kw_only=True)
class Orders:
    """Answer to a heartbeat: jobs to stop, and whether the worker is to leave as on SIGTERM."""

    stops: list[Stop]
    drain: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerCard:
    """What a worker says about itself: the name of its model, the version of its program."""

    model: str = ""
    version: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerInfo:
    """A live worker.

    Attributes:
        id: its name.
        model: what it writes with.
        version: of its program.
        slots: jobs it can run at once; 0 once it is to leave.
        running: jobs it held at its last heartbeat.
        heartbeat_age_s: how long ago that was.
        drain: whether it was told to leave.
    """

    id: str
    model: str
    version: str
    slots: int
    running: int
    heartbeat_age_s: float
    drain: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Reaped:
    """Jobs whose leases had run out.

    Attributes:
        put_back: how many wait again.
        ended: ids of those that ended for good; whoever reaps settles their limits.
    """

    put_back: int
    ended: list[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class TenantLoad:
    """What one tenant has in the queue.

    Attributes:
        queued: jobs in line.
        running: jobs that were served and have not ended: those that workers hold, and those put
            back to the front.
        users: (user id, queued, running) of those who have most, at most 25.
    """

    queued: int
    running: int
    users: list[tuple[int, int, int]]


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetter:
    """A job given up: kept for the host to look at. `job` is None where its record was lost."""

    job_id: str
    at_s: float
    attempts: int
    reason: str
    job: Job | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Dropped:
    """A job that was taken out of the line, for whoever tells its asker and settles its charge.

    Attributes:
        job_id: which.
        job: None where its record can't be read.
        notice_s: so long an edit of the reply by somebody else may still be on its way.
    """

    job_id: str
    job: Job | None
    notice_s: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class HostControls:
    """All that the host decided for the queues of all models, kept by the registry.

    Attributes:
        revision: grows with each decision; 0 where none was ever made.
        paused: what the host says about a pause, or None while there is none. A paused queue lets
            no job start or come in; those that run go on, and late ones are told.
        weights: shares of tenants beside the others'; those who have 1, as most, are left out.
    """

    revision: int = 0
    paused: str | None = None
    weights: Mapping[str, float] = field(default_factory=dict[str, float])


class QueueControl(Protocol):
    """How a queue is steered. Every method raises `QueueDownError` when it can't be reached."""

    async def obey(self, controls: HostControls) -> None:
        """Does what the host decided, unless it has done that, or something newer, before."""
        ...

    async def weights(self) -> dict[str, float]:
        """Tenants whose weight is not 1."""
        ...

    async def paused(self) -> str | None:
        """What the host says about the pause, or None while there is none."""
        ...

    async def drain(self, worker_id: str) -> bool:
        """Gives a worker no more jobs and has it leave; False where no such worker lives."""
        ...

    async def workers(self) -> list[WorkerInfo]:
        """Live workers, by name."""
        ...

    async def queued_of(self, tenant: str) -> TenantLoad:
        """What a tenant has in the queue."""
        ...

    async def cancel_tenant(self, tenant: str) -> list[Dropped]:
        """Takes all waiting jobs of a tenant out of the line, in no order."""
        ...

    async def cancel_user(self, user_id: int) -> list[Dropped]:
        """Takes all waiting jobs of a user, of whatever tenant, out of the line, in no order."""
        ...

    async def dead_letters(self, limit: int) -> list[DeadLetter]:
        """The newest dead letters."""
        ...

    async def retry_dead(self, job_id: str) -> bool:
        """Puts a dead letter's job again; False where there is none or it is too late for it."""
        ...

    async def drop_dead(self, job_id: str) -> bool:
        """Deletes a dead letter; False where there is none."""
        ...


def check_weight(weight: float) -> None:
    """Refuses what is no weight.

    Raises:
        ValueError: it is not above 0 and at most 1000.
    """
    if not 0 < weight <= MAX_WEIGHT:
        raise ValueError(f"a weight must be above 0 and at most {MAX_WEIGHT:.0f}, not {weight}")


def tenant_load(rows: list[tuple[int, int, int]]) -> TenantLoad:
    """Sums up (user id, queued, running); a user may come more than once."""
    by_user: dict[int, tuple[int, int]] = {}
    for user_id, queued, running in rows:
        before = by_user.get(user_id, (0, 0))
        by_user[user_id] = (before[0] + queued, before[1] + running)
    users = [(user_id, queued, running) for user_id, (queued, running) in by_user.items()]
    users.sort(key=lambda user: (-user[1] - user[2], user[0]))
    return TenantLoad(
        queued=sum(user[1] for user in users),
        running=sum(user[2] for user in users),
        users=users[:MAX_LISTED_USERS],
    )
