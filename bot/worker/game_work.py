"""The work on what a scored game asks: write texts nobody sees yet, or say how likely some are.

Made by `job_run` for each job of kind GAME. What comes of it is brought into the game before its
message changes; another attempt finds that it is there, and only shows it.
"""

import asyncio
from collections.abc import Sequence

import structlog

from bot.core.jobs import Job, JobState
from bot.core.replies import ReplyMessage
from bot.discord_io.reply_errors import ReplyError, ReplyGoneError
from bot.errors import StoryError
from bot.play.api import Answered, AskFailed, Player, PlayMove, Scored, Session, WroteTexts
from bot.play.games import message_of, move_on
from bot.play.task import GameTask
from bot.state.sessions_api import SessionSaved
from bot.worker.engine_loop import SequenceFailedError
from bot.worker.generation import End
from bot.worker.text_work import TextWork
from bot.worker.tools import Mask, Tools
from bot.worker.work import Assignment, Persist, RefusedByEngineError, Work, WritingFailedError

_log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

_SAVES = 20  # while players bet and guess, each of their clicks is a conflict


def game_work(assignment: Assignment) -> Work:
    """The work of a job of kind GAME, by what the game asks."""
    task = GameTask.from_json(assignment.job.task)
    if task.continuations is None:
        return TextsWork(assignment, task)
    return ScoresWork(assignment, task, task.continuations)


class TextsWork(TextWork):
    """Writes texts for a game, without showing them while they grow.

    Args:
        assignment: the job, and what its run lends.
        task: which game.
    """

    def __init__(self, assignment: Assignment, task: GameTask) -> None:
        super().__init__(assignment)
        self._task = task

    async def _show_growing(self) -> None:
        """Nothing is shown: in some games it is hidden who wrote what."""
        while self._growing() is not None:
            await self._changed.wait()
            self._changed.clear()

    async def _post(self) -> None:
        texts = tuple(writing.generation.text for writing in self._writings)
        await bring(self._at, self._task, Answered(WroteTexts(texts)), self._mask)


class ScoresWork:
    """Says how likely some continuations are.

    Args:
        assignment: the job, and what its run lends.
        task: which game.
        continuations: of the job's prompt.
    """

    def __init__(
        self, assignment: Assignment, task: GameTask, continuations: Sequence[str]
    ) -> None:
        self._at = assignment
        self._task = task
        self._continuations = continuations
        self._scoring: asyncio.Task[tuple[float, ...]] | None = None
        self._stop: End | None = None
        self._n_read = 0
        self._has_place = True

    @property
    def n_prompt_tokens(self) -> int:
        """Tokens that the model has read."""
        return self._n_read

    @property
    def n_tokens(self) -> int:
        """None is written."""
        return 0

    async def run(self) -> JobState:
        """From the texts to the game's message; see `Work.run`."""
        move: PlayMove = AskFailed()
        if self._stop is None:
            self._scoring = asyncio.create_task(self._score())
            try:
                await asyncio.wait({self._scoring})
            finally:
                self._scoring.cancel()
            if not self._scoring.cancelled():
                move = Answered(Scored(_result(self._scoring)))
        self.leave_engine()
        await bring(self._at, self._task, move, await self._at.mask())
        return JobState.STOPPED if isinstance(move, AskFailed) else JobState.DONE

    def stop(self, end: End) -> None:
        """Gives the scoring up; the game is told."""
        self._stop = end
        if self._scoring is not None:
            self._scoring.cancel()

    def leave_engine(self) -> None:
        """Frees its place."""
        if self._scoring is not None:
            self._scoring.cancel()
        if self._has_place:
            self._has_place = False
            self._at.free_places(1)

    def details(self) -> dict[str, object]:
        """How it went, for the log."""
        return {"end": self._stop.value if self._stop else None}

    async def _score(self) -> tuple[float, ...]:
        """One after the other: each takes the job's one place."""
        tools = self._at.tools
        context = tools.tokenizer.encode(self._at.job.prompt)
        found: list[float] = []
        for text in self._continuations:
            tokens = tools.tokenizer.encode(text)
            room = max(1, tools.engine.info.n_ctx - len(tokens))
            whole = [*context[-room:], *tokens]
            self._n_read += len(whole)
            scores = await tools.engine.score(whole, bos=tools.model.end_of_text_id)
            found.append(float(scores.logprobs[len(scores.logprobs) - len(tokens) :].sum()))
        return tuple(found)


def _result(scoring: "asyncio.Task[tuple[float, ...]]") -> tuple[float, ...]:
    try:
        return scoring.result()
    except ValueError as error:
        raise RefusedByEngineError from error
    except SequenceFailedError as error:
        raise WritingFailedError from error


async def bring(at: Assignment, task: GameTask, move: PlayMove, mask: Mask) -> None:
    """Makes the model's move in its game, and shows the game.

    Raises:
        QueueDownError: the store was away until the job no longer mattered.
        ReplyError: the game's message is gone, or can't be edited.
    """
    session = await _move(at.tools, at.persist, at.job, task, move)
    if session is None:
        _log.info("game did not wait for this", session_id=task.session_id)
        return
    message = message_of(session, mask)
    if at.job.reply.interaction_token:
        try:
            await at.writer.replace(message)
        except ReplyGoneError:  # its time is over; the bot itself may still edit
            await _edit(at.tools, session, message)
    else:
        await _edit(at.tools, session, message)


async def give_up_game(tools: Tools, persist: Persist, job: Job) -> ReplyMessage | None:
    """The game goes on without an answer; how it looks then, or None where it is gone."""
    task = GameTask.from_json(job.task)
    session = await _move(tools, persist, job, task, AskFailed())
    return None if session is None else message_of(session)


async def _edit(tools: Tools, session: Session, message: ReplyMessage) -> None:
    """By the bot's own token; where that can't be, the next click shows how things are."""
    if tools.channels is None or not session.message_id:
        _log.info("game not shown", session_id=session.id)
        return
    try:
        await tools.channels.edit(session.channel_id, session.message_id, message)
    except ReplyError as error:
        _log.info("game not shown", session_id=session.id, reason=str(error))


async def _move(
    tools: Tools, persist: Persist, job: Job, task: GameTask, move: PlayMove
) -> Session | None:
    """Saves the move, against whatever others do meanwhile; None where the game won't have it."""
    source, sessions = f"w{job.id}", tools.sessions
    for _ in range(_SAVES):
        loaded = await persist(lambda: sessions.load(task.session_id))
        if loaded is None:
            return None
        session = loaded.session
        nobody = Player(user_id=0, name="", at_s=tools.clock())
        try:
            moved = move_on(session, move, nobody, source=source, job_id=job.id)
        except StoryError:
            return None
        if moved.session is session:
            return session if source in session.recent else None
        saved = await persist(
            lambda moved=moved, loaded=loaded: sessions.save(
                moved.session, revision=loaded.revision, results=moved.turn.results
            )
        )
        if saved is SessionSaved.DONE:
            return moved.session
        if saved is not SessionSaved.CONFLICT:
            return None
    _log.warning("answer not brought", session_id=task.session_id)
    return None
