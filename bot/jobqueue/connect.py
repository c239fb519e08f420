"""Opens the queue on a Redis that answers. Called by `app`, `local` and `bench`."""

from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager

from bot.jobqueue.limits import MAX_CLAIM_WAIT_S, QueueLimits
from bot.jobqueue.redis_queue import RedisQueue
from bot.storage.connect import ANSWER_TIMEOUT_S, open_client, wait_for_answer


@asynccontextmanager
async def open_queue(
    url: str,
    *,
    pool: str = "bardling",
    limits: QueueLimits | None = None,
    start_for_s: float = 5.0,
) -> AsyncGenerator[RedisQueue]:
    """The queue of a pool, once Redis answers.

    Args:
        url: redis://, rediss:// or unix:// address, password included.
        pool: processes that share a queue share this name.
        limits: bounds, the same in all processes of a pool.
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
        queue = RedisQueue(commands, blocking, pool=pool, limits=limits or QueueLimits())
        stack.push_async_callback(queue.close)
        yield queue
