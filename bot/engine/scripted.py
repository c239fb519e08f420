"""An engine without a model: its next token follows from the ones before, by a fixed rule.

For tests of everything around an engine: deterministic, quick, and it can be told to be slow or
to fail.
"""

import time
import zlib
from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from bot.engine.api import EngineInfo
from bot.engine.sequences import Chunk, SequenceEngine

Rule = Callable[[Sequence[int]], int]


class ScriptedEngine(SequenceEngine):
    """Makes the rule's token by far the likeliest.

    Args:
        n_vocab: ids there are.
        n_ctx: positions of a sequence.
        slots: sequences at once.
        rule: gives the next token for the tokens so far; by default a hash of the last four.
        step_delay_s: how long each step takes.
        fail_at_step: the step (from 1) that raises RuntimeError, or None.
        sleep: how to wait.
    """

    def __init__(
        self,
        *,
        n_vocab: int,
        n_ctx: int = 1024,
        slots: int = 8,
        rule: Rule | None = None,
        step_delay_s: float = 0.0,
        fail_at_step: int | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        super().__init__(
            EngineInfo(
                name="scripted",
                n_ctx=n_ctx,
                n_vocab=n_vocab,
                max_sequences=slots,
                max_batch_tokens=512,
                max_chunk_tokens=128,
                n_threads=1,
                batch_invariant=True,
                kv_bytes=0,
            )
        )
        self._rule = rule or self._hash_rule
        self._step_delay_s = step_delay_s
        self._fail_at_step = fail_at_step
        self._sleep = sleep
        self._steps = 0
        self._seen: dict[int, list[int]] = {}

    def close(self) -> None:
        """Nothing is held."""
        self._seen.clear()

    def _compute(self, chunks: Sequence[Chunk]) -> npt.NDArray[np.float32]:
        self._steps += 1
        if self._step_delay_s:
            self._sleep(self._step_delay_s)
        if self._steps == self._fail_at_step:
            raise RuntimeError("the script says that this step fails")
        rows = [np.zeros((0, self._info.n_vocab), dtype=np.float32)]
        for chunk in chunks:
            seen = self._seen.setdefault(chunk.place, [])
            assert len(seen) == chunk.start, "a position was left out or computed twice"
            logits = np.full((len(chunk.tokens), self._info.n_vocab), -20, dtype=np.float32)
            for row, token in zip(logits, chunk.tokens, strict=True):
                seen.append(token)
                row[self._rule(seen)] = 20
            rows.append(logits[{"none": len(logits), "last": -1, "all": 0}[chunk.wanted] :])
        return np.concatenate(rows)

    def _truncate(self, place: int, n_tokens: int) -> None:
        del self._seen.setdefault(place, [])[n_tokens:]

    def _copy(self, source: int, target: int, n_tokens: int) -> bool:
        self._seen[target] = self._seen[source][:n_tokens]
        return True

    def _hash_rule(self, tokens: Sequence[int]) -> int:
        last = ",".join(map(str, tokens[-4:]))
        return zlib.crc32(last.encode()) % self._info.n_vocab
