"""`/limits simulate`: tries a limit on the last seven days. Added to the `/limits` cog's group.

Not an extension (the name starts with an underscore).
"""

from typing import Literal

import discord
from discord import app_commands

from bot.core.limit_buckets import Scope, Unit
from bot.core.simulation import MAX_AMOUNT, Proposal
from bot.services.limits import LimitsService
from bot.services.usage import UsageService
from cogs._usage_report import guild_of_admin, send_report

_PER_S = {"minute": 60, "hour": 3600, "day": 86_400, "week": 604_800}


def add_simulate(group: app_commands.Group, usage: UsageService, limits: LimitsService) -> None:
    """Adds `simulate` to a group of commands for admins; `limits` know the exempt roles."""

    @group.command(
        name="simulate", description="Shows what a limit would have done in the last 7 days"
    )
    @app_commands.describe(
        unit="What the limit counts",
        amount="How many of them",
        per="In which time",
        scope="Whose requests count together",
        role="For the scope role: whose members are limited",
        channel="For the scope channel: which one; without it each channel by itself",
        burst="How many may be used at once; without it as many as the amount",
    )
    async def simulate(  # pyright: ignore[reportUnusedFunction]  # discord.py calls it
        interaction: discord.Interaction[discord.Client],
        unit: Literal["requests", "tokens"],
        amount: app_commands.Range[int, 1, MAX_AMOUNT],
        per: Literal["minute", "hour", "day", "week"],
        scope: Literal["server", "channel", "role", "member"],
        role: discord.Role | None = None,
        channel: app_commands.AppCommandChannel | None = None,
        burst: app_commands.Range[int, 1, MAX_AMOUNT] | None = None,
    ) -> None:
        guild_id = guild_of_admin(interaction)
        await interaction.response.defer(ephemeral=True, thinking=True)
        proposal = Proposal(
            scope=Scope(scope),
            unit=Unit(unit),
            amount=amount,
            per_s=_PER_S[per],
            burst=burst,
            role_id=role.id if role else None,
            channel_id=channel.id if channel else None,
            exempt_roles=(await limits.rules(guild_id)).exempt_roles,
        )
        report = await usage.simulate(guild_id, proposal)
        await send_report(interaction, report, "simulated-limit.png")
