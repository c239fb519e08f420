"""Sends a usage report to the admin who asked for it. Not an extension."""

import io

import discord

from bot.errors import RequestError
from bot.language import tr
from bot.services.usage import UsageReport
from cogs._access import NO_MENTIONS


def guild_of_admin(interaction: discord.Interaction[discord.Client]) -> int:
    """The server that installed the bot and that the member may manage.

    Raises:
        RequestError: there is no such server here.
    """
    if interaction.guild_id is None or not interaction.is_guild_integration():
        raise RequestError(tr("This works only in a server to which I was added."))
    if not interaction.permissions.manage_guild:
        raise RequestError(tr("Only those who may manage this server can do this."))
    return interaction.guild_id


async def send_report(
    interaction: discord.Interaction[discord.Client], report: UsageReport, name: str
) -> None:
    """Fills the deferred answer, which is private.

    Args:
        interaction: deferred.
        report: what to say.
        name: the picture's file name.
    """
    files: list[discord.File] = []
    if report.picture is not None:
        file = io.BytesIO(report.picture)
        files = [discord.File(file, filename=name, description=report.alt_text)]
    await interaction.edit_original_response(
        content=report.text, attachments=files, allowed_mentions=NO_MENTIONS
    )
