"""Discord's REST API over HTTP: what a bot or a worker in another process talks to.

Mounted by `discord_server`. Adds to SimCord what a real server has: authorization, rate limits
with their headers, multipart bodies, injected faults. Keeps no state of Discord itself.
"""

import asyncio
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, cast

from aiohttp import BodyPartReader, web

from bot.local.faults import Fault, FaultKind, Faults, LimitScope
from bot.local.nonces import Nonces
from bot.local.rate_limits import Allowance, RateLimiter
from bot.local.recorder import Recorder, Request
from bot.local.simcord_bridge import World
from bot.local.states import Answer, Upload

API_PREFIX = "/api/v10"
# discord.py takes a body for JSON only where the type is this to the letter, and treats a 429
# without `Via` as a ban by Cloudflare.
_JSON_HEADERS = {"Content-Type": "application/json", "Via": "1.1 local"}
_NEVER_S = 600.0
# What Discord says with its error codes.
_MESSAGES = {
    10003: "Unknown Channel",
    10008: "Unknown Message",
    10015: "Unknown Webhook",
    50001: "Missing Access",
    50013: "Missing Permissions",
    50027: "Invalid Webhook Token",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Call:
    """One request, read completely."""

    at_s: float
    method: str
    path: str
    query: dict[str, str]
    body: object
    uploads: tuple[Upload, ...]
    authorized: bool


class RestFront:
    """Answers `/api/v10/*`."""

    def __init__(
        self,
        world: World,
        *,
        token: str,
        gateway_url: Callable[[], str],
        limiter: RateLimiter,
        faults: Faults,
        recorder: Recorder,
        answered: Callable[[Request], None],
    ) -> None:
        self._world = world
        self._token = token
        self._gateway_url = gateway_url
        self._limiter = limiter
        self._faults = faults
        self._recorder = recorder
        self._answered = answered
        self._nonces = Nonces()

    def routes(self) -> list[web.RouteDef]:
        """What to mount."""
        return [web.route("*", API_PREFIX + "/{path:.*}", self._handle)]

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        try:
            call = await self._read(request)
        except ValueError as error:
            return _response(Answer(status=400, body={"code": 50109, "message": str(error)}), {})
        fault = self._faults.take(call.method, call.path)
        if fault is not None:
            return await self._fail(request, call, fault)
        answer, headers = self._answer(call)
        self._record(call, answer.status, fault=False)
        return _response(answer, headers)

    def _answer(self, call: _Call) -> tuple[Answer, dict[str, str]]:
        if not call.authorized and not _needs_no_login(call.path):
            return Answer(status=401, body={"code": 0, "message": "401: Unauthorized"}), {}
        headers: dict[str, str] = {}
        if webhook := _webhook_of(call.path):
            allowance = self._limiter.take(webhook, call.at_s)
            headers = allowance.headers(time.time())
            if not allowance.allowed:
                return _too_many(allowance), headers
        return self._apply(call), headers

    def _apply(self, call: _Call) -> Answer:
        if call.method == "GET" and call.path == "/gateway":
            return Answer(status=200, body={"url": self._gateway_url()})
        if call.method == "GET" and call.path == "/gateway/bot":
            session_start = {"total": 1000, "remaining": 999, "reset_after": 0}
            limits = session_start | {"max_concurrency": 1}
            url = self._gateway_url()
            return Answer(status=200, body={"url": url, "shards": 1, "session_start_limit": limits})
        if earlier := self._nonces.answer(call.method, call.path, call.body, call.at_s):
            return earlier
        answer = self._world.rest(
            call.method, call.path, body=call.body, query=call.query, uploads=call.uploads
        )
        self._nonces.note(call.method, call.path, call.body, call.at_s, answer)
        return answer

    async def _fail(self, request: web.Request, call: _Call, fault: Fault) -> web.StreamResponse:
        answer, headers = self._answer(call) if fault.applied else (None, {})
        match fault.kind:
            case FaultKind.SLOW:
                await asyncio.sleep(fault.delay_s)
                answer, headers = (answer, headers) if answer else self._answer(call)
                self._record(call, answer.status, fault=True)
                return _response(answer, headers)
            case FaultKind.STATUS:
                self._record(call, fault.status, fault=True)
                return _response(*_status_of(fault))
            case FaultKind.NEVER:
                self._record(call, None, fault=True)
                await asyncio.sleep(_NEVER_S)
            case FaultKind.DROP:
                self._record(call, None, fault=True)
        if request.transport is not None:
            request.transport.abort()
        return web.Response(status=502)

    def _record(self, call: _Call, status: int | None, *, fault: bool) -> None:
        request = Request(
            at_s=call.at_s,
            method=call.method,
            path=call.path,
            template=self._world.template(call.method, call.path),
            query=call.query,
            body=call.body,
            files=tuple(upload.filename for upload in call.uploads),
            status=status,
            fault=fault,
            authorized=call.authorized,
        )
        self._recorder.requests.append(request)
        self._answered(request)

    async def _read(self, request: web.Request) -> _Call:
        at_s = time.monotonic()
        body, uploads = await _read_body(request)
        return _Call(
            at_s=at_s,
            method=request.method,
            path=request.path.removeprefix(API_PREFIX),  # aiohttp unquotes: %40original
            query=dict(request.query),
            body=body,
            uploads=uploads,
            authorized=request.headers.get("Authorization") == f"Bot {self._token}",
        )


def _needs_no_login(path: str) -> bool:
    """Interaction and webhook routes carry their token in the path."""
    return path == "/gateway" or path.startswith("/interactions/") or _webhook_of(path) != ""


def _webhook_of(path: str) -> str:
    """Id and token of the webhook that a path is about, or "" for another path."""
    parts = path.strip("/").split("/")
    return "/".join(parts[1:3]) if parts[0] == "webhooks" and len(parts) > 2 else ""


def _too_many(allowance: Allowance) -> Answer:
    body = {
        "message": "You are being rate limited.",
        "retry_after": round(allowance.reset_after_s, 3),
        "global": allowance.scope == LimitScope.GLOBAL,
    }
    return Answer(status=429, body=body)


def _status_of(fault: Fault) -> tuple[Answer, dict[str, str]]:
    if fault.status != 429:
        message = _MESSAGES.get(fault.code, "injected")
        return Answer(status=fault.status, body={"code": fault.code, "message": message}), {}
    allowance = Allowance(
        limit=5,
        remaining=0,
        reset_after_s=fault.delay_s,
        allowed=False,
        bucket="injected",
        scope=fault.scope,
    )
    return _too_many(allowance), allowance.headers(time.time())


def _response(answer: Answer, headers: Mapping[str, str]) -> web.Response:
    if answer.body is None:
        return web.Response(status=answer.status, headers=headers)
    body = json.dumps(answer.body, default=str).encode()
    return web.Response(status=answer.status, body=body, headers=_JSON_HEADERS | dict(headers))


async def _read_body(request: web.Request) -> tuple[object, tuple[Upload, ...]]:
    if request.content_type == "multipart/form-data":
        return await _read_multipart(request)
    raw = await request.read()
    return (json.loads(raw) if raw else None), ()


async def _read_multipart(request: web.Request) -> tuple[object, tuple[Upload, ...]]:
    body: Any = None
    uploads: dict[int, Upload] = {}
    async for part in await request.multipart():
        if not isinstance(part, BodyPartReader):
            raise ValueError("nested multipart bodies are not part of Discord's API")
        data = bytes(await part.read(decode=True))
        name = part.name or ""
        if name == "payload_json":
            body = json.loads(data)
        elif name.startswith("files["):
            uploads[int(name[6:-1])] = Upload(filename=part.filename or "file", data=data)
    return body, tuple(_described(body, uploads))


def _described(body: object, uploads: dict[int, Upload]) -> list[Upload]:
    """The files in the order of their numbers, with the descriptions that the JSON part gives."""
    descriptions = {str(one.get("id")): one.get("description") for one in _declared(body)}
    return [
        Upload(filename=u.filename, data=u.data, description=descriptions.get(str(number)))
        for number, u in sorted(uploads.items())
    ]


def _declared(body: object) -> list[dict[str, Any]]:
    """The `attachments` of a message, also where an interaction's answer has it under `data`."""
    if not isinstance(body, dict):
        return []
    message = cast("dict[str, Any]", body)
    return (message.get("data") or message).get("attachments") or []
