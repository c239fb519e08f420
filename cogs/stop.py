"""The Stop button under a reply that waits or grows. Its state is in its id: restarts are fine."""

import contextlib
import re
from typing import Any, cast

import discord
import structlog
from discord.ext import commands

from bot.core.buttons import STOP_TEMPLATE, shown_version, stop_custom_id
from bot.core.replies import stopped_in_line
from bot.errors import StopError
from bot.language import speaking, tr
from bot.services.texts import StopResult
from cogs._access import NO_MENTIONS, answer_error, services_of
from cogs._asker import asker_of, is_moderator
from cogs._pages import show_page
from cogs._story_answers import show_stopped_story


class StopButton(
    discord.ui.DynamicItem[discord.ui.Button[discord.ui.View]], template=STOP_TEMPLATE
):
    """A Stop button, rebuilt from its `custom_id` whenever it is clicked."""

    def __init__(self, job_id: str) -> None:
        super().__init__(
            discord.ui.Button(
                label=tr("Stop"),
                emoji="\N{BLACK SQUARE FOR STOP}\ufe0f",
                custom_id=stop_custom_id(job_id),
            )
        )
        self._job_id = job_id

    @classmethod
    async def from_custom_id(
        cls,
        interaction: discord.Interaction[discord.Client],
        item: discord.ui.Item[discord.ui.View],
        match: re.Match[str],
        /,
    ) -> "StopButton":
        """Called by discord.py for a click on any button whose id matches the template."""
        return cls(match["job_id"])

    async def callback(self, interaction: discord.Interaction[discord.Client]) -> None:
        """Stops the job, or tells the one who clicked why not."""
        structlog.contextvars.bind_contextvars(job_id=self._job_id, guild_id=interaction.guild_id)
        try:
            # Redis may take longer than Discord waits. Whatever becomes of it, the text is stopped.
            with contextlib.suppress(discord.HTTPException, OSError):
                await interaction.response.defer()
            await self._stop(interaction)
        except Exception as error:  # discord.py would only log it, and the click stay unanswered
            await answer_error(interaction, error)

    async def _stop(self, interaction: discord.Interaction[discord.Client]) -> None:
        result = await services_of(interaction.client).texts.stop(
            self._job_id,
            user_id=interaction.user.id,
            is_moderator=is_moderator(interaction),
        )
        match result:
            case StopResult.TOLD_WORKER:
                pass  # the worker ends the text, and the reply with it
            case StopResult.BEFORE_START:
                await _show_stopped(interaction, self._job_id)
            case StopResult.NOT_YOURS:
                raise StopError(
                    tr("Only the one who asked for this text, or a moderator, can stop it.")
                )
            case StopResult.NOTHING:
                raise StopError(tr("There is nothing left to stop here."))


async def _show_stopped(interaction: discord.Interaction[discord.Client], job_id: str) -> None:
    """A text that waited is gone; where it was to be a new version, the old one stays."""
    if await show_stopped_story(interaction, job_id):
        return
    message = interaction.message
    rows = [] if message is None else [cast("Any", row.to_dict()) for row in message.components]
    if found := shown_version(rows):
        outputs = services_of(interaction.client).outputs
        await show_page(interaction, await outputs.page(await outputs.at(*found)))
        return
    shown = message.content if message else ""
    servers = services_of(interaction.client).servers
    with speaking(await servers.public_language(asker_of(interaction).guild_id)):
        content = stopped_in_line(shown)
    await interaction.edit_original_response(
        content=content, view=None, allowed_mentions=NO_MENTIONS
    )


def stop_view(job_id: str) -> discord.ui.View:
    """A row with the Stop button, for messages that the bot process writes itself."""
    return discord.ui.View(timeout=None).add_item(StopButton(job_id))


async def setup(bot: commands.Bot) -> None:
    """Called by discord.py when the extension is loaded."""
    bot.add_dynamic_items(StopButton)
