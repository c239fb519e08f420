"""How the queue on Redis is steered: workers, weights, a pause, dead letters.

The half of `RedisQueue` that admins' and host's commands use. Owned by `redis_queue`.
"""

import json
import secrets
from collections.abc import Awaitable
from typing import cast

from redis.exceptions import RedisError

from bot.core.jobs import Job
from bot.jobqueue.control import (
    DeadLetter,
    Dropped,
    HostControls,
    TenantLoad,
    WorkerCard,
    WorkerInfo,
    tenant_load,
)
from bot.jobqueue.keys import Keys
from bot.jobqueue.limits import QueueLimits
from bot.storage.cancellation import heed_cancel
from bot.storage.clients import RedisClient
from bot.storage.scripts import Scripts, down_error

_SCRIPTS = (
    "begin_notice",
    "end_notice",
    "enqueue", "load", "claim", "renew", "mark_part", "finish", "release", "retry", "leave",
    "cancel", "status", "reap", "obey", "drain", "workers", "tenant",
    "cancel_waiting", "revive",
)  # fmt: skip
_CANCEL_BATCH = 100
_WORKER_FIELDS = 5

_Entries = list[tuple[str, dict[str, str]]]


class RedisControl:
    """See `QueueControl`; arguments as of `RedisQueue`."""

    def __init__(self, commands: RedisClient, *, pool: str, limits: QueueLimits) -> None:
        self._commands = commands
        self._limits = limits
        self._keys = Keys(pool)
        self._scripts = Scripts(
            commands,
            package="bot.jobqueue",
            names=_SCRIPTS,
            keys=self._keys.for_scripts(),
            shared=("common", "tree"),
        )
        self._caps = (limits.max_running_per_server, limits.max_running_per_user)

    async def obey(self, controls: HostControls) -> None:
        """Does what the host decided, unless it has done that, or something newer, before."""
        weights = [
            value
            for tenant, weight in controls.weights.items()
            for value in (tenant, repr(float(weight)))
        ]
        is_paused = int(controls.paused is not None)
        await self._run("obey", controls.revision, is_paused, controls.paused or "", *weights)

    async def weights(self) -> dict[str, float]:
        """Tenants whose weight is not 1."""
        reply = await self._ask(self._commands.hgetall(self._keys.weights))
        return {tenant: float(weight) for tenant, weight in cast("dict[str, str]", reply).items()}

    async def paused(self) -> str | None:
        """What the host says about the pause, or None while there is none."""
        reply = await self._ask(self._commands.hget(self._keys.meta, "paused"))
        return cast("str | None", reply)

    async def drain(self, worker_id: str) -> bool:
        """Gives a worker no more jobs and has it leave; False where no such worker lives."""
        return await self._run("drain", worker_id) == ["1"]

    async def workers(self) -> list[WorkerInfo]:
        """Live workers, by name."""
        reply = await self._run("workers")
        rows = (reply[n : n + _WORKER_FIELDS] for n in range(0, len(reply), _WORKER_FIELDS))
        return [self._worker(*row) for row in rows]

    async def queued_of(self, tenant: str) -> TenantLoad:
        """What a tenant has in the queue."""
        numbers = [int(value) for value in await self._run("tenant", tenant)]
        return tenant_load(list(zip(numbers[::3], numbers[1::3], numbers[2::3], strict=True)))

    async def cancel_tenant(self, tenant: str) -> list[Dropped]:
        """Takes all waiting jobs of a tenant out of the line."""
        return await self._cancel_waiting(tenant, "")

    async def cancel_user(self, user_id: int) -> list[Dropped]:
        """Takes all waiting jobs of a user, of whatever tenant, out of the line."""
        return await self._cancel_waiting("", str(user_id))

    async def dead_letters(self, limit: int) -> list[DeadLetter]:
        """The newest dead letters."""
        return [_read_letter(entry_id, fields) for entry_id, fields in await self._letters(limit)]

    async def retry_dead(self, job_id: str) -> bool:
        """Puts a dead letter's job again; False where there is none or it is too late for it."""
        for entry_id, fields in await self._letters(None):
            if fields["id"] == job_id:
                job = _read_letter(entry_id, fields).job
                if job is None:
                    return False
                return await self._run("revive", entry_id, *put_arguments(job)) == ["1"]
        return False

    async def drop_dead(self, job_id: str) -> bool:
        """Deletes a dead letter; False where there is none."""
        entries = [entry for entry, fields in await self._letters(None) if fields["id"] == job_id]
        if not entries:
            return False
        return bool(await self._ask(self._commands.xdel(self._keys.dead, *entries)))

    async def _cancel_waiting(self, tenant: str, user: str) -> list[Dropped]:
        dropped: list[Dropped] = []
        keep_ms = to_ms(self._limits.keep_ended_s)
        for _ in range(self._limits.max_queued // _CANCEL_BATCH + 1):
            reply = await self._run(
                "cancel_waiting", tenant, user, _CANCEL_BATCH, keep_ms, secrets.token_hex(8)
            )
            rows = zip(reply[::3], reply[1::3], reply[2::3], strict=True)
            dropped += [
                Dropped(job_id=job_id, job=_read_job(payload), notice_s=int(notice) / 1000)
                for job_id, payload, notice in rows
            ]
            if len(reply) < _CANCEL_BATCH * 3:
                break
        return dropped

    async def _letters(self, limit: int | None) -> _Entries:
        reply = await self._ask(self._commands.xrevrange(self._keys.dead, count=limit))
        return cast("_Entries", reply)

    async def _run(self, name: str, *arguments: str | int) -> list[str]:
        return await self._scripts.run(name, *self._caps, *arguments)

    async def _ask(self, call: object) -> object:
        """The answer to one command of the client; its errors become ours."""
        try:
            return await heed_cancel(cast("Awaitable[object]", call))
        except (RedisError, OSError) as error:
            raise down_error(error) from error

    def _worker(self, worker: str, left_ms: str, slots: str, card: str, drain: str) -> WorkerInfo:
        said: dict[str, str | int] = json.loads(card or "{}")
        return WorkerInfo(
            id=worker,
            model=str(said.get("model", "")),
            version=str(said.get("version", "")),
            slots=int(slots),
            running=int(said.get("running", 0)),
            heartbeat_age_s=max(0.0, self._limits.lease_s - int(left_ms) / 1000),
            drain=drain == "1",
        )


def card_json(card: WorkerCard | None, running: int) -> str:
    """What a worker says about itself, as stored."""
    card = card or WorkerCard()
    return json.dumps({"v": 1, "model": card.model, "version": card.version, "running": running})


def put_arguments(job: Job) -> tuple[str | int, ...]:
    """A job as `enqueue` and `revive` take it."""
    assert ":" not in job.tenant  # it parts the words of a member
    job_class = "b" if job.is_background else "i"
    cost = max(1, job.cost)
    deadline_ms = to_ms(job.deadline_at_s)
    return job.id, job_class, job.tenant, job.user_id, cost, deadline_ms, job.to_json()


def to_ms(seconds: float) -> int:
    """Whole milliseconds."""
    return round(seconds * 1000)


def _read_job(payload: str) -> Job | None:
    try:
        return Job.from_json(payload)
    except ValueError:  # lost, damaged, or of a newer program
        return None


def _read_letter(entry_id: str, fields: dict[str, str]) -> DeadLetter:
    return DeadLetter(
        job_id=fields["id"],
        at_s=int(entry_id.partition("-")[0]) / 1000,
        attempts=int(fields["attempts"]),
        reason=fields["reason"],
        job=_read_job(fields.get("payload", "")),
    )
