"""Which models are served, and the queue of each. Made by `app`; used by the other services."""

from collections.abc import Callable, Sequence
from typing import Protocol

from bot.errors import ModelNotServedError
from bot.jobqueue.api import JobQueue
from bot.jobqueue.control import HostControls


class ModelRegistry(Protocol):
    """Knows which models workers have announced, and what the host decided for all of them."""

    async def seen(self, within_s: float) -> Sequence[str]:
        """Models that a worker has announced in the last `within_s` seconds, sorted."""
        ...

    async def controls(self) -> HostControls:
        """What the host decided last."""
        ...

    async def pause(self, message: str | None) -> HostControls:
        """Decides that all queues pause, or with None that they go on; returns all controls."""
        ...

    async def set_weight(self, tenant: str, weight: float) -> HostControls:
        """Decides a tenant's share in all queues; returns all controls."""
        ...


GRACE_S = 120.0  # a restart of a model's last worker refuses nobody
_KNOWN_FOR_S = 24 * 3600.0  # longer than any job lives


class Pools:
    """One queue for each model.

    Args:
        open_pool: gives the queue of a model; asked once for each.
        registry: which models are announced.
        default: the model of those who name none.
    """

    def __init__(
        self, open_pool: Callable[[str], JobQueue], registry: ModelRegistry, *, default: str
    ) -> None:
        self._open_pool = open_pool
        self._registry = registry
        self._default = default
        self._queues: dict[str, JobQueue] = {}

    def of(self, model: str) -> JobQueue:
        """The queue of a model."""
        if model not in self._queues:
            self._queues[model] = self._open_pool(model)
        return self._queues[model]

    async def served(self) -> list[str]:
        """Models that workers serve, or served a moment ago.

        Raises:
            QueueDownError: Redis can't be reached.
        """
        return list(await self._registry.seen(GRACE_S))

    async def known(self) -> list[str]:
        """Models in whose queues there may be jobs; the default one first."""
        seen = await self._registry.seen(_KNOWN_FOR_S)
        return [self._default, *(model for model in seen if model != self._default)]

    async def find(self, job_id: str) -> JobQueue | None:
        """The queue that knows a job.

        Raises:
            QueueDownError: Redis can't be reached.
        """
        for model in await self.known():
            if await self.of(model).state(job_id) is not None:
                return self.of(model)
        return None

    async def choose(self, wanted: str | None) -> str:
        """The model for a request.

        Without a wish it is the default one; where only others are served, the first of them.
        Where none is, its jobs wait for the default one's worker.

        Raises:
            ModelNotServedError: no worker serves the wanted one.
            QueueDownError: Redis can't be reached.
        """
        served = await self.served()
        if wanted is None:
            wanted = self._default if self._default in served or not served else served[0]
        if wanted not in served:
            if served or wanted != self._default:
                raise ModelNotServedError(wanted, served)
            # No worker has told its queue what the host decided.
            await self.of(wanted).obey(await self._registry.controls())
        return wanted

    async def controls(self) -> HostControls:
        """What the host decided for all queues.

        Raises:
            QueueDownError: Redis can't be reached.
        """
        return await self._registry.controls()

    async def pause(self, message: str | None) -> None:
        """Pauses all queues, those of models announced later too; with None they go on.

        Raises:
            QueueDownError: Redis can't be reached. Where it was decided all the same, each queue
                hears of it with the next heartbeat of a worker.
        """
        await self._obey(await self._registry.pause(message))

    async def set_weight(self, tenant: str, weight: float) -> None:
        """Sets a tenant's share in all queues, those of models announced later too.

        Raises:
            ValueError: the weight is not above 0 and at most 1000.
            QueueDownError: as of `pause`.
        """
        await self._obey(await self._registry.set_weight(tenant, weight))

    async def _obey(self, controls: HostControls) -> None:
        for model in await self.known():
            await self.of(model).obey(controls)
