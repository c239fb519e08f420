"""Who asks, made of an interaction: for limits, settings and the queue's shares.

Not an extension (the name starts with an underscore); every cog may use it.
"""

import discord

from bot.core.asker import Asker


def asker_of(interaction: discord.Interaction[discord.Client]) -> Asker:
    """The asker of an interaction.

    A server counts only where it has itself installed the bot: in one where only the user did, its
    admins have no say, and its rules could be set by anyone with a server of their own.
    """
    is_in_guild = interaction.is_guild_integration()
    user, permissions = interaction.user, interaction.permissions
    roles: frozenset[int] = frozenset()
    if is_in_guild and isinstance(user, discord.Member):
        # As Discord sent them: `roles` leaves out those that the cache does not know (yet).
        roles = frozenset(user._roles)  # pyright: ignore[reportPrivateUsage]
    return Asker(
        user_id=user.id,
        guild_id=interaction.guild_id if is_in_guild else None,
        channel_id=_channel_of(interaction),
        role_ids=roles,
        may_manage=is_in_guild and (permissions.manage_guild or permissions.administrator),
    )


def _channel_of(interaction: discord.Interaction[discord.Client]) -> int:
    """Of a thread its parent; 0 where Discord names no channel."""
    channel = interaction.channel
    if isinstance(channel, discord.Thread):
        return channel.parent_id
    return interaction.channel_id or 0


def is_moderator(interaction: discord.Interaction[discord.Client]) -> bool:
    """Whether they may manage messages in the server where it happens."""
    return interaction.guild_id is not None and interaction.permissions.manage_messages


def is_age_restricted(interaction: discord.Interaction[discord.Client]) -> bool:
    """Whether the channel is; of a thread its parent. Direct messages are not."""
    channel = interaction.channel
    if isinstance(channel, discord.DMChannel | discord.GroupChannel) or channel is None:
        return False
    return channel.is_nsfw()
