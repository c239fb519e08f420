"""The queue in this process's memory: what `RedisQueue` does, on a clock that tests can turn.

For tests, and for trying things out in one process; nothing survives it. The shared contract
suite holds both to the same behavior; `scripts/` says why it is as it is.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from bot.core.jobs import END_STATES, Job, JobState
from bot.jobqueue.api import (
    Claim,
    DeadLetter,
    Load,
    Placement,
    PutStatus,
    Stop,
    StopReason,
    Verdict,
)
from bot.jobqueue.limits import MAX_CLAIM_WAIT_S, QueueLimits


@dataclass(slots=True, kw_only=True, eq=False)
class _Record:
    """One job and where it stands; the fields of `job:<id>` in `keys.py`."""

    job: Job
    sequence: int
    tag: float
    state: JobState = JobState.QUEUED
    runs: int = 0
    farewells: int = 0
    by: str = ""
    verdict: Verdict = Verdict.RUN
    lease_ends_s: float = 0.0
    ended_at_s: float = 0.0
    cancelled: bool = False
    sent_parts: int = 0
    sending_part: int | None = None

    @property
    def attempt(self) -> int:
        return self.runs + self.farewells

    @property
    def order(self) -> tuple[float, int]:
        return self.tag, self.sequence


@dataclass(slots=True)
class _Signal:
    """Wakes everybody who waits; what it means they look up themselves."""

    _event: asyncio.Event = field(default_factory=asyncio.Event)

    def send(self) -> None:
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


class MemoryQueue:
    """A JobQueue without Redis, for one process.

    Args:
        clock: gives Unix time in seconds; waits take real time whatever it says.
        limits: as for `open_queue`.
    """

    def __init__(self, *, clock: Callable[[], float], limits: QueueLimits | None = None) -> None:
        self._clock = clock
        self._limits = limits or QueueLimits()
        self._records: dict[str, _Record] = {}
        self._finish_tags: dict[str, float] = {}
        self._virtual_time = 0.0
        self._sequence = 0
        self._workers: dict[str, tuple[float, int]] = {}  # heartbeat's end (s), slots
        self._dead: deque[DeadLetter] = deque(maxlen=self._limits.max_dead_letters)
        self._cancelled: deque[str] = deque(maxlen=1000)
        self._wake = _Signal()
        self._cancel = _Signal()

    async def put(self, job: Job) -> Placement:
        """Stores a job once; idempotent by `job.id`."""
        if self._find(job.id) is not None:
            return Placement(status=PutStatus.DUPLICATE, place=await self.place(job.id))
        if len(self._in(JobState.QUEUED)) >= self._limits.max_queued:
            return Placement(status=PutStatus.FULL, place=None)
        self._sequence += 1
        start = max(self._virtual_time, self._finish_tags.get(job.tenant, 0.0))
        self._finish_tags[job.tenant] = start + job.cost
        self._records[job.id] = _Record(job=job, sequence=self._sequence, tag=start)
        self._wake.send()
        return Placement(status=PutStatus.ACCEPTED, place=await self.place(job.id))

    async def load(self) -> Load:
        """How busy the pool is now."""
        now_s = self._clock()
        return Load(
            queued=len(self._in(JobState.QUEUED)),
            running=len(self._in(JobState.RUNNING)),
            slots=sum(slots for until_s, slots in self._workers.values() if until_s > now_s),
        )

    async def claim(self, worker_id: str, n: int, wait_s: float) -> list[Claim]:
        """Takes up to n jobs, each under a lease; waits up to `wait_s` (at most 2) for one."""
        until_s = asyncio.get_running_loop().time() + min(wait_s, MAX_CLAIM_WAIT_S)
        while True:
            claims = self._claim_now(worker_id, n)
            if claims or wait_s <= 0 or not await self._wake.wait(until_s):
                return claims

    async def renew(
        self, worker_id: str, slots: int, held: Sequence[tuple[str, int]]
    ) -> list[Stop]:
        """Heartbeat of a worker: extends the leases of (job id, attempt) and says what to stop."""
        self._workers[worker_id] = (self._clock() + self._limits.lease_s, slots)
        reasons = ((job_id, self._renew_one(worker_id, job_id, n)) for job_id, n in held)
        return [Stop(job_id=job_id, reason=reason) for job_id, reason in reasons if reason]

    async def mark_part(
        self, worker_id: str, job_id: str, attempt: int, part: int, sent: bool
    ) -> bool:
        """Notes that follow-up `part` is about to be posted, or was; False = lease lost."""
        record = self._held(worker_id, job_id, attempt)
        if record is None:
            return False
        record.sending_part = None if sent else part
        if sent:
            record.sent_parts = part
        return True

    async def finish(
        self, worker_id: str, job_id: str, attempt: int, state: JobState, tokens: int
    ) -> bool:
        """Ends a job with its real cost; False where it was not this worker's any more.

        Raises:
            ValueError: the state is not one in which a job ends.
        """
        if state not in END_STATES:
            raise ValueError(f"a job can't end as {state}")
        record = self._find(job_id)
        if record is None or (record.by, record.attempt) != (worker_id, attempt):
            return False
        if record.state is not JobState.RUNNING:
            return record.state is state
        self._settle(record, unused=record.job.cost - tokens)
        if state is JobState.DEAD:
            self._bury(record, "every attempt failed")
        self._end(record, state)
        return True

    async def release(self, worker_id: str, held: Sequence[tuple[str, int]]) -> None:
        """Gives jobs back unharmed (they go first, and the attempt does not count)."""
        for job_id, attempt in held:
            record = self._held(worker_id, job_id, attempt)
            if record is None:
                continue
            if record.verdict is Verdict.RUN:
                record.runs -= 1
            else:
                record.farewells -= 1
            self._put_back(record)

    async def retry(self, worker_id: str, job_id: str, attempt: int) -> bool:
        """Gives a job back after an attempt that failed; False where it was not this worker's."""
        record = self._held(worker_id, job_id, attempt)
        if record is None:
            return False
        self._after_failure(record)
        return True

    async def leave(self, worker_id: str) -> None:
        """Ends a worker's heartbeat at once, so that its slots no longer count."""
        self._workers.pop(worker_id, None)

    async def cancel(self, job_id: str) -> JobState | None:
        """Stops a job: the state it was in (QUEUED: it is gone; RUNNING: its worker is told)."""
        record = self._find(job_id)
        if record is None:
            return None
        state = record.state
        if state is JobState.RUNNING:
            record.cancelled = True
            self._cancelled.append(job_id)
            self._cancel.send()
        elif state is JobState.QUEUED:
            self._end(record, JobState.STOPPED)
            if record.attempt == 0:
                self._settle(record, unused=record.job.cost)
        return state

    async def wait_cancelled(self, wait_s: float) -> list[str]:
        """Ids of running jobs cancelled meanwhile; waits up to `wait_s`.

        Each id is told once: to all workers of this process together, as with one `RedisQueue`.
        """
        until_s = asyncio.get_running_loop().time() + wait_s
        while not self._cancelled and await self._cancel.wait(until_s):
            pass
        job_ids = list(self._cancelled)
        self._cancelled.clear()
        return job_ids

    async def place(self, job_id: str) -> int | None:
        """Place in line from 1, or None when it does not wait."""
        record = self._find(job_id)
        if record is None or record.state is not JobState.QUEUED:
            return None
        return 1 + sum(other.order < record.order for other in self._in(JobState.QUEUED))

    async def state(self, job_id: str) -> JobState | None:
        """State, or None when the job is unknown or long over."""
        record = self._find(job_id)
        return None if record is None else record.state

    async def owner(self, job_id: str) -> int | None:
        """The user who asked for a job, or None when it is unknown."""
        record = self._find(job_id)
        return None if record is None else record.job.user_id

    async def reap(self) -> int:
        """Puts jobs with expired leases back in front; how many."""
        now_s = self._clock()
        returned = 0
        for record in self._in(JobState.RUNNING):
            if record.lease_ends_s > now_s:
                continue
            returned += self._after_failure(record)
        for job_id in list(self._records):
            self._find(job_id)  # forgets what is long over
        return returned

    async def dead_letters(self, limit: int) -> list[DeadLetter]:
        """The newest dead letters."""
        return list(reversed(self._dead))[:limit]

    def _find(self, job_id: str) -> _Record | None:
        record = self._records.get(job_id)
        if record is None or record.state not in END_STATES:
            return record
        if record.ended_at_s + self._limits.keep_ended_s > self._clock():
            return record
        del self._records[job_id]
        return None

    def _held(self, worker_id: str, job_id: str, attempt: int) -> _Record | None:
        """The fence: the record, if this worker's hold is the newest one."""
        record = self._find(job_id)
        if record is None or record.state is not JobState.RUNNING:
            return None
        return record if (record.by, record.attempt) == (worker_id, attempt) else None

    def _in(self, state: JobState) -> list[_Record]:
        return [record for record in self._records.values() if record.state is state]

    def _claim_now(self, worker_id: str, n: int) -> list[Claim]:
        now_s = self._clock()
        line = sorted(self._in(JobState.QUEUED), key=lambda record: record.order)
        late = [
            record
            for record in sorted(line, key=lambda record: record.job.deadline_at_s)
            if now_s - self._limits.farewell_s <= record.job.deadline_at_s <= now_s
        ][:n]
        others = [record for record in line if record not in late][: max(0, n - len(late))]
        for record in others:
            self._virtual_time = max(self._virtual_time, record.tag)
        return [self._take(record, worker_id, now_s) for record in late + others]

    def _take(self, record: _Record, worker_id: str, now_s: float) -> Claim:
        if record.runs >= self._limits.max_attempts:
            record.verdict = Verdict.EXHAUSTED
        elif record.job.deadline_at_s <= now_s:
            record.verdict = Verdict.EXPIRED
        else:
            record.verdict = Verdict.RUN
        if record.verdict is Verdict.RUN:
            record.runs += 1
        else:
            record.farewells += 1
        record.state, record.by = JobState.RUNNING, worker_id
        record.lease_ends_s = now_s + self._limits.lease_s
        return Claim(
            job=record.job,
            attempt=record.attempt,
            verdict=record.verdict,
            sent_parts=record.sent_parts,
            sending_part=record.sending_part,
            is_last_run=record.verdict is Verdict.RUN and record.runs == self._limits.max_attempts,
        )

    def _renew_one(self, worker_id: str, job_id: str, attempt: int) -> StopReason | None:
        record = self._held(worker_id, job_id, attempt)
        if record is None:
            return StopReason.LOST
        now_s = self._clock()
        record.lease_ends_s = now_s + self._limits.lease_s
        if record.cancelled:
            return StopReason.CANCELLED
        left_s = record.job.deadline_at_s - now_s
        if record.verdict is Verdict.RUN and left_s < self._limits.deadline_margin_s:
            return StopReason.DEADLINE
        return None

    def _after_failure(self, record: _Record) -> bool:
        """Back to the front, unless nobody can be told any more; whether it was put back."""
        if record.farewells >= self._limits.max_farewells:
            self._bury(record, "its asker could not be told that it failed")
            self._end(record, JobState.DEAD)
            return False
        self._put_back(record)
        return True

    def _put_back(self, record: _Record) -> None:
        record.state, record.by = JobState.QUEUED, ""
        record.tag = self._virtual_time - 1
        self._wake.send()

    def _end(self, record: _Record, state: JobState) -> None:
        record.state, record.ended_at_s = state, self._clock()

    def _bury(self, record: _Record, reason: str) -> None:
        letter = DeadLetter(
            job_id=record.job.id, at_s=self._clock(), attempts=record.attempt, reason=reason
        )
        self._dead.append(letter)

    def _settle(self, ended: _Record, *, unused: float) -> None:
        """Gives back what a job did not cost (or takes more): the tenant's later jobs move up."""
        tenant = ended.job.tenant
        base = self._finish_tags.get(tenant, self._virtual_time)
        self._finish_tags[tenant] = base - unused
        for record in self._in(JobState.QUEUED):
            if unused > 0 and record.job.tenant == tenant and record.sequence > ended.sequence:
                earlier = max(self._virtual_time, record.tag - unused)
                record.tag = min(record.tag, earlier)
