"""The JobQueue protocol: what the bot process and the workers need of a queue.

Delivery is at least once; `finish` is fenced by worker and attempt, so that only the newest
holder of a job can end it. Every method raises `QueueDownError` when the queue can't be reached.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from bot.core.jobs import Job, JobState
from bot.jobqueue.control import Orders, QueueControl, Reaped, Stop, StopReason, WorkerCard

__all__ = [
    "Claim", "JobQueue", "Load", "Orders", "Placement", "PutStatus", "Reaped", "Stop",
    "StopReason", "Verdict", "Waiting", "WorkerCard",
]  # fmt: skip


class PutStatus(StrEnum):
    """What became of a job that was put."""

    ACCEPTED = "accepted"
    DUPLICATE = "duplicate"  # a job of this id exists; nothing was changed
    # Of the others nothing was stored.
    FULL = "full"  # too many jobs wait
    FULL_SERVER = "full_server"  # too many of this tenant wait
    FULL_USER = "full_user"  # too many of this member wait in this tenant
    TOO_LATE = "too_late"  # it would start after its deadline
    PAUSED = "paused"  # the host has paused the pool


class Verdict(StrEnum):
    """Why a worker was given a job."""

    RUN = "run"  # write its text
    EXPIRED = "expired"  # too late to write it: tell the asker, then finish as EXPIRED
    EXHAUSTED = "exhausted"  # every attempt failed: tell the asker, then finish as DEAD


@dataclass(frozen=True, slots=True, kw_only=True)
class Placement:
    """Answer to `put`.

    Attributes:
        status: what became of the job.
        place: counts from 1 (the next to be served); None unless queued.
        eta_s: seconds until it starts; None = nobody knows. Where it is too late, until it would.
        own_share: whether it waits for its own tenant more than for others.
    """

    status: PutStatus
    place: int | None
    eta_s: float | None = None
    own_share: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """How a job waits; as in `Placement`."""

    place: int
    eta_s: float | None
    own_share: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """How busy the pool is, to tell a member before the job is put.

    Attributes:
        queued: jobs that wait.
        running: jobs that workers hold.
        slots: jobs that all live workers together can run at once; 0 = no worker is alive.
    """

    queued: int
    running: int
    slots: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A job in a worker's hands; `attempt` counts from 1 and fences every later call."""

    job: Job
    attempt: int
    verdict: Verdict
    sent_parts: int  # follow-up messages an earlier attempt has posted for sure
    sending_part: int | None  # a follow-up that an earlier attempt may or may not have posted
    notice_s: float = 0.0  # so long an edit of the reply by somebody else may still be on its way
    is_last_run: bool = False  # if this attempt fails, no other writes the text


class JobQueue(QueueControl, Protocol):
    """A queue of jobs with leases. Implementations: `RedisQueue`, `MemoryQueue`."""

    async def put(self, job: Job) -> Placement:
        """Stores a job once; idempotent by `job.id`."""
        ...

    async def load(self) -> Load:
        """How busy the pool is now."""
        ...

    async def claim(self, worker_id: str, n: int, wait_s: float) -> list[Claim]:
        """Takes up to n jobs, each under a lease; waits up to `wait_s` (at most 2) for one."""
        ...

    async def renew(
        self,
        worker_id: str,
        slots: int,
        held: Sequence[tuple[str, int]],
        card: WorkerCard | None = None,
    ) -> Orders:
        """Heartbeat of a worker: extends the leases of (job id, attempt) and says what to stop."""
        ...

    async def mark_part(
        self, worker_id: str, job_id: str, attempt: int, part: int, sent: bool
    ) -> bool:
        """Notes that follow-up `part` (from 1) is about to be posted, or was; False: lease lost."""
        ...

    async def finish(
        self, worker_id: str, job_id: str, attempt: int, state: JobState, tokens: int
    ) -> bool:
        """Ends a job with its real cost; False where it was not this worker's any more."""
        ...

    async def release(self, worker_id: str, held: Sequence[tuple[str, int]]) -> None:
        """Gives jobs back unharmed (they go first, and the attempt does not count)."""
        ...

    async def retry(self, worker_id: str, job_id: str, attempt: int) -> bool:
        """Gives a job back after an attempt that failed; False where it was not this worker's.

        As if its lease had run out: the job goes first, and the attempt counts.
        """
        ...

    async def leave(self, worker_id: str) -> None:
        """Ends a worker's heartbeat at once, so that its slots no longer count."""
        ...

    async def cancel(self, job_id: str) -> JobState | None:
        """Stops a job: the state it was in (QUEUED: it is gone; RUNNING: its worker is told)."""
        ...

    async def wait_cancelled(self, wait_s: float) -> list[str]:
        """Ids of running jobs cancelled meanwhile; waits up to `wait_s`. Best effort: `renew` is
        the reliable way."""
        ...

    async def status(self, job_id: str) -> Waiting | None:
        """How a job waits, or None when it does not."""
        ...

    async def begin_notice(self, job_id: str, hold_s: float) -> Waiting | None:
        """As `status`; announces an edit of the reply that takes at most `hold_s`.

        The worker that takes the job meanwhile waits for it, or the edit could come after the
        worker's own.
        """
        ...

    async def end_notice(self, job_id: str) -> None:
        """The announced edit is through."""
        ...

    async def place(self, job_id: str) -> int | None:
        """Place in line from 1, or None when it does not wait."""
        ...

    async def state(self, job_id: str) -> JobState | None:
        """State, or None when the job is unknown or long over."""
        ...

    async def owner(self, job_id: str) -> int | None:
        """The user who asked for a job, or None when it is unknown."""
        ...

    async def used(self, job_id: str) -> int:
        """Tokens that a job has cost in the end; 0 until a worker ends it, or when unknown."""
        ...

    async def reap(self) -> Reaped:
        """Puts jobs with expired leases back in front. Any process, idempotent."""
        ...
