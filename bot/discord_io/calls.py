"""REST calls to Discord, each sent as often as it takes, at the pace that Discord asks for.

Used by `reply_rest` and `channel_rest`. Raw HTTP, because discord.py's webhooks refuse buttons in
a process that does not listen for their clicks. Never logs a token or a text.
Rate limits: https://discord.com/developers/docs/topics/rate-limits
"""

import asyncio
import json
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

import aiohttp
import structlog

from bot import __version__
from bot.discord_io.offences import Offences
from bot.discord_io.reply_errors import (
    InteractionOverError,
    ReplyGoneError,
    ReplyHeldError,
    ReplyRefusedError,
    ReplyUnavailableError,
)

USER_AGENT = f"DiscordBot (https://github.com/bardling/bardling, {__version__})"
_GONE = (401, 403, 404)  # no longer valid, no longer allowed, or no longer there
_OVER = (10015, 10062, 50027)  # unknown webhook or interaction, invalid webhook token
_MAX_BACKOFF_S = 8.0
_MAX_TURN_S = 30.0  # a longer wait is the caller's to decide: it knows how long the reply lives
_REST_S = 30.0  # between two looks whether growing replies may be edited again
_GLOBAL_SPREAD_S = 1.0  # after a wait of everybody, not all begin at once

_log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachment:
    """A file that goes along with a message.

    Attributes:
        description: what it shows, for those who don't see it; "" = nothing is said.
    """

    name: str
    data: bytes
    content_type: str
    description: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request, to be sent as often as it takes.

    Attributes:
        path: after `/api/v10`.
        payload: the JSON body.
        bucket: calls of one bucket share a rate limit.
        repeatable: whether doing it twice is the same as doing it once.
        attachment: a file that goes along, or None.
        headers: beside the usual ones.
    """

    method: str
    path: str
    payload: Mapping[str, Any]
    bucket: str
    repeatable: bool
    attachment: Attachment | None = None
    headers: Mapping[str, str] = field(default_factory=dict[str, str])


class Caller:
    """Sends calls.

    Args:
        session: sends the requests; closed by whoever opened it.
        api_url: ends in `/api/v10`.
        rng: jitter of the back-off.
        timeout_s: for each request.
        backoff_s: after the first failed request; doubles from there.
    """

    def __init__(
        self,
        session: aiohttp.ClientSession,
        api_url: str,
        *,
        rng: random.Random | None = None,
        timeout_s: float = 8.0,
        backoff_s: float = 0.4,
    ) -> None:
        self._session = session
        self._api_url = api_url.rstrip("/")
        self._rng = rng or random.Random()
        # Bounded apart: a connection that never opened surely carried nothing.
        self._timeout = aiohttp.ClientTimeout(total=timeout_s, connect=timeout_s / 2)
        self._backoff_s = backoff_s
        self._held_until_s: dict[str, float] = {}  # by bucket, on the loop's clock
        self._all_held_until_s = 0.0
        self._offences = Offences()

    async def send(self, call: Call, tries: int) -> Mapping[str, Any]:
        """Sends a call, and again where that can help; returns the answer's JSON object.

        With one try only, it does not wait for a turn either: a newer text may be there by then.
        Nor is such a call made at all while Discord has much to hold against this process.

        Raises:
            ReplyError: it did not work within so many tries.
        """
        for attempt in range(1, tries + 1):
            try:
                await self._wait_turn(call.bucket, 0.0 if tries == 1 else _MAX_TURN_S)
                return await self._send_once(call)
            except ReplyUnavailableError as error:
                _log.info("reply not written", attempt=attempt, reason=str(error))
                if attempt == tries or (error.maybe_done and not call.repeatable):
                    raise
            await asyncio.sleep(self._backoff(attempt))
        raise AssertionError("tries is at least 1")

    async def _send_once(self, call: Call) -> Mapping[str, Any]:
        try:
            async with self._session.request(
                call.method,
                self._api_url + call.path,
                headers={"User-Agent": USER_AGENT, **call.headers},
                timeout=self._timeout,
                **_body(call),
            ) as response:
                data = _parse(await response.read())
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
            raise ReplyUnavailableError(_name(error), maybe_done=False) from None
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise ReplyUnavailableError(_name(error), maybe_done=True) from None
        wait_s = self._note_limits(call.bucket, response.status, response.headers, data)
        _raise_for(response.status, data, wait_s)
        return data

    def _note_limits(
        self, bucket: str, status: int, headers: Mapping[str, str], data: Mapping[str, Any]
    ) -> float:
        """Remembers until when this bucket, or any, must not be called; seconds from now."""
        wait_s = _wait_asked_for(status, headers, data)
        now_s = asyncio.get_running_loop().time()
        self._offences.note(status, headers.get("X-RateLimit-Scope"), now_s)
        held = self._held_until_s
        self._held_until_s = {key: until_s for key, until_s in held.items() if until_s > now_s}
        if wait_s > 0 and _is_for_all(status, headers, data):
            self._all_held_until_s = max(self._all_held_until_s, now_s + wait_s)
        elif wait_s > 0:
            self._held_until_s[bucket] = now_s + wait_s
        return wait_s

    async def _wait_turn(self, bucket: str, longest_s: float) -> None:
        now_s = asyncio.get_running_loop().time()
        all_s = self._all_held_until_s - now_s
        wait_s = max(self._held_until_s.get(bucket, 0.0) - now_s, all_s)
        if longest_s == 0 and self._offences.are_many(now_s):
            wait_s = max(wait_s, _REST_S)
        if wait_s > longest_s:
            raise ReplyHeldError(f"Discord asks for {wait_s:.1f} s", wait_s, is_refusal=False)
        if wait_s > 0:
            spread_s = _GLOBAL_SPREAD_S if all_s > 0 else 0.1
            await asyncio.sleep(wait_s + self._rng.uniform(0.01, spread_s))

    def _backoff(self, attempt: int) -> float:
        longest_s: float = min(_MAX_BACKOFF_S, self._backoff_s * 2.0 ** (attempt - 1))
        return longest_s * self._rng.uniform(0.5, 1.0)


def _wait_asked_for(status: int, headers: Mapping[str, str], data: Mapping[str, Any]) -> float:
    """How long an answer says to wait, in seconds."""
    if status == 429:
        return (
            _seconds(data.get("retry_after"))
            or _seconds(headers.get("Retry-After"))
            or _seconds(headers.get("X-RateLimit-Reset-After"))
            or 1.0
        )
    if headers.get("X-RateLimit-Remaining") == "0":
        return _seconds(headers.get("X-RateLimit-Reset-After"))
    return 0.0


def _is_for_all(status: int, headers: Mapping[str, str], data: Mapping[str, Any]) -> bool:
    """Whether a refusal is of no single bucket; one that is no JSON comes from Discord's proxy."""
    is_said = bool(data.get("global")) or headers.get("X-RateLimit-Global") == "true"
    is_proxys = not data and "X-RateLimit-Bucket" not in headers
    return status == 429 and (is_said or (is_proxys and "X-RateLimit-Reset-After" not in headers))


def _body(call: Call) -> dict[str, Any]:
    """Keyword arguments of a request: JSON, or a form where a file goes along."""
    attachment = call.attachment
    if attachment is None:
        return {"json": call.payload}
    entry: dict[str, Any] = {"id": 0, "filename": attachment.name}
    if attachment.description:
        entry["description"] = attachment.description
    form = aiohttp.FormData()
    form.add_field("payload_json", json.dumps({**call.payload, "attachments": [entry]}))
    form.add_field(
        "files[0]",
        attachment.data,
        filename=attachment.name,
        content_type=attachment.content_type,
    )
    return {"data": form}


def _parse(body: bytes) -> Mapping[str, Any]:
    """An answer's JSON object; empty for anything else, such as a proxy's error page."""
    try:
        data: object = json.loads(body)
    except ValueError:
        return {}
    return cast("Mapping[str, Any]", data) if isinstance(data, dict) else {}


def _raise_for(status: int, data: Mapping[str, Any], wait_s: float) -> None:
    if status < 300:
        return
    reason = f"status {status}, code {data.get('code')}: {data.get('message')}"
    if status == 429:
        raise ReplyHeldError(reason, wait_s, is_refusal=True)
    if status >= 500:
        raise ReplyUnavailableError(reason, maybe_done=True)
    if status == 401 or data.get("code") in _OVER:
        raise InteractionOverError(reason)
    if status in _GONE:
        raise ReplyGoneError(reason)
    raise ReplyRefusedError(f"{reason} {json.dumps(data.get('errors', {}))}")


def _seconds(value: object) -> float:
    """A number of seconds from a header or a body; 0 where there is none."""
    convert = cast("Callable[[object], float]", float)
    try:
        return max(0.0, convert(value))
    except (TypeError, ValueError):
        return 0.0


def _name(error: Exception) -> str:
    """The error's kind alone: its text may hold the address, and so the token.

    For the same reason it is raised without its cause, which a traceback would print.
    """
    return type(error).__name__
