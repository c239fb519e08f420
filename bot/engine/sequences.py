"""What all engines have in common: sequences with known and computed tokens, and their checks.

An engine inherits `SequenceEngine` and implements three things: computing a batch, dropping the
end of what was computed, and, where it can, copying it. Which place a sequence gets, and what it
reuses there, is the business of `places`.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bot.core.sampling import SamplingParams
from bot.engine.api import EngineInfo, Progress, ScoreRequest, Scores
from bot.engine.places import Chunk, Places
from bot.engine.sampling import Draw, Sampler, draw_batch
from bot.engine.scoring_run import score_requests


@dataclass(slots=True)
class _State:
    """One running sequence.

    Attributes:
        place: 0 to max_sequences - 1; the engine's own number for it.
        known: prompt and drawn tokens.
        computed: how many of them the model has seen, here or where they were copied from.
        has_begun: whether a step has computed any.
    """

    place: int
    known: list[int]
    computed: int
    sampler: Sampler
    has_begun: bool = False


class SequenceEngine(ABC):
    """Implements the Engine protocol over two abstract methods and a third that an engine may have.

    Args:
        info: what the engine can do.
        suppressed_ids: tokens that are never drawn; they are scored like any other.
    """

    def __init__(self, info: EngineInfo, suppressed_ids: Sequence[int] = ()) -> None:
        self._info = info
        self._suppressed_ids = tuple(suppressed_ids)
        self._sequences: dict[int, _State] = {}
        self._places = Places(info, compute=self._compute, truncate=self._truncate, copy=self._copy)

    @property
    def info(self) -> EngineInfo:
        """What this engine can do."""
        return self._info

    def add(self, sequence_id: int, tokens: Sequence[int], sampling: SamplingParams) -> int:
        """Takes a sequence in; see `Engine.add`."""
        if sequence_id in self._sequences:
            raise ValueError(f"sequence {sequence_id} exists already")
        self._check_tokens(tokens)
        sampler = Sampler(sampling, self._suppressed_ids)
        known = list(tokens)
        place, n_reused = self._places.take(known[:-1])  # the last one's logits are needed
        self._sequences[sequence_id] = _State(place, known, n_reused, sampler)
        return n_reused

    def step(self, plan: Mapping[int, int]) -> list[Progress]:
        """Computes the planned tokens; see `Engine.step`."""
        self._check_plan(plan)
        try:
            chunks = [self._next_chunk(sequence_id, count) for sequence_id, count in plan.items()]
            rows = self._places.compute(chunks)
            due = [
                sequence_id
                for sequence_id, chunk in zip(plan, chunks, strict=True)
                if chunk.wanted == "last"
            ]
            draws = self._draw(due, rows)
        except Exception:
            for sequence_id in plan:
                self._restart(self._sequences[sequence_id])
            raise
        return [
            self._advance(sequence_id, len(chunk.tokens), draws.get(sequence_id))
            for sequence_id, chunk in zip(plan, chunks, strict=True)
        ]

    def remove(self, sequence_id: int) -> None:
        """Frees a sequence's place; see `Engine.remove`."""
        sequence = self._sequences.pop(sequence_id, None)
        if sequence is not None:
            self._places.release(sequence.place)

    def forget(self) -> None:
        """Drops what free places hold; see `Engine.forget`."""
        self._places.forget()

    def score(self, tokens: Sequence[int], *, n_alternatives: int = 0) -> Scores:
        """Scores a text; see `Engine.score`."""
        return self.score_batch([ScoreRequest(tokens=tokens, n_alternatives=n_alternatives)])[0]

    def score_batch(self, requests: Sequence[ScoreRequest]) -> list[Scores]:
        """Scores several texts; see `Engine.score_batch`."""
        for request in requests:
            self._check_request(request)
        return score_requests(requests, self._places, self._info)

    def logits(self, tokens: Sequence[int]) -> Iterator[npt.NDArray[np.float32]]:
        """The row after each token, in chunks; see `Engine.logits`."""
        self._check_tokens(tokens)
        place, _ = self._places.take(())  # every token's logits are needed
        size = min(self._info.max_chunk_tokens, self._info.max_batch_tokens)
        try:
            for start in range(0, len(tokens), size):
                chunk = Chunk(place, list(tokens[start : start + size]), start, "all")
                yield self._places.compute([chunk]).copy()
        finally:
            self._places.release(place)

    def abort(self) -> None:  # noqa: B027  # a choice, not a duty
        """Lets the step end: not every library can break one off."""

    @abstractmethod
    def close(self) -> None:
        """Gives memory back; safe to call twice."""

    @abstractmethod
    def _compute(self, chunks: Sequence[Chunk]) -> npt.NDArray[np.float32]:
        """Computes chunks in one pass, one of each place at most.

        Each begins where what is computed at its place ends.

        Returns:
            The logits asked for, in the order of the chunks and their tokens: one row for "last",
            one for each token for "all", none for "none"; shape [n_rows, n_vocab]. It may be the
            library's own memory: it is only read, and only until the next call.

        Raises:
            RuntimeError: the model failed.
        """

    @abstractmethod
    def _truncate(self, place: int, n_tokens: int) -> None:
        """Drops what was computed at a place from position `n_tokens` on; 0 = everything.

        With 0 also after a step that failed, whatever that left there.
        """

    def _copy(self, source: int, target: int, n_tokens: int) -> bool:
        """Makes a place hold exactly the first `n_tokens` positions of another.

        Returns:
            False where the engine can't; then nothing has changed.
        """
        return False

    def _next_chunk(self, sequence_id: int, count: int) -> Chunk:
        """The sequence's next tokens; fewer where others have computed some of them meanwhile."""
        sequence = self._sequences[sequence_id]
        if not sequence.has_begun:
            # What was not there yet when it was added: texts with one prompt arrive together.
            sequence.computed = self._places.reuse_more(sequence.place, sequence.known[:-1])
            sequence.has_begun = True
        start = sequence.computed
        end = min(start + count, len(sequence.known))
        wanted = "last" if end == len(sequence.known) else "none"
        return Chunk(sequence.place, sequence.known[start:end], start, wanted)

    def _restart(self, sequence: _State) -> None:
        self._places.empty(sequence.place)
        sequence.computed = 0

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

    def _check_request(self, request: ScoreRequest) -> None:
        n_tokens, n_vocab = len(request.tokens), self._info.n_vocab
        self._check_tokens(request.tokens)
        if not 1 <= request.start <= n_tokens:
            raise ValueError(f"scores begin at token 1 to {n_tokens}, not {request.start}")
        if not 0 <= request.n_alternatives <= n_vocab:
            raise ValueError(f"there are 0 to {n_vocab} alternatives, not {request.n_alternatives}")

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
