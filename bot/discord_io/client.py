"""The bot's connection to Discord: an AutoShardedBot without privileged intents.

Built and run by `app`. Loads the cogs by name (a cog that does not load stops the start) and
registers the commands where they changed. No rules, no queue, no model in here.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

import aiohttp
import discord
import discord.http
import structlog
from discord import app_commands
from discord.ext import commands
from discord.state import AutoShardedConnectionState

from bot.discord_io.command_sync import same_commands
from bot.discord_io.endpoints import host_of
from bot.discord_io.translator import CatalogueTranslator
from bot.errors import SettingError, StartupError, UnreachableError
from bot.language import language_of, speaking
from bot.services import Services

COGS = (
    "cogs.errors", "cogs.stop", "cogs.complete", "cogs.outputs", "cogs.xray", "cogs.receipts",
    "cogs.story", "cogs.play", "cogs.limits", "cogs.server", "cogs.reports", "cogs.host",
    "cogs.privacy", "cogs.presence",
)  # fmt: skip

_log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Shards:
    """Which of a bot's shards this process runs: first to last of count."""

    first: int
    last: int
    count: int

    @classmethod
    def parse(cls, text: str) -> "Shards":
        """Reads "0-3/16" (or "2/16" for a single one).

        Raises:
            SettingError: the text is no such range.
        """
        try:
            span, count = text.split("/")
            first, _, last = span.partition("-")
            shards = cls(int(first), int(last or first), int(count))
        except ValueError:
            shards = cls(0, -1, 0)
        if not 0 <= shards.first <= shards.last < shards.count:
            reason = 'must look like "0-3/16": shards 0 to 3 of 16'
            raise SettingError("--shards", text, "the command line", reason)
        return shards


class _SpeakingState(AutoShardedConnectionState[Any]):
    """discord.py's own, which answers each member in their language.

    The one place where all commands, clicks and modals come in: the tasks that discord.py starts
    for them inherit the language.
    """

    def parse_interaction_create(self, data: Any) -> None:
        """Called by discord.py for each interaction that the gateway tells."""
        with speaking(language_of(data.get("locale"))):
            super().parse_interaction_create(data)


class BardlingBot(commands.AutoShardedBot):
    """discord.py's bot with the services that its cogs use."""

    def __init__(self, services: Services, shards: Shards | None) -> None:
        options: dict[str, Any] = {}
        if shards is not None:
            options["shard_ids"] = list(range(shards.first, shards.last + 1))
            options["shard_count"] = shards.count
        intents = discord.Intents.none()
        intents.guilds = True  # names and permissions; slash commands need no other intent
        intents.moderation = True  # a banned player's turn passes at once
        # A bot of texts has no voice; discord.py warns of what it would need for one.
        discord.VoiceClient.warn_nacl = discord.VoiceClient.warn_dave = False
        super().__init__(
            command_prefix=commands.when_mentioned,
            help_command=None,
            intents=intents,
            allowed_mentions=discord.AllowedMentions.none(),
            max_messages=None,
            **options,
        )
        self.services = services

    async def setup_hook(self) -> None:
        """Runs after the login and before the gateway: cogs first, then their commands."""
        for name in COGS:
            try:
                await self.load_extension(name)
            except commands.ExtensionError as error:
                raise StartupError(f"The extension {name} can't be loaded: {error}.") from error
        await self.tree.set_translator(CatalogueTranslator())
        await self._register_commands()

    def _get_state(self, **options: Any) -> AutoShardedConnectionState[Any]:
        """Called by discord.py when the bot is made."""
        return _SpeakingState(
            dispatch=self.dispatch,
            handlers=self._handlers,
            hooks=self._hooks,
            http=self.http,
            **options,
        )

    async def on_ready(self) -> None:
        """Discord has sent all servers."""
        _log.info("bot ready", user=str(self.user), guilds=len(self.guilds))

    async def _register_commands(self) -> None:
        application_id = cast(int, self.application_id)  # known since the login
        translator = cast(app_commands.Translator, self.tree.translator)  # set just before
        wanted = [
            await command.get_translated_payload(self.tree, translator)
            for command in self.tree.get_commands()
        ]
        path = "/applications/{application_id}/commands"
        registered: list[Mapping[str, object]] = await self.http.request(
            discord.http.Route("GET", path, application_id=application_id),
            params={"with_localizations": "true"},  # discord.py has no argument for it
        )
        if same_commands(wanted, registered):
            _log.info("commands unchanged", count=len(wanted))
            return
        await self.tree.sync()
        _log.info("commands registered", count=len(wanted))


async def run_client(bot: BardlingBot, token: str, api_url: str) -> None:
    """Logs in and stays connected until `bot.close()`.

    Raises:
        SettingError: Discord refuses the token.
        StartupError: Discord ends the connection for good, such as for a wrong shard count.
        UnreachableError: Discord can't be reached.
    """
    try:
        await bot.start(token)
    except discord.LoginFailure as error:
        reason = "Discord refuses it; copy the token again from the Developer Portal"
        raise SettingError("DISCORD_TOKEN", "(not shown)", "the environment", reason) from error
    except discord.ConnectionClosed as error:  # a close code that trying again would not help
        raise StartupError(f"Discord ended the connection for good: {error}.") from error
    except (aiohttp.ClientError, OSError, discord.HTTPException, discord.GatewayNotFound) as error:
        message = f"Discord can't be reached at {host_of(api_url)}: {error}."
        raise UnreachableError(message) from error
