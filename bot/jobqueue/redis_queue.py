"""The queue on Redis: one method, one script; what a script does stands in `scripts/`.

Opened by `connect.open_queue`; used by services and the worker through the JobQueue protocol.
Keeps no state of its own but connections: any number of processes may share a pool.
"""

import contextlib
import secrets
import time
from collections.abc import Sequence
from typing import cast

import structlog
from redis.exceptions import RedisError

from bot.core.jobs import END_STATES, Job, JobState, UnknownVersionError
from bot.errors import QueueDownError
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
from bot.jobqueue.cancel_channel import CancelChannel
from bot.jobqueue.keys import Keys
from bot.jobqueue.limits import MAX_CLAIM_WAIT_S, QueueLimits
from bot.storage.cancellation import heed_cancel
from bot.storage.clients import RedisClient
from bot.storage.scripts import Scripts, down_error

_log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

_SCRIPTS = (
    "enqueue", "load", "claim", "renew", "mark_part", "finish", "release", "retry", "leave",
    "cancel", "place", "reap",
)  # fmt: skip
_REAP_BATCH = 100
_CLAIM_FIELDS = 6


class RedisQueue:
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
        self._commands = commands
        self._blocking = blocking
        self._limits = limits
        self._keys = Keys(pool)
        self._scripts = Scripts(
            commands,
            package="bot.jobqueue",
            names=_SCRIPTS,
            keys=self._keys.for_scripts(),
        )
        self._cancels = CancelChannel(blocking, self._keys.cancel)

    async def close(self) -> None:
        """Ends the subscription; the clients belong to whoever made them."""
        await self._cancels.close()

    async def put(self, job: Job) -> Placement:
        """Stores a job once; idempotent by `job.id`."""
        status, place = await self._scripts.run(
            "enqueue",
            job.id,
            job.tenant,
            job.user_id,
            job.cost,
            _ms(job.deadline_at_s),
            job.to_json(),
            self._limits.max_queued,
        )
        return Placement(status=PutStatus(status), place=int(place) or None)

    async def load(self) -> Load:
        """How busy the pool is now."""
        queued, running, slots = await self._scripts.run("load")
        return Load(queued=int(queued), running=int(running), slots=int(slots))

    async def claim(self, worker_id: str, n: int, wait_s: float) -> list[Claim]:
        """Takes up to n jobs, each under a lease; waits up to `wait_s` (at most 2) for one.

        Do not cancel it for its time: jobs it has just taken would wait until their leases end.
        """
        until_s = time.monotonic() + min(wait_s, MAX_CLAIM_WAIT_S)
        while True:
            claims = await self._claim_now(worker_id, n) if n > 0 else []
            left_s = until_s - time.monotonic()
            if claims or left_s <= 0:
                return claims
            await self._wait_for_wake_token(left_s)

    async def renew(
        self, worker_id: str, slots: int, held: Sequence[tuple[str, int]]
    ) -> list[Stop]:
        """Heartbeat of a worker: extends the leases of (job id, attempt) and says what to stop."""
        reply = await self._scripts.run(
            "renew",
            worker_id,
            slots,
            _ms(self._limits.lease_s),
            _ms(self._limits.deadline_margin_s),
            *_flat(held),
        )
        pairs = zip(reply[::2], reply[1::2], strict=True)
        return [Stop(job_id=job_id, reason=StopReason(reason)) for job_id, reason in pairs]

    async def mark_part(
        self, worker_id: str, job_id: str, attempt: int, part: int, sent: bool
    ) -> bool:
        """Notes that follow-up `part` is about to be posted, or was; False = lease lost."""
        reply = await self._scripts.run("mark_part", worker_id, job_id, attempt, part, int(sent))
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
        await self._scripts.run("release", worker_id, *_flat(held))

    async def retry(self, worker_id: str, job_id: str, attempt: int) -> bool:
        """Gives a job back after an attempt that failed; False where it was not this worker's."""
        reply = await self._scripts.run(
            "retry", worker_id, job_id, attempt, *self._bounds_of_failure()
        )
        return reply == ["1"]

    async def leave(self, worker_id: str) -> None:
        """Ends a worker's heartbeat at once, so that its slots no longer count."""
        await self._scripts.run("leave", worker_id)

    async def cancel(self, job_id: str) -> JobState | None:
        """Stops a job: the state it was in (QUEUED: it is gone; RUNNING: its worker is told)."""
        call, keep_ms = secrets.token_hex(8), _ms(self._limits.keep_ended_s)
        (state,) = await self._scripts.run("cancel", job_id, call, keep_ms)
        return JobState(state) if state else None

    async def wait_cancelled(self, wait_s: float) -> list[str]:
        """Ids of running jobs cancelled meanwhile; waits up to `wait_s`.

        Best effort: `renew` is the reliable way. One task at a time.
        """
        return await self._cancels.wait(wait_s)

    async def place(self, job_id: str) -> int | None:
        """Place in line from 1, or None when it does not wait."""
        (place,) = await self._scripts.run("place", job_id)
        return int(place) or None

    async def state(self, job_id: str) -> JobState | None:
        """State, or None when the job is unknown or long over."""
        state = await self._field(job_id, "st")
        return None if state is None else JobState(state)

    async def owner(self, job_id: str) -> int | None:
        """The user who asked for a job, or None when it is unknown."""
        user = await self._field(job_id, "user")
        return None if user is None else int(user)

    async def reap(self) -> int:
        """Puts jobs with expired leases back in front; how many. Any process, idempotent."""
        total = 0
        for _ in range(self._limits.max_queued // _REAP_BATCH + 1):
            returned, expired = await self._scripts.run(
                "reap", _REAP_BATCH, *self._bounds_of_failure()
            )
            total += int(returned)
            if int(expired) < _REAP_BATCH:
                break
        return total

    async def dead_letters(self, limit: int) -> list[DeadLetter]:
        """The newest dead letters."""
        try:
            reply = await heed_cancel(self._commands.xrevrange(self._keys.dead, count=limit))
        except (RedisError, OSError) as error:
            raise down_error(error) from error
        entries = cast("list[tuple[str, dict[str, str]]]", reply)
        return [
            DeadLetter(
                job_id=fields["id"],
                at_s=int(entry_id.partition("-")[0]) / 1000,
                attempts=int(fields["attempts"]),
                reason=fields["reason"],
            )
            for entry_id, fields in entries
        ]

    def _bounds_of_failure(self) -> tuple[int, int, int]:
        """What `after_failure` in `common.lua` goes by."""
        limits = self._limits
        return limits.max_farewells, _ms(limits.keep_ended_s), limits.max_dead_letters

    async def _claim_now(self, worker_id: str, n: int) -> list[Claim]:
        reply = await self._scripts.run_once(
            "claim",
            worker_id,
            n,
            _ms(self._limits.lease_s),
            self._limits.max_attempts,
            _ms(self._limits.farewell_s),
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
        return claims

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
        reply = await self._scripts.run(
            "finish",
            worker_id,
            job_id,
            attempt,
            state.value,
            tokens,
            reason,
            _ms(self._limits.keep_ended_s),
            self._limits.max_dead_letters,
        )
        return reply == ["1"]

    async def _wait_for_wake_token(self, wait_s: float) -> None:
        try:
            # Redis takes 0 for "for ever", and rounds what is below a millisecond to it.
            await heed_cancel(self._blocking.blpop([self._keys.wake], timeout=max(wait_s, 0.01)))
        except (RedisError, OSError) as error:
            raise down_error(error) from error

    async def _field(self, job_id: str, field: str) -> str | None:
        try:
            reply = await heed_cancel(self._commands.hget(self._keys.job(job_id), field))
        except (RedisError, OSError) as error:
            raise down_error(error) from error
        return cast("str | None", reply)


def _read_claim(fields: list[str], max_attempts: int) -> Claim:
    _, attempt, verdict, payload, sent, sending = fields
    return Claim(
        job=Job.from_json(payload),
        attempt=int(attempt),
        verdict=Verdict(verdict),
        sent_parts=int(sent or 0),
        sending_part=int(sending) if sending else None,
        # No farewell comes before a run, so this attempt counts runs only.
        is_last_run=verdict == Verdict.RUN and int(attempt) == max_attempts,
    )


def _flat(held: Sequence[tuple[str, int]]) -> list[str | int]:
    return [value for pair in held for value in pair]


def _ms(seconds: float) -> int:
    return round(seconds * 1000)
