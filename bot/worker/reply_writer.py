"""Shows one job's text in its reply: edits while it grows, then the finished text, all of it.

Owned by the job's run. Paced, and never waited for by the engine: each edit shows the newest
text there is. Decides nothing about the text, and knows nothing of leases but the marks it sets.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import Protocol

import structlog

from bot.core.buttons import Rows, stop_row
from bot.core.jobs import INTERACTION_LIFETIME_S, JOB_LIFETIME_S, Job, ReplyTarget
from bot.core.replies import FinalReply, ReplyMessage, running
from bot.discord_io.reply_errors import (
    InteractionOverError,
    ReplyError,
    ReplyGoneError,
    ReplyHeldError,
    ReplyUnavailableError,
)
from bot.worker.late_reply import Channels, LateReply
from bot.worker.pace import Pace
from bot.worker.retry import Backoff

EDIT_INTERVAL_S = 1.2

_LOOK_S = 0.25  # how soon a reply that is edited seldom hears that its text is over
_JITTER = 0.1  # of the interval: replies that began together are not edited together for long

# After a job's deadline the reply can still be edited until Discord closes it; the last seconds
# are left for an answer that is slow.
_GRACE_S = INTERACTION_LIFETIME_S - JOB_LIFETIME_S - 10

_log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

MarkPart = Callable[[int, bool], Awaitable[bool]]


class Replies(Protocol):
    """What the writer needs of `ReplyClient`."""

    async def edit_original(
        self, target: ReplyTarget, message: ReplyMessage, *, tries: int = 5
    ) -> int | None:
        """Makes the reply look like the message; returns its id, where Discord tells it."""
        ...

    async def send_followup(
        self, target: ReplyTarget, message: ReplyMessage, *, tries: int = 5
    ) -> int:
        """Posts a further message."""
        ...


class LeaseLostError(Exception):
    """Another worker has this job now, so this one must not post."""


class ReplyWriter:
    """Writes to one job's reply.

    Args:
        job: whose reply.
        replies: sends the messages.
        clock: Unix time in seconds.
        rng: jitter of the waits.
        edit_interval_s: at least so long between two edits.
        first_edit_after_s: so long somebody else may still be writing to the reply.
        channels: posts the text to the channel where its interaction is over; None: nobody does.
    """

    def __init__(
        self,
        job: Job,
        replies: Replies,
        *,
        clock: Callable[[], float],
        rng: random.Random,
        edit_interval_s: float = EDIT_INTERVAL_S,
        first_edit_after_s: float = 0.0,
        channels: Channels | None = None,
    ) -> None:
        self._job = job
        self._replies = replies
        self._clock = clock
        self._rng = rng
        self._pace = Pace(edit_interval_s)
        self._late = LateReply(job, channels, clock=clock, rng=rng)
        self._is_closed = False  # the interaction is over
        self._message_id: int | None = None
        self._shown = ""
        # On the loop's clock: of any edit, and of one that only shows how far the text is.
        self._next_edit_s = asyncio.get_running_loop().time() + first_edit_after_s
        self._next_growth_s = self._next_edit_s
        self.n_edits = 0

    def close(self) -> None:
        """Discord has closed the interaction: what comes now goes into the channel.

        It counts calls with dead tokens, and bans who makes thousands of them.
        """
        self._is_closed = True

    async def grow(self, prompt: str, text: Callable[[], str], is_over: Callable[[], bool]) -> None:
        """Shows the newest text once, when its turn has come; a failed edit is not repeated.

        Args:
            prompt: as it is to be shown.
            text: gives the text when the edit is made.
            is_over: whether the text has ended, so that the final edit is due instead.
        """
        if await self._may_show(is_over):
            await self._show(running(prompt, text()))

    async def show(self, sentence: str, is_over: Callable[[], bool]) -> None:
        """Shows a sentence once in place of a text that is still to come.

        Args:
            sentence: as `replies` renders it.
            is_over: whether somebody else may write to the reply now.
        """
        if await self._may_show(is_over):
            await self._show(sentence)

    async def _may_show(self, is_over: Callable[[], bool]) -> bool:
        """Waits for the next edit's turn; False where there is none to make."""
        loop = asyncio.get_running_loop()
        while not self._is_closed and (wait_s := self._next_growth_s - loop.time()) > 0:
            if is_over():
                return False
            # The final edit need not wait so long.
            early_s = self._next_edit_s - loop.time()
            await asyncio.sleep(early_s if 0 < early_s < wait_s else min(wait_s, _LOOK_S))
        return not self._is_closed and not is_over()

    async def _show(self, content: str) -> None:
        """One edit with the Stop button; where it fails, the next one will do."""
        if content == self._shown:
            return
        message = ReplyMessage(content=content, components=stop_row(self._job.id))
        try:
            await self._edit(message, tries=1)
            self._shown = content
        except InteractionOverError:
            if not self._late.is_possible:
                raise
            self._is_closed = True  # it goes on unseen, and its end is posted to the channel
        except ReplyGoneError:
            raise
        except ReplyError as error:
            _log.info("edit skipped", reason=str(error))

    async def finish(
        self,
        final: FinalReply,
        mark_part: MarkPart,
        *,
        components: Rows | None = None,
        sent_parts: int = 0,
        sending_part: int | None = None,
    ) -> list[int]:
        """Posts the finished text: the last edit always arrives, follow-ups are posted once.

        Args:
            final: the text in parts.
            mark_part: notes (part, sent) in the queue; False where the lease is lost.
            components: the buttons of the reply.
            sent_parts: follow-ups that an earlier attempt has posted.
            sending_part: one that an earlier attempt may have posted.

        Returns:
            The ids of the follow-ups that this call has posted.

        Raises:
            LeaseLostError: another worker posts it.
            ReplyError: the reply is gone, the text is refused, or time is over.
        """
        rows = components or []
        message_ids: list[int] = []
        if sending_part is not None and sending_part < len(final.parts):
            await self._finish_with_file(final, sending_part, rows)
            return message_ids
        await self.replace(_part(final, 0, rows))
        for part in range(sent_parts + 1, len(final.parts)):
            if not await mark_part(part, False):
                raise LeaseLostError
            message_id = await self._post(part, _part(final, part))
            if message_id is None:
                await self._finish_with_file(final, part, rows)
                return message_ids
            message_ids.append(message_id)
            if not await mark_part(part, True):
                raise LeaseLostError
        return message_ids

    async def replace(self, message: ReplyMessage) -> None:
        """Makes the reply look like the message, however often it has to be tried.

        Where the interaction is over, the channel gets the message instead.

        Raises:
            ReplyError: the reply is gone, the message is refused, or time is over.
        """
        backoff = Backoff(self._rng)
        while not self._is_closed:
            await self._wait_turn()
            try:
                await self._edit(message, tries=5)
            except InteractionOverError:
                self._go_to_channel()
            except ReplyUnavailableError as error:
                if self._is_too_late():
                    self._go_to_channel()
                    continue
                _log.warning("final edit delayed", reason=str(error))
                await backoff.wait()
            else:
                return
        await self._late.post(0, message, self._message_id)

    async def _post(self, part: int, message: ReplyMessage) -> int | None:
        """Posts a follow-up and returns its id; None where nobody knows whether it was posted."""
        backoff = Backoff(self._rng)
        while not self._is_closed:
            try:
                return await self._replies.send_followup(self._job.reply, message)
            except InteractionOverError:
                self._go_to_channel()
            except ReplyUnavailableError as error:
                _log.warning("follow-up delayed", reason=str(error), maybe_done=error.maybe_done)
                if error.maybe_done:
                    return None
                if self._is_too_late():
                    self._go_to_channel()
                    continue
                await backoff.wait()
        return await self._late.post(part, message, None)

    def _is_too_late(self) -> bool:
        return self._clock() > self._job.deadline_at_s + _GRACE_S

    def _go_to_channel(self) -> None:
        """From the handler of an error: raises it where there is no way into the channel."""
        if not self._late.is_possible:
            raise  # noqa: PLE0704
        self._is_closed = True

    async def _finish_with_file(self, final: FinalReply, part: int, rows: Rows) -> None:
        """Gives all from `part` on as a file at the reply: an edit can be repeated, a post not."""
        content = final.parts[0] + final.label
        file_text = final.from_part_on(part)
        await self.replace(ReplyMessage(content=content, file_text=file_text, components=rows))

    async def _wait_turn(self) -> None:
        wait_s = self._next_edit_s - asyncio.get_running_loop().time()
        if wait_s > 0:
            await asyncio.sleep(wait_s)

    async def _edit(self, message: ReplyMessage, *, tries: int) -> None:
        held_s = 0.0
        try:
            found = await self._replies.edit_original(self._job.reply, message, tries=tries)
            self._message_id = found or self._message_id
            self._pace.accepted()
        except ReplyHeldError as error:
            held_s = error.wait_s
            if error.is_refusal:
                self._pace.refused()
            raise
        finally:
            # From the answer on: so the interval holds wherever in between Discord counted it.
            now_s = asyncio.get_running_loop().time()
            pause_s = max(self._pace.interval_s, held_s)
            self._next_edit_s = now_s + self._pace.usual_s
            self._next_growth_s = now_s + pause_s * self._rng.uniform(1.0, 1.0 + _JITTER)
        self.n_edits += 1


def _part(final: FinalReply, index: int, rows: Rows | None = None) -> ReplyMessage:
    is_last = index == len(final.parts) - 1
    return ReplyMessage(
        content=final.parts[index],
        components=rows or [],
        file_text=final.file_text if is_last else None,
    )
