"""The work on a replay: write an earlier text again, compare, and post what came of it.

Made by `job_run` for each job of kind REPLAY. What is said of the two texts is `core.replay`.
"""

import asyncio

from bot.core.jobs import JobState
from bot.core.outputs import Output
from bot.core.replay import Remade, replay_words
from bot.core.replies import ReplyMessage
from bot.language import mark, tr
from bot.worker.generation import End
from bot.worker.work import Assignment
from bot.worker.writing import Writing

_NOT_KEPT = mark(
    "The text with this receipt is not kept any more, so there is nothing to compare with."
)
_AT_WORK = mark("This text is written again, to see whether it comes out the same…")


class ReplayWork:
    """Writes the text of one job's origin again.

    Args:
        assignment: the job, and what its run lends.
    """

    def __init__(self, assignment: Assignment) -> None:
        self._at = assignment
        self._changed = asyncio.Event()
        self._stop: End | None = None
        self._writing: Writing | None = None
        self._has_place = True

    @property
    def n_prompt_tokens(self) -> int:
        """Tokens that the model has read."""
        return len(self._writing.fitted.tokens) if self._writing else 0

    @property
    def n_tokens(self) -> int:
        """Tokens that it has written."""
        return self._writing.generation.n_tokens if self._writing else 0

    async def run(self) -> JobState:
        """From the kept text to the posted comparison; see `Work.run`."""
        job, tools = self._at.job, self._at.tools
        output = await self._at.persist(lambda: tools.outputs.find(job.origin))
        if output is None:
            self.leave_engine()
            await self._at.writer.replace(ReplyMessage(content=tr(_NOT_KEPT)))
            return JobState.FAILED
        mask = await self._at.mask()
        writing = self._begin()
        try:
            await self._at.writer.show(tr(_AT_WORK), self._must_not_show)
            while not writing.is_over:
                await self._changed.wait()
                self._changed.clear()
        finally:
            self.leave_engine()
        writing.raise_error()
        words = replay_words(output, self._remade(writing, output), mask)
        await self._at.writer.replace(ReplyMessage(content=words))
        is_cut_short = writing.generation.end in (End.STOPPED, End.DEADLINE)
        return JobState.STOPPED if is_cut_short else JobState.DONE

    def stop(self, end: End) -> None:
        """Ends it where it is."""
        self._stop = end
        if self._writing is not None:
            self._writing.stop(end)

    def leave_engine(self) -> None:
        """Frees its place."""
        if self._writing is not None:
            self._writing.leave_engine()
        self._free_place()

    def details(self) -> dict[str, object]:
        """How it went, for the log."""
        writing = self._writing
        end = writing.generation.end if writing else None
        return {
            "end": end.value if end else None,
            "first_token_at_s": writing.first_token_s if writing else None,
            "reproducible": writing.is_repeatable if writing else None,
        }

    def _begin(self) -> Writing:
        job, tools = self._at.job, self._at.tools
        self._writing = Writing(
            job,
            job.sampling,
            engine=tools.engine,
            tokenizer=tools.tokenizer,
            model=tools.model,
            clock=tools.clock,
            on_leave=self._free_place,
            changed=self._changed,
        )
        if self._stop is None:
            self._writing.start()
        else:
            self._writing.stop(self._stop)
        return self._writing

    def _must_not_show(self) -> bool:
        is_over = self._writing is None or self._writing.is_over
        return is_over or self._at.may_have_lost_lease()

    def _free_place(self) -> None:
        if self._has_place:
            self._has_place = False
            self._at.free_places(1)

    def _remade(self, writing: Writing, output: Output) -> Remade:
        tools, generation = self._at.tools, writing.generation
        return Remade(
            text=generation.text,
            n_tokens=generation.n_tokens,
            end=generation.end.value if generation.end else output.end,
            quantization=tools.model.quantization,
            weights=tools.model.sha256,
            engine=tools.engine.info.name,
            is_repeatable=writing.is_repeatable,
        )
