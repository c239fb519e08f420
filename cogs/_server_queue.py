"""`/server queue`: what this server has in the line. Added to the `/server` cog's group.

Not an extension (the name starts with an underscore).
"""

import discord
from discord import app_commands

from bot.core.queue_words import server_load
from bot.services.host import HostService
from cogs._access import NO_MENTIONS
from cogs._asker import asker_of
from cogs._server import guild_of_admin


def add_queue(group: app_commands.Group, host: HostService) -> None:
    """Adds `queue` to a group of commands for admins."""

    @group.command(name="queue", description="Shows which texts of this server wait and run")
    async def queue(  # pyright: ignore[reportUnusedFunction]  # discord.py calls it
        interaction: discord.Interaction[discord.Client],
    ) -> None:
        guild_of_admin(interaction)
        await interaction.response.defer(ephemeral=True, thinking=True)
        loads = await host.load_of(asker_of(interaction).tenant)
        shown = server_load([(model, one.queued, one.running, one.users) for model, one in loads])
        await interaction.followup.send(shown, ephemeral=True, allowed_mentions=NO_MENTIONS)
