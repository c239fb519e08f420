"""Redis clients with their time-outs, and a check that the server answers.

Called by `jobqueue`, `state`, `local` and `bench`. The only place where Redis clients are made.
"""

import asyncio
import random
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import AuthenticationError, RedisError, ResponseError

from bot.errors import UnreachableError

ANSWER_TIMEOUT_S = 4.0  # an fsync on a busy disk holds every answer up for a second or two
_CONNECT_TIMEOUT_S = 2.0
_MAX_CONNECTIONS = 64


def shown_address(url: str) -> str:
    """An address as it may be shown: no user, no password, no options."""
    parts = urlsplit(url)
    if parts.scheme == "unix":
        return parts.path
    return f"{parts.hostname}:{parts.port or 6379}"


@asynccontextmanager
async def open_client(url: str, socket_timeout_s: float) -> AsyncGenerator[Redis]:
    """A client that never sends a command twice: retries are `Scripts`'s.

    Args:
        url: redis://, rediss:// or unix:// address, password included.
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
            timeout=ANSWER_TIMEOUT_S,
            socket_timeout=socket_timeout_s,
            socket_connect_timeout=_CONNECT_TIMEOUT_S,
            retry=Retry(NoBackoff(), 0),
            decode_responses=True,
            encoding_errors="replace",  # a damaged record must not break the claim it came with
        )
    except ValueError:  # its text may hold a piece of a password that broke the address
        raise UnreachableError("The address of Redis can't be understood.") from None


async def wait_for_answer(client: Redis, url: str, start_for_s: float) -> None:
    """Returns once Redis answers.

    Args:
        client: made of `url`.
        url: named in the error, without its secrets.
        start_for_s: how long to try.

    Raises:
        UnreachableError: Redis does not answer in that time, refuses the login, or the address
            makes no sense.
    """
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
