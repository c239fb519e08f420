"""`/server`: who may use it, what each subcommand changes, and who hears of it."""

import asyncio
from collections.abc import AsyncIterator

import discord
import pytest
from discord import app_commands

from bot.core.asker import Asker
from bot.core.server_settings import FilterAction, ServerSettings, StoredSettings
from bot.errors import NotHereError, QueueDownError
from bot.state.memory_settings import MemorySettings
from cogs._server import server_group_of
from tests.unit.cogs.front import CHANNEL, GUILD, Call
from tests.unit.cogs.server_front import ADMIN, CATEGORY_ID, LOG_CHANNEL, MANAGE_GUILD, ServerFront

EVERYTHING_ELSE = ((1 << 53) - 1) & ~MANAGE_GUILD & ~(1 << 3)  # administrators may all
HERE = discord.Object(CHANNEL)
LOG = discord.Object(LOG_CHANNEL)
CATEGORY = discord.Object(CATEGORY_ID)


@pytest.fixture
async def front() -> AsyncIterator[ServerFront]:
    """A bot whose server decided nothing yet."""
    async with ServerFront().running() as front:
        yield front


async def settings(front: ServerFront) -> ServerSettings:
    """What is decided now."""
    return await front.servers.settings(GUILD)


def is_deferred_in_private(call: Call) -> bool:
    """Whether the first answer is "thinking…", for the asker alone."""
    return (call.kind, call.is_private) == (5, True)


# Who may


async def test_command_is_for_servers_and_those_who_manage_them(front: ServerFront):
    """Discord does not even show it to others, nor to users who bring the bot along."""
    shown = server_group_of(front.bot).to_dict(front.bot.tree)

    assert str(MANAGE_GUILD) == str(shown["default_member_permissions"])
    assert [0] == shown["contexts"]
    assert [0] == shown["integration_types"]


@pytest.mark.parametrize(
    "path",
    ["show", "channels", "model", "preset", "language", "filter add", "filter list", "log",
     "pause", "undo", "changes", "reset"],
)  # fmt: skip
async def test_member_is_refused_whatever_discord_let_through(front: ServerFront, path: str):
    """An admin of Discord's command permissions may have opened it to all."""
    (answer,) = await front.member(path, permissions=EVERYTHING_ELSE)

    assert answer.is_private
    assert answer.pings_nobody
    assert "Only those who may manage this server" in answer.message["content"]
    assert StoredSettings() == await front.store.read(GUILD)


async def test_user_who_brought_the_bot_along_decides_nothing(front: ServerFront):
    """The server did not install it."""
    (answer,) = await front.member("show", owners=False, permissions=MANAGE_GUILD)

    assert "only in a server to which I was added" in answer.message["content"]


async def test_subcommand_of_another_extension_is_guarded_too(front: ServerFront):
    """They need no check of their own."""
    used: list[int] = []

    @app_commands.command(name="extra", description="One more")
    async def extra(interaction: discord.Interaction) -> None:
        used.append(interaction.user.id)
        await interaction.response.send_message("Empty.", ephemeral=True)

    server_group_of(front.bot).add_command(extra)

    (refusal,) = await front.member("extra")
    assert "Only those who may manage" in refusal.message["content"]
    (answer,) = await front.server("extra")
    assert "Empty." == answer.message["content"]
    assert [ADMIN] == used


# What each changes


@pytest.mark.parametrize(
    ("path", "options", "changed", "says"),
    [
        ("channels", {"action": "allow", "channel": HERE},
         {"allowed_channels": frozenset({CHANNEL})}, "Allowed channels: + <#20>"),
        ("channels", {"action": "deny", "channel": HERE},
         {"denied_channels": frozenset({CHANNEL})}, "Denied channels: + <#20>"),
        ("model", {"model": "gpt2-xl"}, {"model": "gpt2-xl"}, "the host's choice → gpt2-xl"),
        ("preset", {"preset": "wild"}, {"preset": "wild"}, "Preset: the usual one → wild"),
        ("language", {"language": "de"}, {"language": "de"}, "each member's own → Deutsch"),
        ("filter add", {"text": "Ugly, very  bad ,"},
         {"filter_words": ("ugly", "very bad")}, "Filter words: + ugly, very bad"),
        ("filter add", {"text": r"x,\d", "kind": "pattern"},
         {"filter_patterns": (r"x,\d",)}, r"Filter patterns: + x,\\d"),
        ("filter invites", {"hide": True}, {"hides_invites": True}, "Invites hidden: no → yes"),
        ("filter action", {"action": "mask"}, {"filter_action": FilterAction.MASK},
         "→ masks what I write"),
        ("log", {"channel": LOG}, {"log_channel": LOG_CHANNEL}, "Log channel: none → <#30>"),
        ("pause", {"on": True, "message": "Back at noon."},
         {"paused": True, "pause_message": "Back at noon."}, "Paused: no → yes"),
    ],
)  # fmt: skip
async def test_subcommand_changes_what_it_says(
    front: ServerFront, path: str, options: dict[str, object], changed: dict[str, object], says: str
):
    """The admin alone sees before and after."""
    calls = await front.server(path, **options)

    assert is_deferred_in_private(calls[0])
    assert "PATCH @original" == calls[-1].route
    assert calls[-1].message["content"].startswith("Changed:\n")
    assert says in calls[-1].message["content"]
    assert calls[-1].pings_nobody
    assert ServerSettings(**changed) == await settings(front)
    assert ADMIN == (await front.store.log(GUILD))[0].by_user


async def test_options_left_out_take_decisions_back(front: ServerFront):
    """Each of its own."""
    await front.server("model", model="gpt2-xl")
    await front.server("preset", preset="wild")
    await front.server("language", language="de")
    await front.server("log", channel=LOG)
    await front.server("pause", on=True, message="Back at noon.")
    await front.server("channels", action="deny", channel=HERE)
    await front.server("filter add", text="ugly")

    await front.server("model")
    await front.server("preset")
    await front.server("language")
    await front.server("log")
    await front.server("pause", on=False)
    await front.server("channels", action="clear")
    await front.server("filter remove", text="UGLY")

    assert ServerSettings() == await settings(front)


@pytest.mark.parametrize(
    ("path", "options", "says"),
    [
        ("channels", {"action": "allow"}, "name the channel to allow"),
        ("channels", {"action": "deny", "channel": CATEGORY}, "a category is none"),
        ("log", {"channel": CATEGORY}, "text channel only"),
        ("model", {"model": "gpt9"}, "those that do: gpt2, gpt2-xl"),
        ("filter add", {"text": "x"}, "2 to 50 characters"),
        ("filter add", {"text": "(", "kind": "pattern"}, "missing )"),
        ("filter remove", {"text": "ugly"}, "no such word"),
        ("undo", {}, "no change left to undo"),
    ],
)
async def test_what_can_not_be_done_is_told(
    front: ServerFront, path: str, options: dict[str, object], says: str
):
    """To the admin alone; nothing changes."""
    calls = await front.server(path, **options)

    assert says in calls[-1].message["content"]
    assert calls[-1].is_private
    assert calls[-1].pings_nobody
    assert StoredSettings() == await front.store.read(GUILD)


async def test_change_to_what_is_already_so_says_so(front: ServerFront):
    """And is not logged."""
    *_, edit = await front.server("preset")

    assert "It is so already" in edit.message["content"]
    assert [] == await front.store.log(GUILD)


async def test_served_models_are_offered(front: ServerFront):
    """Those that have what was typed in their names."""
    assert ["gpt2", "gpt2-xl"] == await front.complete_option("model", "model", "GPT")
    assert ["gpt2-xl"] == await front.complete_option("model", "model", "xl")


# What can be seen


async def test_show_tells_everything(front: ServerFront):
    """As it is now."""
    await front.server("language", language="de")

    defer, edit = await front.server("show")

    assert is_deferred_in_private(defer)
    assert "Channels: all\n" in edit.message["content"]
    assert "Language: Deutsch\n" in edit.message["content"]
    assert edit.pings_nobody


async def test_changes_tells_who_and_what(front: ServerFront):
    """The newest first."""
    await front.server("language", language="de")
    await front.server("undo")

    *_, edit = await front.server("changes")

    first, second, third, fourth = edit.message["content"].strip().splitlines()
    assert first == f"**2** <t:5000:f> by <@{ADMIN}>, takes back change 1"
    assert "- Language: Deutsch → each member's own" == second
    assert f"**1** <t:5000:f> by <@{ADMIN}>" == third
    assert "- Language: each member's own → Deutsch" == fourth


# The log channel


async def test_change_is_posted_to_the_log_channel(front: ServerFront):
    """Who and what; unwanted words behind a click; nobody is pinged."""
    await front.server("log", channel=LOG)

    _, post, edit = await front.server("filter add", text="ugly")

    assert f"/api/v10/channels/{LOG_CHANNEL}/messages" == post.path
    assert f"<@{ADMIN}> changed my settings:\n- Filter words: + ||ugly||" == post.message["content"]
    assert post.pings_nobody
    assert "PATCH @original" == edit.route


async def test_switching_the_log_off_is_posted_too(front: ServerFront):
    """Nobody stops the log in secret."""
    await front.server("log", channel=LOG)

    _, post, _ = await front.server("log")

    assert f"/api/v10/channels/{LOG_CHANNEL}/messages" == post.path
    assert "Log channel: <#30> → none" in post.message["content"]


@pytest.mark.parametrize("is_broken", [True, False])
async def test_log_channel_that_can_not_be_written_to_stops_nothing(
    front: ServerFront, is_broken: bool
):
    """The change is made, and the admin hears why nobody else does."""
    if is_broken:
        front.wire.broken.add("POST followup")
    else:
        front.wire.refused["POST followup"] = (403, 50001)

    *_, edit = await front.server("log", channel=LOG)

    assert LOG_CHANNEL == (await settings(front)).log_channel
    assert "I could not post this in <#30>" in edit.message["content"]


# Reset


def button_of(edit: Call) -> str:
    """The id of the one button under a message."""
    ((button,),) = (row["components"] for row in edit.message["components"])
    return button["custom_id"]


async def test_reset_asks_first_and_works_after_a_restart(front: ServerFront):
    """Everything it has to know is in the button's id."""
    await front.server("language", language="de")
    *_, question = await front.server("reset")
    assert "de" == (await settings(front)).language

    defer, edit = await front.press(button_of(question))

    assert 6 == defer.kind
    assert "Language: Deutsch → each member's own" in edit.message["content"]
    assert [] == edit.message["components"]
    assert ServerSettings() == await settings(front)


async def test_reset_of_what_has_changed_since_is_refused(front: ServerFront):
    """The admin said yes to something else."""
    *_, question = await front.server("reset")
    await front.server("language", language="de")

    *_, answer = await front.press(button_of(question))

    assert "Somebody else has just changed" in answer.message["content"]
    assert answer.is_private
    assert "de" == (await settings(front)).language


async def test_reset_button_is_for_admins(front: ServerFront):
    """Whoever gets hold of its id."""
    await front.server("language", language="de")

    *_, answer = await front.press("bardling:server-reset:1", permissions=EVERYTHING_ELSE)

    assert "Only those who may manage" in answer.message["content"]
    assert "de" == (await settings(front)).language


async def test_record_that_nobody_can_read_can_be_reset(front: ServerFront):
    """By the same two steps."""
    front.store._settings[GUILD] = "{", 3
    *_, answer = await front.server("show")
    assert "/server reset" in answer.message["content"]

    *_, question = await front.server("reset")
    await front.press(button_of(question))

    assert ServerSettings() == await settings(front)


# Events


async def test_removed_bot_leaves_its_data_for_30_days(front: ServerFront):
    """Coming back keeps them."""
    guild = front.guild()
    await front.gateway(front.bot._connection.parse_guild_delete, {"id": str(GUILD)})
    assert (await front.store.read(GUILD)).removed_at_s is not None

    await front.dispatch("guild_join", guild)

    assert (await front.store.read(GUILD)).removed_at_s is None


async def test_server_that_is_away_for_a_while_is_not_removed(front: ServerFront):
    """Discord has an outage."""
    front.guild()
    data = {"id": str(GUILD), "unavailable": True}

    await front.gateway(front.bot._connection.parse_guild_delete, data)

    assert (await front.store.read(GUILD)).removed_at_s is None


async def test_deleted_channel_is_struck_off(front: ServerFront):
    """And the bot stays out of all others, where it was the only one allowed."""
    front.guild()
    await front.server("channels", action="allow", channel=LOG)
    data = {"id": str(LOG_CHANNEL), "guild_id": str(GUILD), "type": 0}

    await front.gateway(front.bot._connection.parse_channel_delete, data)

    with pytest.raises(NotHereError):
        await front.servers.check(Asker(user_id=1, guild_id=GUILD, channel_id=CHANNEL), "hello")
    *_, edit = await front.server("show")
    assert "the last allowed one was deleted" in edit.message["content"]


async def test_event_while_redis_is_away_breaks_nothing(
    front: ServerFront, monkeypatch: pytest.MonkeyPatch
):
    """Nobody is there to hear of it but the log."""

    async def fail(self: MemorySettings, guild_id: int) -> None:
        raise QueueDownError("Away.")

    monkeypatch.setattr(MemorySettings, "mark_removed", fail)
    failed: list[object] = []
    front.bot.on_error = lambda *args, **kwargs: failed.append(args)  # pyright: ignore

    await front.dispatch("guild_remove", front.guild())

    assert [] == failed


async def test_servers_are_noted_once_the_bot_is_ready(
    front: ServerFront, monkeypatch: pytest.MonkeyPatch
):
    """So that a removal nobody heard of shows by the server's absence."""
    noted = asyncio.Event()
    seen: list[list[int]] = []

    async def see(self: MemorySettings, guild_ids: list[int], absent_s: float) -> list[int]:
        assert absent_s >= 86_400
        seen.append(list(guild_ids))
        noted.set()
        return []

    monkeypatch.setattr(MemorySettings, "see", see)
    monkeypatch.setattr(front.bot, "is_ready", lambda: True)

    cog = front.bot.get_cog("Presence")
    assert cog is not None
    await cog.on_ready()  # not by the gateway: its hourly task outlives the event
    async with asyncio.timeout(5):
        await noted.wait()

    assert [[guild.id for guild in front.bot.guilds]] == seen
    await front.bot.remove_cog("Presence")
