"""Who asks, and where, as the services want to know it. Not an extension; every cog may use it."""

import discord

from bot.core.asker import Asker


def asker_of(interaction: discord.Interaction[discord.Client]) -> Asker:
    """The member behind a command or click."""
    channel, user = interaction.channel, interaction.user
    parent_id = channel.parent_id if isinstance(channel, discord.Thread) else None
    in_server = interaction.is_guild_integration() and interaction.guild_id is not None
    roles = user.roles if in_server and isinstance(user, discord.Member) else []
    return Asker(
        user_id=user.id,
        guild_id=interaction.guild_id if in_server else None,
        channel_id=parent_id or interaction.channel_id or 0,
        role_ids=frozenset(role.id for role in roles),
        may_manage=in_server and interaction.permissions.manage_guild,
    )
