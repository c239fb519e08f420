"""The work on an X-ray: score the text, draw the picture, keep it as text, post it.

Made by `job_run` for each job of kind XRAY. Drawing is done in a thread, and scoring in the
engine's, so that the texts that others read go on growing.
"""

import asyncio

import structlog

from bot.core.asker import guild_of
from bot.core.buttons import xray_rows
from bot.core.jobs import JobState
from bot.core.replies import Picture, ReplyMessage
from bot.core.xray import N_EXPECTED, Colors
from bot.core.xray_texts import XrayText
from bot.errors import QueueDownError, RequestError
from bot.language import mark, tr
from bot.worker.engine_loop import SequenceFailedError
from bot.worker.generation import End
from bot.worker.tools import Mask
from bot.worker.work import Assignment, RefusedByEngineError, WritingFailedError
from bot.worker.xray_making import Reading, Shown, read, show

_SAVE_S = 2.0  # a picture is not kept waiting by a store that is away: then it is kept afterwards
_QUIET_S = 2.5  # a text that takes longer is said to be under way, so that it can be stopped
_UNDER_WAY = mark("The model is reading this text.")
_ENDED = {
    End.STOPPED: mark("Stopped: there is no X-ray of this text."),
    End.DEADLINE: mark("This X-ray took too long and was not made; please ask again."),
}
_TOO_SHORT = mark("There is too little text here to look at; a few more words would do.")

_log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)


class XrayWork:
    """Makes the X-ray of one job.

    Args:
        assignment: the job, and what its run lends.
    """

    def __init__(self, assignment: Assignment) -> None:
        self._at = assignment
        self._stop: End | None = None
        self._scoring: asyncio.Task[None] | None = None
        self._reading: Reading | None = None
        self._has_place = True

    @property
    def n_prompt_tokens(self) -> int:
        """Tokens that the model has read."""
        return len(self._reading.tokens) if self._reading is not None else 0

    @property
    def n_tokens(self) -> int:
        """None is written."""
        return 0

    async def run(self) -> JobState:
        """From the text to the posted picture; see `Work.run`."""
        job, tools = self._at.job, self._at.tools
        reading = await asyncio.to_thread(read, job.prompt, tools.tokenizer)
        if not reading.can_be_scored(tools.model.end_of_text_id):
            await self._at.writer.replace(ReplyMessage(content=tr(_TOO_SHORT)))
            return JobState.FAILED
        if not await self._score(reading):
            sentence = _ENDED.get(self._stop or End.STOPPED, _ENDED[End.STOPPED])
            await self._at.writer.replace(ReplyMessage(content=tr(sentence)))
            return JobState.STOPPED
        self.leave_engine()
        mask = await self._find_mask()
        shown = await asyncio.to_thread(
            show,
            reading,
            tokenizer=tools.tokenizer,
            model=f"{tools.model.name} {tools.model.quantization}",
            colors=Colors(job.colors),
            mask=mask,
            notes=job.notes,
        )
        await self._post(shown)
        return JobState.DONE

    def stop(self, end: End) -> None:
        """Gives the scoring up; a picture that is being drawn is posted."""
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

    async def _score(self, reading: Reading) -> bool:
        """Scores the text; False where that was stopped.

        Raises:
            RefusedByEngineError: no attempt would change that.
            WritingFailedError: another attempt may go well.
        """
        if self._stop is not None:
            return False
        self._reading = reading
        self._scoring = scoring = asyncio.create_task(self._fill(reading))
        try:
            done, _ = await asyncio.wait({scoring}, timeout=_QUIET_S)
            if not done:
                await self._at.writer.show(
                    tr(_UNDER_WAY), lambda: scoring.done() or self._at.may_have_lost_lease()
                )
            await asyncio.wait({scoring})
        finally:
            scoring.cancel()
        if scoring.cancelled():
            return False
        try:
            scoring.result()
        except ValueError as error:
            raise RefusedByEngineError from error
        except SequenceFailedError as error:
            raise WritingFailedError from error
        return True

    async def _fill(self, reading: Reading) -> None:
        reading.scores = await self._at.tools.engine.score(
            reading.tokens,
            bos=self._at.tools.model.end_of_text_id,
            n_alternatives=N_EXPECTED,
        )

    async def _find_mask(self) -> Mask:
        """What hides words; where nobody can tell, the text is shown as it is."""
        try:
            return await self._at.tools.mask_of(self._at.job)
        except RequestError as error:
            _log.warning("word filter not known", reason=type(error).__name__)
            return str

    async def _post(self, shown: Shown) -> None:
        """The final edit with its button; the text is kept first, so that the button finds it."""
        job, store = self._at.job, self._at.tools.xray_texts
        text = XrayText(
            id=job.id, user_id=job.user_id, guild_id=guild_of(job.tenant), parts=shown.parts
        )
        is_kept = True
        try:
            async with asyncio.timeout(_SAVE_S):
                await store.save(text)
        except (QueueDownError, TimeoutError) as error:
            _log.warning("X-ray not kept yet", reason=type(error).__name__)
            is_kept = False
        await self._at.writer.replace(
            ReplyMessage(
                content=shown.content,
                components=xray_rows(job.id),
                picture=Picture(png=shown.png, name="xray.png", description=shown.alt_text),
            )
        )
        if not is_kept:
            await self._at.persist(lambda: store.save(text))
