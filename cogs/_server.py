"""What the `/server` commands of all extensions share: who may use them, and how changes are told.

Not an extension (the name starts with an underscore).
"""

from typing import Any

import discord
from discord import app_commands
from discord.ext import commands

from bot.core.server_settings import ServerSettings, differences
from bot.core.server_texts import changes_text
from bot.errors import RequestError, SettingsError
from bot.language import public_language, speaking, spoken, tr
from bot.services.servers import ServersService
from cogs._access import NO_MENTIONS, services_of
from cogs._asker import asker_of
from cogs._log_channel import post_to

_Interaction = discord.Interaction[discord.Client]


class AdminGroup(app_commands.Group):
    """Commands for those who may manage the server, whatever Discord lets through."""

    async def interaction_check(self, interaction: discord.Interaction[Any], /) -> bool:
        """Runs before each subcommand, those of other extensions included.

        Raises:
            CommandInvokeError: carries the sentence; discord.py passes on no other kind from here.
        """
        try:
            guild_of_admin(interaction)
        except RequestError as error:
            command = interaction.command
            assert isinstance(command, app_commands.Command)  # a group has no menus
            raise app_commands.CommandInvokeError(command, error) from error
        return True


def guild_of_admin(interaction: discord.Interaction[Any]) -> int:
    """The server that the one who asks may manage.

    Raises:
        SettingsError: they may not, or the bot is not installed to this server.
    """
    asker = asker_of(interaction)
    if asker.guild_id is None:
        raise SettingsError(tr("This works only in a server to which I was added."))
    if not asker.may_manage:
        raise SettingsError(tr("Only those who may manage this server can do this."))
    return asker.guild_id


def servers_of(bot: commands.Bot | discord.Client) -> ServersService:
    """The service behind `/server`.

    Raises:
        TypeError: the cog was loaded into a bot that has none.
    """
    servers = getattr(services_of(bot), "servers", None)
    if not isinstance(servers, ServersService):
        raise TypeError(f"{type(bot).__name__} has no service for servers")
    return servers


def server_group_of(bot: commands.Bot) -> app_commands.Group:
    """The `/server` group, for extensions that add to it; loaded after this one.

    Raises:
        TypeError: this extension is not loaded.
    """
    group = bot.tree.get_command("server")
    if not isinstance(group, app_commands.Group):
        raise TypeError("cogs.server is not loaded")
    return group


async def answer(interaction: _Interaction, text: str) -> None:
    """Writes the text of a deferred answer."""
    await interaction.edit_original_response(content=text, view=None, allowed_mentions=NO_MENTIONS)


async def told(interaction: _Interaction, before: ServerSettings, after: ServerSettings) -> str:
    """Posts a change to the log channel (the old and the new one); the words for the admin."""
    changes = differences(before, after)
    if not changes:
        return tr("It is so already; nothing was changed.")
    with speaking(public_language(spoken(), after.language)):
        notice = tr("{member} changed my settings:", member=f"<@{interaction.user.id}>")
        notice += f"\n{changes_text(changes, is_public=True)}"
    words = tr("Changed:") + "\n" + changes_text(changes)
    for channel_id in dict.fromkeys((before.log_channel, after.log_channel)):
        if channel_id is not None:
            words += await post_to(interaction, channel_id, notice)
    return words
