"""Discord's gateway: one WebSocket per shard of a bot in another process.

Mounted by `discord_server`. Passes the bridge's events on, keeps sessions so that a bot can
resume, and knows nothing of what the events mean.
Protocol: https://discord.com/developers/docs/events/gateway
"""

import asyncio
import json
import secrets
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any

from aiohttp import WSMsgType, web

from bot.local.simcord_bridge import World
from bot.local.states import JsonObject

GATEWAY_PATH = "/gateway"
_ACK_DELAY_S = 0.005  # discord.py notes when it sent a heartbeat only after it was sent
_HEARTBEAT_INTERVAL_MS = 41_250
_KEPT_EVENTS = 1_000  # for a session to resume from
_KEPT_SESSIONS = 16
_BAD_PAYLOAD, _BAD_TOKEN = 4002, 4004


class _Op(IntEnum):
    DISPATCH = 0
    HEARTBEAT = 1
    IDENTIFY = 2
    RESUME = 6
    RECONNECT = 7
    REQUEST_MEMBERS = 8
    INVALID_SESSION = 9
    HELLO = 10
    HEARTBEAT_ACK = 11


@dataclass(slots=True, eq=False)
class _Connection:
    """One open socket: what is to be sent, and the session it carries once there is one."""

    outbox: asyncio.Queue[str | None] = field(default_factory=asyncio.Queue[str | None])
    session: "_Session | None" = None
    close_code: int | None = None

    def send(self, op: _Op, data: object = None) -> None:
        self.outbox.put_nowait(json.dumps({"op": int(op), "d": data}))

    def close(self, code: int) -> None:
        self.close_code = code
        self.outbox.put_nowait(None)


@dataclass(slots=True)
class _Session:
    id: str
    shard: int
    shard_count: int
    intents: int
    connection: _Connection | None
    seq: int = 0
    sent: deque[tuple[int, str]] = field(
        default_factory=lambda: deque[tuple[int, str]](maxlen=_KEPT_EVENTS)
    )

    def dispatch(self, event: str, payload: JsonObject) -> None:
        self.seq += 1
        message = {"op": int(_Op.DISPATCH), "t": event, "s": self.seq, "d": payload}
        text = json.dumps(message, default=str)
        self.sent.append((self.seq, text))
        if self.connection is not None:
            self.connection.outbox.put_nowait(text)

    def can_resume_from(self, seq: int) -> bool:
        oldest = self.sent[0][0] if self.sent else self.seq + 1
        return oldest - 1 <= seq <= self.seq


class GatewayFront:
    """The gateway's sessions, connected or waiting to resume."""

    def __init__(
        self, world: World, *, token: str, url: Callable[[], str], changed: Callable[[], None]
    ) -> None:
        self._world = world
        self._token = token
        self._url = url
        self._changed = changed
        self._sessions: dict[str, _Session] = {}
        self._connections: set[_Connection] = set()
        world.on_event.append(self._dispatch)

    @property
    def connected(self) -> bool:
        """Whether a bot is logged in right now."""
        return any(session.connection for session in self._sessions.values())

    def routes(self) -> list[web.RouteDef]:
        """What to mount."""
        return [
            web.get(GATEWAY_PATH, self._handle),
            web.get(GATEWAY_PATH + "/", self._handle),
        ]

    def disconnect(self, code: int = 1001) -> None:
        """Closes every connection; the bots may resume."""
        for connection in self._connections:
            connection.close(code)

    def forget_sessions(self) -> None:
        """No bot can resume any more: each has to log in anew."""
        self._sessions = {
            session_id: session
            for session_id, session in self._sessions.items()
            if session.connection is not None
        }

    async def _handle(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(max_msg_size=1 << 20)
        await socket.prepare(request)
        connection = _Connection()
        self._connections.add(connection)
        connection.send(_Op.HELLO, {"heartbeat_interval": _HEARTBEAT_INTERVAL_MS})
        try:
            async with asyncio.TaskGroup() as tasks:
                writer = tasks.create_task(_write(socket, connection))
                async for message in socket:
                    if message.type is WSMsgType.TEXT:
                        self._read(connection, message.data)
                writer.cancel()
        finally:
            self._connections.discard(connection)
            if connection.session is not None and connection.session.connection is connection:
                connection.session.connection = None
            self._changed()
        return socket

    def _read(self, connection: _Connection, text: str) -> None:
        try:
            self._receive(connection, json.loads(text))
        except (AttributeError, KeyError, TypeError, ValueError):
            connection.close(_BAD_PAYLOAD)

    def _receive(self, connection: _Connection, message: JsonObject) -> None:
        data: Any = message.get("d")
        match message.get("op"):
            case _Op.HEARTBEAT:
                loop = asyncio.get_running_loop()
                loop.call_later(_ACK_DELAY_S, connection.send, _Op.HEARTBEAT_ACK)
            case _Op.IDENTIFY:
                self._identify(connection, data)
            case _Op.RESUME:
                self._resume(connection, data)
            case _Op.REQUEST_MEMBERS if connection.session is not None:
                chunk = self._world.member_chunk(int(data["guild_id"]), data.get("nonce"))
                connection.session.dispatch("GUILD_MEMBERS_CHUNK", chunk)
            case _:
                pass  # presence and voice: nobody here would see them

    def _identify(self, connection: _Connection, data: JsonObject) -> None:
        if data.get("token") != self._token:
            connection.close(_BAD_TOKEN)
            return
        shard, shard_count = data.get("shard") or (0, 1)
        session = _Session(
            id=secrets.token_hex(16),
            shard=shard,
            shard_count=shard_count,
            intents=int(data.get("intents", 0)),
            connection=connection,
        )
        connection.session = session
        self._keep(session)
        guilds = self._world.guild_payloads(shard, shard_count)
        session.dispatch("READY", self._ready(session, guilds))
        for guild in guilds:
            shaped = self._world.shaped("GUILD_CREATE", guild, session.intents)
            if shaped is not None:
                session.dispatch("GUILD_CREATE", shaped)
        self._changed()

    def _ready(self, session: _Session, guilds: list[JsonObject]) -> JsonObject:
        return {
            "v": 10,
            "user": self._world.bot,
            "guilds": [{"id": guild["id"], "unavailable": True} for guild in guilds],
            "session_id": session.id,
            "resume_gateway_url": self._url(),
            "shard": [session.shard, session.shard_count],
            "application": {"id": str(self._world.application_id), "flags": 0},
        }

    def _resume(self, connection: _Connection, data: JsonObject) -> None:
        session = self._sessions.get(data.get("session_id", ""))
        seq = data.get("seq") or 0
        if session is None or data.get("token") != self._token or not session.can_resume_from(seq):
            connection.send(_Op.INVALID_SESSION, False)  # False: log in anew
            return
        session.connection = connection
        connection.session = session
        for number, text in session.sent:
            if number > seq:
                connection.outbox.put_nowait(text)
        session.dispatch("RESUMED", {})
        self._changed()

    def _keep(self, session: _Session) -> None:
        """Remembers a session, and forgets the oldest ones that nobody came back to."""
        self._sessions[session.id] = session
        waiting = [s for s in self._sessions.values() if s.connection is None]
        for old in waiting[:-_KEPT_SESSIONS]:
            del self._sessions[old.id]

    def _dispatch(self, event: str, payload: Mapping[str, Any]) -> None:
        for session in list(self._sessions.values()):
            if _shard_of(event, payload, session.shard_count) == session.shard:
                shaped = self._world.shaped(event, payload, session.intents)
                if shaped is not None:
                    session.dispatch(event, shaped)


async def _write(socket: web.WebSocketResponse, connection: _Connection) -> None:
    try:
        while (text := await connection.outbox.get()) is not None:
            await socket.send_str(text)
        await socket.close(code=connection.close_code or 1000)
    except ConnectionResetError:
        return  # the reading side notices too, and cleans up


def _shard_of(event: str, payload: Mapping[str, Any], shard_count: int) -> int:
    guild_id = payload.get("guild_id")
    if guild_id is None and event.startswith("GUILD_"):
        guild_id = payload.get("id")
    return 0 if guild_id is None else (int(guild_id) >> 22) % shard_count
