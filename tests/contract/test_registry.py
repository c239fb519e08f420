"""Which models are announced: what both registries must do."""

import asyncio
import secrets
from collections.abc import AsyncIterator

import pytest
from redis.asyncio import Redis

from bot.errors import QueueDownError
from bot.jobqueue.connect import open_queues
from bot.jobqueue.control import HostControls
from bot.jobqueue.registry import Announcer, MemoryModelRegistry, RedisModelRegistry
from tests.queue_backends import Backend
from tests.redis_deployments import ClusterServer
from tests.redis_servers import RedisServer, running_server, server_on_path

Registry = MemoryModelRegistry | RedisModelRegistry
LONG_S = 600.0


@pytest.fixture(params=["memory", "redis", "redis-6.2", "redis-cluster", "valkey-8"])
async def registry(request: pytest.FixtureRequest, pool: str) -> AsyncIterator[Registry]:
    """Each test runs on all of them."""
    if request.param == "memory":
        yield MemoryModelRegistry()
        return
    fixtures = {
        "redis": "path_server",
        "redis-6.2": "old_server",
        "redis-cluster": "cluster_server",
        "valkey-8": "other_server",
    }
    server: RedisServer | ClusterServer = request.getfixturevalue(fixtures[request.param])
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
        await registry.announce(model, 0)

    assert ["gpt2-xl", "small", "ünï {x}"] == list(await registry.seen(LONG_S))


async def test_model_that_is_silent_is_forgotten(path_server: RedisServer, pool: str):
    """By those who ask for the last moments; announced again, it is back."""
    async with open_queues(path_server.url, base=pool) as store:
        await store.registry.announce("small", 0)
        await asyncio.sleep(0.25)
        await store.registry.announce("large", 0)

        assert ["large"] == await store.registry.seen(0.2)
        assert ["large", "small"] == await store.registry.seen(LONG_S)
        await store.registry.announce("small", 0)
        assert ["large", "small"] == await store.registry.seen(0.2)


async def test_installations_do_not_see_each_other(path_server: RedisServer, pool: str):
    """They may share a Redis."""
    async with (
        open_queues(path_server.url, base=pool) as ours,
        open_queues(path_server.url, base=f"{pool}-other") as theirs,
    ):
        await ours.registry.announce("small", 0)

        assert [] == await theirs.registry.seen(LONG_S)


async def test_models_of_yesterday_are_removed(path_server: RedisServer, pool: str):
    """The set does not grow for ever."""
    async with (
        open_queues(path_server.url, base=pool) as store,
        Redis.from_url(path_server.url, decode_responses=True) as client,
    ):
        key = f"{{{pool}-models}}:seen"
        await client.zadd(key, {"old": 1_000.0})

        await store.registry.announce("small", 0)

        assert ["small"] == await client.zrange(key, 0, -1)


# What the host decides


async def test_host_decided_nothing_at_first(registry: Registry):
    """No pause, and the same share for everybody."""
    assert HostControls() == await registry.controls()


async def test_decisions_add_up_and_can_be_taken_back(registry: Registry):
    """Each is told with all that stands, under a greater number."""
    paused = await registry.pause("New models: “soon” ünï.")
    weighed = await registry.set_weight("g10", 0.3)
    both = await registry.set_weight("u7", 2)

    assert ("New models: “soon” ünï.", {}) == (paused.paused, paused.weights)
    assert {"g10": 0.3, "u7": 2.0} == both.weights
    assert both == await registry.controls()

    await registry.set_weight("g10", 1)
    last = await registry.pause(None)
    assert (None, {"u7": 2.0}) == (last.paused, last.weights)
    assert 0 < paused.revision < weighed.revision < both.revision < last.revision


async def test_empty_message_is_a_pause_too(registry: Registry):
    """Nothing to say is not the same as no pause."""
    assert "" == (await registry.pause("")).paused
    assert "" == (await registry.controls()).paused


@pytest.mark.parametrize("weight", [0, -1, 1001, float("nan"), float("inf")])
async def test_weight_out_of_range_is_refused(registry: Registry, weight: float):
    """That would stop a server, or all others."""
    with pytest.raises(ValueError, match="weight"):
        await registry.set_weight("A", weight)

    assert HostControls() == await registry.controls()


async def test_model_is_not_announced_before_its_queue_obeys(registry: Registry):
    """Or jobs could be put where the host's pause is not known."""
    controls = await registry.pause("later")

    assert controls == await registry.announce("small", 0)
    assert [] == list(await registry.seen(LONG_S))
    assert await registry.announce("small", controls.revision) is None
    assert ["small"] == list(await registry.seen(LONG_S))


async def test_new_models_queue_does_what_was_decided_before(registry: Registry, backend: Backend):
    """And what is decided later, with the next heartbeat at the latest."""
    queue = await backend.queue()
    await registry.pause("later")
    await registry.set_weight("g10", 3)
    announcer = Announcer(registry, queue)

    await announcer.announce("small")

    assert ("later", {"g10": 3.0}) == (await queue.paused(), await queue.weights())
    assert ["small"] == list(await registry.seen(LONG_S))
    await registry.pause(None)
    await announcer.announce("small")
    assert (None, {"g10": 3.0}) == (await queue.paused(), await queue.weights())


async def test_end_of_a_pause_is_not_lost_to_a_worker_that_starts(
    registry: Registry, backend: Backend
):
    """The host resumes just after the worker has read of the pause: every queue ends unpaused."""
    queue = await backend.queue()
    await registry.pause("later")

    class Slow:
        """The host's queue: between what was read and what is done, the host is faster."""

        async def obey(self, controls: HostControls) -> None:
            if controls.paused is not None:
                resumed = await registry.pause(None)
                await queue.obey(resumed)
            await queue.obey(controls)

    await Announcer(registry, Slow()).announce("small")  # pyright: ignore[reportArgumentType]

    assert await queue.paused() is None
    assert ["small"] == list(await registry.seen(LONG_S))


async def test_revisions_grow_though_redis_forgot(path_server: RedisServer, pool: str):
    """After it came back without its last moments, or without anything."""
    async with (
        open_queues(path_server.url, base=pool) as store,
        Redis.from_url(path_server.url, decode_responses=True) as client,
    ):
        before = await store.registry.pause("later")
        await client.delete(f"{{{pool}-models}}:controls")
        await asyncio.sleep(0.002)

        assert before.revision < (await store.registry.pause(None)).revision


async def test_redis_that_is_gone_is_a_sentence(pool: str):
    """As of every store."""
    with running_server(server_on_path()) as server:
        async with open_queues(server.url, base=pool) as store:
            server.kill()

            with pytest.raises(QueueDownError):
                await store.registry.seen(LONG_S)
            with pytest.raises(QueueDownError):
                await store.registry.announce("small", 0)
            with pytest.raises(QueueDownError):
                await store.registry.controls()
            with pytest.raises(QueueDownError):
                await store.registry.pause("later")
