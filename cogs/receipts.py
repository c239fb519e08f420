"""`/verify` and `/replay`: whether a text is the bot's, and the same text once more."""

import contextlib

import discord
import structlog
from discord import app_commands
from discord.ext import commands

from bot.core.jobs import ReplyTarget
from bot.errors import NotHereError, OptionError
from bot.language import tr
from bot.services import Services
from bot.services.receipts import PostedMessage
from bot.services.waiting import NoticeGoneError, ShowNotice
from cogs._access import NO_MENTIONS, services_of
from cogs._asker import asker_of
from cogs._first_answer import defer
from cogs._texts import watch
from cogs.stop import stop_view

_MAX_FILE = 256 * 1024  # a longer file is none of ours
_Interaction = discord.Interaction[discord.Client]


class Receipts(commands.Cog):
    """The commands about a text's receipt."""

    def __init__(self, services: Services) -> None:
        self._services = services

    @app_commands.command(description="Tells whether a text is mine and unaltered")
    @app_commands.describe(
        text="The copied text, with the small line under it",
        link="Instead of a text: the link of my message",
        code="The receipt, if the text comes without the small line",
    )
    @app_commands.allowed_installs(guilds=True, users=True)
    @app_commands.allowed_contexts(guilds=True, dms=True, private_channels=True)
    async def verify(
        self,
        interaction: _Interaction,
        text: app_commands.Range[str, 1, 6000] | None = None,
        link: app_commands.Range[str, 1, 200] | None = None,
        code: app_commands.Range[str, 1, 100] | None = None,
    ) -> None:
        """Answers the asker alone."""
        if (text is None) == (link is None):
            raise OptionError(tr("Give me either a text or the link of a message, please."))
        await interaction.response.defer(ephemeral=True, thinking=True)
        receipts, asker = self._services.receipts, asker_of(interaction)
        if text is not None:
            answer = await receipts.verify_text(text, code, asker)
        else:
            answer = await receipts.verify_link(
                link or "", asker, here=interaction.channel_id or 0, fetch=_fetch_by(interaction)
            )
        await interaction.edit_original_response(content=answer, allowed_mentions=NO_MENTIONS)

    @app_commands.command(description="Writes a text again and tells whether it comes out the same")
    @app_commands.describe(code="The receipt in the small line under the text")
    @app_commands.allowed_installs(guilds=True, users=True)
    @app_commands.allowed_contexts(guilds=True, dms=True, private_channels=True)
    async def replay(
        self, interaction: _Interaction, code: app_commands.Range[str, 1, 100]
    ) -> None:
        """Defers, looks the text up, asks; a worker answers."""
        job_id = str(interaction.id)
        structlog.contextvars.bind_contextvars(job_id=job_id, guild_id=interaction.guild_id)
        await defer(interaction)
        asker = asker_of(interaction)
        reply = ReplyTarget(
            application_id=interaction.application_id,
            interaction_token=interaction.token,
            channel_id=interaction.channel_id or 0,
            guild_id=interaction.guild_id,
        )
        job, model = await self._services.receipts.replay_job(
            code, asker, interaction_id=interaction.id, reply=reply
        )
        chosen = await self._services.texts.submit(job, asker, model)
        await watch(interaction, self._services, chosen, _notice_in(interaction, job_id))


def _fetch_by(interaction: _Interaction) -> "_Fetcher":
    return _Fetcher(interaction.client)


class _Fetcher:
    """Gets messages by REST, those that the bot can see."""

    def __init__(self, client: discord.Client) -> None:
        self._client = client

    async def __call__(self, channel_id: int, message_id: int) -> PostedMessage | None:
        """A message with its text file, if it is the bot's; None where it can't be seen."""
        channel = self._client.get_partial_messageable(channel_id)
        try:
            message = await channel.fetch_message(message_id)
        except (discord.NotFound, discord.Forbidden):
            return None
        except (discord.HTTPException, OSError) as error:
            raise NotHereError(
                tr("Discord does not show me that message right now; please try again in a minute.")
            ) from error
        ours = self._client.user is not None and message.author.id == self._client.user.id
        about = message.interaction_metadata
        return PostedMessage(
            id=message.id,
            is_ours=ours,
            content=message.content,
            file_text=await _file_of(message) if ours else "",
            original_id=about.original_response_message_id if about else None,
            custom_ids=tuple(_custom_ids(message)),
        )


async def _file_of(message: discord.Message) -> str:
    """The text that did not fit into messages."""
    for file in message.attachments:
        if file.filename.endswith(".txt") and file.size <= _MAX_FILE:
            with contextlib.suppress(discord.HTTPException, OSError):
                return (await file.read()).decode(errors="replace")
    return ""


def _custom_ids(message: discord.Message) -> list[str]:
    rows = (row for row in message.components if isinstance(row, discord.ActionRow))
    return [
        item.custom_id
        for row in rows
        for item in row.children
        if isinstance(item, discord.Button) and item.custom_id
    ]


def _notice_in(interaction: _Interaction, job_id: str) -> ShowNotice:
    """What edits the reply of a job that waits."""

    async def show(notice: str) -> None:
        try:
            await interaction.edit_original_response(
                content=notice, view=stop_view(job_id), allowed_mentions=NO_MENTIONS
            )
        except discord.NotFound as error:  # deleted, so nobody wants to know
            raise NoticeGoneError from error

    return show


async def setup(bot: commands.Bot) -> None:
    """Called by discord.py when the extension is loaded."""
    await bot.add_cog(Receipts(services_of(bot)))
