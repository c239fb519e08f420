"""Tells askers that the host had their waiting texts dropped, and settles what those were charged.

Owned by the bot process: `app` runs it, `host` hands texts to it. The replies may be other
processes' to look after: a reply's token lies in its job, so any process can edit it.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import structlog

from bot.core.buttons import back_row
from bot.core.jobs import JobState, ReplyTarget
from bot.core.replies import ReplyMessage
from bot.errors import QueueDownError
from bot.jobqueue.control import Dropped
from bot.language import speaking
from bot.services.ledger import Ledger

_AT_ONCE = 4
_APART_S = 0.1

_log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)


class Replies(Protocol):
    """What this needs of `ReplyClient`."""

    async def edit_original(
        self, target: ReplyTarget, message: ReplyMessage, *, tries: int = 5
    ) -> object:
        """Makes the reply look like the message."""
        ...


@dataclass(frozen=True, slots=True)
class _Farewell:
    """What a reply is to look like, and from when on (on the loop's clock)."""

    job_id: str
    target: ReplyTarget
    message: ReplyMessage
    from_s: float


class Farewells:
    """The replies of dropped texts.

    Args:
        ledger: settles what the texts were charged.
        replies: sends the edits.
        apart_s: between two edits of this process: at most 10 a second.
    """

    def __init__(self, ledger: Ledger, replies: Replies, *, apart_s: float = _APART_S) -> None:
        self._ledger = ledger
        self._replies = replies
        self._apart_s = apart_s
        self._waiting: asyncio.Queue[_Farewell] = asyncio.Queue()
        self._room = asyncio.Semaphore(_AT_ONCE)

    async def take(self, dropped: Sequence[Dropped], sentence: Callable[[], str]) -> None:
        """Gives back what the texts were charged; their replies say the sentence soon.

        Args:
            dropped: the texts.
            sentence: gives it, in the language that is spoken.
        """
        now_s = asyncio.get_running_loop().time()
        for one in dropped:
            if one.job is not None:
                # An edit that is on its way from elsewhere would come after this one's.
                from_s = now_s + one.notice_s
                # Where it was to be a new version, the old ones are kept.
                with speaking(one.job.language):
                    rows = back_row(one.job.root) if one.job.root else []
                    message = ReplyMessage(content=sentence(), components=rows)
                self._waiting.put_nowait(_Farewell(one.job_id, one.job.reply, message, from_s))
        for one in dropped:
            try:
                await self._ledger.settle(one.job_id, JobState.STOPPED)
            except QueueDownError:  # `chores` does it later
                _log.warning("dropped job not settled", job_id=one.job_id)

    async def run(self) -> None:
        """Until it is cancelled."""
        async with asyncio.TaskGroup() as group:
            while True:
                farewell = await self._waiting.get()
                await self._room.acquire()
                group.create_task(self._tell(farewell)).add_done_callback(
                    lambda _task: self._room.release()
                )
                await asyncio.sleep(self._apart_s)

    async def _tell(self, one: _Farewell) -> None:
        await asyncio.sleep(one.from_s - asyncio.get_running_loop().time())
        try:
            await self._replies.edit_original(one.target, one.message)
        except Exception as error:  # whatever it is, the others are told all the same
            _log.warning("drop not told", job_id=one.job_id, reason=type(error).__name__)
