"""What all engines have in common: sequences with known and computed tokens, and their checks.

An engine inherits `SequenceEngine` and implements one thing: computing a batch.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bot.core.sampling import SamplingParams
from bot.engine.api import EngineInfo, Progress, Scores
from bot.engine.sampling import Draw, Sampler, draw_batch, score_rows

_SCORING = -1  # the sequence id that `logits` works under; callers' ids are their own


@dataclass(slots=True)
class _State:
    """One running sequence.

    Attributes:
        place: 0 to max_sequences - 1; the engine's own number for it.
        known: prompt and drawn tokens.
        computed: how many of them the model has seen.
    """

    place: int
    known: list[int]
    computed: int
    sampler: Sampler


@dataclass(frozen=True, slots=True)
class Chunk:
    """The next tokens of one sequence to compute.

    Attributes:
        place: the sequence's.
        tokens: ids.
        start: position of the first one.
        wanted: for which of them logits are needed: "none", "last" or "all".
    """

    place: int
    tokens: Sequence[int]
    start: int
    wanted: str


class SequenceEngine(ABC):
    """Implements the Engine protocol over one abstract method.

    Args:
        info: what the engine can do.
        suppressed_ids: tokens that are never drawn; they are scored like any other.
    """

    def __init__(self, info: EngineInfo, suppressed_ids: Sequence[int] = ()) -> None:
        self._info = info
        self._suppressed_ids = tuple(suppressed_ids)
        self._sequences: dict[int, _State] = {}
        self._free = list(range(info.max_sequences))

    @property
    def info(self) -> EngineInfo:
        """What this engine can do."""
        return self._info

    def add(self, sequence_id: int, tokens: Sequence[int], sampling: SamplingParams) -> None:
        """Takes a sequence in; see `Engine.add`."""
        if sequence_id in self._sequences:
            raise ValueError(f"sequence {sequence_id} exists already")
        if not self._free:
            raise ValueError(f"all {self._info.max_sequences} places are taken")
        self._check_tokens(tokens)
        sampler = Sampler(sampling, self._suppressed_ids)
        self._sequences[sequence_id] = _State(self._free.pop(0), list(tokens), 0, sampler)

    def step(self, plan: Mapping[int, int]) -> list[Progress]:
        """Computes the planned tokens; see `Engine.step`."""
        self._check_plan(plan)
        chunks: list[Chunk] = []
        for sequence_id, count in plan.items():
            sequence = self._sequences[sequence_id]
            start, end = sequence.computed, sequence.computed + count
            wanted = "last" if end == len(sequence.known) else "none"
            chunks.append(Chunk(sequence.place, sequence.known[start:end], start, wanted))
        rows = self._compute(chunks)
        draws = self._draw(
            [sequence_id for sequence_id in plan if self._is_due(sequence_id, plan)], rows
        )
        return [
            self._advance(sequence_id, plan[sequence_id], draws.get(sequence_id))
            for sequence_id in plan
        ]

    def remove(self, sequence_id: int) -> None:
        """Frees a sequence's place; see `Engine.remove`."""
        sequence = self._sequences.pop(sequence_id, None)
        if sequence is not None:
            self._forget(sequence.place)
            self._free.append(sequence.place)

    def score(self, tokens: Sequence[int]) -> Scores:
        """Scores a text; see `Engine.score`."""
        self._check_tokens(tokens)
        logprobs: list[npt.NDArray[np.float64]] = [np.zeros(0)]
        ranks: list[npt.NDArray[np.int64]] = [np.zeros(0, dtype=np.int64)]
        targets = tokens[1:]
        if targets:  # what comes after the last token is nobody's question
            for rows in self.logits(tokens[:-1]):
                some_logprobs, some_ranks = score_rows(rows, targets[: len(rows)])
                targets = targets[len(rows) :]
                logprobs.append(some_logprobs)
                ranks.append(some_ranks)
        return Scores(logprobs=np.concatenate(logprobs), ranks=np.concatenate(ranks))

    def logits(self, tokens: Sequence[int]) -> Iterator[npt.NDArray[np.float32]]:
        """The row after each token, in chunks; see `Engine.logits`."""
        self.add(_SCORING, tokens, SamplingParams())
        place = self._sequences[_SCORING].place
        size = min(self._info.max_chunk_tokens, self._info.max_batch_tokens)
        try:
            for start in range(0, len(tokens), size):
                chunk = Chunk(place, list(tokens[start : start + size]), start, "all")
                yield self._compute([chunk]).copy()
        finally:
            self.remove(_SCORING)

    def abort(self) -> None:  # noqa: B027  # a choice, not a duty
        """Lets the step end: not every library can break one off."""

    @abstractmethod
    def close(self) -> None:
        """Gives memory back; safe to call twice."""

    @abstractmethod
    def _compute(self, chunks: Sequence[Chunk]) -> npt.NDArray[np.float32]:
        """Computes chunks in one pass.

        Returns:
            The logits asked for, in the order of the chunks and their tokens: one row for "last",
            one for each token for "all", none for "none"; shape [n_rows, n_vocab]. It may be the
            library's own memory: it is only read, and only until the next call.

        Raises:
            RuntimeError: the model failed.
        """

    @abstractmethod
    def _forget(self, place: int) -> None:
        """Drops what was computed at a place."""

    def _is_due(self, sequence_id: int, plan: Mapping[int, int]) -> bool:
        """Whether this step computes the newest known token, so that the next one is drawn."""
        sequence = self._sequences[sequence_id]
        return sequence.computed + plan[sequence_id] == len(sequence.known)

    def _draw(self, due: Sequence[int], rows: npt.NDArray[np.float32]) -> dict[int, Draw]:
        sequences = [self._sequences[sequence_id] for sequence_id in due]
        draws = draw_batch(
            rows,
            [sequence.sampler for sequence in sequences],
            [sequence.known for sequence in sequences],
        )
        return dict(zip(due, draws, strict=True))

    def _advance(self, sequence_id: int, n_computed: int, draw: Draw | None) -> Progress:
        sequence = self._sequences[sequence_id]
        sequence.computed += n_computed
        if draw is not None and len(sequence.known) < self._info.n_ctx:
            sequence.known.append(draw.token)
        return Progress(
            sequence_id=sequence_id,
            computed=sequence.computed,
            token=None if draw is None else draw.token,
            logprob=None if draw is None else draw.logprob,
        )

    def _check_tokens(self, tokens: Sequence[int]) -> None:
        if not 1 <= len(tokens) <= self._info.n_ctx:
            raise ValueError(f"a sequence has 1 to {self._info.n_ctx} tokens, not {len(tokens)}")
        if not all(0 <= token < self._info.n_vocab for token in tokens):
            raise ValueError(f"a token is an id from 0 to {self._info.n_vocab - 1}")

    def _check_plan(self, plan: Mapping[int, int]) -> None:
        if sum(plan.values()) > self._info.max_batch_tokens:
            raise ValueError(f"a step computes at most {self._info.max_batch_tokens} tokens")
        for sequence_id, count in plan.items():
            sequence = self._sequences.get(sequence_id)
            if sequence is None:
                raise ValueError(f"there is no sequence {sequence_id}")
            left = len(sequence.known) - sequence.computed
            if not 1 <= count <= min(left, self._info.max_chunk_tokens):
                raise ValueError(f"sequence {sequence_id} can't compute {count} of {left} tokens")
