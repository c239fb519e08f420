"""The live page: its files, and a WebSocket that pushes every new state to the open browsers.

Mounted by `discord_server`. One connection shows what one member sees; what a member does there
goes to the bridge. Only pages of this very server may connect.
"""

import asyncio
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from aiohttp import WSMsgType, web

from bot.local.handles import FIRST_ANSWER_S, Member, TextChannel
from bot.local.same_site import require_local_host, require_own_page
from bot.local.simcord_bridge import World
from bot.local.states import ActionRefusedError, JsonObject, MessageState, Upload

_PAGE = Path(__file__).parent / "page"
_CONTENT_TYPES = {".html": "text/html", ".css": "text/css", ".js": "text/javascript"}
_LOCALE = re.compile(r"[a-z]{2}(-[A-Z]{2}|-419)?")
_HEARTBEAT_S = 15.0
_GONE = 1001
_SHOWN_MESSAGES = 300  # of a channel, to a page that opens


@dataclass(slots=True, eq=False)
class _Viewer:
    """One open page: whom it acts as, and what is to be sent to it."""

    member: Member
    outbox: asyncio.Queue[str | None] = field(default_factory=asyncio.Queue[str | None])
    channels: set[int] = field(default_factory=set[int])  # those that it knows
    waiting: set[int] = field(default_factory=set[int])  # interactions without an answer

    def send(self, kind: str, /, **fields: object) -> None:
        self.outbox.put_nowait(json.dumps({"type": kind} | fields, default=str))


class LiveFront:
    """The page and its viewers."""

    def __init__(
        self,
        world: World,
        *,
        servers: Mapping[int, str],
        members: Sequence[Member],
        channels: Sequence[TextChannel],
        connected: Callable[[], bool],
        take_upload: Callable[[str], Upload | None],
    ) -> None:
        """Shows `servers` (names by id; the first one is home) with `channels` and `members`."""
        self._world = world
        self._servers = servers
        self._members = members
        self._channels = channels
        self._connected = connected
        self._take_upload = take_upload
        self._viewers: set[_Viewer] = set()

    def routes(self) -> list[web.RouteDef]:
        """What to mount."""
        return [
            web.get("/", self._file),
            web.get("/page/{name}", self._file),
            web.get("/live", self._handle),
        ]

    def message_changed(self, state: MessageState) -> None:
        """Pushes a new state of a message to those who may see it."""
        for viewer in self._viewers:
            if state.only_for not in (None, viewer.member.id):
                continue
            if not self._world.can_see(viewer.member.id, state.channel_id):
                continue
            if state.channel_id not in viewer.channels:  # of a thread that is new
                self._greet(viewer)
            if state.payload is None:
                viewer.send("deleted", id=str(state.id), channel_id=str(state.channel_id))
            else:
                viewer.send("message", message=state.payload)

    def bot_changed(self) -> None:
        """Pushes that the bot came or went, or registered other commands."""
        for viewer in self._viewers:
            viewer.send("bot", **self._bot_of(viewer.member))

    def interactions_changed(self) -> None:
        """Looks which of the waiting interactions were answered meanwhile."""
        for viewer in self._viewers:
            for interaction_id in list(viewer.waiting):
                self._tell_answer(viewer, interaction_id, late=False)

    def close(self) -> None:
        """Ends every connection."""
        for viewer in self._viewers:
            viewer.outbox.put_nowait(None)

    # --- the files

    async def _file(self, request: web.Request) -> web.Response:
        require_local_host(request)
        path = _PAGE / request.match_info.get("name", "index.html")
        content_type = _CONTENT_TYPES.get(path.suffix)
        if path.parent != _PAGE or content_type is None or not path.is_file():
            raise web.HTTPNotFound
        policy = (
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
            f"connect-src 'self' ws://{request.host}; base-uri 'none'; form-action 'none'; "
            "frame-ancestors 'none'"
        )
        headers = {
            "Content-Security-Policy": policy,
            "X-Content-Type-Options": "nosniff",
            "Referrer-Policy": "no-referrer",
            "Cache-Control": "no-store",
        }
        body = path.read_bytes()
        return web.Response(body=body, content_type=content_type, charset="utf-8", headers=headers)

    # --- the connection

    async def _handle(self, request: web.Request) -> web.WebSocketResponse:
        require_own_page(request)
        socket = web.WebSocketResponse(heartbeat=_HEARTBEAT_S, max_msg_size=1 << 20)
        await socket.prepare(request)
        viewer = _Viewer(member=self._members[0])
        self._viewers.add(viewer)
        try:
            async with asyncio.TaskGroup() as tasks:
                writer = tasks.create_task(_write(socket, viewer))
                async for message in socket:
                    if message.type is WSMsgType.TEXT:
                        self._receive(viewer, _object_of(message.data))
                writer.cancel()
        finally:
            self._viewers.discard(viewer)
        return socket

    def _receive(self, viewer: _Viewer, message: JsonObject) -> None:
        if message.get("type") == "view":
            wanted = str(message.get("member", ""))
            chosen = [member for member in self._members if str(member.id) == wanted]
            viewer.member = chosen[0] if chosen else self._members[0]
            if _LOCALE.fullmatch(locale := str(message.get("locale"))):
                self._world.places.speak(viewer.member.id, locale)
            self._greet(viewer)
            return
        reference = message.get("ref")
        try:
            interaction_id = self._act(viewer.member, message)
        except ActionRefusedError as error:
            viewer.send("refused", ref=reference, error=str(error))
            return
        except (KeyError, TypeError, ValueError) as error:
            viewer.send("refused", ref=reference, error=f"The page sent nonsense: {error!r}.")
            return
        viewer.send("started", ref=reference, interaction=str(interaction_id or ""))
        if interaction_id is not None:
            viewer.waiting.add(interaction_id)
            asyncio.get_running_loop().call_later(
                FIRST_ANSWER_S, lambda: self._tell_answer(viewer, interaction_id, late=True)
            )

    def _act(self, member: Member, message: JsonObject) -> int | None:
        """Does what the page asks for; returns the id of the interaction it began, if any."""
        world, user_id = self._world, member.id
        match message.get("type"):
            case "say":
                world.send(user_id, int(message["channel"]), str(message["content"]))
                return None
            case "slash":
                return world.slash(
                    user_id,
                    int(message["channel"]),
                    str(message["name"]),
                    {name: self._value(value) for name, value in message["options"].items()},
                    focused=message.get("focused"),
                )
            case "menu":
                channel_id, message_id = int(message["channel"]), int(message["message"])
                return world.message_menu(user_id, channel_id, str(message["name"]), message_id)
            case "component":
                return world.use_component(
                    user_id,
                    int(message["channel"]),
                    int(message["message"]),
                    str(message["custom_id"]),
                    message.get("values"),
                )
            case "modal":
                shown_by = int(message["interaction"])
                return world.submit_modal(user_id, shown_by, dict(message["values"]))
            case other:
                raise ValueError(f"unknown action {other!r}")

    def _tell_answer(self, viewer: _Viewer, interaction_id: int, *, late: bool) -> None:
        if interaction_id not in viewer.waiting:
            return
        state = self._world.interaction(interaction_id)
        if state.kind is None and not late:
            return
        viewer.waiting.discard(interaction_id)
        viewer.send(
            "answered" if state.kind is not None else "unanswered",
            interaction=str(interaction_id),
            kind=state.kind,
            modal=state.modal,
            choices=state.choices,
        )

    def _value(self, value: object) -> object:
        """An option's value; a file is the one that was uploaded before."""
        if not isinstance(value, dict):
            return value
        upload = self._take_upload(str(cast(JsonObject, value).get("upload")))
        if upload is None:
            raise ActionRefusedError("That file is not there any more. Choose it again.")
        return upload

    # --- what a page is told

    def _greet(self, viewer: _Viewer) -> None:
        """Everything that its member sees, at the start and when there is a new channel."""
        snapshot = self._snapshot(viewer.member)
        viewer.channels = {int(channel["id"]) for channel in snapshot["channels"]}
        viewer.send("hello", **snapshot)

    def _snapshot(self, member: Member) -> dict[str, Any]:
        channels = self._channels_of(member)
        return {
            "servers": [
                {"id": str(id_), "name": name, "has_bot": self._world.places.has_bot(id_)}
                for id_, name in self._servers.items()
            ],
            "member": str(member.id),
            "members": [{"id": str(m.id), "name": m.name} for m in self._members],
            "channels": [
                {
                    "id": str(channel.id),
                    "name": channel.name,
                    "topic": channel.topic,
                    "server": str(channel.guild_id or ""),
                    "direct": channel.guild_id is None,
                    "nsfw": channel.nsfw,
                    "messages": self._world.messages(channel.id, member.id)[-_SHOWN_MESSAGES:],
                }
                for channel in channels
            ],
            **self._bot_of(member),
        }

    def _channels_of(self, member: Member) -> list[TextChannel]:
        direct_id = self._world.direct_channel(member.id)
        direct = TextChannel(direct_id, str(self._world.bot["username"]), None, None)
        shown = [c for c in self._channels if self._world.can_see(member.id, c.id)]
        return [one for channel in shown for one in (channel, *self._threads_of(channel))] + [
            direct
        ]

    def _threads_of(self, channel: TextChannel) -> list[TextChannel]:
        """Below their channel; the mark tells them apart."""
        return [
            TextChannel(id_, f"↳ {name}", channel.guild_id, None, channel.nsfw)
            for id_, name in self._world.threads(channel.id)
        ]

    def _bot_of(self, member: Member) -> dict[str, Any]:
        # The channels of a server share its commands; those of direct messages are under "".
        firsts = {channel.guild_id: channel for channel in reversed(self._channels_of(member))}
        return {
            "bot": self._world.bot,
            "online": self._connected(),
            "commands": {
                str(guild_id or ""): self._world.visible_commands(member.id, channel.id)
                for guild_id, channel in firsts.items()
            },
        }


def _object_of(text: str) -> JsonObject:
    """A page's message; an empty one, which is refused, where it is no JSON object."""
    try:
        message = json.loads(text)
    except ValueError:
        return {}
    return cast(JsonObject, message) if isinstance(message, dict) else {}


async def _write(socket: web.WebSocketResponse, viewer: _Viewer) -> None:
    try:
        while (text := await viewer.outbox.get()) is not None:
            await socket.send_str(text)
        await socket.close(code=_GONE)
    except ConnectionResetError:
        return  # the reading side notices too, and cleans up
