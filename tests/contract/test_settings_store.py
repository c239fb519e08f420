"""What every store of servers' settings must do, whatever it is built on."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest

from bot.core.server_log import MAX_LOG
from bot.core.server_settings import (
    KEEP_AFTER_REMOVAL_S,
    ServerSettings,
    StoredSettings,
    differences,
)
from bot.state.settings_api import BlockKind, SettingsStore
from tests.settings_backends import SettingsBackend

GUILD, OTHER, ADMIN, MEMBER = 2**62, 11, 5, 6
STORY = ServerSettings(preset="story", filter_words=("bäd", "мат"))
WILD = ServerSettings(preset="wild", allowed_channels=frozenset({2**61}))


@pytest.fixture(params=["memory", "redis", "redis-6.2"])
async def backend(request: pytest.FixtureRequest) -> AsyncIterator[SettingsBackend]:
    """Each test runs on all three."""
    fixtures = {"redis": "path_server", "redis-6.2": "old_server"}
    server = None if request.param == "memory" else request.getfixturevalue(fixtures[request.param])
    async with AsyncExitStack() as stack:
        yield SettingsBackend(server, stack)


@pytest.fixture
async def store(backend: SettingsBackend) -> SettingsStore:
    """One store with nothing in it."""
    return await backend.store()


async def write(
    store: SettingsStore,
    settings: ServerSettings,
    *,
    revision: int | None,
    guild_id: int = GUILD,
    undoes: int | None = None,
) -> bool:
    """An admin's change of everything."""
    changes = differences(ServerSettings(), settings)
    return await store.write(
        guild_id, settings, revision=revision, by_user=ADMIN, changes=changes, undoes=undoes
    )


async def test_server_that_decided_nothing_has_the_defaults(store: SettingsStore):
    """At revision 0, with an empty log."""
    assert StoredSettings() == await store.read(GUILD) == await store.read_fresh(GUILD)
    assert [] == await store.log(GUILD)


async def test_change_is_seen_and_kept(backend: SettingsBackend):
    """By the process that made it at once, by one that starts later as well."""
    store = await backend.store()
    await store.read(GUILD)  # what it remembers must not come back

    assert await write(store, STORY, revision=0)

    expected = StoredSettings(settings=STORY, revision=1)
    assert expected == await store.read(GUILD)
    assert expected == await (await backend.store()).read(GUILD)
    assert StoredSettings() == await store.read(OTHER)


async def test_second_of_two_admins_at_once_changes_nothing(backend: SettingsBackend):
    """They read the same revision; the slower one is told."""
    first, second = await backend.store(), await backend.store()
    await write(first, STORY, revision=0)

    assert not await write(second, WILD, revision=0)

    assert STORY == (await second.read_fresh(GUILD)).settings
    assert 1 == len(await second.log(GUILD))
    assert await write(second, WILD, revision=1)
    assert StoredSettings(settings=WILD, revision=2) == await first.read_fresh(GUILD)


async def test_write_without_a_revision_overwrites(store: SettingsStore):
    """The way out where nobody can read what is there."""
    await write(store, STORY, revision=0)

    assert await write(store, WILD, revision=None)

    assert StoredSettings(settings=WILD, revision=2) == await store.read(GUILD)


async def test_other_process_sees_a_change_when_its_time_is_over(backend: SettingsBackend):
    """Whether it heard of it or not."""
    first, second = await backend.store(), await backend.store()
    await second.read(GUILD)
    assert await second.blocked(GUILD, MEMBER) is None

    await write(first, STORY, revision=0)
    await first.block(BlockKind.USER, MEMBER, "spam", "host")
    backend.forget_what_is_known()

    assert STORY == (await second.read(GUILD)).settings
    assert await second.blocked(GUILD, MEMBER) is not None


async def test_log_tells_who_when_and_what(backend: SettingsBackend):
    """The newest entry first."""
    store = await backend.store()
    before_s = backend.now() - 1
    await write(store, STORY, revision=0)
    await write(store, WILD, revision=1, undoes=1)

    newest, oldest = await store.log(GUILD)

    assert (2, 1) == (newest.revision, oldest.revision)
    assert (1, None) == (newest.undoes, oldest.undoes)
    assert ADMIN == oldest.by_user
    assert differences(ServerSettings(), STORY) == oldest.changes
    assert before_s <= oldest.at_s <= newest.at_s <= backend.now() + 1


async def test_log_keeps_the_last_entries(store: SettingsStore):
    """It does not grow for ever."""
    for revision in range(MAX_LOG + 5):
        assert await write(store, STORY, revision=revision)

    log = await store.log(GUILD)

    assert (MAX_LOG, MAX_LOG + 5, 6) == (len(log), log[0].revision, log[-1].revision)


async def test_settings_outlive_a_removal_and_go_30_days_later(backend: SettingsBackend):
    """A server is due once its time is over, and is gone once it is forgotten."""
    store = await backend.store()
    await write(store, STORY, revision=0)
    await store.mark_removed(GUILD)
    stored = await store.read(GUILD)
    assert stored.removed_at_s is not None
    assert STORY == stored.settings

    due_s = stored.removed_at_s + KEEP_AFTER_REMOVAL_S
    assert [] == await store.due_for_deletion(due_s - 1)
    assert [GUILD] == await store.due_for_deletion(due_s + 1)
    await store.forget_guild(GUILD)

    assert StoredSettings() == await store.read(GUILD)
    assert [] == await store.log(GUILD)
    assert [] == await store.due_for_deletion(due_s + 1)


async def test_server_that_comes_back_keeps_its_settings(store: SettingsStore):
    """And is not due any more."""
    await write(store, STORY, revision=0)
    await store.mark_removed(GUILD)

    await store.unmark(GUILD)

    assert StoredSettings(settings=STORY, revision=1) == await store.read(GUILD)
    assert [] == await store.due_for_deletion(1e11)


async def test_server_that_nobody_sees_for_long_counts_as_removed_since_then(
    backend: SettingsBackend,
):
    """Nobody was connected when it removed the bot; one that is seen again is there again."""
    store, other = await backend.store(), GUILD + 1
    await store.see([GUILD, other], 60)
    await asyncio.sleep(0.4)

    assert [] == await store.see([other], 60)
    assert [GUILD] == await store.see([other], 0.2)
    assert [] == await store.see([other], 0.2)

    removed_at_s = (await store.read_fresh(GUILD)).removed_at_s
    assert removed_at_s is not None
    assert backend.now() - 30 < removed_at_s < backend.now() - 0.2
    await store.see([GUILD], 60)
    assert (await store.read_fresh(GUILD)).removed_at_s is None
    assert (await store.read_fresh(other)).removed_at_s is None


async def test_removed_server_is_not_looked_for(store: SettingsStore):
    """Its removal was heard of, so the time of that counts."""
    await store.see([GUILD], 60)
    await store.mark_removed(GUILD)

    assert [] == await store.see([], 0)


async def test_second_removal_does_not_put_the_first_off(store: SettingsStore):
    """The time runs from the first one."""
    await store.mark_removed(GUILD)
    first_s = (await store.read(GUILD)).removed_at_s

    await store.mark_removed(GUILD)

    assert first_s == (await store.read(GUILD)).removed_at_s


async def test_forgetting_is_for_one_server(store: SettingsStore):
    """Others keep theirs, and what the host blocked stays blocked."""
    await write(store, STORY, revision=0)
    await write(store, WILD, revision=0, guild_id=OTHER)
    await store.block(BlockKind.SERVER, GUILD, "spam", "host")

    await store.forget_guild(GUILD)

    assert WILD == (await store.read(OTHER)).settings
    assert await store.blocked(GUILD, MEMBER) is not None


@pytest.mark.parametrize(
    ("kind", "target_id", "guild_id", "user_id", "is_blocked"),
    [
        (BlockKind.SERVER, GUILD, GUILD, MEMBER, True),
        (BlockKind.SERVER, GUILD, OTHER, MEMBER, False),
        (BlockKind.SERVER, GUILD, None, GUILD, False),
        (BlockKind.USER, MEMBER, OTHER, MEMBER, True),
        (BlockKind.USER, MEMBER, None, MEMBER, True),
        (BlockKind.USER, MEMBER, MEMBER, ADMIN, False),
    ],
)
async def test_block_is_for_a_server_or_a_user(
    store: SettingsStore,
    kind: BlockKind,
    target_id: int,
    guild_id: int | None,
    user_id: int,
    is_blocked: bool,
):
    """In direct messages only for a user."""
    assert await store.blocked(guild_id, user_id) is None

    await store.block(kind, target_id, "Spam: üble", "the host")

    block = await store.blocked(guild_id, user_id)
    assert is_blocked == (block is not None)
    if block is not None:
        assert (kind, target_id, "Spam: üble", "the host") == (
            block.kind, block.id, block.reason, block.by,
        )  # fmt: skip


async def test_blocks_are_listed_and_end(store: SettingsStore):
    """A second block of the same replaces its reason."""
    await store.block(BlockKind.SERVER, GUILD, "old", "a")
    await store.block(BlockKind.USER, MEMBER, "spam", "b")
    await store.block(BlockKind.SERVER, GUILD, "new", "c")
    assert {"new", "spam"} == {block.reason for block in await store.blocks()}

    assert await store.unblock(BlockKind.SERVER, GUILD)
    assert not await store.unblock(BlockKind.SERVER, GUILD)

    assert await store.blocked(GUILD, ADMIN) is None
    (left,) = await store.blocks()
    assert MEMBER == left.id
