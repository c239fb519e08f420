"""`/server stats`: what a server used, with a picture. Added to the group of the `/server` cog.

Not an extension (the name starts with an underscore).
"""

from typing import Literal

import discord
from discord import app_commands

from bot.services.usage import UsageService
from cogs._usage_report import guild_of_admin, send_report


def add_stats(group: app_commands.Group, usage: UsageService) -> None:
    """Adds `stats` to a group of commands for admins."""

    @group.command(name="stats", description="Shows how much was used here, with a chart")
    @app_commands.describe(days="How many days back")
    async def stats(  # pyright: ignore[reportUnusedFunction]  # discord.py calls it
        interaction: discord.Interaction[discord.Client], days: Literal[7, 30, 90] = 7
    ) -> None:
        guild_id = guild_of_admin(interaction)
        await interaction.response.defer(ephemeral=True, thinking=True)
        report = await usage.stats(guild_id, days)
        await send_report(interaction, report, f"usage-{days}-days.png")
