"""Writes replies to interactions over REST, with nothing but the interaction's token.

Used by the worker, which has no gateway connection. Raw HTTP, because discord.py's webhooks refuse
buttons in a process that does not listen for their clicks. Never logs a token or a text.
Rate limits: https://discord.com/developers/docs/topics/rate-limits
"""

import asyncio
import json
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, cast

import aiohttp
import structlog

from bot import __version__
from bot.core.jobs import ReplyTarget
from bot.core.replies import ReplyMessage
from bot.errors import BardlingError

USER_AGENT = f"DiscordBot (https://github.com/bardling/bardling, {__version__})"
FILE_NAME = "rest-of-the-text.txt"

_SUPPRESS_EMBEDS = 1 << 2
_GONE = (401, 404)  # token no longer valid (50027), unknown webhook (10015) or message (10008)
_MAX_BACKOFF_S = 8.0
_MAX_TURN_S = 30.0  # a longer wait is the caller's to decide: it knows how long the reply lives

_log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)


class ReplyError(BardlingError):
    """A reply could not be written."""


class ReplyGoneError(ReplyError):
    """The reply was deleted, or its interaction is over; nothing can be written any more."""


class ReplyRefusedError(ReplyError):
    """Discord refuses this very message; sending it again would not help."""


class ReplyUnavailableError(ReplyError):
    """Discord gave no good answer.

    Attributes:
        maybe_done: whether Discord may have done what was asked all the same.
    """

    def __init__(self, message: str, *, maybe_done: bool) -> None:
        super().__init__(message)
        self.maybe_done = maybe_done


@dataclass(frozen=True, slots=True, kw_only=True)
class _Call:
    """One request, to be sent as often as it takes.

    Attributes:
        repeatable: whether doing it twice is the same as doing it once.
    """

    method: str
    path: str
    message: ReplyMessage
    target: ReplyTarget
    repeatable: bool


class ReplyClient:
    """Edits and adds to replies, at the pace that Discord asks for.

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
        self._held_until_s: dict[str, float] = {}  # by interaction token, on the loop's clock

    async def edit_original(
        self, target: ReplyTarget, message: ReplyMessage, *, tries: int = 5
    ) -> None:
        """Makes the reply look like the message; repeating it changes nothing.

        With one try only, it does not wait for a turn either: a newer text may be there by then.

        Raises:
            ReplyError: it did not work within so many tries.
        """
        path = f"/webhooks/{target.application_id}/{target.interaction_token}/messages/@original"
        call = _Call(method="PATCH", path=path, message=message, target=target, repeatable=True)
        await self._send(call, tries)

    async def send_followup(
        self, target: ReplyTarget, message: ReplyMessage, *, tries: int = 5
    ) -> int:
        """Posts a further message and returns its id. Sent again only if it surely did not arrive.

        Raises:
            ReplyError: it did not work; see `ReplyUnavailableError.maybe_done`.
        """
        path = f"/webhooks/{target.application_id}/{target.interaction_token}?wait=true"
        call = _Call(method="POST", path=path, message=message, target=target, repeatable=False)
        return int((await self._send(call, tries)).get("id") or 0)

    async def _send(self, call: _Call, tries: int) -> Mapping[str, Any]:
        for attempt in range(1, tries + 1):
            try:
                await self._wait_turn(call.target, 0.0 if tries == 1 else _MAX_TURN_S)
                return await self._send_once(call)
            except ReplyUnavailableError as error:
                _log.info("reply not written", attempt=attempt, reason=str(error))
                if attempt == tries or (error.maybe_done and not call.repeatable):
                    raise
            await asyncio.sleep(self._backoff(attempt))
        raise AssertionError("tries is at least 1")

    async def _send_once(self, call: _Call) -> Mapping[str, Any]:
        try:
            async with self._session.request(
                call.method,
                self._api_url + call.path,
                headers={"User-Agent": USER_AGENT},
                timeout=self._timeout,
                **_body(call.message),
            ) as response:
                data = _parse(await response.read())
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
            raise ReplyUnavailableError(_name(error), maybe_done=False) from None
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise ReplyUnavailableError(_name(error), maybe_done=True) from None
        self._note_limits(call.target, response.status, response.headers, data)
        _raise_for(response.status, data)
        return data

    def _note_limits(
        self, target: ReplyTarget, status: int, headers: Mapping[str, str], data: Mapping[str, Any]
    ) -> None:
        """Remembers until when this webhook must not be called."""
        wait_s = 0.0
        if status == 429:
            wait_s = (
                _seconds(data.get("retry_after"))
                or _seconds(headers.get("Retry-After"))
                or _seconds(headers.get("X-RateLimit-Reset-After"))
                or 1.0
            )
        elif headers.get("X-RateLimit-Remaining") == "0":
            wait_s = _seconds(headers.get("X-RateLimit-Reset-After"))
        now_s = asyncio.get_running_loop().time()
        held = self._held_until_s
        self._held_until_s = {token: until_s for token, until_s in held.items() if until_s > now_s}
        if wait_s > 0:
            self._held_until_s[target.interaction_token] = now_s + wait_s

    async def _wait_turn(self, target: ReplyTarget, longest_s: float) -> None:
        now_s = asyncio.get_running_loop().time()
        wait_s = self._held_until_s.get(target.interaction_token, 0.0) - now_s
        if wait_s > longest_s:
            raise ReplyUnavailableError(f"Discord asks for {wait_s:.1f} s", maybe_done=False)
        if wait_s > 0:
            await asyncio.sleep(wait_s + self._rng.uniform(0.01, 0.1))

    def _backoff(self, attempt: int) -> float:
        longest_s: float = min(_MAX_BACKOFF_S, self._backoff_s * 2.0 ** (attempt - 1))
        return longest_s * self._rng.uniform(0.5, 1.0)


def _body(message: ReplyMessage) -> dict[str, Any]:
    """Keyword arguments of a request: JSON, or a form where a file goes along."""
    payload: dict[str, Any] = {
        "content": message.content,
        "components": message.components,
        "flags": _SUPPRESS_EMBEDS,
        "allowed_mentions": {"parse": []},
        "attachments": [],  # all that the message is to have, so that no edit adds a second one
    }
    attachment = _attachment(message)
    if attachment is None:
        return {"json": payload}
    entry: dict[str, Any] = {"id": 0, "filename": attachment.name}
    if attachment.description:
        entry["description"] = attachment.description
    payload["attachments"] = [entry]
    form = aiohttp.FormData()
    form.add_field("payload_json", json.dumps(payload))
    form.add_field(
        "files[0]",
        attachment.data,
        filename=attachment.name,
        content_type=attachment.content_type,
    )
    return {"data": form}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Attachment:
    """The file that goes along with a message."""

    name: str
    data: bytes
    content_type: str
    description: str = ""


def _attachment(message: ReplyMessage) -> _Attachment | None:
    if message.picture is not None:
        picture = message.picture
        return _Attachment(
            name=picture.name,
            data=picture.png,
            content_type="image/png",
            description=picture.description,
        )
    if message.file_text is not None:
        return _Attachment(
            name=FILE_NAME,
            data=message.file_text.encode(),
            content_type="text/plain; charset=utf-8",
        )
    return None


def _parse(body: bytes) -> Mapping[str, Any]:
    """An answer's JSON object; empty for anything else, such as a proxy's error page."""
    try:
        data: object = json.loads(body)
    except ValueError:
        return {}
    return cast("Mapping[str, Any]", data) if isinstance(data, dict) else {}


def _raise_for(status: int, data: Mapping[str, Any]) -> None:
    if status < 300:
        return
    reason = f"status {status}, code {data.get('code')}: {data.get('message')}"
    if status == 429:
        raise ReplyUnavailableError(reason, maybe_done=False)
    if status >= 500:
        raise ReplyUnavailableError(reason, maybe_done=True)
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
