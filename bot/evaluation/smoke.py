"""A model's smoke test: does it compute numbers that make sense, over its whole window?

Run by `verify` as a process of its own (`python -P -m bot.evaluation.smoke`); see `child`.
"""

import sys
import time
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from bot.core.sampling import SamplingParams
from bot.engine.api import Engine
from bot.evaluation.child import Answer, serve

NEW_TOKENS = 16
_LOOKED_AT = 256  # positions whose every number is looked at
_GREEDY = SamplingParams(temperature=0.0, repetition_penalty=1.0)
_FAR = 7919  # a prime, so that neighbors in the test's text are far apart in the vocabulary


def smoke(engine: Engine, request: dict[str, Any]) -> Iterator[Answer]:
    """Checks the numbers, then writes some tokens after `request["prompt"]`, greedily.

    Raises:
        RuntimeError: the model computes nonsense.
    """
    n_ctx, n_vocab = engine.info.n_ctx, engine.info.n_vocab
    ids = [(_FAR * position + 11) % n_vocab for position in range(n_ctx)]
    _check_rows(engine, ids[:_LOOKED_AT])
    if n_ctx > _LOOKED_AT:
        # Each position looks back at all others, so what is no number anywhere shows in the last;
        # the engine refuses to draw from such a row.
        write(engine, ids, 1)
    prompt: list[int] = request["prompt"][: max(1, n_ctx - NEW_TOKENS)]
    started_s = time.perf_counter()
    tokens = write(engine, prompt, min(NEW_TOKENS, n_ctx - len(prompt)))
    elapsed_s = max(time.perf_counter() - started_s, 1e-9)
    yield {"tokens": tokens, "tokens_per_s": len(tokens) / elapsed_s, "window": n_ctx}, None


def _check_rows(engine: Engine, ids: Sequence[int]) -> None:
    first, is_varied = None, False
    for rows in engine.logits(ids):
        if not np.isfinite(rows).all():
            raise RuntimeError("it computes numbers that are not finite")
        if (rows == rows[:, :1]).all(axis=1).any():
            raise RuntimeError("it finds every token equally likely")
        first = rows[0] if first is None else first
        is_varied = is_varied or bool((rows != first).any())
    if not is_varied:
        raise RuntimeError("it expects the same after every token")


def write(engine: Engine, prompt: Sequence[int], n_new: int) -> list[int]:
    """The greedy continuation of a prompt, in one sequence."""
    left = len(prompt) - engine.add(0, prompt, _GREEDY)
    drawn: list[int] = []
    size = min(engine.info.max_chunk_tokens, engine.info.max_batch_tokens)
    try:
        while len(drawn) < n_new:
            [progress] = engine.step({0: min(left, size)})
            left = max(1, left - size)
            if progress.token is not None:
                drawn.append(progress.token)
    finally:
        engine.remove(0)
    return drawn


if __name__ == "__main__":
    sys.exit(serve({"smoke": smoke}))
