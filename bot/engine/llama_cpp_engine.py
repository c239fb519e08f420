"""GPT-2 on llama.cpp, many sequences in one pass, by llama-cpp-python's low-level functions.

The high-level class of that package runs one sequence only. Sequences join and leave between any
two steps; each has a stream of its own in the KV cache. Called by `select`.
API: https://github.com/ggml-org/llama.cpp/blob/master/include/llama.h
"""

import ctypes
import importlib
import threading
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import structlog

from bot.core.models import ModelInfo
from bot.engine.api import EngineInfo
from bot.engine.places import Chunk, kv_bytes
from bot.engine.sequences import SequenceEngine
from bot.errors import EngineError

_log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

_BATCH_TOKENS = 512
_CHUNK_TOKENS = 256
_TOLD_LEVELS = (3, 4)  # ggml_log_level: warnings and errors


class LlamaCppEngine(SequenceEngine):
    """Several sequences of one model.

    Args:
        info: a checked GGUF file.
        slots: sequences at once; each gets the model's whole window.
        n_threads: processor threads.

    Raises:
        EngineError: llama.cpp can't load the model or make room for its cache.
    """

    def __init__(self, info: ModelInfo, *, slots: int, n_threads: int) -> None:
        if info.file_format != "gguf":
            raise EngineError(f"llama.cpp can't read {info.path}: it is no GGUF file.")
        n_ctx = info.shape.n_ctx
        super().__init__(
            EngineInfo(
                name="llama_cpp",
                n_ctx=n_ctx,
                n_vocab=info.shape.n_vocab,
                max_sequences=slots,
                max_batch_tokens=max(_BATCH_TOKENS, slots),
                max_chunk_tokens=min(_CHUNK_TOKENS, n_ctx),
                n_threads=n_threads,
                batch_invariant=False,
                kv_bytes=kv_bytes(
                    info.shape,
                    n_places=slots,
                    bytes_per_number=4 if info.quantization == "f32" else 2,
                ),
            ),
            info.suppressed_ids,
        )
        self._aborted = threading.Event()
        self._model: Any = None
        self._context: Any = None
        self._batch: Any = None
        self._lib: Any = importlib.import_module("llama_cpp")
        # Callbacks must outlive the C code that calls them.
        self._log_callback = self._lib.llama_log_callback(_forward_log)
        self._abort_callback = self._lib.ggml_abort_callback(self._is_aborted)
        try:
            self._load(info)
        except EngineError:
            self.close()
            raise

    def _load(self, info: ModelInfo) -> None:
        lib = self._lib
        lib.llama_log_set(self._log_callback, ctypes.c_void_p())
        lib.llama_backend_init()
        model_params = lib.llama_model_default_params()
        self._model = lib.llama_model_load_from_file(info.path.encode(), model_params)
        if not self._model:
            raise EngineError(f"llama.cpp can't load {info.path}; the log has its reason.")
        params = lib.llama_context_default_params()
        params.n_ctx = self._info.max_sequences * self._info.n_ctx
        params.n_batch = params.n_ubatch = self._info.max_batch_tokens
        params.n_seq_max = self._info.max_sequences
        params.n_threads = params.n_threads_batch = self._info.n_threads
        params.kv_unified = False
        params.abort_callback = self._abort_callback
        if info.quantization == "f32":
            # Who runs f32 wants its numbers: flash attention, and keys and values in f16, move
            # logits by up to 4e-3.
            params.type_k = params.type_v = lib.GGML_TYPE_F32
            params.flash_attn_type = lib.LLAMA_FLASH_ATTN_TYPE_DISABLED
        self._context = lib.llama_init_from_model(self._model, params)
        if not self._context:
            raise EngineError(
                f"llama.cpp has no room for {self._info.max_sequences} texts at once; "
                "use fewer slots."
            )
        self._batch = lib.llama_batch_init(self._info.max_batch_tokens, 0, 1)

    def abort(self) -> None:
        """Ends the step under way with a RuntimeError; see `Engine.abort`."""
        self._aborted.set()

    def _is_aborted(self, _: object) -> bool:
        return self._aborted.is_set()

    def close(self) -> None:
        """Frees cache and model."""
        lib = self._lib
        if self._batch is not None:
            lib.llama_batch_free(self._batch)
        if self._context:
            lib.llama_free(self._context)
        if self._model:
            lib.llama_model_free(self._model)
        self._batch = self._context = self._model = None

    def _compute(self, chunks: Sequence[Chunk]) -> npt.NDArray[np.float32]:
        n_wanted = self._fill_batch(chunks)
        result = int(self._lib.llama_decode(self._context, self._batch))
        if result != 0:
            raise RuntimeError(f"llama.cpp could not compute a step (code {result})")
        if not n_wanted:
            return np.zeros((0, self._info.n_vocab), dtype=np.float32)
        # llama.cpp keeps the rows asked for one after the other, in the batch's order.
        rows = self._lib.llama_get_logits(self._context)
        return np.ctypeslib.as_array(rows, (n_wanted, self._info.n_vocab))

    def _fill_batch(self, chunks: Sequence[Chunk]) -> int:
        """Puts all chunks into the batch; how many rows of logits are wanted."""
        batch, row, n_wanted = self._batch, 0, 0
        for chunk in chunks:
            last = len(chunk.tokens) - 1
            for index, token in enumerate(chunk.tokens):
                wanted = chunk.wanted == "all" or (chunk.wanted == "last" and index == last)
                batch.token[row] = token
                batch.pos[row] = chunk.start + index
                batch.n_seq_id[row] = 1
                batch.seq_id[row][0] = chunk.place
                batch.logits[row] = wanted
                n_wanted += wanted
                row += 1
        batch.n_tokens = row
        return n_wanted

    def _truncate(self, place: int, n_tokens: int) -> None:
        if self._context:
            memory = self._lib.llama_get_memory(self._context)
            self._lib.llama_memory_seq_rm(memory, place, n_tokens, -1)

    def _copy(self, source: int, target: int, n_tokens: int) -> bool:
        memory = self._lib.llama_get_memory(self._context)
        self._lib.llama_memory_seq_rm(memory, target, -1, -1)
        # From stream to stream llama.cpp copies all or nothing.
        self._lib.llama_memory_seq_cp(memory, source, target, -1, -1)
        self._lib.llama_memory_seq_rm(memory, target, n_tokens, -1)
        return True


def _forward_log(level: int, text: bytes, _: object) -> None:
    """llama.cpp's warnings and errors; of its other lines there are hundreds at every load."""
    if level in _TOLD_LEVELS:
        _log.warning("llama.cpp", line=text.decode(errors="replace").strip())
