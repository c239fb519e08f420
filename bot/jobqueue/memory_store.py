"""What the memory queue keeps, and the moves of a job that several of its methods share.

Owned by `memory_queue` and `memory_control`; the twin of `scripts/common.lua`.
"""

import asyncio
from bisect import bisect_left, insort
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from bot.core.jobs import END_STATES, Job, JobState
from bot.jobqueue.api import PutStatus, Verdict, Waiting
from bot.jobqueue.control import DeadLetter, WorkerCard
from bot.jobqueue.fair_tree import BACKGROUND, INTERACTIVE, Ahead, Entry, FairTree
from bot.jobqueue.limits import QueueLimits


@dataclass(slots=True, kw_only=True, eq=False)
class Record:
    """One job and where it stands; the fields of `job:<id>` in `keys.py`."""

    job: Job
    entry: Entry
    state: JobState = JobState.QUEUED
    runs: int = 0
    farewells: int = 0
    by: str = ""
    verdict: Verdict = Verdict.RUN
    charged: int = 0
    used: int = 0
    claimed_at_s: float = 0.0
    lease_ends_s: float = 0.0
    ended_at_s: float = 0.0
    cancelled: bool = False
    sent_parts: int = 0
    sending_part: int | None = None
    notice_until_s: float = 0.0

    @property
    def attempt(self) -> int:
        """Claims of both kinds."""
        return self.runs + self.farewells


@dataclass(slots=True, kw_only=True)
class Heartbeat:
    """A worker's last one."""

    at_s: float
    until_s: float
    slots: int
    running: int
    card: WorkerCard
    drain: bool


@dataclass(slots=True)
class Signal:
    """Wakes everybody who waits; what it means they look up themselves."""

    _event: asyncio.Event = field(default_factory=asyncio.Event)

    def send(self) -> None:
        """Wakes them."""
        self._event.set()

    async def wait(self, until_s: float) -> bool:
        """False once it is `until_s` on the event loop's clock."""
        self._event.clear()
        try:
            async with asyncio.timeout_at(until_s):
                await self._event.wait()
        except TimeoutError:
            return False
        return True


class MemoryStore:
    """The jobs of a memory queue.

    Args:
        clock: gives Unix time in seconds.
        limits: as for `open_queue`.
    """

    def __init__(self, *, clock: Callable[[], float], limits: QueueLimits | None = None) -> None:
        self._clock = clock
        self._limits = limits or QueueLimits()
        self._records: dict[str, Record] = {}
        self._front: list[Entry] = []
        self._tree = FairTree(
            max_running_per_server=self._limits.max_running_per_server,
            max_running_per_user=self._limits.max_running_per_user,
        )
        self._sequence = 0
        self._s_per_token: float | None = None  # of one slot
        self._message: str | None = None  # of a pause
        self._obeyed = 0  # revision of what the host decided
        self._workers: dict[str, Heartbeat] = {}
        self._dead: deque[DeadLetter] = deque(maxlen=self._limits.max_dead_letters)
        self._wake = Signal()

    def _find(self, job_id: str) -> Record | None:
        record = self._records.get(job_id)
        if record is None or record.state not in END_STATES:
            return record
        if record.ended_at_s + self._limits.keep_ended_s > self._clock():
            return record
        del self._records[job_id]
        return None

    def _in(self, state: JobState) -> list[Record]:
        return [record for record in self._records.values() if record.state is state]

    def _new_record(self, job: Job) -> Record:
        self._sequence += 1
        entry = Entry(
            sequence=self._sequence,
            job_id=job.id,
            job_class=BACKGROUND if job.is_background else INTERACTIVE,
            tenant=job.tenant,
            user_id=job.user_id,
            cost=max(1, job.cost),
        )
        return Record(job=job, entry=entry)

    def _refusal(self, job: Job) -> PutStatus | None:
        limits, tree = self._limits, self._tree
        if self._message is not None:
            return PutStatus.PAUSED
        if tree.queued + len(self._front) >= limits.max_queued:
            return PutStatus.FULL
        if tree.queued_of(job.tenant) >= limits.max_queued_per_server:
            return PutStatus.FULL_SERVER
        if tree.queued_of(job.tenant, job.user_id) >= limits.max_queued_per_user:
            return PutStatus.FULL_USER
        return None

    def _put_in_line(self, record: Record) -> None:
        self._tree.add(record.entry)
        self._wake.send()

    def _put_back(self, record: Record) -> None:
        record.state, record.by = JobState.QUEUED, ""
        insort(self._front, record.entry)
        self._wake.send()

    def _leave_front(self, record: Record) -> bool:
        if record.entry not in self._front:
            return False
        self._front.remove(record.entry)
        return True

    def _end_service(self, record: Record, *, unused: int) -> None:
        self._tree.end(record.entry, unused=unused)
        self._wake.send()

    def _stop_waiting(self, record: Record) -> None:
        """Takes a waiting job out for good. One that was given back unharmed costs nothing."""
        if self._leave_front(record):
            self._end_service(record, unused=0 if record.attempt else record.charged)
        else:
            self._tree.remove(record.entry)
        self._end(record, JobState.STOPPED)

    def _after_failure(self, record: Record) -> bool:
        """Back to the front, unless nobody can be told any more; whether it was put back."""
        if record.farewells < self._limits.max_farewells:
            self._put_back(record)
            return True
        self._bury(record, "its asker could not be told that it failed")
        self._end(record, JobState.DEAD)
        self._end_service(record, unused=0)
        return False

    def _end(self, record: Record, state: JobState) -> None:
        record.state, record.ended_at_s = state, self._clock()

    def _bury(self, record: Record, reason: str) -> None:
        letter = DeadLetter(
            job_id=record.job.id,
            at_s=self._clock(),
            attempts=record.attempt,
            reason=reason,
            job=record.job,
        )
        self._dead.append(letter)

    def _live_slots(self) -> int:
        now_s = self._clock()
        return sum(
            0 if beat.drain else beat.slots
            for beat in self._workers.values()
            if beat.until_s > now_s
        )

    def _waiting(self, record: Record) -> Waiting:
        """How a waiting job waits."""
        ahead = self._ahead(record.entry)
        return Waiting(
            place=ahead.jobs + 1,
            eta_s=self._seconds_to_start(ahead),
            own_share=ahead.own * 2 > ahead.jobs or ahead.is_capped,
        )

    def _ahead(self, entry: Entry) -> Ahead:
        front_cost = sum(other.cost for other in self._front)
        if entry in self._front:
            rank = bisect_left(self._front, entry)
            cost = front_cost * rank / len(self._front)
            return Ahead(jobs=rank, cost=cost, own=0, is_capped=False)
        ahead = self._tree.ahead(entry)
        return Ahead(
            jobs=ahead.jobs + len(self._front),
            cost=ahead.cost + front_cost,
            own=ahead.own,
            is_capped=ahead.is_capped,
        )

    def _seconds_to_start(self, ahead: Ahead) -> float | None:
        """None: nobody works, the pace is not known yet, or all is paused."""
        slots, running = self._live_slots(), self._in(JobState.RUNNING)
        if slots == 0 or self._message is not None:
            return None
        free = slots - len(running)
        if ahead.jobs < free and not ahead.is_capped:
            return 0.0
        if self._s_per_token is None:
            return None
        half_done = sum(record.entry.cost for record in running) / 2 if free <= 0 else 0.0
        return (ahead.cost + half_done) * self._s_per_token / slots
