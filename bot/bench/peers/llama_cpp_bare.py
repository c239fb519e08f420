"""llama.cpp by its C functions and no layer above: the yardstick of our engines on it.

Two ways: the decode loop of one sequence with its greedy sampler ("loop"), and as its example
`batched` does it, all sequences in one batch, in step, each with samplers in C ("batched").
API: https://github.com/ggml-org/llama.cpp/blob/master/include/llama.h
"""

import importlib
from collections.abc import Iterator, Sequence
from typing import Any

from bot.bench.child import Contender, Prompts, Recorder, Request, serve_peer

_BATCH_TOKENS = 512


class _Loaded:
    """Model and context, with a window for each of some sequences."""

    def __init__(self, request: Request, n_sequences: int) -> None:
        self.lib: Any = importlib.import_module("llama_cpp")
        lib = self.lib
        self._quiet = lib.llama_log_callback(_ignore_log)
        lib.llama_log_set(self._quiet, None)
        lib.llama_backend_init()
        path = request["path"].encode()
        model: Any = lib.llama_model_load_from_file(path, lib.llama_model_default_params())
        if not model:
            raise RuntimeError("llama.cpp can't load the model")
        params = lib.llama_context_default_params()
        params.n_ctx = request["n_ctx"] * n_sequences
        params.n_batch = params.n_ubatch = max(_BATCH_TOKENS, n_sequences)
        params.n_seq_max = n_sequences
        params.n_threads = params.n_threads_batch = request["threads"]
        params.kv_unified = False
        self.context: Any = lib.llama_init_from_model(model, params)
        if not self.context:
            raise RuntimeError("llama.cpp has no room for its cache")

    def clear(self) -> None:
        """Forgets all sequences."""
        self.lib.llama_memory_clear(self.lib.llama_get_memory(self.context), True)

    def decode(self, batch: Any) -> None:
        """Computes a batch."""
        code = self.lib.llama_decode(self.context, batch)
        if code != 0:
            raise RuntimeError(f"llama.cpp could not compute a step (code {code})")


class Loop:
    """One sequence, greedy, one request after the other.

    Args:
        request: the whole of it.
    """

    def __init__(self, request: Request) -> None:
        self._loaded = _Loaded(request, 1)
        self._sampler: Any = self._loaded.lib.llama_sampler_init_greedy()

    def run(self, prompts: Prompts, new_tokens: int, recorder: Recorder) -> None:
        """See `Contender.run`."""
        loaded, lib = self._loaded, self._loaded.lib
        for index, prompt in enumerate(prompts):
            loaded.clear()
            tokens = (lib.llama_token * len(prompt))(*prompt)
            for _ in range(new_tokens):
                loaded.decode(lib.llama_batch_get_one(tokens, len(tokens)))
                token = lib.llama_sampler_sample(self._sampler, loaded.context, -1)
                recorder.token(index)
                tokens = (lib.llama_token * 1)(token)


class Batched:
    """All sequences in one batch.

    Args:
        request: the whole of it.
    """

    def __init__(self, request: Request) -> None:
        n_sequences: int = request["streams"]
        self._loaded = _Loaded(request, n_sequences)
        lib = self._loaded.lib
        self._batch: Any = lib.llama_batch_init(max(_BATCH_TOKENS, n_sequences), 0, 1)
        self._samplers = [self._chain(lib, request, seed) for seed in range(n_sequences)]

    @staticmethod
    def _chain(lib: Any, request: Request, seed: int) -> Any:
        chain = lib.llama_sampler_chain_init(lib.llama_sampler_chain_default_params())
        lib.llama_sampler_chain_add(chain, lib.llama_sampler_init_top_k(request["top_k"]))
        lib.llama_sampler_chain_add(chain, lib.llama_sampler_init_temp(request["temperature"]))
        lib.llama_sampler_chain_add(chain, lib.llama_sampler_init_dist(seed))
        return chain

    def run(self, prompts: Prompts, new_tokens: int, recorder: Recorder) -> None:
        """See `Contender.run`."""
        self._loaded.clear()
        newest = [0] * len(prompts)
        for rows in _packed(prompts):
            self._step(rows, newest, recorder)
        for position in range(len(prompts[0]), len(prompts[0]) + new_tokens - 1):
            rows = [(index, token, position, True) for index, token in enumerate(newest)]
            self._step(rows, newest, recorder)

    def _step(
        self, rows: Sequence[tuple[int, int, int, bool]], newest: list[int], recorder: Recorder
    ) -> None:
        """Computes rows of (sequence, token, position, whether it is the newest)."""
        batch, loaded = self._batch, self._loaded
        for row, (sequence, token, position, wanted) in enumerate(rows):
            batch.token[row] = token
            batch.pos[row] = position
            batch.n_seq_id[row] = 1
            batch.seq_id[row][0] = sequence
            batch.logits[row] = wanted
        batch.n_tokens = len(rows)
        loaded.decode(batch)
        for row, (sequence, _, _, wanted) in enumerate(rows):
            if wanted:
                sampler = self._samplers[sequence]
                newest[sequence] = loaded.lib.llama_sampler_sample(sampler, loaded.context, row)
                recorder.token(sequence)


def _packed(prompts: Prompts) -> Iterator[list[tuple[int, int, int, bool]]]:
    """The prompts' tokens, in as many full batches as they need."""
    rows = [
        (sequence, token, position, position + 1 == len(prompt))
        for sequence, prompt in enumerate(prompts)
        for position, token in enumerate(prompt)
    ]
    for start in range(0, len(rows), _BATCH_TOKENS):
        yield rows[start : start + _BATCH_TOKENS]


def _ignore_log(*_: object) -> None:
    """llama.cpp tells hundreds of lines while it loads."""


def _open(request: Request) -> Contender:
    return {"loop": Loop, "batched": Batched}[request["variant"]](request)


if __name__ == "__main__":
    serve_peer(_open)
