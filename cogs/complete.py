"""`/complete`: goes on with a member's text. Defers, puts a job; a worker writes the reply."""

import asyncio

import discord
import structlog
from discord import app_commands
from discord.ext import commands

from bot.core.jobs import MAX_NEW_TOKENS, ReplyTarget
from bot.core.presets import PRESETS
from bot.core.replies import waiting
from bot.core.sampling import MAX_SEED
from bot.services import Services
from bot.services.texts import CompletionRequest, Wait
from cogs._access import NO_MENTIONS, services_of
from cogs.stop import stop_view

_log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

DEFAULT_LENGTH = 120
# A choice has no description of its own, so its name says what it is for.
_PRESET_CHOICES = [
    app_commands.Choice(name=f"{preset.name}: {preset.line}", value=preset.name)
    for preset in PRESETS.values()
]
_NOTICE_S = 5.0  # the text must not wait for a notice about its waiting


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
    )
    @app_commands.choices(preset=_PRESET_CHOICES)
    @app_commands.allowed_installs(guilds=True, users=True)
    @app_commands.allowed_contexts(guilds=True, dms=True, private_channels=True)
    async def complete(
        self,
        interaction: discord.Interaction[discord.Client],
        prompt: app_commands.Range[str, 1, 6000],
        length: app_commands.Range[int, 1, MAX_NEW_TOKENS] = DEFAULT_LENGTH,
        preset: str | None = None,
        temperature: app_commands.Range[float, 0.0, 2.0] | None = None,
        top_k: app_commands.Range[int, 0, 1000] | None = None,
        top_p: app_commands.Range[float, 0.0, 1.0] | None = None,
        seed: app_commands.Range[int, 0, MAX_SEED] | None = None,
    ) -> None:
        """Checks, defers, enqueues; the text arrives later, from a worker."""
        structlog.contextvars.bind_contextvars(
            job_id=str(interaction.id), guild_id=interaction.guild_id
        )
        job = self._services.texts.prepare(
            CompletionRequest(
                interaction_id=interaction.id,
                user_id=interaction.user.id,
                reply=_reply_target(interaction),
                prompt=prompt,
                max_new_tokens=length,
                preset=preset,
                temperature=temperature,
                top_k=top_k,
                top_p=top_p,
                seed=seed,
            )
        )
        await interaction.response.defer(thinking=True)
        if wait := await self._services.texts.expected_wait():
            # Said before the job is put: from then on only its worker edits the reply.
            await _show_wait(interaction, job.id, wait)
        await self._services.texts.put(job)


async def _show_wait(
    interaction: discord.Interaction[discord.Client], job_id: str, wait: Wait
) -> None:
    """Edits the reply to say that the text has to wait; without the notice the text is as good.

    Raises:
        discord.NotFound: the reply was deleted, so nobody wants the text.
    """
    try:
        async with asyncio.timeout(_NOTICE_S):
            await interaction.edit_original_response(
                content=waiting(wait.place, wait.workers_alive),
                view=stop_view(job_id),
                allowed_mentions=NO_MENTIONS,
            )
    except discord.NotFound:
        raise
    except (discord.HTTPException, OSError, TimeoutError) as error:
        _log.warning("wait not shown", reason=type(error).__name__)


def _reply_target(interaction: discord.Interaction[discord.Client]) -> ReplyTarget:
    return ReplyTarget(
        application_id=interaction.application_id,
        interaction_token=interaction.token,
        channel_id=interaction.channel_id or 0,
        guild_id=interaction.guild_id,
    )


async def setup(bot: commands.Bot) -> None:
    """Called by discord.py when the extension is loaded."""
    await bot.add_cog(Complete(services_of(bot)))
