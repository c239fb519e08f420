"""`/limits` as members and admins use it, with everything of discord.py real."""

from typing import Any, cast

import discord

from bot.services.limits import LimitsService
from tests.unit.cogs import front as discord_front
from tests.unit.cogs.front import ASKER, CHANNEL, GUILD, STRANGER, Call, Front

MANAGE_GUILD = 1 << 5
WRITERS = 31
THREAD, FORUM_CHANNEL = 50, 21
COMMAND, AUTOCOMPLETE = 2, 4


class LimitsFront:
    """A server whose members type `/limits`.

    Attributes:
        service: what the commands talk to.
        front: the bot.
    """

    def __init__(self, front: Front, service: LimitsService) -> None:
        self.front = front
        self.service = service

    def payload(
        self, kind: int, data: dict[str, Any], *, permissions: int = MANAGE_GUILD,
        guild_id: int | None = GUILD, installed: bool = True, roles: tuple[int, ...] = (),
        channel: dict[str, Any] | None = None, user_id: int = ASKER,
    ) -> dict[str, Any]:  # fmt: skip
        """An interaction as the gateway tells it."""
        payload = discord_front._interaction(
            kind, data, interaction_id=7, user_id=user_id, guild_id=guild_id,
            permissions=permissions,
        )  # fmt: skip
        owners = {"1": str(user_id)}
        if installed:
            owners["0"] = str(guild_id or 0)
        payload["authorizing_integration_owners"] = owners
        if guild_id is not None:
            payload["member"]["roles"] = [str(role) for role in roles]
        if channel is not None:
            payload["channel"] = channel
        return payload

    async def type(
        self, subcommand: str, options: dict[str, object] | None = None, *, kind: int = COMMAND,
        focused: str = "", **who: Any,
    ) -> list[Call]:  # fmt: skip
        """Somebody types `/limits <subcommand>`."""
        data = {
            "id": "5",
            "name": "limits",
            "type": 1,
            "resolved": RESOLVED,
            "options": [
                {
                    "type": 1,
                    "name": subcommand,
                    "options": [
                        {
                            "name": name,
                            "type": _option_type(name, value),
                            "value": value,
                            "focused": name == focused,
                        }
                        for name, value in (options or {}).items()
                    ],
                }
            ],
        }
        return await self.front._tell(self.payload(kind, data, **who))

    async def said(
        self, subcommand: str, options: dict[str, object] | None = None, **who: Any
    ) -> str:
        """What the one who typed it reads; nobody else does."""
        defer, *answers = await self.type(subcommand, options, **who)
        if not answers:  # refused at once
            answers = [defer]
        assert defer.is_private
        assert answers[-1].pings_nobody
        return answers[-1].message["content"]

    async def choices(
        self, subcommand: str, options: dict[str, object], **who: Any
    ) -> dict[str, object]:
        """What the list offers while the last option is typed."""
        (call,) = await self.type(
            subcommand, options, kind=AUTOCOMPLETE, focused=list(options)[-1], **who
        )
        assert 8 == call.kind
        return {choice["name"]: choice["value"] for choice in call.message["choices"]}


RESOLVED = {
    "roles": {
        str(role): {
            "id": str(role), "name": name, "color": 0, "colors": {"primary_color": 0},
            "hoist": False, "position": 1, "permissions": "0", "managed": False,
            "mentionable": False, "flags": 0,
        }
        for role, name in ((WRITERS, "Writers"), (GUILD, "@everyone"))
    },
    "channels": {
        str(CHANNEL): {
            "id": str(CHANNEL), "name": "general", "type": 0, "permissions": "0", "position": 0,
            "flags": 0,
        },
        "60": {
            "id": "60", "name": "Talk", "type": 4, "permissions": "0", "position": 0, "flags": 0,
        },
        str(THREAD): {
            "id": str(THREAD), "name": "a thread", "type": 11, "permissions": "0",
            "parent_id": str(FORUM_CHANNEL), "guild_id": str(GUILD), "owner_id": "1",
            "message_count": 0, "member_count": 1, "rate_limit_per_user": 0, "flags": 0,
            "applied_tags": [], "total_message_sent": 0,
            "thread_metadata": {
                "archived": False, "auto_archive_duration": 60, "locked": False,
                "archive_timestamp": "2024-01-01T00:00:00+00:00",
            },
        },
    },
    "users": {
        str(STRANGER): {
            "id": str(STRANGER), "username": "bo", "discriminator": "0", "avatar": None,
        }
    },
}  # fmt: skip
THREAD_CHANNEL = RESOLVED["channels"][str(THREAD)]


def _option_type(name: str, value: object) -> int:
    by_name = {"channel": 7, "role": 8, "member": 6}
    return by_name.get(name) or {str: 3, int: 4, bool: 5}[type(value)]


def limits_front(front: Front) -> LimitsFront:
    """A server with one role and one channel."""
    state = front.bot._connection
    data = {
        "id": str(GUILD), "name": "The server", "roles": list(RESOLVED["roles"].values()),
        "channels": [{"id": str(CHANNEL), "name": "general", "type": 0, "position": 0,
                      "permission_overwrites": []}],
        "member_count": 2, "owner_id": "1",
    }  # fmt: skip
    state._add_guild(discord.Guild(data=cast(Any, data), state=state))
    return LimitsFront(front, front.services.limits)
