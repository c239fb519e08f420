"""GPT-2 on llama.cpp, many sequences in one pass, by its C functions.

Sequences join and leave between any two steps; each has a stream of its own in the KV cache.
`bot.llama` finds the functions, in whichever package has them. Called by `select`.
API: https://github.com/ggml-org/llama.cpp/blob/master/include/llama.h
"""

import ctypes
import threading
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from bot.core.models import ModelInfo
from bot.engine.api import EngineInfo
from bot.engine.places import Chunk, kv_bytes
from bot.engine.sequences import SequenceEngine
from bot.engine.threads import Threads
from bot.errors import EngineError
from bot.llama.layouts import F32, FLASH_ATTENTION_OFF, AbortCallback, Batch
from bot.llama.library import load_library

_BATCH_TOKENS = 512
_CHUNK_TOKENS = 256
_WINDOW_STEP = 256  # llama.cpp rounds each sequence's part of the cache up to a multiple


class LlamaCppEngine(SequenceEngine):
    """Several sequences of one model.

    Args:
        info: a checked GGUF file.
        package: whose llama.cpp: "llama_cpp" or "xllamacpp"; also the engine's name.
        slots: sequences at once; each gets the model's whole window.
        threads: processor threads.

    Raises:
        EngineError: the package can't be used here, or llama.cpp can't load the model or make
            room for its cache.
    """

    def __init__(self, info: ModelInfo, *, package: str, slots: int, threads: Threads) -> None:
        if info.file_format != "gguf":
            raise EngineError(f"llama.cpp can't read {info.path}: it is no GGUF file.")
        n_ctx = info.shape.n_ctx
        super().__init__(
            EngineInfo(
                name=package,
                n_ctx=n_ctx,
                n_vocab=info.shape.n_vocab,
                max_sequences=slots,
                max_batch_tokens=max(_BATCH_TOKENS, slots),
                max_chunk_tokens=min(_CHUNK_TOKENS, n_ctx),
                n_threads=threads.most,
                batch_invariant=False,
                kv_bytes=slots * place_bytes(info),
            ),
            info.suppressed_ids,
        )
        self._threads = threads
        self._n_threads = threads.now()
        self._aborted = threading.Event()
        self._model: int | None = None
        self._context: int | None = None
        self._batch = _BatchArrays(self._info.max_batch_tokens)
        self._library = load_library(package)
        self._lib: Any = self._library.functions
        # The callback must outlive the C code that calls it.
        self._abort_callback = AbortCallback(self._is_aborted)
        try:
            self._load(info)
        except EngineError:
            self.close()
            raise

    def _load(self, info: ModelInfo) -> None:
        lib, library = self._lib, self._library
        self._model = lib.llama_model_load_from_file(info.path.encode(), library.model_params())
        if not self._model:
            raise EngineError(f"llama.cpp can't load {info.path}; the log has its reason.")
        params = library.context_params()
        params.n_ctx = self._info.max_sequences * self._info.n_ctx
        params.n_batch = params.n_ubatch = self._info.max_batch_tokens
        params.n_seq_max = self._info.max_sequences
        params.n_threads = params.n_threads_batch = self._n_threads
        params.kv_unified = False
        params.abort_callback = self._abort_callback_address()
        if info.quantization == "f32":
            # Who runs f32 wants its numbers: flash attention, and keys and values in f16, move
            # logits by up to 4e-3.
            params.type_k = params.type_v = F32
            params.flash_attn_type = FLASH_ATTENTION_OFF
        self._context = lib.llama_init_from_model(self._model, params)
        if not self._context:
            raise EngineError(
                f"llama.cpp has no room for {self._info.max_sequences} texts at once; "
                "use fewer slots."
            )

    def abort(self) -> None:
        """Ends the step under way with a RuntimeError; see `Engine.abort`."""
        self._aborted.set()

    def _is_aborted(self, _: object) -> bool:
        return self._aborted.is_set()

    def _abort_callback_address(self) -> int | None:
        return ctypes.cast(self._abort_callback, ctypes.c_void_p).value

    def close(self) -> None:
        """Frees cache and model."""
        if self._context:
            self._lib.llama_free(self._context)
        if self._model:
            self._lib.llama_model_free(self._model)
        self._context = self._model = None

    def _compute(self, chunks: Sequence[Chunk]) -> npt.NDArray[np.float32]:
        self._use_threads(self._threads.now())
        n_wanted = self._batch.fill(chunks)
        result = int(self._lib.llama_decode(self._context, self._batch.struct))
        if result != 0:
            raise RuntimeError(f"llama.cpp could not compute a step (code {result})")
        if not n_wanted:
            return np.zeros((0, self._info.n_vocab), dtype=np.float32)
        # llama.cpp keeps the rows asked for one after the other, in the batch's order.
        rows = self._lib.llama_get_logits(self._context)
        return np.ctypeslib.as_array(rows, (n_wanted, self._info.n_vocab))

    def _use_threads(self, n_threads: int) -> None:
        if n_threads != self._n_threads:
            self._lib.llama_set_n_threads(self._context, n_threads, n_threads)
            self._n_threads = n_threads

    def _truncate(self, place: int, n_tokens: int) -> None:
        if self._context:
            memory = self._lib.llama_get_memory(self._context)
            self._lib.llama_memory_seq_rm(memory, place, n_tokens, -1)

    def _copy(self, source: int, target: int, n_tokens: int) -> bool:
        """Makes a place hold exactly the first tokens of another; False where it hasn't as many.

        Between streams llama.cpp copies whole sequences only, so the tail is dropped afterwards.
        """
        memory = self._lib.llama_get_memory(self._context)
        if self._lib.llama_memory_seq_pos_max(memory, source) + 1 < n_tokens:
            return False
        if source != target:
            self._truncate(target, 0)
            self._lib.llama_memory_seq_cp(memory, source, target, -1, -1)
        self._truncate(target, n_tokens)
        return True


class _BatchArrays:
    """A llama_batch over arrays of ours, which are filled a chunk at a time.

    Args:
        size: tokens it holds.
    """

    def __init__(self, size: int) -> None:
        self._token = np.zeros(size, dtype=np.int32)
        self._position = np.zeros(size, dtype=np.int32)
        self._place = np.zeros(size, dtype=np.int32)
        self._n_places = np.ones(size, dtype=np.int32)  # each token belongs to one sequence
        self._is_wanted = np.zeros(size, dtype=np.int8)
        # An address for each token's list of sequences: here lists of one.
        self._place_at = self._place.ctypes.data + np.arange(size, dtype=np.uintp) * 4
        self.struct = Batch(
            token=self._token.ctypes.data,
            pos=self._position.ctypes.data,
            n_seq_id=self._n_places.ctypes.data,
            seq_id=self._place_at.ctypes.data,
            logits=self._is_wanted.ctypes.data,
        )

    def fill(self, chunks: Sequence[Chunk]) -> int:
        """Puts all chunks in; how many rows of logits are wanted."""
        end = 0
        for chunk in chunks:
            start, end = end, end + len(chunk.tokens)
            self._token[start:end] = chunk.tokens
            self._position[start:end] = np.arange(chunk.start, chunk.start + len(chunk.tokens))
            self._place[start:end] = chunk.place
            self._is_wanted[start:end] = chunk.wanted == "all"
            if chunk.wanted == "last":
                self._is_wanted[end - 1] = 1
        self.struct.n_tokens = end
        return int(np.count_nonzero(self._is_wanted[:end]))


def place_bytes(info: ModelInfo) -> int:
    """What keys and values of one place take: f16, or f32 for an f32 file."""
    n_ctx = -(-info.shape.n_ctx // _WINDOW_STEP) * _WINDOW_STEP
    number_bytes = 4 if info.quantization == "f32" else 2
    return kv_bytes(replace(info.shape, n_ctx=n_ctx), n_places=1, bytes_per_number=number_bytes)
