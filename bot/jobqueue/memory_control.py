"""How the memory queue is steered: workers, weights, a pause, dead letters.

The half of `MemoryQueue` that admins' and host's commands use; the twin of `redis_control`.
"""

from collections.abc import Callable

from bot.core.jobs import Job, JobState
from bot.jobqueue.control import (
    DeadLetter,
    Dropped,
    HostControls,
    TenantLoad,
    WorkerInfo,
    tenant_load,
)
from bot.jobqueue.memory_store import MemoryStore


class MemoryControl(MemoryStore):
    """See `QueueControl`."""

    async def obey(self, controls: HostControls) -> None:
        """Does what the host decided, unless it has done that, or something newer, before."""
        if controls.revision <= self._obeyed:
            return
        self._obeyed = controls.revision
        self._tree.weights = dict(controls.weights)
        self._message = controls.paused
        if controls.paused is None:
            self._wake.send()

    async def weights(self) -> dict[str, float]:
        """Tenants whose weight is not 1."""
        return dict(self._tree.weights)

    async def paused(self) -> str | None:
        """What the host says about the pause, or None while there is none."""
        return self._message

    async def drain(self, worker_id: str) -> bool:
        """Gives a worker no more jobs and has it leave; False where no such worker lives."""
        beat = self._workers.get(worker_id)
        if beat is None or beat.until_s <= self._clock():
            return False
        beat.drain = True
        return True

    async def workers(self) -> list[WorkerInfo]:
        """Live workers, by name."""
        now_s = self._clock()
        return [
            WorkerInfo(
                id=worker_id,
                model=beat.card.model,
                version=beat.card.version,
                slots=0 if beat.drain else beat.slots,
                running=beat.running,
                heartbeat_age_s=now_s - beat.at_s,
                drain=beat.drain,
            )
            for worker_id, beat in sorted(self._workers.items())
            if beat.until_s > now_s
        ]

    async def queued_of(self, tenant: str) -> TenantLoad:
        """What a tenant has in the queue."""
        return tenant_load(self._tree.users_of(tenant))

    async def cancel_tenant(self, tenant: str) -> list[Dropped]:
        """Takes all waiting jobs of a tenant out of the line."""
        return self._drop(lambda job: job.tenant == tenant)

    async def cancel_user(self, user_id: int) -> list[Dropped]:
        """Takes all waiting jobs of a user, of whatever tenant, out of the line."""
        return self._drop(lambda job: job.user_id == user_id)

    async def dead_letters(self, limit: int) -> list[DeadLetter]:
        """The newest dead letters."""
        return list(reversed(self._dead))[:limit]

    async def retry_dead(self, job_id: str) -> bool:
        """Puts a dead letter's job again; False where there is none or it is too late for it."""
        letters = [letter for letter in self._dead if letter.job_id == job_id]
        record = self._find(job_id)
        if not letters:
            return False
        if record is not None and record.state is not JobState.DEAD:
            return record.state is JobState.QUEUED
        job = letters[-1].job
        if job is None or job.deadline_at_s <= self._clock():
            return False
        self._dead.remove(letters[-1])
        again = self._records[job_id] = self._new_record(job)
        again.sent_parts = record.sent_parts if record else 0
        self._put_in_line(again)
        return True

    async def drop_dead(self, job_id: str) -> bool:
        """Deletes a dead letter; False where there is none."""
        letters = [letter for letter in self._dead if letter.job_id == job_id]
        for letter in letters:
            self._dead.remove(letter)
        return bool(letters)

    def _drop(self, is_meant: Callable[[Job], bool]) -> list[Dropped]:
        waiting = [record for record in self._in(JobState.QUEUED) if is_meant(record.job)]
        for record in waiting:
            self._stop_waiting(record)
        now_s = self._clock()
        return [
            Dropped(
                job_id=record.job.id,
                job=record.job,
                notice_s=max(0.0, record.notice_until_s - now_s),
            )
            for record in waiting
        ]
