"""`bardling bench engine`: tokens per second and time to first token, beside bare loops.

Every engine that is installed, and what its library does alone, take turns in the same run, so
that a machine that changes its speed changes it for all. Prints figures, judges nothing.
"""

import gc
import importlib
import importlib.util
import json
import os
import platform
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bot import __version__
from bot.core.models import ModelInfo
from bot.core.sampling import SamplingParams
from bot.engine.api import Engine
from bot.engine.select import ENGINE_FILE_FORMAT, default_threads, open_engine
from bot.model.store import open_model

REQUESTS = (1, 8, 32)
PROMPT_TOKENS = 64
NEW_TOKENS = 64
_SLOTS = 32
_BUDGET_S = 150.0  # no new round begins after this


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One measurement: some requests put at once, all of them written to their end.

    Attributes:
        tokens_per_s: new tokens a second over all requests, reading the prompts included.
        first_token_s: median over the requests, from the start of the run.
    """

    tokens_per_s: float
    first_token_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """The medians of one contender at one number of requests."""

    name: str
    requests: int
    tokens_per_s: float
    first_token_s: float
    rounds: int


Contender = Callable[[Sequence[list[int]]], Run]


def main(
    model: str,
    home: Path,
    json_out: Path | None,
    *,
    rounds: int = 3,
    requests_at_once: Sequence[int] = REQUESTS,
) -> int:
    """Measures all contenders and prints a table.

    Args:
        model: a name or a path, as for a worker.
        home: where models lie.
        json_out: a file for the figures, or None.
        rounds: how often each measurement is taken, at most.
        requests_at_once: how many texts are asked for in one measurement.
    """
    threads = default_threads()
    names = [name for name in ("llama_cpp", "ctransformers") if _is_installed(name)]
    opened = {name: open_model(model, ENGINE_FILE_FORMAT[name], home) for name in names}
    info = next(iter(opened.values())).info
    print(
        f"{info.name} {info.quantization}: {PROMPT_TOKENS} tokens read and {NEW_TOKENS} written "
        f"for each request, {threads} thread(s), medians of up to {rounds} rounds in turn"
    )
    runs: dict[tuple[str, int], list[Run]] = {}
    started_s = time.monotonic()
    for turn in range(rounds):
        if time.monotonic() - started_s > _BUDGET_S:
            break
        for name in names:
            for contender, measure, close in _contenders(name, opened[name].info, threads):
                for requests in requests_at_once:
                    prompts = _prompts(info, requests, salt=turn * 100 + requests)
                    runs.setdefault((contender, requests), []).append(measure(prompts))
                close()
                gc.collect()
    rows = [_row(name, requests, taken) for (name, requests), taken in runs.items()]
    print(_table(rows))
    if json_out is not None:
        facts = _facts(info, threads) | {"rows": [asdict(row) for row in rows]}
        json_out.write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")
    return 0


def _is_installed(name: str) -> bool:
    return importlib.util.find_spec(name) is not None


def _prompts(info: ModelInfo, count: int, salt: int) -> list[list[int]]:
    """Different prompts of ids each time, so that no library can reuse what it has computed."""
    random = np.random.default_rng(salt)
    return random.integers(0, info.shape.n_vocab - 1, (count, PROMPT_TOKENS)).tolist()


def _contenders(
    name: str, info: ModelInfo, threads: int
) -> list[tuple[str, Contender, Callable[[], None]]]:
    """What is measured on one library: Bardling's engine, and the library alone.

    ctransformers may only be open once in a process, so each is opened when its turn comes.
    """
    bare = {"llama_cpp": _BareLlama, "ctransformers": _BareCTransformers}[name]
    return [
        _opened(f"bardling {name}", lambda: _OurEngine(open_ours(name, info, threads))),
        _opened(f"bare {name}", lambda: bare(info, threads)),
    ]


def open_ours(name: str, info: ModelInfo, threads: int) -> Engine:
    """Our engine with as many places as the most requests need, where it can have many."""
    return open_engine(name, info, slots=_SLOTS if name == "llama_cpp" else 1, n_threads=threads)


def _opened(name: str, open_: Callable[[], Any]) -> tuple[str, Contender, Callable[[], None]]:
    """A contender that is opened at its first measurement."""
    state: list[Any] = []

    def measure(prompts: Sequence[list[int]]) -> Run:
        if not state:
            state.append(open_())
            state[0].run([prompts[0][::-1]])  # warm: the first pass touches all of the model
        return state[0].run(prompts)

    def close() -> None:
        state.pop().close()

    return name, measure, close


class _OurEngine:
    """Bardling's engine as a worker drives it: places are filled again as they get free."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def run(self, prompts: Sequence[list[int]]) -> Run:
        engine, waiting = self._engine, list(enumerate(prompts))
        left: dict[int, int] = {}
        written: dict[int, int] = {}
        first_s: list[float] = []
        started_s = time.monotonic()
        while waiting or left:
            while waiting and len(left) < engine.info.max_sequences:
                sequence_id, prompt = waiting.pop(0)
                n_reused = engine.add(sequence_id, prompt, SamplingParams(seed=sequence_id))
                left[sequence_id], written[sequence_id] = len(prompt) - n_reused, 0
            for progress in engine.step(_plan(left, engine)):
                sequence_id = progress.sequence_id
                left[sequence_id] = PROMPT_TOKENS + written[sequence_id] - progress.computed
                if progress.token is None:
                    continue
                if written[sequence_id] == 0:
                    first_s.append(time.monotonic() - started_s)
                written[sequence_id] += 1
                left[sequence_id] = 1
                if written[sequence_id] == NEW_TOKENS:
                    engine.remove(sequence_id)
                    del left[sequence_id]
        return _run(len(prompts), started_s, first_s)

    def close(self) -> None:
        self._engine.close()


def _plan(left: dict[int, int], engine: Engine) -> dict[int, int]:
    """Who writes goes on; who reads gets what is left of the step."""
    plan = {sequence_id: 1 for sequence_id, count in left.items() if count == 1}
    room = engine.info.max_batch_tokens - len(plan)
    for sequence_id, count in left.items():
        share = min(count, engine.info.max_chunk_tokens, room)
        if count > 1 and share > 0:
            plan[sequence_id] = share
            room -= share
    return plan


class _BareLlama:
    """llama.cpp's own decode loop, greedy, one request after the other: no layer of ours."""

    def __init__(self, info: ModelInfo, threads: int) -> None:
        self._lib: Any = importlib.import_module("llama_cpp")
        lib = self._lib
        self._quiet = lib.llama_log_callback(_ignore_log)
        lib.llama_log_set(self._quiet, None)
        path = info.path.encode()
        self._model = lib.llama_model_load_from_file(path, lib.llama_model_default_params())
        params = lib.llama_context_default_params()
        params.n_ctx = info.shape.n_ctx
        params.n_threads = params.n_threads_batch = threads
        self._context = lib.llama_init_from_model(self._model, params)
        self._sampler = lib.llama_sampler_init_greedy()

    def run(self, prompts: Sequence[list[int]]) -> Run:
        lib, first_s = self._lib, list[float]()
        started_s = time.monotonic()
        for prompt in prompts:
            lib.llama_memory_clear(lib.llama_get_memory(self._context), True)
            tokens = (lib.llama_token * len(prompt))(*prompt)
            for index in range(NEW_TOKENS):
                lib.llama_decode(self._context, lib.llama_batch_get_one(tokens, len(tokens)))
                token = lib.llama_sampler_sample(self._sampler, self._context, -1)
                if index == 0:
                    first_s.append(time.monotonic() - started_s)
                tokens = (lib.llama_token * 1)(token)
        return _run(len(prompts), started_s, first_s)

    def close(self) -> None:
        self._lib.llama_sampler_free(self._sampler)
        self._lib.llama_free(self._context)
        self._lib.llama_model_free(self._model)


def _ignore_log(*_: object) -> None:
    """llama.cpp tells hundreds of lines while it loads."""


class _BareCTransformers:
    """ctransformers' own `generate` with its own sampler, one request after the other."""

    def __init__(self, info: ModelInfo, threads: int) -> None:
        library: Any = importlib.import_module("ctransformers.llm")
        config = library.Config(threads=threads, batch_size=8)
        self._llm: Any = library.LLM(info.path, "gpt2", config=config)

    def run(self, prompts: Sequence[list[int]]) -> Run:
        first_s: list[float] = []
        started_s = time.monotonic()
        for prompt in prompts:
            for index, _ in enumerate(self._llm.generate(prompt, reset=True)):
                if index == 0:
                    first_s.append(time.monotonic() - started_s)
                if index + 1 == NEW_TOKENS:
                    break
        return _run(len(prompts), started_s, first_s)

    def close(self) -> None:
        self._llm = None


def _run(n_requests: int, started_s: float, first_s: Sequence[float]) -> Run:
    total_s = time.monotonic() - started_s
    return Run(
        tokens_per_s=n_requests * NEW_TOKENS / total_s, first_token_s=statistics.median(first_s)
    )


def _row(name: str, requests: int, runs: Sequence[Run]) -> Row:
    return Row(
        name=name,
        requests=requests,
        tokens_per_s=round(statistics.median(run.tokens_per_s for run in runs), 1),
        first_token_s=round(statistics.median(run.first_token_s for run in runs), 4),
        rounds=len(runs),
    )


def _table(rows: Sequence[Row]) -> str:
    lines = [f"{'':24}{'requests':>9}{'tokens/s':>10}{'first token':>13}{'x bare':>8}"]
    bare = {(row.name.split()[1], row.requests): row.tokens_per_s for row in rows if _bare(row)}
    for row in sorted(rows, key=lambda row: (row.requests, row.name)):
        ratio = row.tokens_per_s / bare[row.name.split()[1], row.requests]
        shown = "" if _bare(row) else f"{ratio:8.2f}"
        first = f"{row.first_token_s * 1000:.0f} ms"
        lines.append(f"{row.name:24}{row.requests:9}{row.tokens_per_s:10.0f}{first:>13}{shown}")
    return "\n".join(lines)


def _bare(row: Row) -> bool:
    return row.name.startswith("bare ")


def _facts(info: ModelInfo, threads: int) -> dict[str, object]:
    return {
        "bardling": __version__,
        "python": platform.python_version(),
        "cores": os.cpu_count(),
        "threads": threads,
        "model": asdict(info) | {"path": Path(info.path).name},
        "prompt_tokens": PROMPT_TOKENS,
        "new_tokens": NEW_TOKENS,
    }
