"""What is beside the pools of an installation: which models workers announce, and what the host
decided for the queues of all of them.

Workers announce their model with their heartbeat, the bot looks at each command. A pool's own keys
can't tell: nobody knows the pool before its model's name. What the host decides is kept here once,
and done by each queue: at once by those that are known, by others before their model is announced.

    key       type  lifetime  content
    seen      ZSET  1 day     model -> when it was announced last (ms)
    controls  HASH  for good  rev, paused (the message), w:<tenant> (a weight that is not 1)
"""

from typing import Any, Protocol, cast

from redis.exceptions import RedisError

from bot.jobqueue.control import HostControls, QueueControl, check_weight
from bot.storage.cancellation import heed_cancel
from bot.storage.scripts import Scripts, down_error

_KEEP_S = 24 * 3600
_WEIGHT = "w:"


class RedisModelRegistry:
    """The models of one installation, and the host's decisions.

    Every method raises `QueueDownError` where Redis can't be reached.

    Args:
        client: for commands that answer at once.
        base: what the names of all pools of the installation begin with.
    """

    def __init__(self, client: Any, *, base: str) -> None:
        self._client = client
        self._seen, self._controls = (f"{{{base}-models}}:{name}" for name in ("seen", "controls"))
        self._scripts = Scripts(
            client,
            package="bot.jobqueue",
            names=("announce", "decide"),
            keys=(self._seen, self._controls),
            shared=("registry",),
        )

    async def announce(self, model: str, revision: int) -> HostControls | None:
        """Says that a worker serves a model whose queue obeys a revision of the controls.

        Returns:
            None; or newer controls: then the model was not announced, and its queue is to obey
            those first.
        """
        is_newest, *fields = await self._scripts.run("announce", model, revision, _KEEP_S * 1000)
        return None if is_newest == "1" else _read_controls(fields)

    async def seen(self, within_s: float) -> list[str]:
        """Models announced in the last `within_s` seconds, sorted."""
        try:
            oldest = await self._now_ms() - within_s * 1000
            found = await heed_cancel(self._client.zrangebyscore(self._seen, oldest, "+inf"))
        except (RedisError, OSError) as error:
            raise down_error(error) from error
        return sorted(cast("list[str]", found))

    async def controls(self) -> HostControls:
        """What the host decided last."""
        try:
            reply = await heed_cancel(self._client.hgetall(self._controls))
        except (RedisError, OSError) as error:
            raise down_error(error) from error
        return _controls_of(cast("dict[str, str]", reply))

    async def pause(self, message: str | None) -> HostControls:
        """Decides that all queues pause, or with None that they go on; returns all controls."""
        return await self._decide("paused", message)

    async def set_weight(self, tenant: str, weight: float) -> HostControls:
        """Decides a tenant's share in all queues; 1 is everybody's. Returns all controls.

        Raises:
            ValueError: the weight is not above 0 and at most 1000.
        """
        check_weight(weight)
        return await self._decide(_WEIGHT + tenant, None if weight == 1 else repr(float(weight)))

    async def _decide(self, field: str, value: str | None) -> HostControls:
        is_set = int(value is not None)
        return _read_controls(await self._scripts.run("decide", field, is_set, value or ""))

    async def _now_ms(self) -> float:
        """The server's time: the processes' clocks may differ."""
        seconds, micros = cast("tuple[int, int]", await heed_cancel(self._client.time()))
        return int(seconds) * 1000 + int(micros) / 1000


class MemoryModelRegistry:
    """The same in this process's memory, for tests: what is announced stays."""

    def __init__(self, *models: str) -> None:
        self._models = set(models)
        self._revision = 0
        self._message: str | None = None
        self._weights: dict[str, float] = {}

    async def announce(self, model: str, revision: int) -> HostControls | None:
        """Says that a worker serves a model; or returns newer controls, to obey first."""
        if revision != self._revision:
            return await self.controls()
        self._models.add(model)
        return None

    async def seen(self, within_s: float) -> list[str]:
        """All that were announced, sorted."""
        del within_s
        return sorted(self._models)

    async def controls(self) -> HostControls:
        """What the host decided last."""
        return HostControls(
            revision=self._revision, paused=self._message, weights=dict(self._weights)
        )

    async def pause(self, message: str | None) -> HostControls:
        """Decides that all queues pause, or with None that they go on; returns all controls."""
        self._message = message
        return await self._decided()

    async def set_weight(self, tenant: str, weight: float) -> HostControls:
        """Decides a tenant's share in all queues; 1 is everybody's. Returns all controls.

        Raises:
            ValueError: the weight is not above 0 and at most 1000.
        """
        check_weight(weight)
        self._weights[tenant] = float(weight)
        if weight == 1:
            del self._weights[tenant]
        return await self._decided()

    async def _decided(self) -> HostControls:
        self._revision += 1
        return await self.controls()


class ModelRegistry(Protocol):
    """Where a worker announces its model."""

    async def announce(self, model: str, revision: int) -> HostControls | None:
        """None; or newer controls, which the model's queue is to obey first."""
        ...


class Announcer:
    """Says for a worker that its model is served, once its queue does what the host decided.

    Whatever the host does in the meantime: either it finds the model among those that are known, or
    this finds the newer controls; and a queue obeys nothing older than what it has done.

    Args:
        registry: where it says so.
        queue: of the model.
    """

    def __init__(self, registry: ModelRegistry, queue: QueueControl) -> None:
        self._registry = registry
        self._queue = queue
        self._revision = -1  # none yet: the queue may never have heard of any

    async def announce(self, model: str) -> None:
        """With each heartbeat.

        Raises:
            QueueDownError: Redis can't be reached.
        """
        while controls := await self._registry.announce(model, self._revision):
            await self._queue.obey(controls)
            self._revision = controls.revision


def _read_controls(fields: list[str]) -> HostControls:
    """Reads the fields and values of a hash, flat as a script returns them."""
    return _controls_of(dict(zip(fields[::2], fields[1::2], strict=True)))


def _controls_of(fields: dict[str, str]) -> HostControls:
    return HostControls(
        revision=int(fields.get("rev", 0)),
        paused=fields.get("paused"),
        weights={
            name.removeprefix(_WEIGHT): float(value)
            for name, value in fields.items()
            if name.startswith(_WEIGHT)
        },
    )
