"""One job in a worker's hands: have its work done and posted, and only then finish.

Made by the runner for each claim and run as a task of its own. What is done for a job is the work
of its kind (`work.py`); how it ended, and what queue, ledger and asker are told, is decided here.
At least once: where the engine fails, the job is put back, and whatever else goes wrong on the way
leaves it to its lease; another attempt does the work.
"""

import secrets
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import TypeVar

import structlog

from bot.core.buttons import Rows, back_row
from bot.core.jobs import INTERACTION_LIFETIME_S, JOB_LIFETIME_S, JobKind, JobState
from bot.core.replies import ReplyMessage, exhausted, expired, failure, tried_again
from bot.discord_io.reply_rest import ReplyError, ReplyGoneError, ReplyRefusedError
from bot.errors import QueueDownError
from bot.jobqueue.api import Claim, Verdict
from bot.jobqueue.limits import DEADLINE_MARGIN_S
from bot.language import speaking, tr
from bot.worker.game_work import game_work, give_up_game
from bot.worker.generation import End
from bot.worker.replay import ReplayWork
from bot.worker.reply_writer import LeaseLostError, ReplyWriter
from bot.worker.retry import Backoff
from bot.worker.story_work import StoryWork, give_up
from bot.worker.text_work import TextWork
from bot.worker.tools import Tools
from bot.worker.work import (
    Assignment,
    RefusedByEngineError,
    Work,
    WritingFailedError,
    n_places,
)
from bot.worker.xray_work import XrayWork

_WORKS: Mapping[JobKind, Callable[[Assignment], Work]] = {
    JobKind.TEXT: TextWork,
    JobKind.XRAY: XrayWork,
    JobKind.REPLAY: ReplayWork,
    JobKind.STORY: StoryWork,
    JobKind.GAME: game_work,
}

_PERSISTENCE_S = INTERACTION_LIFETIME_S - JOB_LIFETIME_S  # after the deadline nothing matters

_log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)
_T = TypeVar("_T")


class JobRun:
    """Runs one claim to its end.

    Args:
        claim: the job and how it was given.
        tools: what it works with.
        on_room: called when it no longer holds as many places in the engine as before.
        lease_until_s: how long nobody else can have the job (`time.monotonic`); the runner moves
            it on.
    """

    def __init__(
        self, claim: Claim, tools: Tools, *, on_room: Callable[[], None], lease_until_s: float
    ) -> None:
        self.claim = claim
        self.lease_until_s = lease_until_s
        self.is_finishing = False  # the queue is being told that it is over
        self.n_places = n_places(claim.job) if claim.verdict is Verdict.RUN else 0
        self._tools = tools
        self._on_room = on_room
        self._work: Work | None = None
        self._stop: End | None = None
        self._claimed_s = tools.clock()
        self._writer = ReplyWriter(
            claim.job,
            tools.replies,
            clock=tools.clock,
            rng=tools.rng,
            edit_interval_s=tools.edit_interval_s,
            first_edit_after_s=claim.notice_s,
            channels=tools.channels,
        )

    def stop(self, end: End) -> None:
        """Ends the text where it is; what exists is posted."""
        self._stop = end
        if self._work is not None:
            self._work.stop(end)

    def stop_if_late(self) -> None:
        """Ends the text while it can still be posted, also where the queue can't say so."""
        left_s = self.claim.job.deadline_at_s - self._tools.clock()
        if self.claim.verdict is Verdict.RUN and left_s < DEADLINE_MARGIN_S:
            self.stop(End.DEADLINE)

    async def run(self) -> None:
        """Everything from the prompt to the finished job. Never raises but by cancellation."""
        job = self.claim.job
        with (
            structlog.contextvars.bound_contextvars(
                job_id=job.id, guild_id=job.reply.guild_id, attempt=self.claim.attempt
            ),
            speaking(job.language),
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
                await self._do(error_id)

    async def _do(self, error_id: str) -> None:
        """Has the work done, and finishes the job by how that ended."""
        try:
            state = await self._begin_work().run()
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
            await self._finish(state)

    def _begin_work(self) -> Work:
        self._work = _WORKS[self.claim.job.kind](
            Assignment(
                claim=self.claim,
                tools=self._tools,
                writer=self._writer,
                free_places=self._free_places,
                may_have_lost_lease=self._may_have_lost_lease,
                persist=self._persist,
            )
        )
        if self._stop is not None:
            self._work.stop(self._stop)
        return self._work

    def _may_have_lost_lease(self) -> bool:
        return time.monotonic() > self.lease_until_s

    def _free_places(self, n: int) -> None:
        if n and self.n_places:
            self.n_places = max(0, self.n_places - n)
            self._on_room()

    def _leave_engine(self) -> None:
        if self._work is not None:
            self._work.leave_engine()
        self._free_places(self.n_places)

    async def _give_up(self, content: str, error_id: str, state: JobState) -> None:
        """Shows a sentence in place of a text, then finishes."""
        try:
            if self._tools.clock() > self.claim.job.deadline_at_s + _PERSISTENCE_S:
                self._writer.close()  # its time was over before a worker came
            await self._writer.replace(await self._after_failure(content))
        except ReplyError as error:
            _log.warning("error not delivered", reason=str(error), error_id=error_id)
        await self._finish(state, error_id=error_id)

    async def _after_failure(self, sentence: str) -> ReplyMessage:
        """What is shown in place of a text: with what can be done all the same."""
        job = self.claim.job
        rows: Rows = []
        if job.kind is JobKind.GAME:
            game = await give_up_game(self._tools, self._persist, job)
            if game is not None:  # it says itself that the model did not answer
                return game
        elif job.kind is JobKind.STORY:
            rows = await give_up(self._tools, self._persist, job)
        elif job.root:
            rows = back_row(job.root)  # the old versions are kept
        return ReplyMessage(content=sentence, components=rows)

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
        tools, claim, work = self._tools, self.claim, self._work
        n_written = work.n_tokens if work else 0
        n_prompt = work.n_prompt_tokens if work else 0
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
        claimed_s = self._claimed_s
        details = self._work.details() if self._work else {}
        first_s = details.pop("first_token_at_s", None)
        return {
            "kind": self.claim.job.kind.value,
            "waited_s": round(claimed_s - self.claim.job.created_at_s, 3),
            "first_token_s": None if first_s is None else round(first_s - claimed_s, 3),
            "total_s": round(self._tools.clock() - claimed_s, 3),
            "edits": self._writer.n_edits,
            **details,
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
