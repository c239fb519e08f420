"""Draws the next token from a row of logits. Used by every engine, so all draw alike.

One random stream per request and one number per token: the same logits and the same seed give
the same text, on any worker and in any batch.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bot.core.sampling import SamplingParams

_MIN_TEMPERATURE = 1e-6

Logits = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Draw:
    """A token drawn, and the log of its probability before any parameter was applied."""

    token: int
    logprob: float


def draw_batch(
    logits: Logits, samplers: Sequence["Sampler"], known: Sequence[Sequence[int]]
) -> list[Draw]:
    """Draws the next token of each of several sequences.

    Args:
        logits: shape [n, n_vocab]; not changed.
        samplers: of the n sequences.
        known: the n sequences' tokens so far.

    Raises:
        RuntimeError: a logit is not finite, as a damaged model makes them.
    """
    return [
        Draw(*sampler.draw(row, tokens))
        for row, sampler, tokens in zip(logits, samplers, known, strict=True)
    ]


class Sampler:
    """Draws the tokens of one request.

    Args:
        params: how to draw.
        suppressed_ids: tokens that are never drawn.
    """

    def __init__(self, params: SamplingParams, suppressed_ids: Sequence[int] = ()) -> None:
        self._params = params
        self._suppressed = np.asarray(suppressed_ids, dtype=np.int64)
        self._random = np.random.Generator(np.random.PCG64(params.seed))

    def draw(self, logits: Logits, known: Sequence[int]) -> tuple[int, float]:
        """The next token, and the log of its probability before any parameter was applied.

        Args:
            logits: shape [n_vocab]; not changed.
            known: the tokens so far, for the repetition penalty.

        Raises:
            RuntimeError: the logits are not finite, as a damaged model makes them.
        """
        # Drawn also where it isn't needed, so that a request's stream advances once per token.
        uniform = self._random.random()
        raw = logits.astype(np.float64)
        log_total = _log_sum_exp(raw)
        token = self._choose(self._suppress(self._penalize(raw, known)), uniform)
        return token, float(raw[token] - log_total)

    def _suppress(self, logits: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        if not len(self._suppressed):
            return logits
        allowed = logits.copy()
        allowed[self._suppressed] = -np.inf
        return allowed

    def _penalize(
        self, logits: npt.NDArray[np.float64], known: Sequence[int]
    ) -> npt.NDArray[np.float64]:
        """Makes recent tokens less likely, whatever the sign of their logit (CTRL, §4.1)."""
        params = self._params
        if params.repetition_penalty == 1 or params.repetition_window == 0:
            return logits
        recent = np.unique(np.asarray(known[-params.repetition_window :], dtype=np.int64))
        penalized = logits.copy()
        values = penalized[recent]
        penalty = params.repetition_penalty
        penalized[recent] = np.where(values > 0, values / penalty, values * penalty)
        return penalized

    def _choose(self, logits: npt.NDArray[np.float64], uniform: float) -> int:
        params = self._params
        if params.temperature == 0 or params.top_k == 1:
            return int(np.argmax(logits))
        candidates = _top_k(logits, params.top_k)  # ids, the likeliest first
        # Below the floor the draw is greedy anyway, and a division could overflow.
        temperature = max(params.temperature, _MIN_TEMPERATURE)
        scaled = (logits[candidates] - logits[candidates[0]]) / temperature
        weights: npt.NDArray[np.float64] = np.exp(scaled)
        cumulative: npt.NDArray[np.float64] = np.cumsum(weights)
        total = float(cumulative[-1])
        if params.top_p < 1:
            # The smallest set that reaches p: all before the first that does, and that one.
            cumulative = cumulative[: int(cumulative.searchsorted(params.top_p * total)) + 1]
            total = float(cumulative[-1])
        index = int(cumulative.searchsorted(uniform * total, side="right"))
        return int(candidates[min(index, len(cumulative) - 1)])


def _top_k(logits: npt.NDArray[np.float64], k: int) -> npt.NDArray[np.int64]:
    """The k likeliest ids (all for 0), the likeliest first; equal ones by id."""
    if 0 < k < len(logits):
        bound = np.partition(logits, len(logits) - k)[len(logits) - k]
        ids = np.flatnonzero(logits >= bound)
    else:
        ids = np.arange(len(logits))
    order = np.argsort(-logits[ids], kind="stable")
    return ids[order][: k or None]


def _log_sum_exp(logits: npt.NDArray[np.float64]) -> float:
    highest = float(np.max(logits))
    if not np.isfinite(highest):  # also where any one is not a number
        raise RuntimeError("the model computed a number that is not finite")
    return highest + float(np.log(np.sum(np.exp(logits - highest))))


def score_rows(
    logits: npt.NDArray[np.float32], targets: Sequence[int]
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]]:
    """Log-probability and rank of each row's target.

    Args:
        logits: shape [n, n_vocab].
        targets: n ids.

    Returns:
        Natural logs and ranks (0 = the likeliest), shapes [n].
    """
    rows = logits.astype(np.float64)
    chosen = rows[np.arange(len(targets)), np.asarray(targets)]
    highest = rows.max(axis=1)
    totals = highest + np.log(np.exp(rows - highest[:, None]).sum(axis=1))
    return chosen - totals, (rows > chosen[:, None]).sum(axis=1)
