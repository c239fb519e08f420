"""Writes messages to channels over REST, with the bot's own token and no gateway.

Used by the worker for texts whose interaction is over; see `calls` for how.
"""

import random
from typing import Any

import aiohttp

from bot.core.replies import ReplyMessage
from bot.discord_io.calls import Call, Caller
from bot.discord_io.reply_rest import attachment_of, harmless


class ChannelClient:
    """Posts to channels.

    Args:
        session: sends the requests; closed by whoever opened it.
        api_url: ends in `/api/v10`.
        token: the bot's.
        rng: jitter of the back-off.
        timeout_s: for each request.
        backoff_s: after the first failed request; doubles from there.
    """

    def __init__(
        self,
        session: aiohttp.ClientSession,
        api_url: str,
        token: str,
        *,
        rng: random.Random | None = None,
        timeout_s: float = 8.0,
        backoff_s: float = 0.4,
    ) -> None:
        self._caller = Caller(session, api_url, rng=rng, timeout_s=timeout_s, backoff_s=backoff_s)
        self._headers = {"Authorization": f"Bot {token}"}

    def __repr__(self) -> str:
        """Without the token."""
        return "ChannelClient()"

    async def post(
        self,
        channel_id: int,
        message: ReplyMessage,
        *,
        nonce: str,
        answers: int | None = None,
        tries: int = 5,
    ) -> int:
        """Posts a message and returns its id; with the same nonce, once within some minutes.

        Args:
            channel_id: where.
            message: what.
            nonce: at most 25 characters.
            answers: the id of a message in this channel that it answers, or None.
            tries: how often it is tried.

        Raises:
            ReplyGoneError: the channel is gone, or the bot may not write there.
            ReplyError: it did not work within so many tries.
        """
        payload: dict[str, Any] = {**harmless(message), "nonce": nonce, "enforce_nonce": True}
        if answers is not None:
            payload["message_reference"] = {
                "message_id": str(answers),
                "fail_if_not_exists": False,  # it may have been deleted meanwhile
            }
        path = f"/channels/{channel_id}/messages"
        return await self._send("POST", path, channel_id, payload, message, tries)

    async def edit(
        self, channel_id: int, message_id: int, message: ReplyMessage, *, tries: int = 5
    ) -> int:
        """Makes a message of the bot look like this one.

        Raises:
            ReplyGoneError: it is gone, or the bot may not see the channel.
            ReplyError: it did not work within so many tries.
        """
        path = f"/channels/{channel_id}/messages/{message_id}"
        return await self._send("PATCH", path, channel_id, dict(harmless(message)), message, tries)

    async def _send(  # the parts of one request
        self,
        method: str,
        path: str,
        channel_id: int,
        payload: dict[str, Any],
        message: ReplyMessage,
        tries: int,
    ) -> int:
        call = Call(
            method=method,
            path=path,
            payload=payload,
            attachment=attachment_of(message),
            bucket=f"{method} {channel_id}",
            repeatable=True,
            headers=self._headers,
        )
        return int((await self._caller.send(call, tries)).get("id") or 0)
