"""The one place where an error in a slash command becomes words for the person who typed it."""

import discord
from discord import app_commands
from discord.ext import commands

from cogs._access import answer_error


async def _on_error(
    interaction: discord.Interaction[discord.Client], error: app_commands.AppCommandError
) -> None:
    cause = error.original if isinstance(error, app_commands.CommandInvokeError) else error
    await answer_error(interaction, cause)


async def setup(bot: commands.Bot) -> None:
    """Called by discord.py when the extension is loaded."""
    bot.tree.error(_on_error)
