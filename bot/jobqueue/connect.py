"""Opens the queue on a Redis: the clients with their time-outs, and a check that it answers.

Called by `app`, `local` and `bench`. The only place where Redis clients are made.
"""

import asyncio
import random
import time
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from urllib.parse import urlsplit

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import AuthenticationError, RedisError, ResponseError

from bot.errors import UnreachableError
from bot.jobqueue.limits import MAX_CLAIM_WAIT_S, QueueLimits
from bot.jobqueue.redis_queue import RedisQueue

_CONNECT_TIMEOUT_S = 2.0
_ANSWER_TIMEOUT_S = 4.0  # an fsync on a busy disk holds every answer up for a second or two
_MAX_CONNECTIONS = 64


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
        commands = await stack.enter_async_context(open_client(url, _ANSWER_TIMEOUT_S))
        blocking = await stack.enter_async_context(
            open_client(url, MAX_CLAIM_WAIT_S + _ANSWER_TIMEOUT_S)
        )
        await _wait_for_answer(commands, url, start_for_s)
        queue = RedisQueue(commands, blocking, pool=pool, limits=limits or QueueLimits())
        stack.push_async_callback(queue.close)
        yield queue


def shown_address(url: str) -> str:
    """An address as it may be shown: no user, no password, no options."""
    parts = urlsplit(url)
    if parts.scheme == "unix":
        return parts.path
    return f"{parts.hostname}:{parts.port or 6379}"


@asynccontextmanager
async def open_client(url: str, socket_timeout_s: float) -> AsyncGenerator[Redis]:
    """A client that never sends a command twice: retries are `RedisScripts`'s.

    Args:
        url: as for `open_queue`.
        socket_timeout_s: longest wait for an answer; longer than any blocking read.

    Raises:
        UnreachableError: the address makes no sense. Whether Redis answers is not asked.
    """
    client = Redis.from_pool(_connection_pool(url, socket_timeout_s))
    try:
        yield client
    finally:
        await client.aclose()


def _connection_pool(url: str, socket_timeout_s: float) -> BlockingConnectionPool:
    try:
        return BlockingConnectionPool.from_url(  # pyright: ignore[reportUnknownMemberType]  # untyped **kwargs
            url,
            max_connections=_MAX_CONNECTIONS,
            timeout=_ANSWER_TIMEOUT_S,
            socket_timeout=socket_timeout_s,
            socket_connect_timeout=_CONNECT_TIMEOUT_S,
            retry=Retry(NoBackoff(), 0),
            decode_responses=True,
            encoding_errors="replace",  # a damaged record must not break the claim it came with
        )
    except ValueError:  # its text may hold a piece of a password that broke the address
        raise UnreachableError("The address of Redis can't be understood.") from None


async def _wait_for_answer(client: Redis, url: str, start_for_s: float) -> None:
    give_up_at_s = time.monotonic() + start_for_s
    pause_s = 0.1
    while True:
        try:
            await client.execute_command("PING")  # pyright: ignore[reportUnknownMemberType]  # untyped **options
            return
        except TypeError:  # an option in the address that redis-py does not know
            raise UnreachableError("The address of Redis can't be understood.") from None
        except (RedisError, OSError) as error:
            refusal = _refusal(error)
            if refusal is not None:
                message = f"Redis at {shown_address(url)} {refusal}."
                raise UnreachableError(message) from error
            if time.monotonic() + pause_s >= give_up_at_s:
                message = f"Redis can't be reached at {shown_address(url)}."
                raise UnreachableError(message) from error
        await asyncio.sleep(random.uniform(pause_s / 2, pause_s))
        pause_s = min(2 * pause_s, 1.0)


def _refusal(error: Exception) -> str | None:
    """Why Redis will not have us, or None where it may answer yet."""
    for cause in (error, error.__cause__):  # while it connects, redis-py wraps what it was told
        if isinstance(cause, AuthenticationError):
            return "refused the login; check user and password"
        if isinstance(cause, ResponseError):
            return f"refused the connection: {cause}"
    return None
