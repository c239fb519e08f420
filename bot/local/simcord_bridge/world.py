"""The world a bot lives in: REST requests in, gateway events out, and what members see of it.

Used by the fronts and by `LocalDiscord`; opens no socket.
"""

import io
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any, cast

import discord
from simcord import intents
from simcord.backend import serializers
from simcord.backend.access import message_accessible
from simcord.backend.errors import BackendError
from simcord.backend.models import Message, Overwrite
from simcord.enums import OverwriteType
from simcord.http import client as _routes  # importing it registers every route handler
from simcord.http import router

from bot.local.simcord_bridge.actions import CHAT_INPUT, MESSAGE_MENU, MemberActions
from bot.local.simcord_bridge.backend import Files, ObservedBackend
from bot.local.states import Answer, InteractionState, JsonObject, MessageState, Upload

assert _routes.router is router


class World(MemberActions):
    """Servers, members, messages, commands and interactions; REST in, gateway events out.

    Attributes:
        on_event: called with the name and payload of every gateway event.
        on_message: called with every state of every message, ephemeral ones included.
    """

    def __init__(self, bot_name: str) -> None:
        self.on_event: list[Callable[[str, Mapping[str, Any]], None]] = []
        self.on_message: list[Callable[[MessageState], None]] = []
        super().__init__(ObservedBackend(self._message_changed))
        self._files = Files()
        self._backend.cdn = self._files
        self._backend.bot_user.name = bot_name
        self._backend.subscribers.append(self._event)

    # --- arranging

    @property
    def application_id(self) -> int:
        return self._backend.application_id

    @property
    def bot(self) -> JsonObject:
        """The bot's user object."""
        return dict(serializers.user_payload(self._backend.bot_user))

    def serve_files_at(self, base_url: str) -> None:
        """Attachments stored from now on have addresses under `base_url`."""
        self._files.base_url = base_url

    def advance_clock(self, seconds: float) -> None:
        """Moves Discord's clock ahead: tokens expire, deadlines pass."""
        self._backend.advance_clock(seconds)

    def add_user(self, name: str) -> int:
        return self._backend.make_user(name).id

    def add_guild(self, name: str, owner_id: int) -> int:
        return self._backend.create_guild(name, owner_id=owner_id).id

    def add_member(self, guild_id: int, user_id: int) -> None:
        self._backend.add_member(guild_id, user_id, announce=True)

    def add_text_channel(self, guild_id: int, name: str, topic: str | None) -> int:
        return self._backend.create_channel(guild_id, name, topic=topic).id

    def direct_channel(self, user_id: int) -> int:
        """The channel of a user's direct messages with the bot."""
        return self._backend.get_dm_channel(user_id).id

    def threads(self, channel_id: int) -> list[tuple[int, str]]:
        """Ids and names of a text channel's threads that are open, the oldest first."""
        channel = self._backend.channels.get(channel_id)
        if channel is None or channel.guild_id is None:
            return []
        found = self._backend.active_threads(channel.guild_id)
        return sorted((one.id, one.name or "") for one in found if one.parent_id == channel_id)

    def delete_message(self, channel_id: int, message_id: int) -> None:
        self._backend.delete_message(channel_id, message_id)

    def delete_channel(self, channel_id: int) -> None:
        self._backend.delete_channel(channel_id)

    def deny_bot(self, channel_id: int, permissions: Iterable[str]) -> None:
        """Takes these permissions from the bot in a channel, and gives others back."""
        denied = sum(discord.Permissions.VALID_FLAGS[name] for name in set(permissions))
        bot_id = self._backend.bot_user.id
        overwrite = Overwrite(target_id=bot_id, type=OverwriteType.MEMBER, deny=denied)
        self._backend.set_overwrite(channel_id, overwrite)

    # --- what the bot and the workers do

    def rest(
        self,
        method: str,
        path: str,
        *,
        body: object,
        query: Mapping[str, str],
        uploads: Iterable[Upload] = (),
    ) -> Answer:
        """Answers one REST request; `path` begins after `/api/v10` and is not quoted."""
        files = [
            discord.File(io.BytesIO(f.data), f.filename, description=f.description) for f in uploads
        ]
        refused = self.places.refusal(method, path)
        if refused is not None:
            return refused
        try:
            result = router.dispatch(
                self._backend, method, path, json=body, params=dict(query), files=cast(Any, files)
            )
        except BackendError as error:
            return Answer(status=error.status, body=error.to_json())
        except (KeyError, TypeError, ValueError) as error:
            return Answer(
                status=400, body={"code": 50035, "message": f"Invalid Form Body: {error!r}"}
            )
        finally:
            self._backend.http_requests.clear()  # SimCord keeps every body for ever
            self._backend.transcript.clear()
        if path.endswith("/callback") and query.get("with_response") not in ("1", "true"):
            result = None
        body = self.places.marked_answer(path, result)
        return Answer(status=204 if body is None else 200, body=body)

    def template(self, method: str, path: str) -> str:
        """The route of a path, such as `/webhooks/{webhook_id}/{token}/messages/@original`."""
        segments = path.strip("/").split("/")
        found, most_literals = path, -1
        for parts, _handler in router._ROUTES.get(method, ()):  # pyright: ignore[reportPrivateUsage]
            literals = _literals(parts, segments)
            if literals is not None and literals > most_literals:
                found, most_literals = "/" + "/".join(parts), literals
        return found

    def file(self, url: str) -> tuple[bytes, str] | None:
        """The bytes and the content type of a stored attachment."""
        return self._files.typed(url)

    # --- the gateway

    def guild_payloads(self, shard: int, shard_count: int) -> list[JsonObject]:
        """GUILD_CREATE of every server of a shard."""
        return [
            dict(
                self.places.marked_event(
                    "GUILD_CREATE", serializers.guild_create_payload(self._backend, guild)
                )
            )
            for guild in self._backend.guilds.values()
            if (guild.id >> 22) % shard_count == shard and self.places.has_bot(guild.id)
        ]

    def member_chunk(self, guild_id: int, nonce: object) -> JsonObject:
        """GUILD_MEMBERS_CHUNK with all members of a server."""
        guild = self._backend.get_guild(guild_id)
        members = [
            serializers.member_payload(self._backend, guild, m) for m in guild.members.values()
        ]
        chunk = {"guild_id": str(guild_id), "members": members}
        return chunk | {"chunk_index": 0, "chunk_count": 1, "nonce": nonce}

    def shaped(self, event: str, payload: Mapping[str, Any], intent_bits: int) -> JsonObject | None:
        """An event as a bot with these intents gets it; None if it doesn't."""
        flags = discord.Intents.VALID_FLAGS
        gate = intents.required_intent(event, payload)
        if gate is not None and not intent_bits & flags[gate]:
            return None
        shaped = dict(payload)
        if event in ("MESSAGE_CREATE", "MESSAGE_UPDATE"):
            if not intent_bits & flags["message_content"]:
                intents.censor_message(shaped, self._backend.bot_user.id, backend=self._backend)
        elif event == "GUILD_CREATE":
            declared = discord.Intents(
                **{name: bool(intent_bits & bit) for name, bit in flags.items()}
            )
            intents.prune_guild_create(shaped, declared, self._backend.bot_user.id)
        return shaped

    # --- what a member sees

    def messages(self, channel_id: int, user_id: int) -> list[JsonObject]:
        """The messages of a channel that a user can see, oldest first."""
        stored = self._backend.messages.get(channel_id, {}).values()
        return [
            self._payload(message)
            for message in sorted(stored, key=lambda message: message.id)
            if message_accessible(self._backend, channel_id, message, user_id)
        ]

    def message(self, channel_id: int, message_id: int) -> JsonObject | None:
        """A message as it is now, ephemeral or not."""
        stored = self._backend.messages.get(channel_id, {}).get(message_id)
        return None if stored is None else self._payload(stored)

    def commands(self) -> list[JsonObject]:
        """What the bot has registered for all servers."""
        return list(self._backend.commands.get(None, {}).values())

    def visible_commands(self, user_id: int, channel_id: int) -> list[JsonObject]:
        """The commands that a user can pick in a channel: slash commands and message menus."""
        guild_id = self._backend.get_channel(channel_id).guild_id
        return [
            command
            for kind in (CHAT_INPUT, MESSAGE_MENU)
            for command in self._backend.visible_commands(
                user_id=user_id, channel_id=channel_id, type=kind
            )
            if self.places.owners(command, user_id, guild_id)
        ]

    def interaction(self, interaction_id: int) -> InteractionState:
        record = self._backend.interactions[interaction_id]
        return InteractionState(
            id=record.id,
            token=record.token,
            type=record.type,
            channel_id=record.channel_id,
            user_id=record.user_id,
            kind=None if record.response_kind is None else str(record.response_kind),
            message_id=record.message_id,
            followup_ids=tuple(record.followup_ids),
            modal=record.modal,
            choices=tuple(record.autocomplete_choices or ()),
        )

    # --- inside

    def _event(self, event: str, payload: Mapping[str, Any]) -> None:
        if self.places.hides(event, payload):
            return
        marked = self.places.marked_event(event, payload)
        for listener in self.on_event:
            listener(event, marked)

    def _message_changed(self, message: Message, deleted: bool) -> None:
        only_for: int | None = None
        if message.is_ephemeral:
            metadata = message.interaction_metadata or {}
            only_for = int(metadata.get("user", {}).get("id", 0))
        state = MessageState(
            at_s=time.monotonic(),
            id=message.id,
            channel_id=message.channel_id,
            payload=None if deleted else self._payload(message),
            only_for=only_for,
        )
        for listener in self.on_message:
            listener(state)


def _literals(parts: list[str], segments: list[str]) -> int | None:
    """How many parts of a route template match literally; None if it does not match at all."""
    if len(parts) != len(segments):
        return None
    pairs = [(part, segment) for part, segment in zip(parts, segments, strict=True)]
    if any(part != segment and not part.startswith("{") for part, segment in pairs):
        return None
    return sum(part == segment for part, segment in pairs)
