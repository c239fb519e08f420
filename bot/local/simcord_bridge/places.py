"""What SimCord does not know of places and people: installs, age limits, languages.

Used by `actions` and `world`. A server may be without the bot: its members use the bot there when
they have installed it for themselves.
https://discord.com/developers/docs/resources/application#installation-context
"""

from collections.abc import Iterable, Mapping
from typing import Any

from bot.local.simcord_bridge.backend import ObservedBackend
from bot.local.states import Answer, JsonObject

DEFAULT_LOCALE = "en-US"
MAX_FOLLOW_UPS = 5  # of an interaction, where the bot is not installed
_GUILD_INSTALL, _USER_INSTALL = 0, 1
# What Discord lets an app do where it is no member: embeds, files, mentions as the user may.
_GUEST_PERMISSIONS = 1 << 14 | 1 << 15 | 1 << 17
_MISSING_ACCESS = {"code": 50001, "message": "Missing Access"}
_TOO_MANY = {
    "code": 40094,
    "message": "This interaction has hit the maximum number of follow up messages",
}


class Places:
    """Which servers are without the bot, who installed it, which channels are age-restricted."""

    def __init__(self, backend: ObservedBackend) -> None:
        self._backend = backend
        self._silent = False  # while a server is made that the bot must not hear of
        self._without_bot: set[int] = set()
        self._installed_by: set[int] = set()
        self._restricted: set[int] = set()
        self._locales: dict[int, str] = {}

    # --- arranging

    def add_guild_without_bot(self, name: str, owner_id: int) -> int:
        """A server that has not added the bot, which hears nothing of it; returns its id."""
        self._silent = True
        guild = self._backend.create_guild(name, owner_id=owner_id)
        self._silent = False
        self._without_bot.add(guild.id)
        del guild.members[self._backend.bot_user.id]
        return guild.id

    def install(self, user_id: int) -> None:
        """A user installs the bot for themselves."""
        self._installed_by.add(user_id)

    def restrict(self, channel_id: int) -> None:
        """Makes a channel age-restricted."""
        self._restricted.add(channel_id)
        self._backend.announce_channel_update(channel_id)

    def speak(self, user_id: int, locale: str) -> None:
        """Sets the language of a user's Discord."""
        self._locales[user_id] = locale

    # --- asking

    def has_bot(self, guild_id: int | None) -> bool:
        return guild_id not in self._without_bot

    def owners(self, command: JsonObject, user_id: int, guild_id: int | None) -> dict[str, str]:
        """`authorizing_integration_owners` of a command; empty where it can't be used."""
        kinds = command.get("integration_types") or [_GUILD_INSTALL]
        found: dict[str, str] = {}
        if _GUILD_INSTALL in kinds and self.has_bot(guild_id):
            # Discord says server 0 in the bot's direct messages.
            found[str(_GUILD_INSTALL)] = str(guild_id or 0)
        if _USER_INSTALL in kinds and user_id in self._installed_by:
            found[str(_USER_INSTALL)] = str(user_id)
        return found

    def complete_interaction(self, payload: JsonObject, user_id: int) -> None:
        """Adds to an INTERACTION_CREATE what SimCord leaves out of it."""
        payload["channel"] = self.marked(payload["channel"])
        payload["locale"] = self._locales.get(user_id, DEFAULT_LOCALE)
        payload["attachment_size_limit"] = 10 << 20
        guild_id = None if "guild_id" not in payload else int(payload["guild_id"])
        if guild_id is not None:
            locale = self._backend.get_guild(guild_id).preferred_locale
            payload["guild_locale"] = locale
            payload["guild"] = {"id": str(guild_id), "locale": locale, "features": []}
        if guild_id is None or not self.has_bot(guild_id):
            payload["app_permissions"] = str(_GUEST_PERMISSIONS)

    def marked(self, channel: Mapping[str, Any]) -> JsonObject:
        """A channel's object with its `nsfw`."""
        return dict(channel) | {"nsfw": int(channel["id"]) in self._restricted}

    def marked_event(self, event: str, payload: Mapping[str, Any]) -> Mapping[str, Any]:
        """An event with `nsfw` in every channel it tells of."""
        if event in ("CHANNEL_CREATE", "CHANNEL_UPDATE"):
            return self.marked(payload)
        if event == "GUILD_CREATE":
            return dict(payload) | {"channels": self.marked_all(payload.get("channels") or ())}
        return payload

    def marked_all(self, channels: Iterable[Mapping[str, Any]]) -> list[JsonObject]:
        return [self.marked(channel) for channel in channels]

    def marked_answer(self, path: str, body: object) -> object:
        """The answer to a REST request, with `nsfw` in a channel or a list of channels."""
        parts = path.strip("/").split("/")
        if len(parts) == 2 and parts[0] == "channels" and isinstance(body, dict):
            return self.marked(body)  # pyright: ignore[reportUnknownArgumentType]
        if len(parts) == 3 and parts[::2] == ["guilds", "channels"] and isinstance(body, list):
            return self.marked_all(body)  # pyright: ignore[reportUnknownArgumentType]
        return body

    def hides(self, event: str, payload: Mapping[str, Any]) -> bool:
        """Whether an event is none of the bot's business: of a server that it is not in."""
        if self._silent:
            return True
        if event == "INTERACTION_CREATE":
            return False
        guild_id = payload.get("guild_id") or (
            payload.get("id") if event.startswith("GUILD_") else None
        )
        return guild_id is not None and not self.has_bot(int(guild_id))

    def refusal(self, method: str, path: str) -> Answer | None:
        """What Discord answers where the bot is not installed; None if it may go on."""
        parts = path.strip("/").split("/")
        if len(parts) < 2 or not self._without_bot:
            return None
        if parts[0] in ("guilds", "channels") and parts[1].isdecimal():
            channel = self._backend.channels.get(int(parts[1]))
            guild_id = channel.guild_id if channel is not None else int(parts[1])
            if not self.has_bot(guild_id):
                return Answer(status=403, body=_MISSING_ACCESS)
        if method == "POST" and parts[0] == "webhooks" and len(parts) == 3:
            return self._follow_up_refusal(parts[2])
        return None

    def _follow_up_refusal(self, token: str) -> Answer | None:
        record = self._backend.interactions.get(self._backend.interaction_tokens.get(token, 0))
        # The first one after a deferral completes the reply and does not count.
        if record is None or record.loading or len(record.followup_ids) < MAX_FOLLOW_UPS:
            return None
        owners = self._backend.owners.get(record.id, {})
        if str(_GUILD_INSTALL) in owners:
            return None
        return Answer(status=400, body=_TOO_MANY)
