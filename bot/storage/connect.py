"""Opens Redis clients, and checks that the server answers.

Called by `jobqueue`, `state`, `local` and `bench`. What an address may look like stands in
`addresses`, how a client is made of it in `clients`.
"""

import asyncio
import random
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import cast

from redis.asyncio import Redis
from redis.asyncio.cluster import RedisCluster
from redis.asyncio.sentinel import MasterNotFoundError, Sentinel, SentinelConnectionPool
from redis.exceptions import RedisError

from bot.errors import UnreachableError
from bot.storage.addresses import read_address, shown_address
from bot.storage.clients import ANSWER_TIMEOUT_S, RedisClient, open_client_at
from bot.storage.refusals import refusal

__all__ = ["ANSWER_TIMEOUT_S", "RedisClient", "open_client", "shown_address", "wait_for_answer"]


@asynccontextmanager
async def open_client(url: str, socket_timeout_s: float) -> AsyncGenerator[RedisClient]:
    """A client that never sends a command twice: retries are `Scripts`'s.

    Args:
        url: any form of address that `addresses` names, password included.
        socket_timeout_s: longest wait for an answer; longer than any blocking read.

    Raises:
        UnreachableError: the address makes no sense. Whether Redis answers is not asked.
    """
    async with open_client_at(read_address(url), socket_timeout_s) as client:
        yield client


async def wait_for_answer(client: RedisClient, url: str, start_for_s: float) -> None:
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
            await _ask(client)
            return
        except TypeError:  # an option in the address that redis-py does not know
            raise UnreachableError("The address of Redis can't be understood.") from None
        except (RedisError, OSError) as error:
            refused = refusal(await _told(client, error))
            if refused is not None:
                message = f"Redis at {shown_address(url)} {refused}."
                raise UnreachableError(message) from error
            if time.monotonic() + pause_s >= give_up_at_s:
                raise UnreachableError(_no_answer(url, error)) from error
        await asyncio.sleep(random.uniform(pause_s / 2, pause_s))
        pause_s = min(2 * pause_s, 1.0)


async def _ask(client: RedisClient) -> None:
    if isinstance(client, RedisCluster):
        await client.initialize()  # a PING would go to all nodes, and one of them may be away
    else:
        await client.execute_command("PING")  # pyright: ignore[reportUnknownMemberType]  # untyped **options


async def _told(client: RedisClient, error: Exception) -> Exception:
    """What a sentinel said, where redis-py says only that none of them names a primary."""
    if isinstance(error, MasterNotFoundError) and isinstance(client, Redis):
        pool = cast("SentinelConnectionPool", client.connection_pool)
        for sentinel in cast("Sentinel", pool.sentinel_manager).sentinels:
            try:
                await sentinel.execute_command("PING")  # pyright: ignore[reportUnknownMemberType]  # untyped **options
            except (RedisError, OSError) as said:
                if refusal(said) is not None:
                    return said
    return error


def _no_answer(url: str, error: Exception) -> str:
    if isinstance(error, MasterNotFoundError):
        service = read_address(url).service
        return f"No sentinel at {shown_address(url)} names a primary for {service}."
    over = " over TLS" if read_address(url).tls else ""
    return f"Redis can't be reached at {shown_address(url)}{over}."
