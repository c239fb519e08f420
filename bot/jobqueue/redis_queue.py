"""The queue on Redis: one method, one script; what a script does stands in `scripts/`.

Opened by `connect.open_queue`; used by services and the worker through the JobQueue protocol.
Keeps no state of its own but connections: any number of processes may share a pool.
"""

import asyncio
import contextlib
import secrets
import time
from collections.abc import Sequence
from typing import cast

import structlog

from bot.core.jobs import END_STATES, Job, JobState, UnknownVersionError
from bot.errors import QueueDownError
from bot.jobqueue.api import Claim, Load, Placement, PutStatus, Verdict, Waiting
from bot.jobqueue.cancel_channel import CancelChannel
from bot.jobqueue.control import Orders, Reaped, Stop, StopReason, WorkerCard
from bot.jobqueue.limits import MAX_CLAIM_WAIT_S, QueueLimits
from bot.jobqueue.redis_control import RedisControl, card_json, put_arguments, to_ms
from bot.storage.clients import RedisClient

_log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

_REAP_BATCH = 100
_CLAIM_FIELDS = 7


class RedisQueue(RedisControl):
    """A JobQueue whose jobs lie in Redis.

    Args:
        commands: for everything that answers at once; no retries of its own.
        blocking: for reads that wait; its socket time-out is longer than any wait.
        pool: names the keys; processes that share a queue share this name.
        limits: bounds, the same in all processes of a pool.
    """

    def __init__(
        self, commands: RedisClient, blocking: RedisClient, *, pool: str, limits: QueueLimits
    ) -> None:
        super().__init__(commands, pool=pool, limits=limits)
        self._blocking = blocking
        self._cancels = CancelChannel(blocking, self._keys.cancel)

    async def close(self) -> None:
        """Ends the subscription; the clients belong to whoever made them."""
        await self._cancels.close()

    async def put(self, job: Job) -> Placement:
        """Stores a job once; idempotent by `job.id`."""
        limits = self._limits
        status, *waits = await self._run(
            "enqueue",
            *put_arguments(job),
            limits.max_queued,
            limits.max_queued_per_server,
            limits.max_queued_per_user,
        )
        place, eta_s, own_share = _read_waits(waits)
        return Placement(
            status=PutStatus(status), place=place or None, eta_s=eta_s, own_share=own_share
        )

    async def load(self) -> Load:
        """How busy the pool is now."""
        queued, running, slots = await self._run("load")
        return Load(queued=int(queued), running=int(running), slots=int(slots))

    async def claim(self, worker_id: str, n: int, wait_s: float) -> list[Claim]:
        """Takes up to n jobs, each under a lease; waits up to `wait_s` (at most 2) for one.

        Do not cancel it for its time: jobs it has just taken would wait until their leases end.
        """
        until_s = time.monotonic() + min(wait_s, MAX_CLAIM_WAIT_S)
        while True:
            claims, is_drained = await self._claim_now(worker_id, n) if n > 0 else ([], False)
            left_s = until_s - time.monotonic()
            if claims or left_s <= 0:
                return claims
            if is_drained:  # tokens are for those who get jobs
                await asyncio.sleep(left_s)
            else:
                await self._wait_for_wake_token(left_s)

    async def renew(
        self,
        worker_id: str,
        slots: int,
        held: Sequence[tuple[str, int]],
        card: WorkerCard | None = None,
    ) -> Orders:
        """Heartbeat of a worker: extends the leases of (job id, attempt) and says what to stop."""
        drain, *reply = await self._run(
            "renew",
            worker_id,
            slots,
            to_ms(self._limits.lease_s),
            to_ms(self._limits.deadline_margin_s),
            card_json(card, len(held)),
            *_flat(held),
        )
        pairs = zip(reply[::2], reply[1::2], strict=True)
        stops = [Stop(job_id=job_id, reason=StopReason(reason)) for job_id, reason in pairs]
        return Orders(stops=stops, drain=drain == "1")

    async def mark_part(
        self, worker_id: str, job_id: str, attempt: int, part: int, sent: bool
    ) -> bool:
        """Notes that follow-up `part` is about to be posted, or was; False = lease lost."""
        reply = await self._run("mark_part", worker_id, job_id, attempt, part, int(sent))
        return reply == ["1"]

    async def finish(
        self, worker_id: str, job_id: str, attempt: int, state: JobState, tokens: int
    ) -> bool:
        """Ends a job with its real cost; False where it was not this worker's any more.

        Raises:
            ValueError: the state is not one in which a job ends.
        """
        if state not in END_STATES:
            raise ValueError(f"a job can't end as {state}")
        reason = "every attempt failed"
        return await self._finish(worker_id, job_id, attempt, state, tokens, reason)

    async def release(self, worker_id: str, held: Sequence[tuple[str, int]]) -> None:
        """Gives jobs back unharmed (they go first, and the attempt does not count)."""
        await self._run("release", worker_id, *_flat(held))

    async def retry(self, worker_id: str, job_id: str, attempt: int) -> bool:
        """Gives a job back after an attempt that failed; False where it was not this worker's."""
        reply = await self._run("retry", worker_id, job_id, attempt, *self._bounds_of_failure())
        return reply == ["1"]

    async def leave(self, worker_id: str) -> None:
        """Ends a worker's heartbeat at once, so that its slots no longer count."""
        await self._run("leave", worker_id)

    async def cancel(self, job_id: str) -> JobState | None:
        """Stops a job: the state it was in (QUEUED: it is gone; RUNNING: its worker is told)."""
        call, keep_ms = secrets.token_hex(8), to_ms(self._limits.keep_ended_s)
        (state,) = await self._run("cancel", job_id, call, keep_ms)
        return JobState(state) if state else None

    async def wait_cancelled(self, wait_s: float) -> list[str]:
        """Ids of running jobs cancelled meanwhile; waits up to `wait_s`.

        Best effort: `renew` is the reliable way. One task at a time.
        """
        return await self._cancels.wait(wait_s)

    async def status(self, job_id: str) -> Waiting | None:
        """How a job waits, or None when it does not."""
        place, eta_s, own_share = _read_waits(await self._run("status", job_id))
        return Waiting(place=place, eta_s=eta_s, own_share=own_share) if place else None

    async def begin_notice(self, job_id: str, hold_s: float) -> Waiting | None:
        """As `status`; the worker that takes the job in the next `hold_s` waits for an edit."""
        place, eta_s, own_share = _read_waits(
            await self._run("begin_notice", job_id, to_ms(hold_s))
        )
        return Waiting(place=place, eta_s=eta_s, own_share=own_share) if place else None

    async def end_notice(self, job_id: str) -> None:
        """The edit is through."""
        await self._run("end_notice", job_id)

    async def place(self, job_id: str) -> int | None:
        """Place in line from 1, or None when it does not wait."""
        waiting = await self.status(job_id)
        return waiting.place if waiting else None

    async def state(self, job_id: str) -> JobState | None:
        """State, or None when the job is unknown or long over."""
        state = await self._field(job_id, "st")
        return None if state is None else JobState(state)

    async def owner(self, job_id: str) -> int | None:
        """The user who asked for a job, or None when it is unknown."""
        member = await self._field(job_id, "member")
        return None if member is None else int(member.split(":", 4)[3])

    async def used(self, job_id: str) -> int:
        """Tokens that a job has cost in the end; 0 until a worker ends it, or when unknown."""
        return int(await self._field(job_id, "used") or 0)

    async def reap(self) -> Reaped:
        """Puts jobs with expired leases back in front. Any process, idempotent."""
        put_back, ended = 0, list[str]()
        for _ in range(self._limits.max_queued // _REAP_BATCH + 1):
            expired, *ids = await self._run("reap", _REAP_BATCH, *self._bounds_of_failure())
            put_back += int(expired) - len(ids)
            ended += ids
            if int(expired) < _REAP_BATCH:
                break
        return Reaped(put_back=put_back, ended=ended)

    def _bounds_of_failure(self) -> tuple[int, int, int]:
        """What `after_failure` in `common.lua` goes by."""
        limits = self._limits
        return limits.max_farewells, to_ms(limits.keep_ended_s), limits.max_dead_letters

    async def _claim_now(self, worker_id: str, n: int) -> tuple[list[Claim], bool]:
        """Claims, and whether the worker is to leave."""
        drain, *reply = await self._scripts.run_once(
            "claim",
            *self._caps,
            worker_id,
            n,
            to_ms(self._limits.lease_s),
            self._limits.max_attempts,
            to_ms(self._limits.farewell_s),
            self._limits.max_dead_letters,
        )
        claims: list[Claim] = []
        for start in range(0, len(reply), _CLAIM_FIELDS):
            fields = reply[start : start + _CLAIM_FIELDS]
            try:
                claims.append(_read_claim(fields, self._limits.max_attempts))
            except UnknownVersionError as error:
                # Its lease runs out, and in a rolling upgrade a newer worker takes it then.
                _log.warning("job left to a newer worker", job=fields[0], reason=str(error))
            except ValueError as error:
                await self._give_up(worker_id, fields[0], int(fields[1]), error)
        return claims, drain == "1"

    async def _give_up(self, worker_id: str, job_id: str, attempt: int, error: ValueError) -> None:
        """Ends a job whose record can't be read: it would come back for ever."""
        _log.error("job record can't be read", job=job_id, reason=str(error))
        reason = f"its record can't be read: {error}"
        with contextlib.suppress(QueueDownError):  # its lease ends, and it is found again
            await self._finish(worker_id, job_id, attempt, JobState.DEAD, 0, reason)

    async def _finish(
        self,
        worker_id: str,
        job_id: str,
        attempt: int,
        state: JobState,
        tokens: int,
        reason: str,
    ) -> bool:
        reply = await self._run(
            "finish",
            worker_id,
            job_id,
            attempt,
            state.value,
            tokens,
            reason,
            to_ms(self._limits.keep_ended_s),
            self._limits.max_dead_letters,
        )
        return reply == ["1"]

    async def _wait_for_wake_token(self, wait_s: float) -> None:
        # Redis takes 0 for "for ever", and rounds what is below a millisecond to it.
        await self._ask(self._blocking.blpop([self._keys.wake], timeout=max(wait_s, 0.01)))

    async def _field(self, job_id: str, field: str) -> str | None:
        reply = await self._ask(self._commands.hget(self._keys.job(job_id), field))
        return cast("str | None", reply)


def _read_waits(fields: list[str]) -> tuple[int, float | None, bool]:
    """Place (0 = it does not wait), seconds to its start, whether it waits for its own tenant."""
    place, eta, own_share = fields
    return int(place), float(eta) if eta else None, own_share == "1"


def _read_claim(fields: list[str], max_attempts: int) -> Claim:
    _, attempt, verdict, payload, sent, sending, notice = fields
    return Claim(
        job=Job.from_json(payload),
        attempt=int(attempt),
        verdict=Verdict(verdict),
        sent_parts=int(sent or 0),
        sending_part=int(sending) if sending else None,
        notice_s=int(notice) / 1000,
        # No farewell comes before a run, so this attempt counts runs only.
        is_last_run=verdict == Verdict.RUN and int(attempt) == max_attempts,
    )


def _flat(held: Sequence[tuple[str, int]]) -> list[str | int]:
    return [value for pair in held for value in pair]
