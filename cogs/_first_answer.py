"""The first answer to an interaction, also where Discord's own answer to it gets lost.

Not an extension (the name starts with an underscore); every cog may use it.
"""

from typing import Any

import discord
import structlog

_ALREADY_ANSWERED = 40060
_TRIES = 3  # within the three seconds that Discord waits

_log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)


async def defer(interaction: discord.Interaction[Any], *, ephemeral: bool = False) -> None:
    """Says that the answer comes later; tried again where the connection was cut.

    discord.py repeats what Discord refuses with 5xx, but no cut connection: nobody knows whether
    the answer arrived. It may be given once only, so that a second "already" means that it did.

    Raises:
        discord.HTTPException: Discord refuses it.
    """
    for attempt in range(1, _TRIES + 1):
        try:
            await interaction.response.defer(ephemeral=ephemeral, thinking=True)
        except discord.HTTPException as error:
            if attempt == 1 or error.code != _ALREADY_ANSWERED:
                raise
            # discord.py has seen no answer, and would try to give the first one again.
            answered = discord.InteractionResponseType.deferred_channel_message
            interaction.response._response_type = answered  # pyright: ignore[reportPrivateUsage]
            return
        except discord.DiscordException:
            raise
        except Exception as error:  # of the connection, of whatever library it is
            if attempt == _TRIES:
                raise
            _log.warning("first answer sent again", reason=type(error).__name__)
        else:
            return
