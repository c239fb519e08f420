"""Calls that share a connection: each gets its own answer, and all learn when it is lost."""

import asyncio
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import pytest
from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import ResponseError
from redis.exceptions import TimeoutError as RedisTimeoutError

from bot.storage.shared_connection import SharedConnection
from tests.redis_servers import RedisServer

POOL_TIMEOUT_S = 7.0


@asynccontextmanager
async def opened(
    server: RedisServer, answer_timeout_s: float = 5.0
) -> AsyncGenerator[tuple[SharedConnection, BlockingConnectionPool]]:
    """A shared connection to the server, and the pool it lends from."""
    pool = BlockingConnectionPool.from_url(
        server.url,
        socket_timeout=POOL_TIMEOUT_S,
        decode_responses=True,
        retry=Retry(NoBackoff(), 0),
    )
    shared = SharedConnection(pool, answer_timeout_s)
    try:
        yield shared, pool
    finally:
        await shared.close()
        await pool.aclose()


async def test_each_of_many_calls_at_once_gets_its_own_answer(server: RedisServer):
    async with opened(server) as (shared, _):
        answers = await asyncio.gather(*(shared.call("ECHO", f"é{n}") for n in range(500)))

    assert answers == [f"é{n}" for n in range(500)]


async def test_an_error_reaches_only_the_call_that_caused_it(server: RedisServer):
    async with opened(server) as (shared, _):
        await shared.call("SET", "text", "x")
        answers = await asyncio.gather(
            shared.call("ECHO", "before"),
            shared.call("INCR", "text"),
            shared.call("ECHO", "after"),
            return_exceptions=True,
        )

    assert answers[0] == "before"
    assert isinstance(answers[1], ResponseError)
    assert answers[2] == "after"


async def test_all_calls_take_one_connection(server: RedisServer):
    async with opened(server) as (shared, _):
        await asyncio.gather(*(shared.call("PING") for _ in range(50)))
        clients = await shared.call("CLIENT", "LIST")

    assert len(str(clients).splitlines()) == 1


async def test_the_answer_to_a_cancelled_call_goes_to_nobody(server: RedisServer):
    async with opened(server) as (shared, _):
        await shared.call("PING")
        cancelled = asyncio.create_task(shared.call("ECHO", "dropped"))
        await asyncio.sleep(0)
        cancelled.cancel()

        assert await shared.call("ECHO", "kept") == "kept"
        with pytest.raises(asyncio.CancelledError):
            await cancelled


async def test_cancelling_the_first_call_leaves_the_opening_to_the_others(server: RedisServer):
    async with opened(server) as (shared, _):
        first = asyncio.create_task(shared.call("ECHO", "first"))
        second = asyncio.create_task(shared.call("ECHO", "second"))
        await asyncio.sleep(0)
        first.cancel()

        assert await second == "second"


async def test_calls_on_their_way_fail_when_the_server_dies_and_later_ones_find_it_again(
    server: RedisServer,
):
    async with opened(server) as (shared, _):
        await shared.call("PING")
        server.freeze()
        calls = [asyncio.create_task(shared.call("PING")) for _ in range(3)]
        await asyncio.sleep(0.05)
        server.kill()
        answers = await asyncio.gather(*calls, return_exceptions=True)
        with pytest.raises(RedisConnectionError):
            await shared.call("PING")
        server.start()

        assert [type(answer) for answer in answers] == [RedisConnectionError] * 3
        assert await shared.call("ECHO", "again") == "again"


async def test_after_a_restart_that_nobody_noticed_the_first_call_goes_through(server: RedisServer):
    """A script that must not run twice is not tried again, so the dead connection must be known."""
    async with opened(server) as (shared, _):
        await shared.call("PING")
        server.stop()
        server.start()
        await asyncio.sleep(0.05)

        assert await shared.call("ECHO", "again") == "again"


async def test_a_server_that_does_not_answer_in_time_is_taken_for_gone(server: RedisServer):
    async with opened(server, answer_timeout_s=0.3) as (shared, _):
        await shared.call("PING")
        server.freeze()
        began_s = time.monotonic()
        # More than the kernel takes, so that some of it still lies here.
        calls = (shared.call("ECHO", "x" * 1_000_000) for _ in range(5))
        answers = await asyncio.gather(*calls, return_exceptions=True)
        took_s = time.monotonic() - began_s
        server.thaw()

        assert [type(answer) for answer in answers] == [RedisTimeoutError] * 5
        assert took_s > 0.25
        assert await shared.call("ECHO", "again") == "again"


async def test_calls_one_after_another_may_together_take_longer_than_one_may(server: RedisServer):
    """The timer goes by the oldest call that waits, not by the first one there was."""
    async with opened(server, answer_timeout_s=0.5) as (shared, _):
        end_s = time.monotonic() + 1.2
        while time.monotonic() < end_s:
            assert await shared.call("ECHO", "x") == "x"
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.6)

        assert await shared.call("ECHO", "after a pause") == "after a pause"


async def test_a_connection_goes_back_to_the_pool_as_it_came(server: RedisServer):
    """The pool's other users rely on its time-outs."""
    async with opened(server) as (shared, pool):
        await shared.call("PING")
        await shared.close()
        connection = await pool.get_connection()

        assert connection.socket_timeout == POOL_TIMEOUT_S
        await pool.release(connection)


async def test_calls_that_found_no_server_all_learn_of_it(server: RedisServer):
    server.stop()
    async with opened(server) as (shared, _):
        answers = await asyncio.gather(
            *(shared.call("PING") for _ in range(3)), return_exceptions=True
        )

    assert all(isinstance(answer, RedisConnectionError) for answer in answers)


async def test_closing_fails_what_is_on_its_way_and_a_later_call_opens_anew(server: RedisServer):
    async with opened(server) as (shared, _):
        await shared.call("PING")
        server.freeze()
        call = asyncio.create_task(shared.call("PING"))
        await asyncio.sleep(0)
        await shared.close()
        server.thaw()

        with pytest.raises(RedisConnectionError):
            await call
        assert await shared.call("ECHO", "again") == "again"


async def test_closing_while_it_opens_leaves_no_connection_behind(server: RedisServer):
    """Whoever waited hears of a lost connection: their own task was not cancelled."""
    async with opened(server) as (shared, _):
        call = asyncio.create_task(shared.call("PING"))
        await asyncio.sleep(0)
        await shared.close()
        with pytest.raises(RedisConnectionError):
            await call
        async with Redis.from_url(server.url, decode_responses=True) as other:
            clients = str(await other.execute_command("CLIENT", "LIST"))  # pyright: ignore[reportUnknownMemberType]

    assert len(clients.splitlines()) == 1
