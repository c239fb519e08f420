"""One job's text while the engine writes it: fits the prompt, joins the engine, takes its tokens.

Made by the job's run, which shows and posts what comes of it. Knows nothing of queues or Discord.
"""

import asyncio
from collections.abc import Callable
from dataclasses import replace

from bot.core.banned import ban_sequences
from bot.core.jobs import Job
from bot.core.models import ModelInfo
from bot.core.prompts import FittedPrompt, fit_window
from bot.core.replies import Label, left_out
from bot.core.sampling import SamplingParams
from bot.language import mark, tr
from bot.model.tokenizers.api import Tokenizer
from bot.worker.engine_loop import EngineLoop, Seat
from bot.worker.generation import End, Generation
from bot.worker.work import RefusedByEngineError, WritingFailedError

_NOTES = {
    End.STOPPED: mark("stopped by request"),
    End.DEADLINE: mark("out of time"),
    End.WINDOW: mark("the model's window is full"),
    End.LOOP: mark("it began to repeat itself"),
}


class Writing:
    """A text that is being written.

    Args:
        job: what is wanted; without a prompt, a text out of nothing.
        sampling: how this text is drawn, its own seed included.
        engine: writes it, from `start` on.
        tokenizer: of the model.
        model: which one.
        clock: Unix time in seconds.
        on_leave: called once, when it needs its place in the engine no more.
        changed: set whenever there is more, or it is over.

    Attributes:
        fitted: the prompt as the model reads it.
        generation: what is written so far.
        sampling: as given.
        first_token_s: when the first token came (Unix time), or None.
    """

    def __init__(
        self,
        job: Job,
        sampling: SamplingParams,
        *,
        engine: EngineLoop,
        tokenizer: Tokenizer,
        model: ModelInfo,
        clock: Callable[[], float],
        on_leave: Callable[[], None],
        changed: asyncio.Event,
    ) -> None:
        self._job = job
        self._engine = engine
        self._model = model
        self._tokenizer = tokenizer
        self._clock = clock
        self._on_leave = on_leave
        self._seat: Seat | None = None
        self._error: Exception | None = None
        self.fitted: FittedPrompt = fit_window(
            tokenizer.encode(job.prompt) or _nothing(model),
            engine.info.n_ctx,
            job.max_new_tokens,
            texts=tokenizer,
            # Apart from the prompt, so that all texts of one story begin with the same tokens.
            pinned=tokenizer.encode(job.pinned),
        )
        self.generation = Generation(
            tokenizer.stream_decoder(after=job.prompt),
            max_new_tokens=self.fitted.max_new_tokens,
            end_of_text_id=model.end_of_text_id,
            stop=sampling.stop,
            window_full=self.fitted.max_new_tokens < job.max_new_tokens,
            end_at_sentence=sampling.end_at_sentence,
            guard_loops=sampling.guard_loops,
            ignore_end_of_text=sampling.openai_semantics,
        )
        self.sampling = sampling
        self._changed = changed
        self._is_in_engine = False
        self.first_token_s: float | None = None

    @property
    def is_over(self) -> bool:
        """Whether nothing more will come."""
        return self.generation.end is not None or self._error is not None

    @property
    def has_failed(self) -> bool:
        """Whether it ended by an error: `raise_error` raises it."""
        return self._error is not None and self.generation.end is None

    @property
    def is_repeatable(self) -> bool:
        """Whether the same seed makes the same text again, whatever else is written then."""
        return self._engine.info.batch_invariant or self._seat is None or self._seat.is_alone

    def start(self) -> None:
        """Hands the prompt to the engine."""
        self._is_in_engine = True
        self._seat = self._engine.add(
            self.fitted.tokens,
            self._drawn(),
            on_token=self._take,
            on_failure=self._fail,
        )

    def _drawn(self) -> SamplingParams:
        """As asked for, with banned words as this model's tokens."""
        sampling = self.sampling
        if not sampling.banned_words:
            return sampling
        banned = ban_sequences(sampling.banned_words, self._tokenizer.encode)
        return replace(sampling, banned_tokens=(*sampling.banned_tokens, *banned))

    def stop(self, end: End) -> None:
        """Ends the text where it is."""
        self.generation.finish(end)
        self._changed.set()

    def leave_engine(self) -> None:
        """Frees its place, if it has one."""
        if self._seat is not None and self._is_in_engine:
            self._is_in_engine = False
            self._engine.remove(self._seat.sequence_id)
            self._on_leave()

    def raise_error(self) -> None:
        """Raises what ended it, unless the text had its end before.

        Raises:
            RefusedByEngineError: no attempt would change that.
            WritingFailedError: another attempt may go well.
        """
        if self._error is None or not self.has_failed:
            return
        if isinstance(self._error, ValueError):
            raise RefusedByEngineError from self._error
        raise WritingFailedError from self._error

    def label(self) -> Label:
        """What stands under the text."""
        end, fitted = self.generation.end, self.fitted
        ended = (tr(_NOTES[end]),) if end is not None and end in _NOTES else ()
        cut = left_out(prompt=fitted.dropped, pinned=fitted.pinned_dropped)
        return Label(
            model=self._model.name,
            quantization=self._model.quantization,
            seed=self.sampling.seed,
            is_repeatable=self.is_repeatable,
            notes=(*ended, *cut, *self._job.notes),
        )

    def _take(self, token: int) -> None:
        if self.first_token_s is None:
            self.first_token_s = self._clock()
        self.generation.feed(token)
        if self.is_over:
            self.leave_engine()
        self._changed.set()

    def _fail(self, error: Exception) -> None:
        self._error = error
        self._changed.set()


def _nothing(model: ModelInfo) -> list[int]:
    """What a text out of nothing goes on from: the end of another one (OpenAI's script, too).

    Raises:
        RefusedByEngineError: the model has no such token.
    """
    if model.end_of_text_id is None:
        raise RefusedByEngineError from ValueError("the model can't begin a text by itself")
    return [model.end_of_text_id]
