"""GPT-2 for many streams: 8-bit integer arithmetic, compiled by numba for this very processor.

Beyond a few streams a step is bound by arithmetic, not by reading weights, and this engine's costs
less than llama.cpp's. A text never depends on what else is in the batch (`kernels`). Called by
`select`.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from bot.core.models import ModelInfo
from bot.engine.api import EngineInfo
from bot.engine.places import Chunk, kv_bytes
from bot.engine.sequences import SequenceEngine
from bot.engine.threads import Threads
from bot.engine.wide import forward
from bot.engine.wide.crew import Crew
from bot.engine.wide.kernels import BLOCK, PANEL, Panels, Rows
from bot.engine.wide.simd import CAN_RUN, LANES
from bot.engine.wide.weights import load_model
from bot.errors import EngineError

_BATCH_TOKENS = 256
_CHUNK_TOKENS = 128
_SPARE_ROWS = 3  # see `kernels.multiply_panel`


class WideEngine(SequenceEngine):
    """Many sequences of one model.

    Args:
        info: a checked GGUF file.
        slots: sequences at once; each gets the model's whole window.
        threads: says how many to compute with.

    Raises:
        EngineError: this model's shape does not fit the kernels, or there is no memory for it.
    """

    def __init__(self, info: ModelInfo, *, slots: int, threads: Threads) -> None:
        if reason := why_not(info):
            raise EngineError(reason)
        shape = info.shape
        batch_tokens = max(_BATCH_TOKENS, slots)
        kept = (shape.n_layer, slots, shape.n_head, shape.n_ctx, shape.n_embd // shape.n_head)
        super().__init__(
            EngineInfo(
                name="wide",
                n_ctx=shape.n_ctx,
                n_vocab=shape.n_vocab,
                max_sequences=slots,
                max_batch_tokens=batch_tokens,
                max_chunk_tokens=min(_CHUNK_TOKENS, shape.n_ctx),
                n_threads=threads.most,
                batch_invariant=True,
                kv_bytes=slots * place_bytes(info),
            ),
            info.suppressed_ids,
        )
        try:
            self._model, zero = load_model(info.path, shape)
            # Zeros that nobody has written take no memory yet.
            self._kept = [np.zeros(kept, dtype=np.uint16) for _ in range(2)]
            self._shape = forward.Shape(
                shape.n_embd, shape.n_head, shape.n_layer, shape.n_ctx, slots,
                -(-shape.n_vocab // PANEL) * PANEL, zero, BLOCK // 4,
            )  # fmt: skip
            self._buffers = _buffers(self._shape, batch_tokens + _SPARE_ROWS, threads.most)
        except MemoryError as error:
            raise EngineError(
                f"There is no memory for {info.path} and {slots} texts at once; use fewer slots."
            ) from error
        self._cache = forward.Cache(*(one.ravel() for one in self._kept))
        self._threads = threads
        self._crew = Crew(threads.most)
        compile_kernels(np.uint8 if zero else np.int8)

    def close(self) -> None:
        """Ends the threads; the memory goes with the object."""
        self._crew.close()

    def _compute(self, chunks: Sequence[Chunk]) -> npt.NDArray[np.float32]:
        batch = _batch(chunks)
        counters = np.zeros(forward.n_counters(self._shape.n_layer), dtype=np.int64)
        shape, model, cache, buffers = self._shape, self._model, self._cache, self._buffers

        def part(thread: int) -> None:
            forward.forward(thread, shape, model, batch, cache, buffers, counters)

        self._crew.run(part, self._threads.now())
        rows = self._buffers.logits.reshape(-1, self._shape.n_outputs)
        return rows[: len(batch.wanted), : self._info.n_vocab]

    def _truncate(self, place: int, n_tokens: int) -> None:
        """Nothing to do: what is computed next overwrites what is kept from there on."""

    def _copy(self, source: int, target: int, n_tokens: int) -> bool:
        for kept in self._kept:
            kept[:, target, :, :n_tokens] = kept[:, source, :, :n_tokens]
        return True


def place_bytes(info: ModelInfo) -> int:
    """Keys and values of one place, in f16."""
    return kv_bytes(info.shape, n_places=1, bytes_per_number=2)


def compile_kernels(weights: type[np.int8] | type[np.uint8]) -> None:
    """Compiles what a step needs, or loads it where that was done before; for one kind of weights.

    A model without layers has all that numba looks at: the kinds of numbers.
    """
    zero = int(weights is np.uint8)
    shape = forward.Shape(BLOCK, 1, 0, 1, 1, PANEL, zero, BLOCK // 4)
    panels = Panels(np.zeros(PANEL * BLOCK, dtype=weights), np.zeros(PANEL, dtype=np.float32))
    model = forward.Model(panels, np.zeros(3 * BLOCK, dtype=np.float32))
    cache = forward.Cache(np.zeros(BLOCK, dtype=np.uint16), np.zeros(BLOCK, dtype=np.uint16))
    counters = np.zeros(forward.n_counters(0), dtype=np.int64)
    batch = _batch([Chunk(0, [0], 0, "last")])
    buffers = _buffers(shape, 1 + _SPARE_ROWS, 1)
    forward.forward(0, shape, model, batch, cache, buffers, counters)


def why_not(info: ModelInfo) -> str | None:
    """Why this engine can't run a model here, or None if it can."""
    if info.file_format != "gguf":
        return f"The wide engine can't read {info.path}: it is no GGUF file."
    if not CAN_RUN:
        return "The wide engine needs a processor with F16C; use llama.cpp."
    if info.shape.n_embd % BLOCK or info.shape.n_embd // info.shape.n_head % LANES:
        return (
            f"The wide engine can't run {info.path}: it needs a width that is a multiple of "
            f"{BLOCK} and heads of a multiple of {LANES} numbers; use llama.cpp."
        )
    return None


def _batch(chunks: Sequence[Chunk]) -> forward.Batch:
    tokens: list[int] = []
    places: list[int] = []
    positions: list[int] = []
    wanted: list[int] = []
    for chunk in chunks:
        first, n = len(tokens), len(chunk.tokens)
        tokens += chunk.tokens
        places += [chunk.place] * n
        positions += range(chunk.start, chunk.start + n)
        n_unwanted = {"none": n, "last": n - 1, "all": 0}[chunk.wanted]
        wanted += range(first + n_unwanted, first + n)
    columns = (np.array(column, dtype=np.int32) for column in (tokens, places, positions, wanted))
    return forward.Batch(*columns)


def _buffers(shape: forward.Shape, n_rows: int, n_threads: int) -> forward.Buffers:
    k = shape.n_embd

    def room(columns: int) -> npt.NDArray[np.float32]:
        return np.zeros(n_rows * columns, dtype=np.float32)

    rows = Rows(
        values=np.zeros(n_rows * 4 * k, dtype=np.int8 if shape.zero else np.int16),
        scales=room(4 * k // BLOCK),
        corrections=np.zeros(n_rows * 4 * k // BLOCK, dtype=np.int32),
    )
    return forward.Buffers(
        x=room(k),
        wide=room(4 * k),
        mixed=room(k),
        rows=rows,
        logits=room(shape.n_outputs),
        weights=np.zeros((n_threads, shape.n_ctx + LANES), dtype=np.float32),
    )
