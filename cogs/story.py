"""`/story`: story games in channels and threads, with buttons that outlive restarts.

The commands are in the parts `_story_*`; all rules are in `bot.stories`, and every move goes
through `services.stories`.
"""

from collections.abc import Awaitable

import discord
import structlog
from discord import app_commands
from discord.ext import commands

from bot.errors import RequestError
from bot.stories.buttons import STORY_FORM_TEMPLATE, STORY_START_TEMPLATE
from cogs._access import answer_error
from cogs._forms import form_answer
from cogs._story import refresh
from cogs._story_answers import Interaction, stories_of
from cogs._story_buttons import StoryButton, give_back, take_form
from cogs._story_keeping import StoryKeeping
from cogs._story_shelf import StoryShelfCommands
from cogs._story_start import StoryStart, start_from_form
from cogs._story_table import StoryTable
from cogs._story_writing import StoryWriting

_log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)


@app_commands.allowed_installs(guilds=True, users=True)
@app_commands.allowed_contexts(guilds=True, dms=True, private_channels=True)
class Story(
    StoryStart,
    StoryWriting,
    StoryKeeping,
    StoryShelfCommands,
    StoryTable,
    commands.GroupCog,
    group_name="story",
    group_description="Stories that a channel and the model write together",
):
    """The `/story` commands, the answers to forms, and what happens to channels and members."""

    def __init__(self, bot: commands.Bot) -> None:
        self._bot = bot

    @commands.Cog.listener()
    async def on_interaction(self, interaction: Interaction) -> None:
        """Called by discord.py for everything; takes the answers to this cog's forms."""
        move = form_answer(interaction, STORY_FORM_TEMPLATE)
        start = form_answer(interaction, STORY_START_TEMPLATE)
        try:
            if move is not None:
                await take_form(interaction, move)
            elif start is not None:
                await start_from_form(interaction, start)
        except Exception as error:  # discord.py would only log it
            await answer_error(interaction, error)
            if move is not None:
                await give_back(interaction, move)

    @commands.Cog.listener()
    async def on_raw_thread_delete(self, payload: discord.RawThreadDeleteEvent) -> None:
        """A thread is gone: its story waits, and can be loaded elsewhere."""
        await _heed(stories_of(self._bot).events.channel_gone(payload.thread_id))

    @commands.Cog.listener()
    async def on_guild_channel_delete(self, channel: discord.abc.GuildChannel) -> None:
        """As for a thread; its own go with it."""
        events = stories_of(self._bot).events
        threads: list[discord.Thread] = getattr(channel, "threads", [])
        for gone in (channel.id, *(thread.id for thread in threads)):
            await _heed(events.channel_gone(gone))

    @commands.Cog.listener()
    async def on_raw_member_remove(self, payload: discord.RawMemberRemoveEvent) -> None:
        """A member left, where Discord tells the bot: their turns pass at once.

        Where it does not, each of their turns passes with time, until they are off the order.
        """
        await _heed(self._member_gone(payload.guild_id, payload.user.id))

    @commands.Cog.listener()
    async def on_member_ban(
        self, guild: discord.Guild, user: discord.User | discord.Member
    ) -> None:
        """As when they leave."""
        await _heed(self._member_gone(guild.id, user.id))

    async def _member_gone(self, guild_id: int, user_id: int) -> None:
        for played in await stories_of(self._bot).events.member_gone(guild_id, user_id):
            await refresh(self._bot, played)


async def _heed(call: Awaitable[None]) -> None:
    """Lets the service know of an event; nobody is there to hear of an error."""
    try:
        await call
    except RequestError as error:
        _log.warning("event not noted", reason=type(error).__name__)


async def setup(bot: commands.Bot) -> None:
    """Called by discord.py when the extension is loaded."""
    bot.add_dynamic_items(StoryButton)
    await bot.add_cog(Story(bot))
