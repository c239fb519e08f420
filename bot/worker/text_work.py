"""The work on a text: write it, show it while it grows, keep it, post it.

Several candidates are written side by side: they have their prompt in common, which the engine
computes once. Made by `job_run` for each job of kind TEXT.
"""

import asyncio
from dataclasses import replace

import structlog

from bot.core.asker import guild_of
from bot.core.buttons import Rows, finished_rows
from bot.core.jobs import JobState
from bot.core.outputs import Output
from bot.core.receipts import code_of, sign
from bot.core.replies import FinalReply, final, shown_text
from bot.core.sampling import MAX_SEED, SamplingParams
from bot.errors import QueueDownError
from bot.worker.generation import End
from bot.worker.tools import Mask
from bot.worker.work import Assignment
from bot.worker.writing import Writing

_log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

_SAVE_S = 2.0  # a text is not kept waiting by a store that is away: then it is kept afterwards


class TextWork:
    """Writes the candidates of one job.

    Args:
        assignment: the job, and what its run lends.
    """

    def __init__(self, assignment: Assignment) -> None:
        self._at = assignment
        self._changed = asyncio.Event()
        self._stop: End | None = None
        self._mask: Mask = str
        self._writings: list[Writing] = []
        self._n_in_engine = assignment.job.candidates

    @property
    def n_prompt_tokens(self) -> int:
        """Tokens that the model has read; a prompt in common counts once."""
        return len(self._writings[0].fitted.tokens) if self._writings else 0

    @property
    def n_tokens(self) -> int:
        """Tokens that it has written, of all candidates."""
        return sum(writing.generation.n_tokens for writing in self._writings)

    async def run(self) -> JobState:
        """From the prompt to the posted text; see `Work.run`."""
        self._mask = await self._at.mask()
        self._begin()
        try:
            await self._show_growing()
        finally:
            self.leave_engine()
        for writing in self._writings:
            writing.raise_error()
        await self._post()
        ends = {writing.generation.end for writing in self._writings}
        return JobState.STOPPED if ends & {End.STOPPED, End.DEADLINE} else JobState.DONE

    def stop(self, end: End) -> None:
        """Ends all candidates where they are."""
        self._stop = end
        for writing in self._writings:
            writing.stop(end)

    def leave_engine(self) -> None:
        """Frees all places."""
        for writing in self._writings:
            writing.leave_engine()
        self._at.free_places(self._n_in_engine)
        self._n_in_engine = 0

    def details(self) -> dict[str, object]:
        """How it went, for the log."""
        if not self._writings:
            return {"end": None, "first_token_at_s": None, "reproducible": None}
        first = [w.first_token_s for w in self._writings if w.first_token_s is not None]
        end = self._writings[0].generation.end
        return {
            "end": end.value if end else None,
            "first_token_at_s": min(first, default=None),
            "reproducible": all(writing.is_repeatable for writing in self._writings),
        }

    def _begin(self) -> None:
        job = self._at.job
        self._writings = [
            self._new_writing(
                replace(job.sampling, seed=(job.sampling.seed + index) % (MAX_SEED + 1))
            )
            for index in range(job.candidates)
        ]
        for writing in self._writings:
            if self._stop is None:
                writing.start()
            else:
                writing.stop(self._stop)

    def _new_writing(self, sampling: SamplingParams) -> Writing:
        tools = self._at.tools
        return Writing(
            self._at.job,
            sampling,
            engine=tools.engine,
            tokenizer=tools.tokenizer,
            model=tools.model,
            clock=tools.clock,
            on_leave=self._leave_one,
            changed=self._changed,
        )

    def _leave_one(self) -> None:
        """A candidate is written; its place goes to the next text at once."""
        if self._n_in_engine:
            self._n_in_engine -= 1
            self._at.free_places(1)

    async def _show_growing(self) -> None:
        """Until all are over; of several, the first that still grows is shown."""
        while growing := self._growing():
            await self._changed.wait()
            self._changed.clear()
            shown = self._growing()
            if shown is not None and shown.generation.text.strip():
                prompt = self._mask(self._shown_prompt())
                await self._at.writer.grow(prompt, self._shown_text, self._must_not_grow)
            del growing

    def _shown_prompt(self) -> str:
        """What stands above the text while it grows."""
        return self._at.job.prompt

    def _growing(self) -> Writing | None:
        """The first candidate that is not over; None as soon as one has failed."""
        if any(writing.has_failed for writing in self._writings):
            return None
        return next((writing for writing in self._writings if not writing.is_over), None)

    def _shown_text(self) -> str:
        shown = self._growing()
        return self._mask(shown.generation.text) if shown is not None else ""

    def _must_not_grow(self) -> bool:
        """Whether the final edit is due, or another worker may have made it already.

        The final edit itself needs no such care: each attempt's is the same.
        """
        return self._growing() is None or self._at.may_have_lost_lease()

    async def _post(self) -> None:
        """The final edit, with its buttons; the text is kept first, so that they find it."""
        outputs = [self._output(index) for index in range(len(self._writings))]
        is_kept, rows = await self._keep(outputs)
        message_ids = await self._at.writer.finish(
            self._final(outputs[0]),
            self._mark_part,
            components=rows,
            sent_parts=self._at.claim.sent_parts,
            sending_part=self._at.claim.sending_part,
        )
        store = self._at.tools.outputs
        if not is_kept:
            await self._at.persist(lambda: store.save(outputs))
        if message_ids:
            await self._at.persist(lambda: store.note_messages(outputs[0].code, message_ids))

    async def _keep(self, outputs: list[Output]) -> tuple[bool, Rows]:
        """Keeps the texts: whether that worked in time, and the buttons that find them."""
        store, job = self._at.tools.outputs, self._at.job
        codes = [output.code for output in outputs]
        try:
            async with asyncio.timeout(_SAVE_S):
                await store.save(outputs)
                if job.root:
                    codes = [output.code for output in await store.versions(job.root)]
        except (QueueDownError, TimeoutError) as error:
            _log.warning("text not kept yet", reason=type(error).__name__)
            # Which version it will be is not known now; a first one is the first.
            return False, [] if job.root else self._rows(codes, 0)
        if outputs[0].code not in codes:  # deleted on request in the same moment
            return True, []
        return True, self._rows(codes, codes.index(outputs[0].code))

    def _rows(self, codes: list[str], index: int) -> Rows:
        job = self._at.job
        return finished_rows(job.reply_root, index, len(codes), is_choice=job.candidates > 1)

    def _output(self, index: int) -> Output:
        job, tools, writing = self._at.job, self._at.tools, self._writings[index]
        label, end = writing.label(), writing.generation.end
        return Output(
            code=code_of(job.id, index),
            root=job.reply_root,
            job_id=job.id,
            prompt=job.prompt,
            pinned=job.pinned,
            text=writing.generation.text,
            n_prompt_tokens=len(writing.fitted.tokens),
            n_tokens=writing.generation.n_tokens,
            end=end.value if end else "",
            max_new_tokens=job.max_new_tokens,
            sampling=writing.sampling,
            model=label.model,
            quantization=label.quantization,
            weights=tools.model.sha256,
            engine=tools.engine.info.name,
            is_repeatable=label.is_repeatable,
            user_id=job.user_id,
            guild_id=guild_of(job.tenant),
            channel_id=job.reply.channel_id,
            created_at_s=tools.clock(),
            language=job.language,
            notes=label.notes,
        )

    def _final(self, output: Output) -> FinalReply:
        """One of several versions takes one message, so that a page can be turned."""
        # The model may have written the prompt, too, and a member have gone on with it.
        job, prompt, text = self._at.job, self._mask(output.prompt), self._mask(output.text)
        receipt = sign(shown_text(prompt, text), output.code, self._at.tools.receipt_keys)
        has_pages = job.candidates > 1 or bool(job.root)
        label = output.label(str(receipt))
        if has_pages:
            return final(prompt, text, label, max_parts=1)
        return final(prompt, text, label)

    async def _mark_part(self, part: int, sent: bool) -> bool:
        tools, claim = self._at.tools, self._at.claim
        return await self._at.persist(
            lambda: tools.queue.mark_part(tools.worker_id, claim.job.id, claim.attempt, part, sent)
        )
