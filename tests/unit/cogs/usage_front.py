"""A bare command tree of the real discord.py, with the two commands that show usage."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, cast
from urllib.parse import urlsplit

import discord
from discord import app_commands

from bot.core.limits import HostLimits
from bot.services.limits import LimitsService
from bot.services.usage import UsageService
from bot.state.memory_limits import MemoryLimits
from bot.state.memory_usage import MemoryUsage
from cogs._limits_simulate import add_simulate
from cogs._server_stats import add_stats
from cogs.errors import _on_error
from tests.unit.cogs.front import (
    _AUTHOR,
    ASKER,
    CHANNEL,
    GUILD,
    Call,
    _Answer,
    _interaction,
    _message,
)

NOW_S = 1_795_600_000.0
MANAGE_GUILD = 1 << 5


@dataclass(frozen=True, kw_only=True)
class Sent:
    """A request that Discord got, with the file that came with it."""

    call: Call
    file: bytes | None = None


@dataclass
class FileWire:
    """In place of discord.py's HTTP session: keeps each request, files included."""

    sent: list[Sent] = field(default_factory=list[Sent])

    @asynccontextmanager
    async def request(
        self, method: str, url: str, *, data: Any = None, **_options: object
    ) -> AsyncIterator[_Answer]:
        body, file = data or "{}", None
        if not isinstance(body, str):  # a form: its fields are (options, headers, value)
            values = {options["name"]: value for options, _, value in data._fields}
            body, file = values["payload_json"], values["files[0]"].read()
        call = Call(method=method, path=urlsplit(url).path, body=json.loads(body), queued=0)
        self.sent.append(Sent(call=call, file=file))
        if call.route.endswith("callback"):
            yield _Answer(200, {"interaction": {"id": "1", "type": 2}})
        else:
            yield _Answer(200, _message(content=call.message.get("content", "")))

    async def close(self) -> None:
        """discord.py closes its session when it ends."""


class UsageFront:
    """An admin, and what they see.

    Attributes:
        usage: the service behind the commands, on a store in memory.
        limits: know the exempt roles, as well.
    """

    def __init__(self) -> None:
        self.usage = UsageService(MemoryUsage(clock=lambda: NOW_S), clock=lambda: NOW_S)
        self.limits = LimitsService(MemoryLimits(lambda: NOW_S), HostLimits())
        self._wire = FileWire()

    @asynccontextmanager
    async def running(self) -> AsyncIterator["UsageFront"]:
        """The commands, logged in nowhere."""
        self._client = discord.Client(intents=discord.Intents.none())
        tree = app_commands.CommandTree(self._client)
        tree.error(_on_error)
        server, limits = (
            app_commands.Group(name=name, description="For admins") for name in ("server", "limits")
        )
        add_stats(server, self.usage)
        add_simulate(limits, self.usage, self.limits)
        for group in (server, limits):
            tree.add_command(group)
        async with self._client:
            state = self._client._connection
            state.user = discord.ClientUser(state=state, data=cast(Any, _AUTHOR))
            vars(state.http)["_HTTPClient__session"] = self._wire
            yield self

    async def command(
        self, name: str, *, guild_id: int | None = GUILD, permissions: int = MANAGE_GUILD,
        is_installed: bool = True, resolved: dict[str, Any] | None = None, **options: object,
    ) -> list[Sent]:  # fmt: skip
        """Somebody types "group subcommand"; what Discord gets until all is quiet."""
        group, sub = name.split()
        given = [
            {"name": option, "type": _option_type(option, value), "value": value}
            for option, value in options.items()
        ]
        data = {
            "id": "5",
            "name": group,
            "type": 1,
            "options": [{"name": sub, "type": 1, "options": given}],
            "resolved": resolved or {},
        }
        payload = _interaction(
            2, data, interaction_id=1, user_id=ASKER, guild_id=guild_id, permissions=permissions
        )
        owners = {"0": str(guild_id or 0)} if is_installed else {"1": str(ASKER)}
        before, others = len(self._wire.sent), asyncio.all_tasks()
        parse = cast("Callable[[object], None]", self._client._connection.parse_interaction_create)
        parse(payload | {"authorizing_integration_owners": owners})
        while started := asyncio.all_tasks() - others:
            await asyncio.gather(*started)
        return self._wire.sent[before:]


def resolved_role(role_id: int) -> dict[str, Any]:
    """What Discord says of a role that an option names."""
    role = {"id": str(role_id), "name": "regulars", "permissions": "0", "position": 1, "color": 0}
    colors = {"primary_color": 0, "secondary_color": None, "tertiary_color": None}
    flags = {"hoist": False, "managed": False, "mentionable": False, "flags": 0}
    return {"roles": {str(role_id): role | flags | {"colors": colors}}}


def resolved_channel(channel_id: int = CHANNEL) -> dict[str, Any]:
    """What Discord says of a channel that an option names."""
    channel = {"id": str(channel_id), "type": 0, "name": "general", "permissions": "0"}
    return {"channels": {str(channel_id): channel}}


def _option_type(name: str, value: object) -> int:
    return {"role": 8, "channel": 7}.get(name) or {str: 3, int: 4}[type(value)]
