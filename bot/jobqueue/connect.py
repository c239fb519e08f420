"""Opens the queues on a Redis that answers. Called by `app`, `local` and `bench`."""

from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from urllib.parse import quote

from bot.jobqueue.limits import MAX_CLAIM_WAIT_S, QueueLimits
from bot.jobqueue.redis_queue import RedisQueue
from bot.jobqueue.registry import RedisModelRegistry
from bot.storage.connect import ANSWER_TIMEOUT_S, RedisClient, open_client, wait_for_answer

# What is kept beside the pools of an installation, under `<base>-<one of these>`.
_TAKEN = frozenset({"limits", "models", "settings", "usage"})


class QueueStore:
    """The queues of one installation, one for each model, over two clients.

    Args:
        commands: for everything that answers at once.
        blocking: for reads that wait.
        base: what the names of all pools begin with.
        limits: bounds, the same in all processes.

    Attributes:
        commands: for other stores, too.
        base: as given.
        registry: which models are served.
    """

    def __init__(
        self, commands: RedisClient, blocking: RedisClient, *, base: str, limits: QueueLimits
    ) -> None:
        self.commands = commands
        self.base = base
        self.registry = RedisModelRegistry(commands, base=base)
        self._blocking = blocking
        self._limits = limits
        self._queues: dict[str, RedisQueue] = {}

    def queue(self, model: str) -> RedisQueue:
        """The queue of a model; the same object each time."""
        if model not in self._queues:
            self._queues[model] = RedisQueue(
                self.commands,
                self._blocking,
                pool=pool_of(self.base, model),
                limits=self._limits,
            )
        return self._queues[model]

    async def close(self) -> None:
        """Ends the subscriptions; the clients belong to whoever made them."""
        for queue in self._queues.values():
            await queue.close()


def pool_of(base: str, model: str) -> str:
    """The name of a model's pool, different for each model.

    It becomes a hash tag, so braces would break it: whatever is not a letter, a digit or one of
    `_.-~` is written as %XX, and so is the first letter of a name that other stores' keys have.
    """
    name = quote(model, safe="", errors="surrogatepass")
    if name in _TAKEN:
        name = f"%{ord(name[0]):02X}{name[1:]}"
    return f"{base}-{name}"


@asynccontextmanager
async def open_queues(
    url: str,
    *,
    base: str = "bardling",
    limits: QueueLimits | None = None,
    start_for_s: float = 5.0,
) -> AsyncGenerator[QueueStore]:
    """The queues of all models, once Redis answers.

    Args:
        url: redis://, rediss:// or unix:// address, password included; also Sentinel's and
            Cluster's (docs/redis.md).
        base: what the names of all pools begin with.
        limits: bounds, the same in all processes.
        start_for_s: how long to try for the first answer.

    Raises:
        UnreachableError: Redis does not answer in that time, refuses the login, or the address
            makes no sense.
    """
    async with AsyncExitStack() as stack:
        commands = await stack.enter_async_context(open_client(url, ANSWER_TIMEOUT_S))
        blocking = await stack.enter_async_context(
            open_client(url, MAX_CLAIM_WAIT_S + ANSWER_TIMEOUT_S)
        )
        await wait_for_answer(commands, url, start_for_s)
        store = QueueStore(commands, blocking, base=base, limits=limits or QueueLimits())
        stack.push_async_callback(store.close)
        yield store


@asynccontextmanager
async def open_queue(
    url: str,
    *,
    pool: str = "bardling",
    limits: QueueLimits | None = None,
    start_for_s: float = 5.0,
) -> AsyncGenerator[RedisQueue]:
    """One queue by the full name of its pool; arguments and errors as of `open_queues`."""
    async with open_queues(url, base=pool, limits=limits, start_for_s=start_for_s) as store:
        queue = RedisQueue(
            store.commands,
            store._blocking,  # pyright: ignore[reportPrivateUsage]  # its own factory
            pool=pool,
            limits=limits or QueueLimits(),
        )
        try:
            yield queue
        finally:
            await queue.close()
