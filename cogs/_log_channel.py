"""Posts what an admin changed to the channel that `/server log` names.

Not an extension (the name starts with an underscore); used by all commands that admins change
something with.
"""

import asyncio
from collections.abc import Callable

import discord
import structlog

from bot.errors import RequestError
from bot.language import public_language, speaking, spoken, tr
from bot.services.servers import ServersService
from cogs._access import NO_MENTIONS

_log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

_Interaction = discord.Interaction[discord.Client]
_POST_S = 5.0  # the admin waits for it


async def post_change(
    interaction: _Interaction, servers: ServersService, guild_id: int, notice: Callable[[], str]
) -> str:
    """Posts to the log channel of a server, if it has one; else as `post_to`.

    Args:
        interaction: the admin's.
        servers: know the channel.
        guild_id: the server.
        notice: gives what to post; called while the server's language is spoken.
    """
    try:
        settings = await servers.settings(guild_id)
    except RequestError as error:  # the change stands
        _log.warning("change not posted", guild_id=guild_id, reason=type(error).__name__)
        return "\n-# " + tr(
            "I could not look up this server's log channel, so this was posted nowhere."
        )
    if settings.log_channel is None:
        return ""
    with speaking(public_language(spoken(), settings.language)):
        text = notice()
    return await post_to(interaction, settings.log_channel, text)


async def post_to(interaction: _Interaction, channel_id: int, text: str) -> str:
    """Posts to a channel.

    Returns:
        What to add to the admin's answer: a line where it could not be posted, else nothing.
    """
    channel = interaction.client.get_partial_messageable(channel_id, guild_id=interaction.guild_id)
    try:
        async with asyncio.timeout(_POST_S):
            await channel.send(text, allowed_mentions=NO_MENTIONS)
    except Exception as error:  # whatever it is, the change stands, and the admin is told
        _log.warning("change not posted", channel=channel_id, reason=type(error).__name__)
        return "\n-# " + tr(
            "I could not post this in {channel}; may I write there?", channel=f"<#{channel_id}>"
        )
    return ""
