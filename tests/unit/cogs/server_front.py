"""`/server` as admins use it: the cogs' front with a service for servers behind it."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any, cast

import discord

from bot.services.servers import ServersService
from bot.state.memory_settings import MemorySettings
from tests.unit.cogs.front import (
    APPLICATION,
    CHANNEL,
    GUILD,
    NOW_S,
    Call,
    Front,
)

ADMIN, LOG_CHANNEL, CATEGORY_ID = 300, 30, 40
MANAGE_GUILD = 1 << 5
_KINDS = {str: 3, int: 4, bool: 5, discord.Object: 7}


class ServerFront(Front):
    """What admins do, and what Discord gets.

    Attributes:
        store: where the settings are.
        servers: the service on it.
    """

    def __init__(self) -> None:
        super().__init__()
        self.store = MemorySettings(clock=lambda: NOW_S)
        self.servers = ServersService(self.store, lambda: NOW_S, self._served)
        self.bot.services = replace(self.bot.services, servers=self.servers)

    @asynccontextmanager
    async def running(self) -> AsyncIterator["ServerFront"]:
        """The bot with its cogs."""
        async with super().running():
            http = self.bot._connection.http  # what a log-in would leave behind
            http._global_over = asyncio.Event()
            http._global_over.set()
            yield self

    async def server(self, path: str, /, **options: object) -> list[Call]:
        """An admin types `/server <path>`; what Discord gets until all is quiet."""
        return await self.tell(2, _command(path, options), MANAGE_GUILD)

    async def member(
        self, path: str, /, *, owners: bool = True, permissions: int = 0
    ) -> list[Call]:
        """Somebody else does."""
        return await self.tell(2, _command(path, {}), permissions, owners=owners)

    async def complete_option(self, path: str, option: str, text: str) -> list[str]:
        """An admin types in an option; what Discord would offer."""
        data = _command(path, {option: text})
        data["options"][0]["options"][0]["focused"] = True
        (call,) = await self.tell(4, data, MANAGE_GUILD)
        return [choice["value"] for choice in call.body["data"]["choices"]]

    async def press(self, custom_id: str, *, permissions: int = MANAGE_GUILD) -> list[Call]:
        """Somebody clicks a button of an earlier process."""
        return await self.tell(3, {"custom_id": custom_id, "component_type": 2}, permissions)

    async def tell(
        self, kind: int, data: dict[str, Any], permissions: int, *, owners: bool = True
    ) -> list[Call]:
        """The gateway tells of an interaction."""
        user = {"id": str(ADMIN), "username": "ada", "discriminator": "0", "avatar": None}
        payload = {
            "id": "77",
            "application_id": str(APPLICATION),
            "type": kind,
            "data": data,
            "token": "token-77",
            "version": 1,
            "locale": "en-US",
            "entitlements": [],
            "attachment_size_limit": 10_000_000,
            "app_permissions": "0",
            "authorizing_integration_owners": {"0": str(GUILD)} if owners else {"1": str(ADMIN)},
            "guild_id": str(GUILD),
            "channel": {"id": str(CHANNEL), "type": 0, "name": "general", "position": 0},
            "member": {
                "user": user,
                "roles": [],
                "joined_at": "2024-01-01T00:00:00+00:00",
                "permissions": str(permissions),
                "flags": 0,
                "deaf": False,
                "mute": False,
            },
        }
        if kind == 3:
            payload["message"] = {
                "id": "900", "channel_id": str(CHANNEL), "content": "", "author": user,
                "timestamp": "2024-01-01T00:00:00+00:00", "edited_timestamp": None, "tts": False,
                "mention_everyone": False, "mentions": [], "mention_roles": [], "attachments": [],
                "embeds": [], "pinned": False, "type": 0, "flags": 0, "components": [
                    {"type": 1, "components": [
                        {"type": 2, "style": 4, "label": "x", "custom_id": data["custom_id"]}]}],
            }  # fmt: skip
        return await self._tell(payload)

    def guild(self) -> discord.Guild:
        """The server with a channel, as the gateway would have told of it."""
        channels = [
            {"id": str(id_), "type": 0, "name": "c", "position": 0, "permission_overwrites": []}
            for id_ in (CHANNEL, LOG_CHANNEL)
        ]
        data = {"id": str(GUILD), "name": "g", "channels": channels, "roles": [], "member_count": 1}
        state = self.bot._connection
        guild = discord.Guild(data=cast(Any, data), state=state)
        state._add_guild(guild)
        return guild

    async def gateway(self, parse: Callable[[Any], object], data: dict[str, Any]) -> None:
        """Something happens to a server."""
        await self._heed_all(lambda: parse(data))

    async def dispatch(self, event: str, *args: object) -> None:
        """discord.py says that something happened."""
        await self._heed_all(lambda: self.bot.dispatch(event, *args))

    async def _heed_all(self, happen: Callable[[], object]) -> None:
        others = asyncio.all_tasks()
        happen()
        while started := asyncio.all_tasks() - others:
            await asyncio.gather(*started)

    async def _served(self) -> list[str]:
        return ["gpt2", "gpt2-xl"]


def _command(path: str, options: dict[str, Any]) -> dict[str, Any]:
    """The data of a slash command: "filter add" is a subcommand in a group."""
    given = [
        {
            "name": name,
            "type": _KINDS[type(value)],
            "value": str(value.id) if isinstance(value, discord.Object) else value,
        }
        for name, value in options.items()
    ]
    nested: list[dict[str, Any]] = given
    for depth, name in enumerate(reversed(path.split())):
        nested = [{"name": name, "type": 1 if depth == 0 else 2, "options": nested}]
    channels = {
        str(value.id): {
            "id": str(value.id),
            "type": 4 if value.id == CATEGORY_ID else 0,
            "name": "c",
            "permissions": "0",
        }
        for value in options.values()
        if isinstance(value, discord.Object)
    }
    return {
        "id": "5",
        "name": "server",
        "type": 1,
        "options": nested,
        "resolved": {"channels": channels},
    }
