"""Puts a soak's requests through the worker's engine loop, as many at once as there are places.

Used by `soak`. Each text has a task, as in a worker; what it shows is left out.
"""

import asyncio
import contextlib
import os
from array import array
from collections.abc import Callable, Coroutine, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bot.bench.soak_requests import Outcome, Request
from bot.core.models import ModelInfo
from bot.engine.api import Engine
from bot.errors import BrokenEngineError
from bot.model.tokenizers.api import Tokenizer
from bot.worker.engine_loop import EngineLoop, Seat
from bot.worker.generation import End, Generation

_MEMORY_AT = (0.1, 0.5, 1.0)  # parts of the run


@dataclass(slots=True, kw_only=True)
class _Text:
    """A request while it is written."""

    request: Request
    generation: Generation
    tokens: "array[int]" = field(default_factory=lambda: array("i"))
    failure: str | None = None
    n_late: int = 0
    has_left: bool = False
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def is_over(self) -> bool:
        return self.generation.end is not None or self.failure is not None

    @property
    def is_cancelled(self) -> bool:
        after = self.request.cancel_after
        return after is not None and self.generation.n_tokens >= after


class SoakRun:
    """The requests of one run, and what became of those that are over.

    Args:
        engine: idle.
        tokenizer: of its model.
        model: the model.
        requests: in their order.

    Attributes:
        outcomes: in the order in which texts ended.
        broken: why the engine ended the run, or None.
        memory: bytes resident after parts of the run, by percentage.
    """

    def __init__(
        self, engine: Engine, tokenizer: Tokenizer, model: ModelInfo, requests: Sequence[Request]
    ) -> None:
        self._loop = EngineLoop(engine)
        self._tokenizer = tokenizer
        self._end_of_text_id = model.end_of_text_id
        self._requests = requests
        self.outcomes: list[Outcome] = []
        self.memory: dict[int, int] = {}
        self.broken: str | None = None

    async def all(self, has_time: Callable[[], bool]) -> None:
        """Runs as many at once as there are places, in order."""
        left = iter(self._requests)
        n_places = self._loop.info.max_sequences
        engine = asyncio.create_task(self._loop.run())
        writers = [self._some(left, has_time) for _ in range(n_places)]
        texts = asyncio.create_task(self._to_the_end(writers))
        await asyncio.wait({engine, texts}, return_when=asyncio.FIRST_COMPLETED)
        if engine.done():  # it ends by itself only where it is broken
            self.broken = str(engine.exception())
        for task in (engine, texts):
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError, BrokenEngineError):
                await task
        self._note_memory(1.0)

    async def _to_the_end(self, writers: Sequence[Coroutine[None, None, None]]) -> None:
        await asyncio.gather(*writers)
        await self._loop.wait_idle()

    async def _some(self, left: Iterator[Request], has_time: Callable[[], bool]) -> None:
        """One after the other, until none is left."""
        for request in left:
            if not has_time():
                return
            self.outcomes.append(await self._one(request))
            self._note_memory(len(self.outcomes) / len(self._requests))

    async def _one(self, request: Request) -> Outcome:
        text = _Text(
            request=request,
            generation=Generation(
                self._tokenizer.stream_decoder(),
                max_new_tokens=request.max_new_tokens,
                end_of_text_id=self._end_of_text_id,
                stop=request.sampling.stop,
            ),
        )
        seat = self._join(text)
        while not text.is_over:
            if text.is_cancelled:
                text.generation.finish(End.STOPPED)
                break
            await text.changed.wait()
            text.changed.clear()
        text.has_left = True
        self._loop.remove(seat.sequence_id)
        return Outcome(
            request=request,
            end=text.generation.end,
            failure=text.failure,
            tokens=text.tokens,
            text=text.generation.text,
            n_late=text.n_late,
            is_alone=seat.is_alone,
        )

    def _join(self, text: _Text) -> Seat:
        def on_token(token: int) -> None:
            text.n_late += text.has_left
            text.tokens.append(token)
            text.generation.feed(token)
            if text.generation.end is not None:
                text.has_left = True
                self._loop.remove(seat.sequence_id)
            text.changed.set()

        def on_failure(error: Exception) -> None:
            text.failure = f"{type(error).__name__}: {error}"
            text.changed.set()

        request = text.request
        seat = self._loop.add(
            request.tokens, request.sampling, on_token=on_token, on_failure=on_failure
        )
        return seat

    def _note_memory(self, part: float) -> None:
        for at in _MEMORY_AT:
            percent = round(at * 100)
            if part >= at and percent not in self.memory and (size := resident_bytes()):
                self.memory[percent] = size


def resident_bytes() -> int | None:
    """What this process has in memory now; None where the system does not say (not Linux)."""
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    except OSError:
        return None
    return pages * os.sysconf("SC_PAGE_SIZE")
