"""How cogs get at the services, and how their errors become sentences for the asker.

Not an extension (the name starts with an underscore); every cog may use it.
"""

import contextlib
import secrets

import discord
import structlog
from discord.ext import commands

from bot.core.replies import failure
from bot.errors import RequestError
from bot.language import tr
from bot.services import Services

_log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

_PUBLIC_ANSWER = discord.InteractionResponseType.deferred_channel_message
NO_MENTIONS = discord.AllowedMentions.none()  # nothing the bot says may ping anyone


def services_of(bot: commands.Bot | discord.Client) -> Services:
    """The services that `app` handed to the bot.

    Raises:
        TypeError: the cog was loaded into a bot that has none.
    """
    services = getattr(bot, "services", None)
    if not isinstance(services, Services):
        raise TypeError(f"{type(bot).__name__} has no services")
    return services


async def answer_error(
    interaction: discord.Interaction[discord.Client], error: BaseException
) -> None:
    """Tells the asker alone what happened, with an id that the log has too.

    Args:
        interaction: what failed; may be answered already, then the answer is taken back.
        error: a `RequestError` speaks for itself; anything else is a fault of ours and logged.
    """
    error_id = secrets.token_hex(4)
    if isinstance(error, RequestError):
        sentence = str(error)
        _log.warning("request refused", error_id=error_id, reason=type(error).__name__)
    else:
        sentence = tr("Something went wrong on my side; please try again.")
        _log.error("interaction failed", error_id=error_id, exc_info=error)
    text = failure(sentence, error_id)
    try:
        if interaction.response.is_done():
            if interaction.response.type is _PUBLIC_ANSWER:
                await _take_back(interaction)
            await interaction.followup.send(text, ephemeral=True, allowed_mentions=NO_MENTIONS)
        else:
            await interaction.response.send_message(
                text, ephemeral=True, allowed_mentions=NO_MENTIONS
            )
    except Exception as reason:  # the last resort: there is nobody left to tell
        _log.warning("error not delivered", error_id=error_id, reason=type(reason).__name__)


async def _take_back(interaction: discord.Interaction[discord.Client]) -> None:
    """Removes a public "thinking…": it can't be made private, so that the asker is told apart.

    It is edited first, because the first follow-up of a reply that still thinks *is* its edit, and
    as public as it was.
    """
    with contextlib.suppress(discord.HTTPException, OSError):
        await interaction.edit_original_response(content="…", view=None)
    with contextlib.suppress(discord.HTTPException, OSError):
        await interaction.delete_original_response()
