"""One job in a worker's hands: read the prompt, write, show, post, and only then finish.

Made by the runner for each claim and run as a task of its own. At least once: where the engine
fails, the job is put back, and whatever else goes wrong on the way leaves it to its lease; another
attempt writes the text.
"""

import secrets
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

import structlog

from bot.core.jobs import INTERACTION_LIFETIME_S, JOB_LIFETIME_S, JobState
from bot.core.replies import ReplyMessage, exhausted, expired, failure, final, tried_again
from bot.discord_io.reply_rest import ReplyError, ReplyGoneError, ReplyRefusedError
from bot.errors import QueueDownError, RequestError
from bot.jobqueue.api import Claim, Verdict
from bot.jobqueue.limits import DEADLINE_MARGIN_S
from bot.language import tr
from bot.worker.generation import End
from bot.worker.reply_writer import LeaseLostError, ReplyWriter
from bot.worker.retry import Backoff
from bot.worker.tools import Mask, Tools
from bot.worker.writing import RefusedByEngineError, Writing, WritingFailedError

_PERSISTENCE_S = INTERACTION_LIFETIME_S - JOB_LIFETIME_S  # after the deadline nothing matters

_log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)
_T = TypeVar("_T")


class JobRun:
    """Runs one claim to its end.

    Args:
        claim: the job and how it was given.
        tools: what it works with.
        on_room: called when it no longer holds a place in the engine.
        lease_until_s: how long nobody else can have the job (`time.monotonic`); the runner moves
            it on.
    """

    def __init__(
        self, claim: Claim, tools: Tools, *, on_room: Callable[[], None], lease_until_s: float
    ) -> None:
        self.claim = claim
        self.lease_until_s = lease_until_s
        self.is_finishing = False  # the queue is being told that it is over
        self.holds_place = claim.verdict is Verdict.RUN
        self._tools = tools
        self._on_room = on_room
        self._writing: Writing | None = None
        self._mask: Mask = str
        self._stop: End | None = None
        self._claimed_s = tools.clock()
        self._writer = ReplyWriter(
            claim.job,
            tools.replies,
            clock=tools.clock,
            rng=tools.rng,
            edit_interval_s=tools.edit_interval_s,
            first_edit_after_s=claim.notice_s,
        )

    def stop(self, end: End) -> None:
        """Ends the text where it is; what exists is posted."""
        self._stop = end
        if self._writing is not None:
            self._writing.stop(end)

    def stop_if_late(self) -> None:
        """Ends the text while it can still be posted, also where the queue can't say so."""
        left_s = self.claim.job.deadline_at_s - self._tools.clock()
        if self.claim.verdict is Verdict.RUN and left_s < DEADLINE_MARGIN_S:
            self.stop(End.DEADLINE)

    async def run(self) -> None:
        """Everything from the prompt to the finished job. Never raises but by cancellation."""
        job = self.claim.job
        with structlog.contextvars.bound_contextvars(
            job_id=job.id, guild_id=job.reply.guild_id, attempt=self.claim.attempt
        ):
            try:
                await self._run()
            except LeaseLostError:
                _log.info("job dropped", reason="the lease went to another worker")
            except Exception:
                # Not finished and no longer renewed: its lease runs out, the attempt counts, and
                # after the last one the queue asks a worker to tell the asker.
                _log.exception("job failed", error_id=_new_error_id())
            finally:
                self._leave_engine()

    async def _run(self) -> None:
        error_id = _new_error_id()
        match self.claim.verdict:
            case Verdict.EXPIRED:
                await self._give_up(expired(error_id), error_id, JobState.EXPIRED)
            case Verdict.EXHAUSTED:
                await self._give_up(exhausted(error_id), error_id, JobState.DEAD)
            case Verdict.RUN:
                await self._write_and_post(error_id)

    async def _write_and_post(self, error_id: str) -> None:
        try:
            writing = await self._write()
            await self._post(writing)
        except ReplyGoneError as error:
            _log.info("reply gone", reason=str(error))
            await self._finish(JobState.FAILED)
        except ReplyRefusedError as error:
            _log.error("reply refused", reason=str(error), error_id=error_id)
            sentence = tr("Discord refused this text; please ask for another one.")
            await self._give_up(failure(sentence, error_id), error_id, JobState.FAILED)
        except RefusedByEngineError as error:
            _log.error("prompt refused", reason=str(error.__cause__), error_id=error_id)
            sentence = tr("The model can't read this prompt; please try another one.")
            await self._give_up(failure(sentence, error_id), error_id, JobState.FAILED)
        except WritingFailedError as error:
            await self._try_again(error, error_id)
        else:
            stopped = writing.generation.end in (End.STOPPED, End.DEADLINE)
            await self._finish(JobState.STOPPED if stopped else JobState.DONE)

    async def _write(self) -> Writing:
        """Writes the text, and shows it while it grows."""
        tools = self._tools
        self._mask = await self._find_mask()
        writing = self._writing = Writing(
            self.claim.job,
            engine=tools.engine,
            tokenizer=tools.tokenizer,
            model=tools.model,
            clock=tools.clock,
            on_leave=self._leave_engine,
        )
        if self._stop is None:
            writing.start()
        else:
            writing.stop(self._stop)
        try:
            while not writing.is_over:
                await writing.changed.wait()
                writing.changed.clear()
                if writing.generation.text.strip() and not writing.is_over:
                    await self._writer.grow(
                        lambda: self._mask(writing.generation.text),
                        lambda: self._must_not_grow(writing),
                    )
        finally:
            self._leave_engine()
        writing.raise_error()
        return writing

    async def _find_mask(self) -> Mask:
        """What hides words; where nobody can tell, the text goes out as it is."""
        try:
            return await self._tools.mask_of(self.claim.job)
        except RequestError as error:
            _log.warning("word filter not known", reason=type(error).__name__)
            return str

    def _must_not_grow(self, writing: Writing) -> bool:
        """Whether the final edit is due, or another worker may have made it already.

        The final edit itself needs no such care: each attempt's is the same.
        """
        return writing.is_over or self._may_have_lost_lease()

    def _may_have_lost_lease(self) -> bool:
        return time.monotonic() > self.lease_until_s

    def _leave_engine(self) -> None:
        if self._writing is not None:
            self._writing.leave_engine()
        if self.holds_place:
            self.holds_place = False
            self._on_room()

    async def _post(self, writing: Writing) -> None:
        await self._writer.finish(
            final(self.claim.job.prompt, self._mask(writing.generation.text), writing.label()),
            self._mark_part,
            sent_parts=self.claim.sent_parts,
            sending_part=self.claim.sending_part,
        )

    async def _mark_part(self, part: int, sent: bool) -> bool:
        tools, claim = self._tools, self.claim
        return await self._persist(
            lambda: tools.queue.mark_part(tools.worker_id, claim.job.id, claim.attempt, part, sent)
        )

    async def _give_up(self, content: str, error_id: str, state: JobState) -> None:
        """Shows a sentence in place of a text, then finishes."""
        try:
            if self._tools.clock() > self.claim.job.deadline_at_s + _PERSISTENCE_S:
                # Discord counts calls with dead tokens, and bans who makes thousands of them.
                raise ReplyGoneError("its time was over before a worker came")
            await self._writer.replace(ReplyMessage(content=content))
        except ReplyError as error:
            _log.warning("error not delivered", reason=str(error), error_id=error_id)
        await self._finish(state, error_id=error_id)

    async def _try_again(self, error: Exception, error_id: str) -> None:
        """Says that the engine failed, and puts the job back: at once, and the attempt counts."""
        tools, claim = self._tools, self.claim
        _log.error("engine failed", error_id=error_id, exc_info=error.__cause__)
        try:
            if not claim.is_last_run:  # else the farewell comes next, and says more
                await self._writer.show(tried_again(error_id), self._may_have_lost_lease)
        except ReplyGoneError as gone:
            _log.info("reply gone", reason=str(gone))
            await self._finish(JobState.FAILED)
            return
        self.is_finishing = True
        if not await self._persist(lambda: tools.put_back(claim.job.id, claim.attempt)):
            raise LeaseLostError
        _log.info("job put back", error_id=error_id)

    async def _finish(self, state: JobState, **details: str) -> None:
        """Tells the queue, settles the cost, then tells the log.

        In this order: only the queue knows whether the job is still this worker's to settle. A
        worker that dies in between leaves a charge open, which `chores` settles by the queue's
        record.
        """
        tools, claim, writing = self._tools, self.claim, self._writing
        n_written = writing.generation.n_tokens if writing else 0
        n_prompt = len(writing.fitted.tokens) if writing else 0
        self.is_finishing = True
        was_ours = await self._persist(
            lambda: tools.queue.finish(
                tools.worker_id, claim.job.id, claim.attempt, state, n_prompt + n_written
            )
        )
        if not was_ours:
            raise LeaseLostError
        began = claim.verdict is Verdict.RUN
        waited_s = self._claimed_s - claim.job.created_at_s if began else None
        await self._persist(
            lambda: tools.ledger.settle(
                claim.job.id, state, prompt_tokens=n_prompt, tokens=n_written, waited_s=waited_s
            )
        )
        _log.info(
            "job finished",
            state=state.value,
            prompt_tokens=n_prompt,
            tokens=n_written,
            **self._timings(),
            **details,
        )

    def _timings(self) -> dict[str, object]:
        """How the job went, for the log."""
        writing, claimed_s = self._writing, self._claimed_s
        first_s = writing.first_token_s if writing else None
        end = writing.generation.end if writing else None
        return {
            "end": end.value if end else None,
            "waited_s": round(claimed_s - self.claim.job.created_at_s, 3),
            "first_token_s": None if first_s is None else round(first_s - claimed_s, 3),
            "total_s": round(self._tools.clock() - claimed_s, 3),
            "edits": self._writer.n_edits,
            "reproducible": writing.is_repeatable if writing else None,
        }

    async def _persist(self, call: Callable[[], Awaitable[_T]]) -> _T:
        """Makes an idempotent call to the queue, again and again while the queue is away.

        Raises:
            QueueDownError: it was away until the job no longer mattered.
        """
        backoff = Backoff(self._tools.rng)
        while True:
            try:
                return await call()
            except QueueDownError:
                if self._tools.clock() > self.claim.job.deadline_at_s + _PERSISTENCE_S:
                    raise
            await backoff.wait()


def _new_error_id() -> str:
    return secrets.token_hex(4)
