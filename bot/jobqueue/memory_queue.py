"""The queue in this process's memory: what `RedisQueue` does, on a clock that tests can turn.

For tests, and for trying things out in one process; nothing survives it. The shared contract
suite holds both to the same behavior; `scripts/` says why it is as it is.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence

from bot.core.jobs import END_STATES, Job, JobState
from bot.jobqueue.api import Claim, Load, Placement, PutStatus, Verdict, Waiting
from bot.jobqueue.control import Orders, Reaped, Stop, StopReason, WorkerCard
from bot.jobqueue.limits import MAX_CLAIM_WAIT_S, QueueLimits
from bot.jobqueue.memory_control import MemoryControl
from bot.jobqueue.memory_store import Heartbeat, Record, Signal

_SMOOTHING = 0.1  # of the pace: how much the newest job counts


class MemoryQueue(MemoryControl):
    """A JobQueue without Redis, for one process.

    Args:
        clock: gives Unix time in seconds; waits take real time whatever it says.
        limits: as for `open_queue`.
    """

    def __init__(self, *, clock: Callable[[], float], limits: QueueLimits | None = None) -> None:
        super().__init__(clock=clock, limits=limits)
        self._cancelled: deque[str] = deque(maxlen=1000)
        self._cancel = Signal()

    async def put(self, job: Job) -> Placement:
        """Stores a job once; idempotent by `job.id`."""
        if known := self._find(job.id):
            return self._placement(PutStatus.DUPLICATE, known)
        if refusal := self._refusal(job):
            return Placement(status=refusal, place=None)
        record = self._new_record(job)
        self._put_in_line(record)
        waiting = self._waiting(record)
        if waiting.eta_s is not None and self._clock() + waiting.eta_s > job.deadline_at_s:
            self._tree.remove(record.entry)
            return Placement(
                status=PutStatus.TOO_LATE,
                place=None,
                eta_s=waiting.eta_s,
                own_share=waiting.own_share,
            )
        self._records[job.id] = record
        return self._placement(PutStatus.ACCEPTED, record)

    async def load(self) -> Load:
        """How busy the pool is now."""
        return Load(
            queued=self._tree.queued + len(self._front),
            running=len(self._in(JobState.RUNNING)),
            slots=self._live_slots(),
        )

    async def claim(self, worker_id: str, n: int, wait_s: float) -> list[Claim]:
        """Takes up to n jobs, each under a lease; waits up to `wait_s` (at most 2) for one."""
        until_s = asyncio.get_running_loop().time() + min(wait_s, MAX_CLAIM_WAIT_S)
        while True:
            claims = self._claim_now(worker_id, n)
            if claims or wait_s <= 0 or not await self._wake.wait(until_s):
                return claims

    async def renew(
        self,
        worker_id: str,
        slots: int,
        held: Sequence[tuple[str, int]],
        card: WorkerCard | None = None,
    ) -> Orders:
        """Heartbeat of a worker: extends the leases of (job id, attempt) and says what to stop."""
        now_s = self._clock()
        self._workers = {w: beat for w, beat in self._workers.items() if beat.until_s > now_s}
        before = self._workers.get(worker_id)
        beat = self._workers[worker_id] = Heartbeat(
            at_s=now_s,
            until_s=now_s + self._limits.lease_s,
            slots=slots,
            running=len(held),
            card=card or WorkerCard(),
            drain=before is not None and before.drain,
        )
        reasons = ((job_id, self._renew_one(worker_id, job_id, n)) for job_id, n in held)
        stops = [Stop(job_id=job_id, reason=reason) for job_id, reason in reasons if reason]
        return Orders(stops=stops, drain=beat.drain)

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
        if tokens > 0 and state in (JobState.DONE, JobState.STOPPED):
            self._learn_pace((self._clock() - record.claimed_at_s) / tokens)
        if state is JobState.DEAD:
            self._bury(record, "every attempt failed")
        record.used = tokens
        self._end(record, state)
        self._end_service(record, unused=record.charged - tokens)
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
            self._stop_waiting(record)
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

    async def status(self, job_id: str) -> Waiting | None:
        """How a job waits, or None when it does not."""
        record = self._find(job_id)
        if record is None or record.state is not JobState.QUEUED:
            return None
        return self._waiting(record)

    async def begin_notice(self, job_id: str, hold_s: float) -> Waiting | None:
        """As `status`; the worker that takes the job in the next `hold_s` waits for an edit."""
        waiting = await self.status(job_id)
        if waiting is not None:
            self._records[job_id].notice_until_s = self._clock() + hold_s
        return waiting

    async def end_notice(self, job_id: str) -> None:
        """The edit is through."""
        if record := self._find(job_id):
            record.notice_until_s = 0.0

    async def place(self, job_id: str) -> int | None:
        """Place in line from 1, or None when it does not wait."""
        waiting = await self.status(job_id)
        return waiting.place if waiting else None

    async def state(self, job_id: str) -> JobState | None:
        """State, or None when the job is unknown or long over."""
        record = self._find(job_id)
        return None if record is None else record.state

    async def owner(self, job_id: str) -> int | None:
        """The user who asked for a job, or None when it is unknown."""
        record = self._find(job_id)
        return None if record is None else record.job.user_id

    async def used(self, job_id: str) -> int:
        """Tokens that a job has cost in the end; 0 until a worker ends it, or when unknown."""
        record = self._find(job_id)
        return record.used if record else 0

    async def reap(self) -> Reaped:
        """Puts jobs with expired leases back in front."""
        now_s = self._clock()
        expired = [r for r in self._in(JobState.RUNNING) if r.lease_ends_s <= now_s]
        ended = [record.job.id for record in expired if not self._after_failure(record)]
        for job_id in list(self._records):
            self._find(job_id)  # forgets what is long over
        return Reaped(put_back=len(expired) - len(ended), ended=ended)

    def _placement(self, status: PutStatus, record: Record) -> Placement:
        if record.state is not JobState.QUEUED:
            return Placement(status=status, place=None)
        waiting = self._waiting(record)
        return Placement(
            status=status,
            place=waiting.place,
            eta_s=waiting.eta_s,
            own_share=waiting.own_share,
        )

    def _learn_pace(self, s_per_token: float) -> None:
        rate = s_per_token if self._s_per_token is None else self._s_per_token
        self._s_per_token = rate + _SMOOTHING * (s_per_token - rate)

    def _held(self, worker_id: str, job_id: str, attempt: int) -> Record | None:
        """The fence: the record, if this worker's hold is the newest one."""
        record = self._find(job_id)
        if record is None or record.state is not JobState.RUNNING:
            return None
        return record if (record.by, record.attempt) == (worker_id, attempt) else None

    def _claim_now(self, worker_id: str, n: int) -> list[Claim]:
        now_s = self._clock()
        beat = self._workers.get(worker_id)
        if beat is not None and beat.drain:
            return []
        late = [
            record
            for record in self._in(JobState.QUEUED)
            if now_s - self._limits.farewell_s <= record.job.deadline_at_s <= now_s
        ]
        late.sort(key=lambda r: (round(r.job.deadline_at_s * 1000), r.entry.sequence))
        claims = [self._take_late(record, worker_id, now_s) for record in late[:n]]
        while len(claims) < n and self._message is None:
            record = self._next()
            if record is None:
                break
            claims.append(self._take(record, worker_id, now_s))
        return claims

    def _take_late(self, record: Record, worker_id: str, now_s: float) -> Claim:
        if not self._leave_front(record):
            self._tree.remove(record.entry, serve=True)
        return self._take(record, worker_id, now_s)

    def _next(self) -> Record | None:
        if self._front:
            return self._records[self._front.pop(0).job_id]
        entry = self._tree.serve_next()
        if entry is None:
            return None
        record = self._records[entry.job_id]
        record.charged = entry.cost
        return record

    def _take(self, record: Record, worker_id: str, now_s: float) -> Claim:
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
        record.state, record.by, record.claimed_at_s = JobState.RUNNING, worker_id, now_s
        record.lease_ends_s = now_s + self._limits.lease_s
        return Claim(
            job=record.job,
            attempt=record.attempt,
            verdict=record.verdict,
            sent_parts=record.sent_parts,
            sending_part=record.sending_part,
            notice_s=max(0.0, record.notice_until_s - now_s),
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
