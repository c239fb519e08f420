"""`/complete`: goes on with a member's text. Defers, asks for it; a worker writes the reply."""

import discord
import structlog
from discord import app_commands
from discord.ext import commands

from bot.core.jobs import MAX_NEW_TOKENS, ReplyTarget
from bot.core.presets import PRESETS
from bot.core.sampling import MAX_SEED
from bot.errors import QueueDownError
from bot.services import Services
from bot.services.texts import CompletionRequest
from bot.services.waiting import NoticeGoneError, ShowNotice
from cogs._access import NO_MENTIONS, services_of
from cogs._asker import asker_of
from cogs.stop import stop_view

DEFAULT_LENGTH = 120
_MOST_CHOICES = 25
# A choice has no description of its own, so its name says what it is for.
_PRESET_CHOICES = [
    app_commands.Choice(name=f"{preset.name}: {preset.line}", value=preset.name)
    for preset in PRESETS.values()
]
_Interaction = discord.Interaction[discord.Client]


class Complete(commands.Cog):
    """The `/complete` command."""

    def __init__(self, services: Services) -> None:
        self._services = services

    @app_commands.command(description="Goes on with your text")
    @app_commands.describe(
        prompt="The text to go on with",
        length="How much to write at most, in tokens (about three quarters of a word each)",
        preset="A way of choosing words; the options below override it",
        temperature="How daring: 0 always takes the likeliest word, 1 follows the model, 2 is wild",
        top_k="Choose among this many likeliest tokens only; 0 = among all",
        top_p="Choose among the likeliest tokens that make up this share of probability",
        seed="A number that makes the same text again",
        model="The model that writes, where several are served",
    )
    @app_commands.choices(preset=_PRESET_CHOICES)
    @app_commands.allowed_installs(guilds=True, users=True)
    @app_commands.allowed_contexts(guilds=True, dms=True, private_channels=True)
    async def complete(  # noqa: PLR0913, PLR0917  # as many options as the command has
        self,
        interaction: _Interaction,
        prompt: app_commands.Range[str, 1, 6000],
        length: app_commands.Range[int, 1, MAX_NEW_TOKENS] = DEFAULT_LENGTH,
        preset: str | None = None,
        temperature: app_commands.Range[float, 0.0, 2.0] | None = None,
        top_k: app_commands.Range[int, 0, 1000] | None = None,
        top_p: app_commands.Range[float, 0.0, 1.0] | None = None,
        seed: app_commands.Range[int, 0, MAX_SEED] | None = None,
        model: app_commands.Range[str, 1, 100] | None = None,
    ) -> None:
        """Checks, defers, asks; the text arrives later, from a worker."""
        job_id = str(interaction.id)
        structlog.contextvars.bind_contextvars(job_id=job_id, guild_id=interaction.guild_id)
        request = CompletionRequest(
            interaction_id=interaction.id,
            asker=asker_of(interaction),
            reply=_reply_target(interaction),
            prompt=prompt,
            max_new_tokens=length,
            preset=preset,
            temperature=temperature,
            top_k=top_k,
            top_p=top_p,
            seed=seed,
            model=model,
        )
        texts = self._services.texts
        texts.prepare(request)  # what is wrong with it is said at once, and privately
        await interaction.response.defer(thinking=True)
        chosen = await texts.ask(request)
        language = await self._services.servers.public_language(request.asker.guild_id)
        self._services.board.watch(
            job_id, chosen, _notice_in(interaction, job_id), language=language
        )

    @complete.autocomplete("model")
    async def _models(
        self, interaction: _Interaction, current: str
    ) -> list[app_commands.Choice[str]]:
        """Models that are served now."""
        del interaction
        try:
            served = await self._services.servers.models()
        except QueueDownError:
            return []
        found = [name for name in served if current.casefold() in name.casefold()]
        return [app_commands.Choice(name=name, value=name) for name in found[:_MOST_CHOICES]]


def _notice_in(interaction: _Interaction, job_id: str) -> ShowNotice:
    """What edits the reply of a text that waits."""

    async def show(notice: str) -> None:
        try:
            await interaction.edit_original_response(
                content=notice, view=stop_view(job_id), allowed_mentions=NO_MENTIONS
            )
        except discord.NotFound as error:  # deleted, so nobody wants to know
            raise NoticeGoneError from error

    return show


def _reply_target(interaction: _Interaction) -> ReplyTarget:
    return ReplyTarget(
        application_id=interaction.application_id,
        interaction_token=interaction.token,
        channel_id=interaction.channel_id or 0,
        guild_id=interaction.guild_id,
    )


async def setup(bot: commands.Bot) -> None:
    """Called by discord.py when the extension is loaded."""
    await bot.add_cog(Complete(services_of(bot)))
