"""A text whose interaction is over, as messages in its channel.

Owned by the reply's writer. Each message has a nonce, so that another try, or another worker's
attempt, does not post it a second time. Where there is no way into the channel, it says so.
"""

import random
from collections.abc import Callable
from typing import Protocol

import structlog

from bot.core.jobs import INTERACTION_LIFETIME_S, Job, JobKind
from bot.core.late_replies import MOVED, late_lead
from bot.core.replies import ReplyMessage
from bot.discord_io.reply_errors import (
    InteractionOverError,
    ReplyError,
    ReplyGoneError,
    ReplyUnavailableError,
)
from bot.language import tr
from bot.worker.retry import Backoff

_PUBLIC = frozenset({JobKind.TEXT, JobKind.STORY})
_LATEST_S = INTERACTION_LIFETIME_S + 180.0  # after that, nobody waits for it any more

_log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)


class Channels(Protocol):
    """What is needed of `ChannelClient`."""

    async def post(
        self,
        channel_id: int,
        message: ReplyMessage,
        *,
        nonce: str,
        answers: int | None = None,
        tries: int = 5,
    ) -> int:
        """Posts a message, with the same nonce only once."""
        ...

    async def edit(
        self, channel_id: int, message_id: int, message: ReplyMessage, *, tries: int = 5
    ) -> int:
        """Makes a message of the bot look like this one."""
        ...


class LateReply:
    """What goes into the channel in place of one job's reply.

    Args:
        job: whose reply.
        channels: posts; None: the worker has no token of the bot.
        clock: Unix time in seconds.
        rng: jitter of the waits.
    """

    def __init__(
        self,
        job: Job,
        channels: Channels | None,
        *,
        clock: Callable[[], float],
        rng: random.Random,
    ) -> None:
        self._job = job
        # Texts are public; of all else, nobody knows here whether it was for the asker alone.
        is_public = job.kind in _PUBLIC and bool(job.reply.channel_id)
        self._channels = channels if is_public else None
        self._clock = clock
        self._rng = rng
        self._has_begun = False

    @property
    def is_possible(self) -> bool:
        """Whether there may be a way into the channel."""
        return self._channels is not None

    async def post(self, part: int, message: ReplyMessage, original: int | None) -> int:
        """Posts one part of the text; before the first one, says whom it is for. Returns its id.

        Args:
            part: its number, from 0.
            message: what it looks like.
            original: the id of the reply that can't be edited any more, where it is known.

        Raises:
            ReplyGoneError: there is no way into the channel.
            ReplyError: Discord refuses the message, or time is over.
        """
        if not self._has_begun:
            await self._persist("for", late_lead(self._job.user_id), original)
        message_id = await self._persist(str(part), message, None)
        if self._has_begun:
            return message_id
        self._has_begun = True
        _log.info("reply was over, text posted to the channel", channel=self._job.reply.channel_id)
        if original and not self._job.root:  # where older versions of the text stand, they stay
            await self._tidy(original)
        return message_id

    async def _persist(self, what: str, message: ReplyMessage, answers: int | None) -> int:
        if self._channels is None:
            raise InteractionOverError("the interaction is over, and there is no other way")
        backoff = Backoff(self._rng)
        while True:
            try:
                return await self._channels.post(
                    self._job.reply.channel_id,
                    message,
                    nonce=f"{self._job.id}-{what}",
                    answers=answers or None,
                )
            except ReplyUnavailableError as error:
                if self._clock() > self._job.created_at_s + _LATEST_S:
                    raise
                _log.warning("late message delayed", reason=str(error))
            except InteractionOverError as error:  # a 401 here: the bot's token is not valid
                raise ReplyGoneError(str(error)) from None
            await backoff.wait()

    async def _tidy(self, original: int) -> None:
        """Takes the mark and the Stop button off the reply; where that fails, they stay."""
        assert self._channels is not None
        try:
            await self._channels.edit(
                self._job.reply.channel_id, original, ReplyMessage(content=tr(MOVED)), tries=1
            )
        except ReplyError as error:
            _log.info("old reply not tidied", reason=str(error))
