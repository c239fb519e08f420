"""What only a store of limits on Redis can show: keys, retries, full memory, a lost server."""

import time
from collections.abc import AsyncIterator

import pytest

from bot.core.limit_buckets import Per
from bot.errors import QueueDownError
from bot.state.limits_api import MAX_LOG, LimitsStore
from bot.state.redis_limits import RedisLimits
from bot.storage.connect import ANSWER_TIMEOUT_S, open_client
from tests.contract.limits_backends import (
    ADMIN,
    GUILD,
    left,
    open_limits,
    requests,
    rules_of,
    tokens,
)
from tests.queue_backends import Backend
from tests.redis_servers import any_server, running_server


@pytest.fixture
async def store(backend: Backend) -> AsyncIterator[LimitsStore]:
    """A store on the backend's clock."""
    async with open_limits(backend) as store:
        yield store


ONLY_REDIS = pytest.mark.parametrize(
    "backend", ["redis", "redis-6.2", "redis-cluster", "valkey-8"], indirect=True
)


@ONLY_REDIS
async def test_every_key_has_one_hash_tag_and_buckets_end_by_themselves(
    store: LimitsStore, backend: Backend
):
    """One slot of a cluster; nothing of a member is kept longer than it counts."""
    assert backend.server is not None
    await store.charge("1", [requests(), tokens(per=Per.HOUR)], 500)
    await store.change_rules(GUILD, 0, rules_of(5), ADMIN)
    async with open_client(backend.server.url, ANSWER_TIMEOUT_S) as client:
        prefix = f"{{{backend.pool}-limits}}:"
        keys = [key async for key in client.scan_iter(f"*{backend.pool}*")]
        assert {"b:r", "b:t", "charge:1", "open", f"rules:{GUILD}", f"log:{GUILD}"} == {
            key.removeprefix(prefix) for key in keys
        }
        assert 1_790 < await client.ttl(prefix + "b:t") <= 1_800
        assert 0 < await client.ttl(prefix + "charge:1") <= 3_600


@ONLY_REDIS
async def test_change_that_is_sent_twice_counts_once(store: LimitsStore):
    """The client tries a script again when an answer was lost."""
    assert isinstance(store, RedisLimits)
    arguments = (GUILD, 0, rules_of(5).to_json(), ADMIN, 0, "one call", MAX_LOG)
    scripts = store._scripts

    assert ["1"] == await scripts.run("limits_change", *arguments)
    assert ["1"] == await scripts.run("limits_change", *arguments)

    assert 1 == len(await store.log(GUILD))
    assert time.time() == pytest.approx((await store.log(GUILD))[0].at_s, abs=5)


@ONLY_REDIS
async def test_full_memory_refuses_new_jobs_and_still_settles_old_ones(
    store: LimitsStore, backend: Backend
):
    """What a job did not use must come back, whatever the state of the server."""
    assert backend.server is not None
    await store.charge("1", [tokens()], 300)
    async with open_client(backend.server.url, ANSWER_TIMEOUT_S) as client:
        await client.config_set("maxmemory", "1")
        try:
            with pytest.raises(QueueDownError, match="no memory left"):
                await store.charge("2", [tokens()], 300)
            assert await store.settle("1", 100)
        finally:
            await client.config_set("maxmemory", "0")

    assert [900] == await left(store, tokens())


async def test_server_that_is_gone_is_said_as_such(server_that_ended: str):
    """Every call tells the person, and none hangs."""
    async with open_client(server_that_ended, ANSWER_TIMEOUT_S) as client:
        store = RedisLimits(client, pool="gone")
        for call in (
            store.charge("1", [], 1),
            store.settle("1", 1),
            store.refund("1"),
            store.peek([]),
            store.rules(GUILD),
            store.log(GUILD),
            store.undo(GUILD, ADMIN),
            store.forget_guild(GUILD),
            store.change_rules(GUILD, 0, rules_of(1), ADMIN),
        ):
            with pytest.raises(QueueDownError):
                await call


@pytest.fixture
def server_that_ended() -> str:
    """The address of a server that answers no more."""
    with running_server(any_server()) as server:
        return server.url
