"""What a server's settings and the host's blocks let through, and how admins change them."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest
from structlog.testing import capture_logs

from bot.core.asker import Asker
from bot.core.server_settings import (
    KEEP_AFTER_REMOVAL_S,
    FilterAction,
    ServerSettings,
    allow,
    deny,
)
from bot.errors import NotHereError, OptionError, PromptError, SettingsError
from bot.services.servers import ServersService
from bot.state.memory_settings import MemorySettings
from bot.state.settings_api import BlockKind

GUILD, CHANNEL, ELSEWHERE = 10, 20, 21
ADMIN, MEMBER = 5, 6
ASKER = Asker(user_id=MEMBER, guild_id=GUILD, channel_id=CHANNEL)


class World:
    """A service on a store of its own, and its clock."""

    def __init__(self) -> None:
        self.now_s = 1_000.0
        self.store = MemorySettings(clock=lambda: self.now_s)
        self.service = ServersService(self.store, lambda: self.now_s, self._served)

    async def _served(self) -> list[str]:
        return ["gpt2", "gpt2-xl"]

    async def set(self, **changes: Any) -> None:
        await self.service.change(GUILD, ADMIN, **changes)


@pytest.fixture
def world() -> World:
    """Nothing is decided yet."""
    return World()


# Check


async def test_request_goes_through_where_nothing_is_decided(world: World):
    """In a server, and in direct messages."""
    assert ServerSettings() == await world.service.check(ASKER, "bad")
    assert ServerSettings() == await world.service.check(replace(ASKER, guild_id=None), "bad")


async def test_request_that_goes_through_brings_the_settings(world: World):
    """The caller needs model, preset and filter next."""
    await world.set(preset="story")

    assert "story" == (await world.service.check(ASKER, "hello")).preset


@pytest.mark.parametrize(
    ("kind", "target_id", "says"),
    [
        (BlockKind.USER, MEMBER, "does not serve you: spam and abuse."),
        (BlockKind.SERVER, GUILD, "does not serve this server: spam and abuse."),
    ],
)
async def test_blocked_are_told_why(world: World, kind: BlockKind, target_id: int, says: str):
    """And served again once the block has ended."""
    await world.service.block(kind, target_id, "spam\nand abuse.", "host")

    with pytest.raises(NotHereError, match=says):
        await world.service.check(ASKER, "hello")
    assert [target_id] == [block.id for block in await world.service.blocks()]

    assert await world.service.unblock(kind, target_id)
    await world.service.check(ASKER, "hello")


async def test_block_without_a_reason_sends_to_the_host(world: World):
    """A sentence all the same."""
    await world.service.block(BlockKind.USER, MEMBER, "", "host")

    with pytest.raises(NotHereError, match="please ask the host why"):
        await world.service.check(ASKER, "hello")


async def test_user_who_is_blocked_is_blocked_in_direct_messages(world: World):
    """A block is no matter of one server."""
    await world.service.block(BlockKind.USER, MEMBER, "spam", "host")

    with pytest.raises(NotHereError):
        await world.service.check(replace(ASKER, guild_id=None), "hello")


async def test_paused_server_says_its_message(world: World):
    """Or that one can try again."""
    await world.set(paused=True, pause_message="Back at noon.")
    with pytest.raises(NotHereError, match=r"paused me: Back at noon\."):
        await world.service.check(ASKER, "hello")

    await world.set(pause_message=None)
    with pytest.raises(NotHereError, match="try again later"):
        await world.service.check(ASKER, "hello")

    await world.set(paused=False)
    await world.service.check(ASKER, "hello")


async def test_channel_that_is_not_allowed_names_those_that_are(world: World):
    """So that the member knows where to go."""
    await world.service.edit(GUILD, ADMIN, lambda settings: allow(settings, ELSEWHERE))

    with pytest.raises(NotHereError, match=rf"in this channel; it works in <#{ELSEWHERE}>\."):
        await world.service.check(ASKER, "hello")
    await world.service.check(replace(ASKER, channel_id=ELSEWHERE), "hello")


async def test_denied_channel_is_off(world: World):
    """Others are not."""
    await world.service.edit(GUILD, ADMIN, lambda settings: deny(settings, CHANNEL))

    with pytest.raises(NotHereError, match="switched me off in this channel"):
        await world.service.check(ASKER, "hello")
    await world.service.check(replace(ASKER, channel_id=ELSEWHERE), "hello")


async def test_refused_prompt_is_not_told_the_word(world: World):
    """The sentence must not say what nobody wants to read."""
    await world.set(filter_words=("ugly",))

    with pytest.raises(PromptError, match="put it in other words") as caught:
        await world.service.check(ASKER, "an u.g.l.y thing")

    assert "ugly" not in str(caught.value)
    await world.service.check(ASKER, "a nice thing")


async def test_invites_are_refused_where_admins_do_not_want_them(world: World):
    """In prompts, which the reply shows; elsewhere they may stand."""
    await world.service.check(ASKER, "come to discord.gg/abc")
    await world.set(hides_invites=True)

    with pytest.raises(PromptError, match="does not want invites"):
        await world.service.check(ASKER, "come to discord.gg/abc")

    await world.service.check(ASKER, "we talk on discord")


@pytest.mark.parametrize("action", [FilterAction.MASK, FilterAction.OFF])
async def test_filter_lets_prompts_through_where_it_refuses_none(
    world: World, action: FilterAction
):
    """An admin may want to mask what the model writes, and no more."""
    await world.set(filter_words=("ugly",), filter_action=action)

    settings = await world.service.check(ASKER, "ugly")

    assert "▮▮▮▮ duck" == settings.word_filter().mask("ugly duck")


# Change


async def test_change_tells_before_and_after(world: World):
    """And is logged with who made it."""
    with capture_logs() as logs:
        before, after = await world.service.change(GUILD, ADMIN, preset="wild")

    assert (None, "wild") == (before.preset, after.preset)
    assert after == await world.service.settings(GUILD)
    (entry,) = await world.service.log(GUILD)
    assert (ADMIN, 1_000.0, "preset") == (entry.by_user, entry.at_s, entry.changes[0].name)
    assert ["preset"] == logs[0]["fields"]


async def test_change_that_changes_nothing_is_not_logged(world: World):
    """The log is for changes."""
    before, after = await world.service.change(GUILD, ADMIN, preset=None)

    assert before == after
    assert [] == await world.service.log(GUILD)
    assert 0 == (await world.service.shown(GUILD)).revision


async def test_value_out_of_bounds_changes_nothing(world: World):
    """The sentence comes from the rules."""
    with pytest.raises(OptionError, match="the presets are"):
        await world.set(preset="loud")

    assert ServerSettings() == await world.service.settings(GUILD)


async def test_second_of_two_admins_at_once_is_told(world: World):
    """Their change was made for what is no longer there."""

    class Slow(MemorySettings):
        async def read_fresh(self, guild_id: int) -> Any:
            stored = await super().read_fresh(guild_id)
            if not self._settings:
                await world_of_first.set(preset="wild")
            return stored

    store = Slow(clock=lambda: 0.0)
    world_of_first = World()
    first = MemorySettings(clock=lambda: 0.0)
    first._settings, first._logs = store._settings, store._logs
    world_of_first.service = ServersService(first, lambda: 0.0)

    with pytest.raises(SettingsError, match="Somebody else has just changed"):
        await ServersService(store, lambda: 0.0).change(GUILD, ADMIN, preset="story")

    assert "wild" == (await first.read(GUILD)).settings.preset


async def test_model_must_be_served(world: World):
    """The sentence names those that are."""
    with pytest.raises(OptionError, match="those that do: gpt2, gpt2-xl"):
        await world.service.choose_model(GUILD, ADMIN, "gpt9")

    assert ["gpt2", "gpt2-xl"] == await world.service.models()
    _, after = await world.service.choose_model(GUILD, ADMIN, "gpt2-xl")
    assert "gpt2-xl" == after.model
    _, after = await world.service.choose_model(GUILD, ADMIN, None)
    assert after.model is None


async def test_undo_goes_back_step_by_step(world: World):
    """Until nothing is left to undo; a new change can be undone again."""
    await world.set(preset="wild")
    await world.set(filter_words=("bad", "ugly"))
    await world.set(filter_words=("bad",))

    seen = [(await world.service.undo(GUILD, ADMIN))[1] for _ in range(3)]

    assert [("bad", "ugly"), (), ()] == [settings.filter_words for settings in seen]
    assert ["wild", "wild", None] == [settings.preset for settings in seen]
    with pytest.raises(SettingsError, match="no change left"):
        await world.service.undo(GUILD, ADMIN)
    await world.set(preset="story")
    assert (await world.service.undo(GUILD, ADMIN))[1].preset is None
    assert 8 == len(await world.service.log(GUILD))


async def test_undo_that_has_nothing_left_to_change_goes_on_the_next_time(world: World):
    """The channel that it would take off the list was deleted meanwhile."""
    await world.set(preset="wild")
    await world.set(log_channel=ELSEWHERE)
    await world.service.on_channel_deleted(GUILD, ELSEWHERE)

    _, after = await world.service.undo(GUILD, ADMIN)
    assert (None, "wild") == (after.log_channel, after.preset)

    _, after = await world.service.undo(GUILD, ADMIN)
    assert after.preset is None


async def test_reset_takes_everything_back_and_can_be_undone(world: World):
    """Only what the admin saw is reset."""
    await world.set(preset="wild", filter_words=("bad",))
    await world.set(language="de")
    with pytest.raises(SettingsError, match="Somebody else"):
        await world.service.reset(GUILD, ADMIN, revision=1)

    before, after = await world.service.reset(GUILD, ADMIN, revision=2)

    assert ServerSettings() == after == await world.service.settings(GUILD)
    assert before == (await world.service.undo(GUILD, ADMIN))[1]


async def test_record_that_nobody_can_read_can_be_reset(world: World):
    """Else the server would be without a bot for ever."""
    world.store._settings[GUILD] = "{", 3
    with pytest.raises(SettingsError, match="/server reset"):
        await world.service.check(ASKER, "hello")

    await world.service.reset(GUILD, ADMIN, revision=0)

    await world.service.check(ASKER, "hello")
    assert 4 == (await world.service.shown(GUILD)).revision


# Events


async def test_deleted_channel_leaves_the_lists(world: World):
    """The log says that nobody did it, and the bot is let loose nowhere."""
    await world.service.edit(GUILD, ADMIN, lambda settings: allow(settings, ELSEWHERE))

    await world.service.on_channel_deleted(GUILD, ELSEWHERE)

    settings = await world.service.settings(GUILD)
    assert frozenset() == settings.allowed_channels
    with pytest.raises(NotHereError, match="no channel left where it works"):
        await world.service.check(ASKER, "hello")
    assert (await world.service.log(GUILD))[0].by_user is None


async def test_channel_that_nobody_named_changes_nothing(world: World):
    """Channels are deleted all the time."""
    await world.service.on_channel_deleted(GUILD, ELSEWHERE)

    assert 0 == (await world.service.shown(GUILD)).revision


async def test_deleted_channel_is_struck_off_while_an_admin_changes_things(world: World):
    """Nobody is there to try again by hand."""
    await world.set(log_channel=ELSEWHERE)
    write = world.store.write
    busy: list[Callable[[], Awaitable[None]]] = [lambda: world.set(preset="wild")]

    async def write_later(*args: Any, **kwargs: Any) -> bool:
        if busy:
            await busy.pop()()
        return await write(*args, **kwargs)

    world.store.write = write_later  # somebody is quicker, once
    await world.service.on_channel_deleted(GUILD, ELSEWHERE)

    settings = await world.service.settings(GUILD)
    assert (None, "wild") == (settings.log_channel, settings.preset)


async def test_data_goes_30_days_after_the_bot(world: World):
    """Unless it comes back."""
    await world.set(preset="wild")
    await world.service.on_guild_removed(GUILD)
    await world.service.on_guild_removed(11)
    await world.service.on_guild_added(11)

    world.now_s += KEEP_AFTER_REMOVAL_S - 1
    assert [] == await world.service.due_for_deletion()
    world.now_s += 1
    assert [GUILD] == await world.service.due_for_deletion()

    await world.service.forget_guild(GUILD)
    assert ServerSettings() == await world.service.settings(GUILD)
    assert [] == await world.service.due_for_deletion()
