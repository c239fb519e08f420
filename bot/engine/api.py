"""The Engine protocol: what the worker needs of anything that runs a GPT-2.

One thread owns an engine and makes every call. There are no prefill or decode phases: a sequence
has *known* tokens (prompt, then what was drawn), and each step computes some of those that were
not computed yet. Where a step computes the newest known token, the next one is drawn and becomes
known.

A sequence has a *place*, which keeps what was computed there until another sequence needs it. One
that begins with the same tokens need not compute them again.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from bot.core.sampling import SamplingParams


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineInfo:
    """What an engine can do with the model it has loaded.

    Attributes:
        name: "llama_cpp", "xllamacpp", "ctransformers" or "scripted".
        n_ctx: positions a sequence may fill (never more than the model's window).
        n_vocab: size of a row of logits.
        max_sequences: sequences that may live at once.
        max_batch_tokens: tokens one step may compute, over all sequences.
        max_chunk_tokens: tokens one step may compute of one sequence.
        n_threads: processor threads it computes with at most.
        batch_invariant: whether a sequence's text never depends on what else is in the batch.
        kv_bytes: bytes that keys and values of all places take.
    """

    name: str
    n_ctx: int
    n_vocab: int
    max_sequences: int
    max_batch_tokens: int
    max_chunk_tokens: int
    n_threads: int
    batch_invariant: bool
    kv_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """What one step did for one sequence.

    Attributes:
        sequence_id: which one.
        computed: how many of its known tokens are computed now, reused ones included.
        token: the token drawn in this step, or None while known tokens are left to compute.
        logprob: natural log of the drawn token's probability under the model (before any
            sampling parameter), or None.
    """

    sequence_id: int
    computed: int
    token: int | None
    logprob: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreRequest:
    """A text of which some tokens are to be scored.

    Attributes:
        tokens: ids, 1 to `n_ctx` of them.
        start: `tokens[start:]` are scored, each given all before it; 1 to `len(tokens)`.
        n_alternatives: how many of the likeliest tokens to name at each of those positions.
    """

    tokens: Sequence[int]
    start: int = 1
    n_alternatives: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Scores:
    """How likely the model found each scored token of a text, given those before it.

    Attributes:
        logprobs: natural logs, shape [n]; n = tokens that were scored.
        ranks: 0 = it was the likeliest, shape [n].
        alternatives: the ids that the model found likeliest there, the likeliest first (of equal
            ones the lower id), shape [n, n_alternatives].
        alternative_logprobs: their natural logs, shape [n, n_alternatives].
    """

    logprobs: npt.NDArray[np.float64]
    ranks: npt.NDArray[np.int64]
    alternatives: npt.NDArray[np.int64]
    alternative_logprobs: npt.NDArray[np.float64]


class Engine(Protocol):
    """Runs sequences of one model. Not thread-safe: one thread makes every call but `abort`."""

    @property
    def info(self) -> EngineInfo:
        """What this engine can do."""
        ...

    def add(self, sequence_id: int, tokens: Sequence[int], sampling: SamplingParams) -> int:
        """Takes a sequence in; nothing is computed yet.

        Returns:
            How many of the tokens need not be computed, since a place holds them from before or
            another sequence has computed them; always less than there are.

        Raises:
            ValueError: the id is in use, all places are taken, the tokens are empty, longer than
                `n_ctx`, or not ids of this model.
        """
        ...

    def step(self, plan: Mapping[int, int]) -> list[Progress]:
        """Computes the next `plan[id]` known tokens of each sequence named, in one pass.

        In the first step of a sequence, what others have computed of its tokens since it was
        added is reused; then `Progress.computed` grows by more than was planned, and less than
        was planned may be left to compute.

        Raises:
            ValueError: the plan names an unknown sequence, or more tokens than the limits allow
                or than are known.
            RuntimeError: the model failed (not-a-number logits, no memory); the sequences in the
                plan can't go on and must be removed. Nothing of theirs is kept.
        """
        ...

    def remove(self, sequence_id: int) -> None:
        """Frees a sequence's place, which keeps what is computed; unknown ids are ignored."""
        ...

    def forget(self) -> None:
        """Drops what free places keep, so that the next sequences compute all of their tokens."""
        ...

    def score(self, tokens: Sequence[int], *, n_alternatives: int = 0) -> Scores:
        """Scores each token after the first (1 to `n_ctx` tokens).

        Needs a free place. Raises like `score_batch`. Longer texts: `scoring.score_long`.
        """
        ...

    def score_batch(self, requests: Sequence[ScoreRequest]) -> list[Scores]:
        """Scores several texts, as many at once as there are free places; one is enough.

        What texts have in common at their beginning is computed once, so ten endings of one
        passage cost little more than one. Running sequences are left alone.

        Returns:
            The scores of each request, in the requests' order.

        Raises:
            ValueError: like `add`, or a request's numbers are out of their range.
            RuntimeError: like `step`.
        """
        ...

    def logits(self, tokens: Sequence[int]) -> Iterator[npt.NDArray[np.float32]]:
        """The row of logits after each token (1 to `n_ctx` tokens), computed chunk by chunk.

        Each chunk has the shape [at most `max_chunk_tokens`, n_vocab] and is the caller's. Needs
        a free place until it is exhausted or dropped. Raises ValueError like `add`, and
        RuntimeError like `step`, where a chunk is asked for.
        """
        ...

    def abort(self) -> None:
        """Ends the step under way, where the library can; no other step may follow.

        The one call that any thread may make: it lets a worker leave without waiting for a step
        of a large model.
        """
        ...

    def close(self) -> None:
        """Gives memory back; safe to call twice."""
        ...
