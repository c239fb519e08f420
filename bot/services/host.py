"""What the host of the bot decides for all servers: who is shut out, who gets how much, and when.

Called by the `/host` commands, which only the owners of the application may use.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from bot.core.replies import dropped
from bot.errors import OptionError
from bot.jobqueue.api import JobQueue
from bot.jobqueue.control import DeadLetter, TenantLoad, WorkerInfo
from bot.language import number, tr, tr_n
from bot.services.farewells import Farewells
from bot.services.pools import Pools
from bot.services.servers import ServersService
from bot.state.settings_api import Block, BlockKind

MIN_WEIGHT, MAX_WEIGHT = 0.01, 100.0
MAX_REASON = 200
_MAX_LETTERS = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """A dead letter and the model whose queue it lies in."""

    model: str
    letter: DeadLetter


class HostService:
    """The host's controls.

    Args:
        pools: the queues of all models.
        servers: keep who is blocked.
        farewells: tell askers that their texts were dropped.
    """

    def __init__(self, pools: Pools, servers: ServersService, farewells: Farewells) -> None:
        self._pools = pools
        self._servers = servers
        self._farewells = farewells

    async def block(self, kind: str, subject_id: int, reason: str, by: int) -> int:
        """Shuts a server or a user out: they ask in vain from now on.

        What they have in line is taken out, and its replies say so; what runs is written.

        Args:
            kind: "server" or "user".
            subject_id: its id.
            reason: shown to those who ask in vain.
            by: the owner who says so.

        Returns:
            How many texts were taken out of the line.

        Raises:
            OptionError: there is no such kind of subject, or the reason is empty or too long.
            QueueDownError: Redis can't be reached.
        """
        kind_of = _kind(kind)
        if not 1 <= len(" ".join(reason.split())) <= MAX_REASON:
            raise OptionError(
                tr_n(
                    "This can't be done: a reason has 1 to {n} character.",
                    "This can't be done: a reason has 1 to {n} characters.",
                    MAX_REASON,
                )
            )
        await self._servers.block(kind_of, subject_id, reason, str(by))
        total = 0
        for queue in await self._queues():
            if kind_of is BlockKind.SERVER:
                stopped = await queue.cancel_tenant(_tenant(kind_of, subject_id))
            else:
                stopped = await queue.cancel_user(subject_id)
            total += len(stopped)
            await self._farewells.take(
                stopped, lambda: dropped(is_server=kind_of is BlockKind.SERVER)
            )
        return total

    async def unblock(self, kind: str, subject_id: int) -> bool:
        """Lets a server or a user in again; False where they were not blocked.

        Raises:
            OptionError: there is no such kind of subject.
            QueueDownError: Redis can't be reached.
        """
        return await self._servers.unblock(_kind(kind), subject_id)

    async def blocks(self) -> Sequence[Block]:
        """Who is blocked."""
        return await self._servers.blocks()

    async def set_weight(self, kind: str, subject_id: int, weight: float) -> None:
        """How much of the time a server gets while others wait, 1 being the usual share.

        Args:
            kind: "server", or "user" for what one asks where no server has added the bot.
            subject_id: its id.
            weight: in the queues of all models, those announced later too.

        Raises:
            OptionError: there is no such kind of subject, or the weight is out of its bounds.
            QueueDownError: Redis can't be reached.
        """
        if not MIN_WEIGHT <= weight <= MAX_WEIGHT:
            raise OptionError(
                tr(
                    "This can't be done: a weight is from {least} to {most}.",
                    least=number(MIN_WEIGHT),
                    most=number(MAX_WEIGHT),
                )
            )
        await self._pools.set_weight(_tenant(_kind(kind), subject_id), weight)

    async def weights(self) -> dict[str, float]:
        """Tenants whose weight is not 1."""
        return dict((await self._pools.controls()).weights)

    async def pause(self, message: str) -> None:
        """Takes no more jobs and starts none, in the queues of all models.

        Running ones are finished; those of models announced later wait, too.
        """
        await self._pools.pause(message)

    async def resume(self) -> None:
        """Ends a pause."""
        await self._pools.pause(None)

    async def workers(self) -> list[tuple[str, WorkerInfo]]:
        """All workers that live, each with the model of its queue."""
        return [
            (model, worker)
            for model in await self._pools.known()
            for worker in await self._pools.of(model).workers()
        ]

    async def drain(self, worker_id: str) -> bool:
        """Lets a worker finish what it has and leave; False where there is no such worker."""
        for model, worker in await self.workers():
            if worker.id == worker_id:
                return await self._pools.of(model).drain(worker_id)
        return False

    async def load_of(self, tenant: str) -> list[tuple[str, TenantLoad]]:
        """What a server has in the queues, by model; models without any are left out."""
        found = [
            (model, await self._pools.of(model).queued_of(tenant))
            for model in await self._pools.known()
        ]
        return [(model, load) for model, load in found if load.queued or load.running]

    async def dead_letters(self) -> list[Letter]:
        """The newest jobs that were given up."""
        found = [
            Letter(model=model, letter=letter)
            for model in await self._pools.known()
            for letter in await self._pools.of(model).dead_letters(_MAX_LETTERS)
        ]
        return sorted(found, key=lambda one: -one.letter.at_s)[:_MAX_LETTERS]

    async def retry(self, job_id: str) -> bool:
        """Puts a dead letter again; False where its reply can't be edited any more."""
        for queue in await self._queues():
            if await queue.retry_dead(job_id):
                return True
        return False

    async def drop(self, job_id: str) -> bool:
        """Deletes a dead letter; False where there is none of this id."""
        dropped = [await queue.drop_dead(job_id) for queue in await self._queues()]
        return any(dropped)

    async def _queues(self) -> list[JobQueue]:
        return [self._pools.of(model) for model in await self._pools.known()]


def _tenant(kind: BlockKind, subject_id: int) -> str:
    return f"{'g' if kind is BlockKind.SERVER else 'u'}{subject_id}"


def _kind(text: str) -> BlockKind:
    try:
        return BlockKind(text)
    except ValueError:
        reason = tr("This can't be done: it must be a server or a user.")
        raise OptionError(reason) from None
