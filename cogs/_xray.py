"""How cogs ask for an X-ray: of a typed text, of a message, of a text of the bot's own.

Not an extension.
"""

import discord
import structlog

from bot.core.xray import Colors
from bot.services import Services
from bot.services.xrays import XrayRequest
from cogs._asker import asker_of
from cogs._first_answer import defer
from cogs._texts import notice_in, reply_target, watch

_Interaction = discord.Interaction[discord.Client]


async def start_xray(
    interaction: _Interaction,
    services: Services,
    text: str,
    *,
    origin: str = "",
    model: str | None = None,
    colors: Colors = Colors.RANK,
    is_public: bool = False,
) -> None:
    """A new reply, in which a worker will show the X-ray.

    Args:
        interaction: may be deferred already, with "thinking" and as public as it is to be.
        services: of the bot.
        text: what to look at.
        origin: code of the output that it is, or "".
        model: to which it is to be predictable; None = the server's choice.
        colors: what the colors stand for.
        is_public: whether others see the answer.

    Raises:
        RequestError: it is refused; what is wrong with the text itself is found before the defer.
    """
    job_id = str(interaction.id)
    structlog.contextvars.bind_contextvars(job_id=job_id, guild_id=interaction.guild_id)
    request = XrayRequest(
        interaction_id=interaction.id,
        asker=asker_of(interaction),
        reply=reply_target(interaction),
        text=text,
        colors=colors,
        origin=origin,
        model=model,
        is_private=not is_public,
    )
    services.xrays.prepare(request)
    if not interaction.response.is_done():
        await defer(interaction, ephemeral=not is_public)
    chosen = await services.xrays.ask(request)
    notice = notice_in(interaction, job_id)
    await watch(interaction, services, chosen, notice, is_private=not is_public)
