"""How cogs ask for a text: defer, ask, and keep the reply up to date while it waits.

Not an extension.
"""

from typing import Any, cast

import discord
import structlog

from bot.core.buttons import Rows, waiting_row, without_pager, without_stop
from bot.core.jobs import ReplyTarget
from bot.core.prompts import MAX_FILE_BYTES, decode_file
from bot.core.text_request import CompletionRequest
from bot.errors import PromptError
from bot.language import spoken, tr
from bot.services import Services
from bot.services.outputs import Click
from bot.services.waiting import NoticeGoneError, ShowNotice
from cogs._access import NO_MENTIONS
from cogs._asker import asker_of, is_age_restricted, is_moderator
from cogs._first_answer import defer
from cogs._pages import view_of
from cogs.stop import stop_view

DEFAULT_LENGTH = 120

_Interaction = discord.Interaction[discord.Client]


async def start_text(
    interaction: _Interaction, services: Services, request: CompletionRequest
) -> None:
    """A new public reply, to which a worker will write.

    Args:
        interaction: nothing has answered it yet.
        services: of the bot.
        request: what is asked for.

    Raises:
        RequestError: it is refused; what is wrong with it by itself is found before the defer,
            so that nobody else sees anything of it.
    """
    structlog.contextvars.bind_contextvars(
        job_id=str(interaction.id), guild_id=interaction.guild_id
    )
    services.texts.prepare(request)
    if not interaction.response.is_done():
        await defer(interaction)
    job_id = str(interaction.id)
    chosen = await services.texts.ask(request)
    await watch(interaction, services, chosen, notice_in(interaction, job_id))


async def watch(
    interaction: _Interaction,
    services: Services,
    model: str,
    show: ShowNotice,
    *,
    is_private: bool = False,
) -> None:
    """Keeps a reply up to date while its job waits: in the asker's language if it is private."""
    language = spoken()
    if not is_private:
        language = await services.servers.public_language(asker_of(interaction).guild_id)
    services.board.watch(str(interaction.id), model, show, language=language)


async def watch_version(interaction: _Interaction, services: Services, model: str) -> None:
    """Says under the text that stands there how long its new version has to wait."""
    job_id = str(interaction.id)
    message = interaction.message
    rows = [] if message is None else without_pager(without_stop(rows_of(message)))

    async def show(notice: str) -> None:
        view = view_of([*rows, *waiting_row(job_id, notice)])
        try:
            await interaction.edit_original_response(view=view, allowed_mentions=NO_MENTIONS)
        except discord.NotFound as error:
            raise NoticeGoneError from error

    await watch(interaction, services, model, show)


def click_of(interaction: _Interaction) -> Click:
    """Who clicks, and where."""
    return Click(
        interaction_id=interaction.id,
        asker=asker_of(interaction),
        reply=reply_target(interaction),
        is_moderator=is_moderator(interaction),
        is_age_restricted=is_age_restricted(interaction),
    )


def reply_target(interaction: _Interaction) -> ReplyTarget:
    """Where a worker writes: to the answer of this interaction."""
    return ReplyTarget(
        application_id=interaction.application_id,
        interaction_token=interaction.token,
        channel_id=interaction.channel_id or 0,
        guild_id=interaction.guild_id,
    )


def rows_of(message: discord.Message) -> Rows:
    """A message's buttons as Discord's JSON."""
    return [cast("dict[str, Any]", row.to_dict()) for row in message.components]


def is_text_file(attachment: discord.Attachment) -> bool:
    """Whether it says of itself that it is plain text."""
    kind = attachment.content_type or ""
    return attachment.filename.lower().endswith(".txt") or kind.startswith("text/plain")


async def text_of_file(attachment: discord.Attachment) -> str:
    """The text of an attached file.

    Raises:
        PromptError: it is no text file, too long, or can't be had.
    """
    if not is_text_file(attachment):
        raise PromptError(tr("I can read plain text only; please attach a .txt file."))
    if attachment.size > MAX_FILE_BYTES:
        raise PromptError(tr("The file is too long: 64 KB is the most I can take. Keep its end."))
    try:
        data = await attachment.read()
    except (discord.HTTPException, OSError) as error:
        raise PromptError(
            tr("Discord does not give me that file; please attach it again.")
        ) from error
    return decode_file(data)


def notice_in(interaction: _Interaction, job_id: str) -> ShowNotice:
    """What edits the reply of a text that waits."""

    async def show(notice: str) -> None:
        try:
            await interaction.edit_original_response(
                content=notice, view=stop_view(job_id), allowed_mentions=NO_MENTIONS
            )
        except discord.NotFound as error:  # deleted, so nobody wants to know
            raise NoticeGoneError from error

    return show
