"""`/server`: what a server's admins decide. Answers are for the admin alone; changes are posted
to the server's log channel as well.

Other extensions add subcommands in their `setup`, to `cogs._server.server_group_of(bot)`.
"""

import io
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Literal

import discord
import structlog
from discord import app_commands
from discord.ext import commands

from bot.core.presets import PRESETS
from bot.core.server_bounds import MAX_PAUSE_MESSAGE
from bot.core.server_settings import (
    FilterAction,
    ServerSettings,
    allow,
    clear_channel,
    deny,
)
from bot.core.server_texts import filter_text, log_text, settings_text
from bot.errors import OptionError, RequestError, SettingsError
from bot.language import LANGUAGE_NAMES, slash, tr
from bot.services.servers import ServersService
from cogs._access import NO_MENTIONS, services_of
from cogs._server import AdminGroup, answer, guild_of_admin, server_group_of, told
from cogs._server_queue import add_queue
from cogs._server_reset import ResetButton
from cogs._server_stats import add_stats

_log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

_Interaction = discord.Interaction[discord.Client]
_BeforeAfter = tuple[ServerSettings, ServerSettings]
# As Discord describes it in the command itself: nothing depends on what is in the cache.
_Channel = app_commands.AppCommandChannel
_Types = discord.ChannelType
_ACTION_CHOICES = [
    app_commands.Choice(name="Refuse prompts and mask what I write", value=FilterAction.BOTH.value),
    app_commands.Choice(name="Refuse prompts", value=FilterAction.REFUSE.value),
    app_commands.Choice(name="Mask what I write", value=FilterAction.MASK.value),
    app_commands.Choice(name="Nothing", value=FilterAction.OFF.value),
]


class Server(commands.Cog):
    """The `/server` commands."""

    group = AdminGroup(
        name="server",
        description="For admins: what I may do in this server",
        guild_only=True,
        allowed_contexts=app_commands.AppCommandContext(guild=True),
        allowed_installs=app_commands.AppInstallationType(guild=True, user=False),
        default_permissions=discord.Permissions(manage_guild=True),
    )
    filter_group = AdminGroup(
        name="filter", description="Words that nobody here wants to read", parent=group
    )

    def __init__(self, servers: ServersService) -> None:
        self._servers = servers

    @group.command(description="Shows what is decided")
    async def show(self, interaction: _Interaction) -> None:
        """All settings."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        stored = await self._servers.shown(guild_of_admin(interaction))
        await answer(interaction, settings_text(stored))

    @group.command(description="Says in which channels I may be used")
    @app_commands.describe(
        action="allow: only here and in other allowed ones; deny: not here; clear: neither",
        channel="Which one; threads go with it. Without one, clear is for all channels",
    )
    async def channels(
        self,
        interaction: _Interaction,
        action: Literal["allow", "deny", "clear"],
        channel: _Channel | None = None,
    ) -> None:
        """Allows or denies a channel, or forgets about it."""
        if channel is None and action != "clear":
            raise OptionError(
                tr("Please name the channel to allow.")
                if action == "allow"
                else tr("Please name the channel to deny.")
            )
        if channel is not None and channel.type is _Types.category:
            raise OptionError(tr("Please name a channel; a category is none."))
        channel_id = 0 if channel is None else channel.id

        def rule(settings: ServerSettings) -> ServerSettings:
            if action == "allow":
                return allow(settings, channel_id)
            if action == "deny":
                return deny(settings, channel_id)
            return clear_channel(settings, channel_id or None)

        await self._edit(interaction, rule)

    @group.command(description="Chooses the model of requests that name none")
    @app_commands.describe(model="Its name; without one it is the host's choice")
    async def model(self, interaction: _Interaction, model: str | None = None) -> None:
        """Sets the model."""
        user_id = interaction.user.id
        await self._change(
            interaction, lambda guild_id: self._servers.choose_model(guild_id, user_id, model)
        )

    @model.autocomplete("model")
    async def _models(
        self, interaction: _Interaction, current: str
    ) -> list[app_commands.Choice[str]]:
        """The models that run now."""
        try:
            guild_of_admin(interaction)
            names = await self._servers.models()
        except RequestError:  # nothing to choose from; the command itself says why
            return []
        found = [name for name in names if current.casefold() in name.casefold()]
        return [app_commands.Choice(name=name[:100], value=name) for name in found[:25]]

    @group.command(description="Chooses how words are drawn where a request does not say")
    @app_commands.describe(preset="A way of choosing words; without one it is the usual one")
    @app_commands.choices(
        preset=[
            app_commands.Choice(name=f"{preset.name}: {preset.line}", value=preset.name)
            for preset in PRESETS.values()
        ]
    )
    async def preset(self, interaction: _Interaction, preset: str | None = None) -> None:
        """Sets the preset."""
        await self._edit(interaction, lambda settings: replace(settings, preset=preset))

    @group.command(description="Chooses the language I speak here")
    @app_commands.describe(language="Without one, I speak each member's own")
    @app_commands.choices(
        language=[
            app_commands.Choice(name=name, value=code) for code, name in LANGUAGE_NAMES.items()
        ]
    )
    async def language(self, interaction: _Interaction, language: str | None = None) -> None:
        """Sets the language."""
        await self._edit(interaction, lambda settings: replace(settings, language=language))

    @filter_group.command(name="add", description="Adds words or a pattern to the filter")
    @app_commands.describe(
        text="Words between commas (bad* also finds longer ones), or one pattern",
        kind="pattern: a regular expression, as RE2 has them",
    )
    async def filter_add(
        self,
        interaction: _Interaction,
        text: app_commands.Range[str, 1, 2000],
        kind: Literal["word", "pattern"] = "word",
    ) -> None:
        """Adds to the filter."""
        items = _items(text, kind)

        def rule(settings: ServerSettings) -> ServerSettings:
            if kind == "pattern":
                return replace(settings, filter_patterns=(*settings.filter_patterns, *items))
            return replace(settings, filter_words=(*settings.filter_words, *items))

        await self._edit(interaction, rule)

    @filter_group.command(name="remove", description="Removes words or a pattern")
    @app_commands.describe(text="Words between commas, or one pattern", kind="What it is")
    async def filter_remove(
        self,
        interaction: _Interaction,
        text: app_commands.Range[str, 1, 2000],
        kind: Literal["word", "pattern"] = "word",
    ) -> None:
        """Removes from the filter."""
        items = _items(text, kind)

        def rule(settings: ServerSettings) -> ServerSettings:
            name = "filter_patterns" if kind == "pattern" else "filter_words"
            present: tuple[str, ...] = getattr(settings, name)
            if not set(items) & set(present):
                raise OptionError(_not_in_filter(kind))
            return replace(settings, **{name: tuple(i for i in present if i not in items)})

        await self._edit(interaction, rule)

    @filter_group.command(name="list", description="Shows the whole filter")
    async def filter_list(self, interaction: _Interaction) -> None:
        """The filter as a file: it may be long, and nobody wants to read it by accident."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        stored = await self._servers.shown(guild_of_admin(interaction))
        content = io.BytesIO(filter_text(stored.settings).encode())
        await interaction.edit_original_response(
            content=tr("This is the filter."),
            attachments=[discord.File(content, "filter.txt")],
            allowed_mentions=NO_MENTIONS,
        )

    @filter_group.command(name="action", description="Says what the filter does")
    @app_commands.describe(action="What becomes of what it finds")
    @app_commands.choices(action=_ACTION_CHOICES)
    async def filter_action(self, interaction: _Interaction, action: str) -> None:
        """Sets what the filter does."""
        chosen = FilterAction(action)
        await self._edit(interaction, lambda settings: replace(settings, filter_action=chosen))

    @filter_group.command(name="invites", description="Says whether invites to servers are hidden")
    @app_commands.describe(hide="Whether I hide them, and refuse prompts that have one")
    async def filter_invites(self, interaction: _Interaction, hide: bool) -> None:
        """Hides invites, or lets them stand."""
        await self._edit(interaction, lambda settings: replace(settings, hides_invites=hide))

    @group.command(description="Chooses the channel where changes and reports are posted")
    @app_commands.describe(channel="Without one, they are posted nowhere")
    async def log(self, interaction: _Interaction, channel: _Channel | None = None) -> None:
        """Sets the log channel."""
        if channel is not None and channel.type not in {_Types.text, _Types.news}:
            raise OptionError(tr("Changes can be posted to a text channel only."))
        channel_id = None if channel is None else channel.id
        await self._edit(interaction, lambda settings: replace(settings, log_channel=channel_id))

    @group.command(description="Pauses me in this server, or lets me go on")
    @app_commands.describe(on="Whether I pause", message="What members are told meanwhile")
    async def pause(
        self,
        interaction: _Interaction,
        on: bool,
        message: app_commands.Range[str, 1, MAX_PAUSE_MESSAGE] | None = None,
    ) -> None:
        """Pauses, or goes on."""
        told = message if on else None
        await self._edit(
            interaction, lambda settings: replace(settings, paused=on, pause_message=told)
        )

    @group.command(description="Takes the last change back; again: the one before it")
    async def undo(self, interaction: _Interaction) -> None:
        """Undoes a change."""
        user_id = interaction.user.id
        await self._change(interaction, lambda guild_id: self._servers.undo(guild_id, user_id))

    @group.command(description="Shows who changed what and when")
    async def changes(self, interaction: _Interaction) -> None:
        """The log of changes."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        log = await self._servers.log(guild_of_admin(interaction))
        await answer(interaction, log_text(log))

    @group.command(description="Forgets everything that is decided, after a question")
    async def reset(self, interaction: _Interaction) -> None:
        """Asks whether to reset; the button does it."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        try:
            revision = (await self._servers.shown(guild_of_admin(interaction))).revision
        except SettingsError:  # what can't be read can be reset all the same
            revision = 0
        view = discord.ui.View(timeout=None).add_item(ResetButton(revision))
        await interaction.edit_original_response(
            content=tr(
                "Reset all settings of this server: channels, model, preset, language, filter, "
                "log channel and pause? {command} brings them back.",
                command=slash("server undo"),
            ),
            view=view,
            allowed_mentions=NO_MENTIONS,
        )

    async def _edit(
        self, interaction: _Interaction, rule: Callable[[ServerSettings], ServerSettings]
    ) -> None:
        user_id = interaction.user.id
        await self._change(
            interaction, lambda guild_id: self._servers.edit(guild_id, user_id, rule)
        )

    async def _change(
        self, interaction: _Interaction, change: Callable[[int], Awaitable[_BeforeAfter]]
    ) -> None:
        """Defers, changes, posts it to the log channel, tells the admin."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        before, after = await change(guild_of_admin(interaction))
        await answer(interaction, await told(interaction, before, after))


def _items(text: str, kind: str) -> tuple[str, ...]:
    if kind == "pattern":
        return (text,)
    return tuple(" ".join(word.casefold().split()) for word in text.split(",") if word.strip())


def _not_in_filter(kind: str) -> str:
    command = slash("server filter list")
    if kind == "pattern":
        return tr("The filter has no such pattern; see {command}.", command=command)
    return tr("The filter has no such word; see {command}.", command=command)


async def setup(bot: commands.Bot) -> None:
    """Called by discord.py when the extension is loaded."""
    bot.add_dynamic_items(ResetButton)
    services = services_of(bot)
    await bot.add_cog(Server(services.servers))
    group = server_group_of(bot)
    add_stats(group, services.usage)
    add_queue(group, services.host)
