"""Writes replies to interactions over REST, with nothing but the interaction's token.

Used by the worker, which has no gateway connection; see `calls` for how.
"""

import random
from collections.abc import Mapping
from typing import Any

import aiohttp

from bot.core.jobs import ReplyTarget
from bot.core.replies import FILE_NAME, ReplyMessage
from bot.discord_io.calls import USER_AGENT, Attachment, Call, Caller
from bot.discord_io.reply_errors import (
    InteractionOverError,
    ReplyError,
    ReplyGoneError,
    ReplyHeldError,
    ReplyRefusedError,
    ReplyUnavailableError,
)

__all__ = [
    "FILE_NAME",
    "USER_AGENT",
    "InteractionOverError",
    "ReplyClient",
    "ReplyError",
    "ReplyGoneError",
    "ReplyHeldError",
    "ReplyRefusedError",
    "ReplyUnavailableError",
    "harmless",
]

_SUPPRESS_EMBEDS = 1 << 2


class ReplyClient:
    """Edits and adds to replies.

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
        self._caller = Caller(session, api_url, rng=rng, timeout_s=timeout_s, backoff_s=backoff_s)

    async def edit_original(
        self, target: ReplyTarget, message: ReplyMessage, *, tries: int = 5
    ) -> int:
        """Makes the reply look like the message and returns its id; repeating changes nothing.

        With one try only, it does not wait for a turn either: a newer text may be there by then.

        Raises:
            ReplyError: it did not work within so many tries.
        """
        path = f"/webhooks/{target.application_id}/{target.interaction_token}/messages/@original"
        return await self._send("PATCH", path, target, message, tries)

    async def send_followup(
        self, target: ReplyTarget, message: ReplyMessage, *, tries: int = 5
    ) -> int:
        """Posts a further message and returns its id. Sent again only if it surely did not arrive.

        Raises:
            ReplyError: it did not work; see `ReplyUnavailableError.maybe_done`.
        """
        path = f"/webhooks/{target.application_id}/{target.interaction_token}?wait=true"
        return await self._send("POST", path, target, message, tries)

    async def _send(
        self, method: str, path: str, target: ReplyTarget, message: ReplyMessage, tries: int
    ) -> int:
        call = Call(
            method=method,
            path=path,
            payload=harmless(message),
            attachment=attachment_of(message),
            bucket=target.interaction_token,
            repeatable=method == "PATCH",
        )
        return int((await self._caller.send(call, tries)).get("id") or 0)


def harmless(message: ReplyMessage) -> Mapping[str, Any]:
    """A message's JSON: it pings nobody and embeds no page."""
    return {
        "content": message.content,
        "components": message.components,
        "flags": _SUPPRESS_EMBEDS,
        "allowed_mentions": {"parse": []},
        "attachments": [],  # all that the message is to have, so that no edit adds a second one
    }


def attachment_of(message: ReplyMessage) -> Attachment | None:
    """The file of a message, or None where it has none."""
    if message.picture is not None:
        return Attachment(
            name=message.picture.name,
            data=message.picture.png,
            content_type="image/png",
            description=message.picture.description,
        )
    if message.file_text is not None:
        return Attachment(
            name=FILE_NAME,
            data=message.file_text.encode(errors="replace"),
            content_type="text/plain; charset=utf-8",
        )
    return None
