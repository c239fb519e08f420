"""The JobQueue protocol: what the bot process and the workers need of a queue.

Delivery is at least once; `finish` is fenced by worker and attempt, so that only the newest
holder of a job can end it. Every method raises `QueueDownError` when the queue can't be reached.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from bot.core.jobs import Job, JobState


class PutStatus(StrEnum):
    """What became of a job that was put."""

    ACCEPTED = "accepted"
    DUPLICATE = "duplicate"  # a job of this id exists; nothing was changed
    FULL = "full"  # too many jobs wait; nothing was stored


class Verdict(StrEnum):
    """Why a worker was given a job."""

    RUN = "run"  # write its text
    EXPIRED = "expired"  # too late to write it: tell the asker, then finish as EXPIRED
    EXHAUSTED = "exhausted"  # every attempt failed: tell the asker, then finish as DEAD


class StopReason(StrEnum):
    """Why a worker must stop a job that it holds."""

    CANCELLED = "cancelled"  # somebody pressed Stop: post what exists, finish as STOPPED
    LOST = "lost"  # the lease went to another worker or the job ended: drop it silently
    DEADLINE = "deadline"  # the reply can't be edited much longer: post what exists


@dataclass(frozen=True, slots=True, kw_only=True)
class Placement:
    """Answer to `put`. `place` counts from 1 (the next to be served); None unless queued."""

    status: PutStatus
    place: int | None


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
    is_last_run: bool = False  # if this attempt fails, no other writes the text


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop:
    """Order to stop one held job."""

    job_id: str
    reason: StopReason


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetter:
    """A job given up: kept for the host to look at."""

    job_id: str
    at_s: float
    attempts: int
    reason: str


class JobQueue(Protocol):
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
        self, worker_id: str, slots: int, held: Sequence[tuple[str, int]]
    ) -> list[Stop]:
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

    async def place(self, job_id: str) -> int | None:
        """Place in line from 1, or None when it does not wait."""
        ...

    async def state(self, job_id: str) -> JobState | None:
        """State, or None when the job is unknown or long over."""
        ...

    async def owner(self, job_id: str) -> int | None:
        """The user who asked for a job, or None when it is unknown."""
        ...

    async def reap(self) -> int:
        """Puts jobs with expired leases back in front; how many. Any process, idempotent."""
        ...

    async def dead_letters(self, limit: int) -> list[DeadLetter]:
        """The newest dead letters."""
        ...
