"""Settings on Redis: what happens while it is away, and how processes hear of each other."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack

import pytest

from bot.core.server_settings import ServerSettings, StoredSettings
from bot.errors import QueueDownError, SettingsError
from bot.state.redis_settings import RedisSettings
from bot.state.settings_api import BlockKind
from bot.state.settings_cache import SettingsCache
from bot.storage.connect import ANSWER_TIMEOUT_S, open_client
from tests.redis_servers import RedisServer, any_server, running_server
from tests.settings_backends import SettingsBackend

GUILD, OTHER, USER = 10, 11, 5
STORY = ServerSettings(preset="story")


@pytest.fixture
def server() -> Iterator[RedisServer]:
    """A server for this test alone."""
    with running_server(any_server()) as running:
        yield running


@pytest.fixture
async def backend(server: RedisServer) -> AsyncIterator[SettingsBackend]:
    """Stores on that server."""
    async with AsyncExitStack() as stack:
        yield SettingsBackend(server, stack)


async def redis_store(backend: SettingsBackend) -> RedisSettings:
    """One process's store."""
    store = await backend.store()
    assert isinstance(store, RedisSettings)
    return store


async def write(store: RedisSettings, revision: int, settings: ServerSettings = STORY) -> bool:
    """An admin's change."""
    return await store.write(GUILD, settings, revision=revision, by_user=USER, changes=())


async def within_s(seconds: float, holds: Callable[[], Awaitable[bool]]) -> bool:
    """Whether something becomes true in time."""
    until_s = time.monotonic() + seconds
    while time.monotonic() < until_s:
        if await holds():
            return True
        await asyncio.sleep(0.01)
    return False


async def test_known_settings_and_blocks_hold_while_redis_is_away(
    server: RedisServer, backend: SettingsBackend
):
    """Also when their time is over; what is not known can't be told."""
    store = await redis_store(backend)
    await write(store, 0)
    await store.block(BlockKind.SERVER, OTHER, "spam", "host")
    expected, block = await store.read(GUILD), await store.blocked(OTHER, USER)

    server.kill()
    backend.forget_what_is_known()

    assert expected == await store.read(GUILD)
    assert block is not None
    assert block == await store.blocked(OTHER, USER)
    with pytest.raises(QueueDownError):
        await store.read(OTHER)
    with pytest.raises(QueueDownError):
        await write(store, 1)
    with pytest.raises(QueueDownError):
        await store.read_fresh(GUILD)
    with pytest.raises(QueueDownError):
        await store.log(GUILD)
    with pytest.raises(QueueDownError):
        await store.blocks()


async def test_blocks_that_nobody_knows_stop_requests(
    server: RedisServer, backend: SettingsBackend
):
    """Else a block would end whenever a process starts without Redis."""
    store = await redis_store(backend)
    server.kill()

    with pytest.raises(QueueDownError):
        await store.blocked(GUILD, USER)


async def test_everything_outlives_a_crash_of_redis(server: RedisServer, backend: SettingsBackend):
    """The store finds its way back by itself."""
    store = await redis_store(backend)
    await write(store, 0)
    server.kill()
    server.start()

    assert STORY == (await store.read_fresh(GUILD)).settings
    assert 1 == len(await store.log(GUILD))


async def test_change_is_heard_of_long_before_its_time(backend: SettingsBackend):
    """By a process that follows; of blocks, too."""
    first, second = await redis_store(backend), await redis_store(backend)
    async with second.following():
        assert StoredSettings() == await second.read(GUILD)
        assert await second.blocked(GUILD, USER) is None
        await asyncio.sleep(0.2)  # it listens by now, or reads anew once it does

        await write(first, 0)
        await first.block(BlockKind.USER, USER, "spam", "host")

        async def has_heard() -> bool:
            is_new = (await second.read(GUILD)).settings == STORY
            return is_new and await second.blocked(GUILD, USER) is not None

        assert await within_s(10, has_heard)


async def test_follower_listens_again_after_a_crash(server: RedisServer, backend: SettingsBackend):
    """And reads anew what it may have missed."""
    first, second = await redis_store(backend), await redis_store(backend)
    async with second.following():
        await second.read(GUILD)
        await asyncio.sleep(0.2)
        server.kill()
        server.start()

        await write(first, 0)

        async def has_heard() -> bool:
            return (await second.read(GUILD)).settings == STORY

        assert await within_s(15, has_heard)


async def test_write_that_is_sent_twice_counts_once(server: RedisServer, backend: SettingsBackend):
    """Its answer was lost, and it went out again: it is no conflict with itself."""
    async with open_client(server.url, ANSWER_TIMEOUT_S) as client:
        store = RedisSettings(client, pool=backend.pool)
        sent = ("settings_write", GUILD, 0, "token", STORY.to_json(), "{}", 200)

        assert ["1"] == await store._scripts.run(*sent)
        assert ["1"] == await store._scripts.run(*sent)

        assert 1 == (await store.read_fresh(GUILD)).revision


async def test_damaged_record_says_so_and_can_be_overwritten(
    server: RedisServer, backend: SettingsBackend
):
    """It does not look like an outage."""
    async with open_client(server.url, ANSWER_TIMEOUT_S) as client:
        key = f"{{{backend.pool}-settings}}:settings:{GUILD}"
        await client.hset(key, mapping={"revision": 3, "json": "{", "token": ""})
        store = RedisSettings(client, pool=backend.pool)
        with pytest.raises(SettingsError, match="/server reset"):
            await store.read(GUILD)

        await store.write(GUILD, STORY, revision=None, by_user=USER, changes=())

        assert StoredSettings(settings=STORY, revision=4) == await store.read(GUILD)


async def test_all_keys_are_in_one_slot(server: RedisServer, backend: SettingsBackend):
    """A Redis Cluster runs no script on keys in two."""
    store = await redis_store(backend)
    await write(store, 0)
    await store.mark_removed(GUILD)
    await store.block(BlockKind.USER, USER, "spam", "host")

    async with open_client(server.url, ANSWER_TIMEOUT_S) as client:
        keys = await client.keys("*")

    assert 4 == len(keys)
    assert all(key.startswith(f"{{{backend.pool}-settings}}:") for key in keys)


# The cache


class Source:
    """Counts how often it is asked; can be away."""

    def __init__(self) -> None:
        self.asked = 0
        self.is_away = False
        self.now_s = 0.0
        self.cache: SettingsCache[str, int] = SettingsCache(
            clock=lambda: self.now_s, ttl_s=30, capacity=2
        )

    async def fetch(self) -> int:
        self.asked += 1
        if self.is_away:
            raise QueueDownError("Away.")
        return self.asked

    async def get(self, key: str = "a") -> int:
        return await self.cache.get(key, self.fetch)


async def test_value_is_asked_for_once_in_its_time():
    """And anew afterwards, or once it is expired."""
    source = Source()

    assert [1, 1] == [await source.get(), await source.get()]
    source.now_s = 30
    assert [2, 2] == [await source.get(), await source.get()]
    source.cache.expire("b")
    assert 2 == await source.get()
    source.cache.expire("a")
    assert 3 == await source.get()
    source.cache.expire()
    assert 4 == await source.get()


async def test_source_that_is_away_is_not_asked_each_time():
    """Each question would wait for it."""
    source = Source()
    await source.get()
    source.is_away, source.now_s = True, 30

    assert [1, 1, 1] == [await source.get() for _ in range(3)]
    assert 2 == source.asked
    source.is_away, source.now_s = False, 33
    assert 3 == await source.get()


async def test_value_that_changed_on_its_way_is_asked_for_again():
    """It may be the one from before the change."""
    source = Source()

    async def fetch_slowly() -> int:
        source.cache.expire("a")
        return 0

    assert 0 == await source.cache.get("a", fetch_slowly)
    assert 1 == await source.get()


async def test_least_used_value_goes_first():
    """Memory does not grow with the number of servers."""
    source = Source()
    for key in ("a", "b", "a", "c"):
        await source.get(key)

    assert 1 == await source.get("a")
    assert 4 == await source.get("b")
