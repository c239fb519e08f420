"""Which servers the bot is in, and what joining, leaving and deleted channels mean for them."""

from collections.abc import Awaitable

import discord
import structlog
from discord.ext import commands, tasks

from bot.errors import RequestError
from bot.services.servers import ServersService
from cogs._access import services_of

_log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)


class Presence(commands.Cog):
    """Hears of servers and channels that come and go."""

    def __init__(self, bot: commands.Bot, servers: ServersService) -> None:
        self._bot = bot
        self._servers = servers

    @commands.Cog.listener()
    async def on_ready(self) -> None:
        """All servers of this process are known; from now on they are noted each hour."""
        if not self._notes_servers.is_running():
            self._notes_servers.start()

    async def cog_unload(self) -> None:
        """Called by discord.py."""
        self._notes_servers.cancel()

    @tasks.loop(hours=1)
    async def _notes_servers(self) -> None:
        """A removal while no process was connected shows by its absence here."""
        if self._bot.is_ready():
            await _heed(self._servers.on_guilds_seen([one.id for one in self._bot.guilds]), 0)

    @commands.Cog.listener()
    async def on_guild_join(self, guild: discord.Guild) -> None:
        """The bot is in a server."""
        await _heed(self._servers.on_guild_added(guild.id), guild.id)

    @commands.Cog.listener()
    async def on_guild_remove(self, guild: discord.Guild) -> None:
        """The bot is no longer in a server."""
        await _heed(self._servers.on_guild_removed(guild.id), guild.id)

    @commands.Cog.listener()
    async def on_guild_channel_delete(self, channel: discord.abc.GuildChannel) -> None:
        """A channel is gone."""
        guild_id = channel.guild.id
        await _heed(self._servers.on_channel_deleted(guild_id, channel.id), guild_id)


async def _heed(call: Awaitable[None], guild_id: int) -> None:
    """Lets the service know of an event; nobody is there to hear of an error."""
    try:
        await call
    except RequestError as error:
        _log.warning("event not heeded", guild_id=guild_id, reason=type(error).__name__)


async def setup(bot: commands.Bot) -> None:
    """Called by discord.py when the extension is loaded."""
    await bot.add_cog(Presence(bot, services_of(bot).servers))
