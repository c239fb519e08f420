"""The bot with its real cogs, told of commands and clicks as the gateway tells it.

Everything of discord.py is real down to its HTTP session; there `Wire` takes the requests, so
that a test sees what Discord would get. The queue is the one in memory.
"""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, cast
from urllib.parse import urlsplit

import aiohttp
import discord

from bot.core.buttons import stop_row
from bot.core.jobs import Job
from bot.core.limits import HostLimits
from bot.discord_io.client import COGS, BardlingBot
from bot.jobqueue.limits import QueueLimits
from bot.jobqueue.memory_queue import MemoryQueue
from bot.services.waiting import Pace
from tests.memory_services import RecordedReplies, memory_services, memory_stores
from tests.unit.worker.workshop import FlakyQueue

NOW_S = 5_000.0
DRAWN_SEED = 42
ASKER, STRANGER = 100, 200
GUILD, CHANNEL = 10, 20
APPLICATION, MESSAGE = 1, 900
MANAGE_MESSAGES = 1 << 13
EPHEMERAL = 1 << 6
MESSAGE_ANSWER, DEFER_THINKING, DEFER_UPDATE = 4, 5, 6  # kinds of first answers

# Notices without the usual waits.
_PACE = Pace(first_after_s=0.02, every_s=0.03, apart_s=0.001, idle_s=0.005)
_AUTHOR = {"id": "1", "username": "bardling", "discriminator": "0", "avatar": None, "bot": True}


@dataclass(frozen=True, kw_only=True)
class Call:
    """One request that Discord got, and how many jobs waited at that moment."""

    method: str
    path: str
    body: dict[str, Any]
    queued: int

    @property
    def route(self) -> str:
        """Method and path without ids and tokens."""
        if self.path.endswith("/callback"):
            return f"{self.method} callback"
        if self.path.endswith("/messages/@original"):
            return f"{self.method} @original"
        return f"{self.method} followup"

    @property
    def kind(self) -> int:
        """Which kind of first answer this is."""
        return self.body["type"]

    @property
    def message(self) -> dict[str, Any]:
        """The message that is sent, wherever the route wants it."""
        return self.body.get("data", self.body)

    @property
    def is_private(self) -> bool:
        return bool(self.message.get("flags", 0) & EPHEMERAL)

    @property
    def pings_nobody(self) -> bool:
        return {"parse": []} == self.message["allowed_mentions"]

    @property
    def error_id(self) -> str:
        """The id under a sentence that tells an error."""
        found = re.search(r"\n-# Error ([0-9a-f]{8})$", self.message["content"])
        assert found, self.message["content"]
        return found[1]


class _Answer:
    """As much of aiohttp's response as discord.py reads."""

    def __init__(self, status: int, data: object) -> None:
        self.status = status
        self.reason = "for a test"
        self.headers = {"content-type": "application/json"}
        self._data = data

    async def text(self, encoding: str) -> str:
        return json.dumps(self._data)


@dataclass
class Wire:
    """In place of discord.py's HTTP session: keeps each request, answers as Discord would.

    `refused` maps a route to the status and error code that it answers with; on a `broken`
    route the connection ends without an answer.
    """

    queue: MemoryQueue
    calls: list[Call] = field(default_factory=list[Call])
    refused: dict[str, tuple[int, int]] = field(default_factory=dict[str, tuple[int, int]])
    broken: set[str] = field(default_factory=set[str])

    @asynccontextmanager
    async def request(
        self, method: str, url: str, *, data: str | None = None, **_options: object
    ) -> AsyncIterator[_Answer]:
        call = Call(
            method=method,
            path=urlsplit(url).path,
            body=json.loads(data or "{}"),
            queued=(await self.queue.load()).queued,
        )
        self.calls.append(call)
        if call.route in self.broken:
            raise aiohttp.ServerDisconnectedError
        if call.route in self.refused:
            status, code = self.refused[call.route]
            yield _Answer(status, {"code": code, "message": "refused for a test"})
        elif call.route.endswith("callback"):
            yield _Answer(200, {"interaction": {"id": "1", "type": 2}})
        else:
            yield _Answer(200, _message(content=call.message.get("content", "")))

    async def close(self) -> None:
        """discord.py closes its session when it ends."""


class Gate(FlakyQueue):
    """A queue that can be down, and that can fail as no queue should."""

    fault: Exception | None = None

    def __getattr__(self, name: str) -> Callable[..., object]:
        if self.fault is not None:
            raise self.fault
        return super().__getattr__(name)


class Front:
    """What members do, and what they see of it.

    Attributes:
        queue: where the jobs are.
        gate: between the bot and the queue; asked after the defer.
        replies: those that the bot edits over REST, as other processes may look after them.
        wire: between the bot and Discord.
        fault: a mistake of ours, raised while a command is checked, before the defer.
    """

    def __init__(self, *, max_queued: int = 10, host_limits: HostLimits | None = None) -> None:
        limits = QueueLimits(max_queued=max_queued)
        self.queue = MemoryQueue(clock=lambda: NOW_S, limits=limits)
        self.gate = Gate(self.queue)
        self.stores = memory_stores(self.gate, lambda: NOW_S)  # pyright: ignore[reportArgumentType]
        self.replies = RecordedReplies()
        self.services = memory_services(
            self.gate,  # pyright: ignore[reportArgumentType]
            self._now,
            stores=self.stores,
            host_limits=host_limits,
            seed=DRAWN_SEED,
            pace=_PACE,
            replies=self.replies,
        )
        self.bot = BardlingBot(self.services, None)
        self.wire = Wire(self.queue)
        self.fault: Exception | None = None

    @asynccontextmanager
    async def running(self) -> AsyncIterator["Front"]:
        """The bot with its extensions loaded, logged in nowhere."""
        async with self.bot:
            # What a log-in would leave behind.
            state = self.bot._connection
            state.user = discord.ClientUser(state=state, data=cast(Any, _AUTHOR))
            vars(state.http)["_HTTPClient__session"] = self.wire
            for name in COGS:
                await self.bot.load_extension(name)
            yield self

    async def command(
        self, *, interaction_id: int = 1, user_id: int = ASKER, guild_id: int | None = GUILD,
        name: str = "complete", payload: dict[str, Any] | None = None, **options: object,
    ) -> list[Call]:  # fmt: skip
        """Somebody types a command; what Discord gets until all is quiet.

        `payload` replaces parts of what the gateway says.
        """
        data = {
            "id": "5",
            "name": name,
            "type": 1,
            "options": [
                {"name": option, "type": _option_type(value), "value": value}
                for option, value in ({"prompt": "Once upon a time"} | options).items()
            ],
        }
        return await self._tell(
            _interaction(2, data, interaction_id=interaction_id, user_id=user_id, guild_id=guild_id)
            | (payload or {})
        )

    async def type(
        self, path: str, /, *, user_id: int = ASKER, permissions: int = 0,
        guild_id: int | None = GUILD, **options: object,
    ) -> list[Call]:  # fmt: skip
        """Somebody types a subcommand, such as "host block"; else as `command`."""
        name, sub = path.split()
        given = [
            {"name": option, "type": _option_type(value), "value": value}
            for option, value in options.items()
        ]
        data = {
            "id": "5", "name": name, "type": 1,
            "options": [{"name": sub, "type": 1, "options": given}],
        }  # fmt: skip
        payload = _interaction(
            2, data, interaction_id=3, user_id=user_id, guild_id=guild_id, permissions=permissions
        )
        return await self._tell(payload)

    async def click(
        self, job_id: str = "1", *, user_id: int = ASKER, guild_id: int | None = GUILD,
        permissions: int = 0, shown: str = "", locale: str = "en-US",
    ) -> list[Call]:  # fmt: skip
        """Somebody clicks the Stop button of a job; what Discord gets until all is quiet."""
        row = stop_row(job_id)
        custom_id = row[0]["components"][0]["custom_id"]
        payload = _interaction(
            3,
            {"custom_id": custom_id, "component_type": 2},
            interaction_id=2,
            user_id=user_id,
            guild_id=guild_id,
            permissions=permissions,
        )
        message = _message(content=shown, components=row)
        return await self._tell(payload | {"message": message, "locale": locale})

    def interaction(self, kind: discord.InteractionType) -> discord.Interaction[discord.Client]:
        """A command or a click that nothing has answered yet."""
        payload = _interaction(
            kind.value, {"id": "5", "name": "complete"}, interaction_id=1, user_id=ASKER,
            guild_id=GUILD,
        )  # fmt: skip
        return discord.Interaction(data=cast(Any, payload), state=self.bot._connection)

    async def notices(self, *, at_least: int = 0) -> list[Call]:
        """What the replies that wait are told in a while of many looks at each.

        A busy machine may need longer for `at_least` so many.
        """
        before = len(self.wire.calls)
        board = asyncio.create_task(self.services.board.run())
        async with asyncio.timeout(5):
            while len(self.wire.calls) < before + at_least:  # noqa: ASYNC110
                await asyncio.sleep(0.005)
        await asyncio.sleep(0.2)
        board.cancel()
        await asyncio.gather(board, return_exceptions=True)
        return self.wire.calls[before:]

    async def set_free_slots(self, n: int) -> None:
        """A worker with that much room shows up."""
        await self.queue.renew("w", n, [])

    async def jobs_put(self) -> list[Job]:
        """All jobs that wait; afterwards a worker has them."""
        return [claim.job for claim in await self.queue.claim("w", 100, 0)]

    def _now(self) -> float:
        if self.fault is not None:
            raise self.fault
        return NOW_S

    async def _tell(self, payload: dict[str, Any]) -> list[Call]:
        before = len(self.wire.calls)
        others = asyncio.all_tasks()
        parse = cast("Callable[[object], None]", self.bot._connection.parse_interaction_create)
        parse(payload)
        while started := asyncio.all_tasks() - others:
            await asyncio.gather(*started)
        return self.wire.calls[before:]


def _option_type(value: object) -> int:
    return {str: 3, int: 4, bool: 5, float: 10}[type(value)]


def _interaction(
    kind: int,
    data: dict[str, Any],
    *,
    interaction_id: int,
    user_id: int,
    guild_id: int | None,
    permissions: int = 0,
) -> dict[str, Any]:
    """What the gateway says: https://discord.com/developers/docs/interactions/receiving."""
    user = {"id": str(user_id), "username": "ada", "discriminator": "0", "avatar": None}
    payload: dict[str, Any] = {
        "id": str(interaction_id),
        "application_id": str(APPLICATION),
        "type": kind,
        "data": data,
        "token": f"token-{interaction_id}",
        "version": 1,
        "locale": "en-US",
        "entitlements": [],
        "attachment_size_limit": 10_000_000,
        "app_permissions": "0",
        "authorizing_integration_owners": {"0": str(guild_id or 0)},
    }
    if guild_id is None:
        channel = {"id": str(CHANNEL), "type": 1, "recipients": [user], "last_message_id": None}
        return payload | {"user": user, "channel": channel}
    member = {
        "user": user,
        "roles": [],
        "joined_at": "2024-01-01T00:00:00+00:00",
        "permissions": str(permissions),
        "flags": 0,
        "deaf": False,
        "mute": False,
    }
    channel = {"id": str(CHANNEL), "type": 0, "name": "general", "position": 0}
    return payload | {"guild_id": str(guild_id), "member": member, "channel": channel}


def _message(**changes: object) -> dict[str, Any]:
    return {
        "id": str(MESSAGE),
        "channel_id": str(CHANNEL),
        "author": _AUTHOR,
        "content": "",
        "timestamp": "2024-01-01T00:00:00+00:00",
        "edited_timestamp": None,
        "tts": False,
        "mention_everyone": False,
        "mentions": [],
        "mention_roles": [],
        "attachments": [],
        "embeds": [],
        "pinned": False,
        "type": 0,
        "flags": 0,
        "components": [],
    } | changes
