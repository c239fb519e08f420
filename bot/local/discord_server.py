"""A Discord on this machine: REST, gateway, files and a live page on one port of 127.0.0.1.

`bardling try` and the end-to-end tests open it; bots and workers connect as other processes.
`LocalDiscord` also acts for the members. Holds no rule of Discord: those are SimCord's.
"""

import asyncio
import secrets
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager, suppress
from typing import TypeVar

from aiohttp import web

from bot.errors import UnreachableError
from bot.local.acting import Acting
from bot.local.fault_front import FaultFront
from bot.local.faults import Faults
from bot.local.file_front import FileFront
from bot.local.gateway_front import GATEWAY_PATH, GatewayFront
from bot.local.handles import Member, TextChannel
from bot.local.live_front import LiveFront
from bot.local.rate_limits import RateLimit, RateLimiter
from bot.local.recorder import Recorder, Request
from bot.local.rest_front import API_PREFIX, RestFront
from bot.local.simcord_bridge import World
from bot.local.states import JsonObject, MessageState

HOST = "127.0.0.1"
GUILD_NAME = "The Mead Hall"
FOREIGN_GUILD_NAME = "The Tavern"
_POLL_S = 0.05
_Found = TypeVar("_Found")


class LocalDiscord(Acting):
    """A server with two members and three channels from the start; more can be added.

    Both members have installed the bot for themselves too, and are in a second server that has
    not added it.

    Attributes:
        token: the bot's.
        ada: the servers' owner.
        ben: a member without any special permission.
        general, stories: the text channels.
        after_dark: an age-restricted one.
        elsewhere: the channel of the server without the bot.
        faults: what to let go wrong.
        recorder: what happened so far.
    """

    def __init__(self, *, bot_name: str, rate_limit: RateLimit) -> None:
        self.token = secrets.token_urlsafe(32)
        self.base_url = ""
        self.faults = Faults()
        self.recorder = Recorder()
        super().__init__(World(bot_name), self.wait_for)
        self._world.on_message.append(self._message_changed)
        self._limiter = RateLimiter(rate_limit)
        self._changed = asyncio.Event()
        self._gateway = GatewayFront(
            self._world,
            token=self.token,
            url=lambda: self.gateway_url,
            changed=self._connection_changed,
        )
        self.ada = Member(self._world.add_user("Ada"), "Ada")
        self.guild_id = self._world.add_guild(GUILD_NAME, self.ada.id)
        self._servers = {self.guild_id: GUILD_NAME}
        self._members = [self.ada]
        self._channels: list[TextChannel] = []
        self._files = FileFront(self._world, lambda: self.base_url)
        self._live = LiveFront(
            self._world,
            servers=self._servers,
            members=self._members,
            channels=self._channels,
            connected=lambda: self.bot_connected,
            take_upload=self._files.take,
        )
        self.ben = self.add_member("Ben")
        self.general = self.add_channel("general", topic="Anything goes")
        self.stories = self.add_channel("stories", topic="Once upon a time")
        self.after_dark = self.add_channel("after-dark", nsfw=True)
        foreign_id = self.add_guild(FOREIGN_GUILD_NAME, self.ada, has_bot=False)
        self._world.add_member(foreign_id, self.ben.id)
        for member in (self.ada, self.ben):
            self.install_for(member)
        self.elsewhere = self.add_channel("taproom", guild_id=foreign_id)

    # --- addresses

    @property
    def api_url(self) -> str:
        return self.base_url + API_PREFIX

    @property
    def gateway_url(self) -> str:
        return self.base_url.replace("http", "ws", 1) + GATEWAY_PATH

    @property
    def page_url(self) -> str:
        return self.base_url + "/"

    @property
    def application_id(self) -> int:
        return self._world.application_id

    @property
    def bot_user(self) -> JsonObject:
        """The bot's user object."""
        return self._world.bot

    @property
    def environment(self) -> dict[str, str]:
        """What a bot or a worker process needs to know to connect here."""
        return {
            "DISCORD_TOKEN": self.token,
            "DISCORD_API_URL": self.api_url,
            "DISCORD_GATEWAY_URL": self.gateway_url,
        }

    # --- arranging

    def add_guild(self, name: str, owner: Member, *, has_bot: bool = True) -> int:
        """Another server, which the bot joins at once or, without it, never; returns its id."""
        add = self._world.add_guild if has_bot else self._world.places.add_guild_without_bot
        guild_id = add(name, owner.id)
        self._servers[guild_id] = name
        return guild_id

    def add_channel(
        self,
        name: str,
        *,
        guild_id: int | None = None,
        topic: str | None = None,
        nsfw: bool = False,
    ) -> TextChannel:
        """Another text channel; `nsfw` makes it age-restricted."""
        guild = guild_id or self.guild_id
        channel_id = self._world.add_text_channel(guild, name, topic)
        if nsfw:
            self._world.places.restrict(channel_id)
        channel = TextChannel(channel_id, name, guild, topic, nsfw)
        self._channels.append(channel)
        return channel

    def add_member(self, name: str, guild_id: int | None = None) -> Member:
        member = Member(self._world.add_user(name), name)
        self._world.add_member(guild_id or self.guild_id, member.id)
        self._members.append(member)
        return member

    def install_for(self, member: Member) -> None:
        """The member installs the bot for themselves, so that it is there wherever they are."""
        self._world.places.install(member.id)

    def set_locale(self, member: Member, locale: str) -> None:
        """Sets the language of a member's Discord, such as "de"; it is "en-US" at first.

        A page sets it too, for the member it shows.
        """
        self._world.places.speak(member.id, locale)

    def direct_channel(self, member: Member) -> TextChannel:
        """The direct messages of a member with the bot."""
        name = str(self.bot_user["username"])
        return TextChannel(self._world.direct_channel(member.id), name, None, None)

    def advance_clock(self, seconds: float) -> None:
        """Moves Discord's own clock ahead: deadlines pass, tokens expire."""
        self._world.advance_clock(seconds)

    def delete_message(self, channel: TextChannel, message_id: int) -> None:
        """A message goes, as when a moderator deletes it."""
        self._world.delete_message(channel.id, message_id)

    def delete_channel(self, channel: TextChannel) -> None:
        """A channel goes with all its messages."""
        if channel in self._channels:  # a thread is in its channel's list
            self._channels.remove(channel)
        self._world.delete_channel(channel.id)

    def deny_bot(self, channel: TextChannel, *permissions: str) -> None:
        """Takes permissions from the bot in a channel, such as "send_messages"; none: gives back.

        Raises:
            KeyError: there is no such permission.
        """
        self._world.deny_bot(channel.id, permissions)

    def disconnect_bot(self, *, forget: bool = False) -> None:
        """Cuts the bot's gateway connection; with `forget` it can't resume its session."""
        self._gateway.disconnect()
        if forget:
            self._gateway.forget_sessions()

    # --- waiting

    @property
    def bot_connected(self) -> bool:
        return self._gateway.connected

    def commands(self) -> list[JsonObject]:
        """What the bot has registered for all servers."""
        return self._world.commands()

    async def wait_ready(self, timeout_s: float) -> None:
        """Waits until the bot is connected and has registered commands.

        Raises:
            TimeoutError: it did not happen in time.
        """
        await self.wait_for(
            lambda: self.bot_connected and self.commands(), timeout_s, "the bot to be ready"
        )

    async def wait_for(
        self, condition: Callable[[], _Found], timeout_s: float, what: str = "a condition"
    ) -> _Found:
        """Waits until a condition holds, looking again after every change; returns its value.

        Raises:
            TimeoutError: it did not hold in time; the message names `what`.
        """
        loop = asyncio.get_running_loop()
        deadline_s = loop.time() + timeout_s
        while not (found := condition()):
            if loop.time() >= deadline_s:
                raise TimeoutError(f"waited {timeout_s:g} s for {what}")
            self._changed.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(_POLL_S):
                    await self._changed.wait()
        return found

    # --- what members see

    def threads(self, channel: TextChannel) -> list[TextChannel]:
        """A channel's open threads, the oldest first."""
        return [
            TextChannel(id_, name, channel.guild_id, None, channel.nsfw)
            for id_, name in self._world.threads(channel.id)
        ]

    def messages(self, channel: TextChannel, as_member: Member) -> list[JsonObject]:
        """What a member sees in a channel, oldest first."""
        return self._world.messages(channel.id, as_member.id)

    def visible_commands(self, channel: TextChannel, as_member: Member) -> list[JsonObject]:
        """The commands a member can pick in a channel."""
        return self._world.visible_commands(as_member.id, channel.id)

    # --- inside

    def _message_changed(self, state: MessageState) -> None:
        self.recorder.states.append(state)
        self._live.message_changed(state)
        self._changed.set()

    def _connection_changed(self) -> None:
        self._live.bot_changed()
        self._changed.set()

    def _request_answered(self, request: Request) -> None:
        if request.method == "PUT" and request.path.endswith("/commands"):
            self._live.bot_changed()
        elif request.path.startswith("/interactions/"):
            self._live.interactions_changed()
        self._changed.set()

    def _application(self) -> web.Application:
        rest = RestFront(
            self._world,
            token=self.token,
            gateway_url=lambda: self.gateway_url,
            limiter=self._limiter,
            faults=self.faults,
            recorder=self.recorder,
            answered=self._request_answered,
        )
        application = web.Application(client_max_size=32 << 20)
        application.add_routes(rest.routes())
        application.add_routes(self._gateway.routes())
        application.add_routes(self._live.routes())
        application.add_routes(self._files.routes())
        application.add_routes(FaultFront(self.faults, token=self.token).routes())
        return application

    @asynccontextmanager
    async def _serve(self, port: int) -> AsyncGenerator[None]:
        runner = web.AppRunner(self._application(), access_log=None, shutdown_timeout=0.5)
        await runner.setup()
        try:
            site = web.TCPSite(runner, HOST, port)
            try:
                await site.start()
            except OSError as error:
                message = f"The local Discord can't use port {port}: {error.strerror or error}."
                raise UnreachableError(message) from error
            self.base_url = f"http://{HOST}:{runner.addresses[0][1]}"
            self._world.serve_files_at(self.base_url)
            yield
        finally:
            self._gateway.disconnect()
            self._live.close()
            await runner.cleanup()


@asynccontextmanager
async def open_local_discord(
    port: int = 0,
    *,
    bot_name: str = "Bardling",
    rate_limit: RateLimit | None = None,
) -> AsyncGenerator[LocalDiscord]:
    """A local Discord for as long as the context is open.

    Args:
        port: of 127.0.0.1; 0 takes a free one.
        rate_limit: of each webhook; Discord's usual 5 in 5 s by default.

    Raises:
        UnreachableError: the port is taken.
    """
    local = LocalDiscord(bot_name=bot_name, rate_limit=rate_limit or RateLimit())
    async with local._serve(port):  # pyright: ignore[reportPrivateUsage]  # its own factory
        yield local
