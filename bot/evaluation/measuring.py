"""What `compare` has a model do, in a process of its own (`python -P -m bot.evaluation.measuring`).

See `child` for how the two talk.
"""

import resource
import statistics
import sys
import time
from collections.abc import Iterable, Iterator
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import numpy as np

from bot.core.sampling import SamplingParams
from bot.engine.api import Engine
from bot.evaluation.child import Answer, Rows, serve

READ_TOKENS = 256
NEW_TOKENS = 64
ROWS_AT_ONCE = 32  # a row of GPT-2's vocabulary is 200 KB, and four times that in float64
_ROUNDS = 3
_GREEDY = SamplingParams(temperature=0.0, repetition_penalty=1.0)


def speed(engine: Engine, request: dict[str, Any]) -> Iterator[Answer]:
    """Tokens per second, and the memory that this took.

    Reads a prompt made of `request["tokens"]` and writes on, one text alone; medians of three
    rounds. Comes before anything else is asked, since memory is the most that there ever was.
    """
    n_read = min(READ_TOKENS, engine.info.n_ctx // 2)
    n_new = min(NEW_TOKENS, engine.info.n_ctx - n_read)
    tokens: list[int] = request["tokens"]
    prompt = list(islice(cycle(tokens), n_read))
    _round(engine, prompt, 1)  # warm: the first pass touches all of the model
    rounds = [_round(engine, prompt, n_new) for _ in range(_ROUNDS)]
    yield (
        {
            "read_tokens_per_s": n_read / statistics.median(read_s for read_s, _ in rounds),
            "write_tokens_per_s": n_new / statistics.median(write_s for _, write_s in rounds),
            "memory_bytes": peak_memory_bytes(),
        },
        None,
    )


def score(engine: Engine, request: dict[str, Any]) -> Iterator[Answer]:
    """The log-probability of each token of `request["tokens"]` after the first."""
    logprobs = engine.score(request["tokens"]).logprobs
    if not np.isfinite(logprobs).all():
        raise RuntimeError("it computes numbers that are not finite")
    yield {"logprobs": logprobs.tolist()}, None


def rows(engine: Engine, request: dict[str, Any]) -> Iterator[Answer]:
    """The logits after each token of `request["tokens"]`, a few rows at a time."""
    for block in blocks(engine.logits(request["tokens"]), ROWS_AT_ONCE):
        yield {}, block


def blocks(chunks: Iterable[Rows], n_rows: int) -> Iterator[Rows]:
    """The same rows, so many at a time: engines differ in the size of their chunks."""
    waiting: list[Rows] = []
    n_waiting = 0
    for chunk in chunks:
        waiting.append(chunk)
        n_waiting += len(chunk)
        if n_waiting < n_rows:
            continue
        joined = np.concatenate(waiting)
        n_whole = n_waiting // n_rows * n_rows
        for start in range(0, n_whole, n_rows):
            yield joined[start : start + n_rows]
        waiting, n_waiting = [joined[n_whole:]], n_waiting - n_whole
    if n_waiting:
        yield np.concatenate(waiting)


def peak_memory_bytes() -> int:
    """The most that this process ever had resident, mapped parts of the model file included."""
    try:
        # Not ru_maxrss, which on Linux counts what the parent had when it started this process.
        for line in Path("/proc/self/status").read_text(encoding="utf-8").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    except OSError:
        pass
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024  # macOS counts bytes, others KiB


def _round(engine: Engine, prompt: list[int], n_new: int) -> tuple[float, float]:
    """Seconds to read a prompt, and to write n tokens after it (the first comes with reading)."""
    size = min(engine.info.max_chunk_tokens, engine.info.max_batch_tokens)
    engine.forget()  # or the prompt would be there from the round before
    engine.add(0, prompt, _GREEDY)
    try:
        started_s = time.perf_counter()
        for start in range(0, len(prompt), size):
            engine.step({0: min(size, len(prompt) - start)})
        read_s = time.perf_counter() - started_s
        started_s = time.perf_counter()
        for _ in range(n_new):
            engine.step({0: 1})
        write_s = time.perf_counter() - started_s
    finally:
        engine.remove(0)
    return max(read_s, 1e-9), max(write_s, 1e-9)


if __name__ == "__main__":
    sys.exit(serve({"speed": speed, "score": score, "rows": rows}))
