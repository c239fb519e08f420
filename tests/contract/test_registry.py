"""Which models are announced: what both registries must do."""

import asyncio
import secrets
from collections.abc import AsyncIterator

import pytest
from redis.asyncio import Redis

from bot.errors import QueueDownError
from bot.jobqueue.connect import open_queues
from bot.jobqueue.registry import MemoryModelRegistry, RedisModelRegistry
from tests.redis_servers import RedisServer, running_server, server_on_path

Registry = MemoryModelRegistry | RedisModelRegistry
LONG_S = 600.0


@pytest.fixture(params=["memory", "redis", "redis-6.2", "valkey-8"])
async def registry(request: pytest.FixtureRequest, pool: str) -> AsyncIterator[Registry]:
    """Each test runs on all of them."""
    if request.param == "memory":
        yield MemoryModelRegistry()
        return
    fixtures = {"redis": "path_server", "redis-6.2": "old_server", "valkey-8": "other_server"}
    server: RedisServer = request.getfixturevalue(fixtures[request.param])
    async with open_queues(server.url, base=pool) as store:
        yield store.registry


@pytest.fixture
def pool() -> str:
    """A name of each test's own."""
    return f"test-{secrets.token_hex(6)}"


async def test_nothing_is_seen_at_first(registry: Registry):
    """No worker was ever there."""
    assert [] == list(await registry.seen(LONG_S))


async def test_announced_models_are_seen_in_order(registry: Registry):
    """Each once, however often its workers say so; names may have any characters."""
    for model in ("small", "gpt2-xl", "ünï {x}", "small"):
        await registry.announce(model)

    assert ["gpt2-xl", "small", "ünï {x}"] == list(await registry.seen(LONG_S))


async def test_model_that_is_silent_is_forgotten(path_server: RedisServer, pool: str):
    """By those who ask for the last moments; announced again, it is back."""
    async with open_queues(path_server.url, base=pool) as store:
        await store.registry.announce("small")
        await asyncio.sleep(0.25)
        await store.registry.announce("large")

        assert ["large"] == await store.registry.seen(0.2)
        assert ["large", "small"] == await store.registry.seen(LONG_S)
        await store.registry.announce("small")
        assert ["large", "small"] == await store.registry.seen(0.2)


async def test_installations_do_not_see_each_other(path_server: RedisServer, pool: str):
    """They may share a Redis."""
    async with (
        open_queues(path_server.url, base=pool) as ours,
        open_queues(path_server.url, base=f"{pool}-other") as theirs,
    ):
        await ours.registry.announce("small")

        assert [] == await theirs.registry.seen(LONG_S)


async def test_models_of_yesterday_are_removed(path_server: RedisServer, pool: str):
    """The set does not grow for ever."""
    async with (
        open_queues(path_server.url, base=pool) as store,
        Redis.from_url(path_server.url, decode_responses=True) as client,
    ):
        key = f"{{{pool}-models}}:seen"
        await client.zadd(key, {"old": 1_000.0})

        await store.registry.announce("small")

        assert ["small"] == await client.zrange(key, 0, -1)


async def test_redis_that_is_gone_is_a_sentence(pool: str):
    """As of every store."""
    with running_server(server_on_path()) as server:
        async with open_queues(server.url, base=pool) as store:
            server.kill()

            with pytest.raises(QueueDownError):
                await store.registry.seen(LONG_S)
            with pytest.raises(QueueDownError):
                await store.registry.announce("small")
