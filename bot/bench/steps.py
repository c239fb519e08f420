"""How much of a step is not the model: a log of the model's passes, and what lies between them."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from types import TracebackType
from typing import Any, Self

from bot.engine.api import Engine
from bot.engine.places import Chunk, Rows


@dataclass(frozen=True, slots=True)
class Call:
    """One pass through the model.

    Attributes:
        started_s: from any zero.
        ended_s: from the same.
        n_sequences: how many it computed tokens of.
        n_tokens: how many tokens it computed.
    """

    started_s: float
    ended_s: float
    n_sequences: int
    n_tokens: int


class ComputeLog:
    """Notes each pass of an engine through its model, as long as the block lasts."""

    def __init__(self, engine: Engine) -> None:
        # Every pass of an engine goes through its places; they are its own business but for this.
        self._owner: Any = engine.__dict__["_places"]
        self.calls: list[Call] = []

    def __enter__(self) -> Self:
        compute: Callable[[Sequence[Chunk]], Rows] = self._owner._compute

        def timed(chunks: Sequence[Chunk]) -> Rows:
            started_s = time.perf_counter()
            rows = compute(chunks)
            ended_s = time.perf_counter()
            n_tokens = sum(len(chunk.tokens) for chunk in chunks)
            self.calls.append(Call(started_s, ended_s, len(chunks), n_tokens))
            return rows

        self._owner.__dict__["_compute"] = timed
        self._original = compute
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._owner.__dict__["_compute"] = self._original


def outside_share(calls: Sequence[Call], n_sequences: int) -> float | None:
    """The part of a step that is not spent in the model, 0 to 1.

    Steps count where all sequences write and none reads, and so does the next one: from one
    pass's start to the next one's. None where there is no such step.
    """
    inside_s = total_s = 0.0
    for call, following in pairwise(calls):
        if all(one.n_sequences == one.n_tokens == n_sequences for one in (call, following)):
            inside_s += call.ended_s - call.started_s
            total_s += following.started_s - call.started_s
    return 1 - inside_s / total_s if total_s else None
