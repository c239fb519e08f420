"""GPT-2 on ctransformers 0.2.27: wheels for every machine, no compiler, one text at a time.

The library is unmaintained and trusts its caller, so this file keeps it inside what was found to
be safe: files are checked before, ids and positions are checked in `sequences`, prompts are read
in small chunks, one model and one evaluation per process, our own sampler. Called by `select`.
"""

import ctypes
import importlib
import logging
import math
import platform
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import structlog

from bot.core.models import ModelInfo, ModelShape
from bot.engine.api import EngineInfo
from bot.engine.places import Chunk, kv_bytes
from bot.engine.sequences import SequenceEngine
from bot.errors import EngineError

_log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

# gpt2_eval computes in one buffer of this size and writes past its end without a check. It grows
# only with the tokens of a call, not with the window, so what a call needs has to fit.
_BUFFER_BYTES = 256 * 2**20
_SAFE_SHARE = 0.85
_CHUNKS = (8, 4, 2, 1)


class CTransformersEngine(SequenceEngine):
    """One sequence of one model.

    Args:
        info: a checked legacy GGML file.
        n_threads: processor threads.

    Raises:
        EngineError: another model is open in this process, or the library has no build for it.
    """

    _open: ClassVar[bool] = False

    def __init__(self, info: ModelInfo, *, n_threads: int) -> None:
        if CTransformersEngine._open:
            # Its scratch buffer is one for the process: two models would overwrite each other.
            raise EngineError("ctransformers can run one model in a process; end the other first.")
        if info.file_format != "ggml":
            raise EngineError(f"ctransformers can't read {info.path}: it is no legacy GGML file.")
        if info.shape.n_head == 1:
            raise EngineError(
                f"ctransformers can't run {info.path}: with one attention head only it ends the "
                "process; use llama.cpp."
            )
        chunk, n_ctx = safe_sizes(info.shape)
        if n_ctx < info.shape.n_ctx:
            _log.warning(
                "window cut to what ctransformers can hold", n_ctx=n_ctx, model=info.shape.n_ctx
            )
        super().__init__(
            EngineInfo(
                name="ctransformers",
                n_ctx=n_ctx,
                n_vocab=info.shape.n_vocab,
                max_sequences=1,
                max_batch_tokens=chunk,
                max_chunk_tokens=chunk,
                n_threads=n_threads,
                batch_invariant=True,
                kv_bytes=kv_bytes(info.shape, n_places=1, bytes_per_number=4),
            ),
            info.suppressed_ids,
        )
        self._llm: Any = _load(info)
        CTransformersEngine._open = True

    def close(self) -> None:
        """Frees the model."""
        if self._llm is not None:
            self._llm = None  # its destructor gives the memory back
            CTransformersEngine._open = False

    def _compute(self, chunks: Sequence[Chunk]) -> npt.NDArray[np.float32]:
        rows: list[npt.NDArray[np.float32]] = []
        for chunk in chunks:
            if chunk.wanted == "all":
                # Logits exist for the last token of a call only.
                rows += [
                    self._evaluate([token], chunk.start + index)
                    for index, token in enumerate(chunk.tokens)
                ]
            else:
                row = self._evaluate(chunk.tokens, chunk.start)
                rows += [row] if chunk.wanted == "last" else []
        return np.stack(rows) if rows else np.zeros((0, self._info.n_vocab), dtype=np.float32)

    def _evaluate(self, tokens: Sequence[int], start: int) -> npt.NDArray[np.float32]:
        """Computes tokens from a position on; the logits of the last one, shape [n_vocab]."""
        ids = (ctypes.c_int * len(tokens))(*tokens)
        done = self._llm.ctransformers_llm_batch_eval(
            ids, len(tokens), start, len(tokens), self._info.n_threads
        )
        if not done:
            raise RuntimeError("ctransformers could not compute a step")
        data = self._llm.ctransformers_llm_logits_data()
        return np.ctypeslib.as_array(data, (self._info.n_vocab,)).copy()

    def _truncate(self, place: int, n_tokens: int) -> None:
        """Nothing to do: what is computed next begins there and overwrites the cache."""


def safe_sizes(shape: ModelShape) -> tuple[int, int]:
    """Tokens of one call and positions of the window that the fixed buffer can hold.

    The need of a call grows with the tokens before it (every layer copies its values) and with
    the call's own (attention rows, activations). Measured crashes: 1558M at batch 8 with 448
    tokens, 124M at batch 512; the factors below are about twice what was seen.
    """
    room = _BUFFER_BYTES * _SAFE_SHARE

    def need(n_tokens: int, n_ctx: int) -> float:
        values = n_ctx * shape.n_embd
        attention = 6 * n_tokens * n_ctx * shape.n_head
        activations = 32 * n_tokens * shape.n_embd
        return 4 * (shape.n_layer * (values + attention + activations) + n_tokens * shape.n_vocab)

    for n_tokens in _CHUNKS:
        if need(n_tokens, shape.n_ctx) <= room:
            return n_tokens, shape.n_ctx
    per_position = need(1, 1) - need(1, 0)
    n_ctx = math.floor((room - need(1, 0)) / per_position)
    return 1, min(shape.n_ctx, max(2, n_ctx))


def _load(info: ModelInfo) -> Any:
    logging.getLogger("ctransformers").setLevel(logging.ERROR)
    try:
        # Imported late: it is slow, and it has no types.
        library: Any = importlib.import_module("ctransformers.llm")
        return library.LLM(info.path, "gpt2", config=library.Config(), lib=_library())
    except (ImportError, OSError, RuntimeError, ValueError) as error:
        raise EngineError(f"ctransformers can't load {info.path}: {error}.") from error


def _library() -> str | None:
    """Which of its builds fits; asking the processor itself takes the library seconds."""
    if platform.system() != "Linux" or platform.machine() != "x86_64":
        return None
    try:
        flags = set(Path("/proc/cpuinfo").read_text(encoding="utf-8").split())
    except OSError:
        return None
    if {"avx2", "fma", "f16c"} <= flags:
        return "avx2"
    return "avx" if {"avx", "f16c"} <= flags else "basic"
