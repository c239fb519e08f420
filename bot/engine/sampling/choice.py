"""From a row's candidates to the one that is drawn: temperature, then what is left out.

Sums are running sums over the candidates in order, so that neither the other rows of a batch nor
the width they give it change a row's result.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bot.core.sampling import SamplingParams
from bot.engine.sampling.candidates import Floats, Ids

MIN_TEMPERATURE = 1e-6  # below, a draw is greedy anyway, and a division could overflow


def effective_k(params: SamplingParams) -> int:
    """Top-k, with a greedy draw as top-1; 0 keeps all."""
    return 1 if params.temperature == 0 else params.top_k


@dataclass(frozen=True, slots=True)
class Settings:
    """The parameters of n rows, each of shape [n, 1]; what a row does without is off.

    Attributes:
        temperature: at least the smallest.
        k: how many tokens are kept; infinite for all.
        keeps_ties: whether everything that equals the k-th is kept too.
        typical_p: see `SamplingParams`.
        top_p: see `SamplingParams`.
        min_p: see `SamplingParams`.
        is_exclusive: whether top-p leaves out the token that crosses p.
    """

    temperature: Floats
    k: Floats
    keeps_ties: npt.NDArray[np.bool_]
    typical_p: Floats
    top_p: Floats
    min_p: Floats
    is_exclusive: npt.NDArray[np.bool_]

    @classmethod
    def of(cls, params: Sequence[SamplingParams]) -> "Settings":
        """As the requests say it."""
        columns = np.array([_numbers(one) for one in params]).T[:, :, None]
        temperature, k, keeps_ties, typical_p, top_p, min_p, is_exclusive = columns
        return cls(temperature, k, keeps_ties > 0, typical_p, top_p, min_p, is_exclusive > 0)


def _numbers(params: SamplingParams) -> tuple[float, ...]:
    k = effective_k(params) or np.inf
    temperature = max(params.temperature, MIN_TEMPERATURE)
    if params.openai_semantics:
        return temperature, k, params.temperature > 0, 1.0, params.top_p, 0.0, True
    return temperature, k, False, params.typical_p, params.top_p, params.min_p, False


def weigh(values: Floats, temperature: Floats | float) -> tuple[Floats, Floats]:
    """Relative probabilities at a temperature, and their logs.

    Args:
        values: logits, the highest of each row first and finite, shape [..., n_candidates].
        temperature: at least `MIN_TEMPERATURE`.

    Returns:
        Weights, that of the highest being 1, and their logs.
    """
    with np.errstate(over="ignore"):  # to minus infinity, whose weight is 0
        logs = (values - values[..., :1]) / temperature
    return np.exp(logs), logs


def choose(values: Floats, settings: Settings, uniforms: Floats) -> Ids:
    """Draws one candidate of each row.

    Args:
        values: logits, the highest of each row first and finite, then minus infinity where a row
            has fewer; at least the k likeliest tokens, or all; shape [n, n_candidates].
        settings: of the n rows.
        uniforms: a random number from 0 to below 1 for each row.

    Returns:
        Columns, shape [n].
    """
    weights, logs = weigh(_keep_top_k(values, settings), settings.temperature)
    if (settings.typical_p < 1).any():
        weights[~_typical(weights, logs, settings.typical_p)] = 0
    if (settings.top_p < 1).any():
        weights[np.arange(weights.shape[1]) >= _n_by_top_p(weights, values, settings)] = 0
    if settings.min_p.any():
        weights[weights < settings.min_p * weights.max(axis=1, keepdims=True)] = 0
    cumulative = np.cumsum(weights, axis=1)
    found = (cumulative <= uniforms[:, None] * cumulative[:, -1:]).sum(axis=1)
    # A product may round up to the whole; what has no weight is not drawn even then.
    last = weights.shape[1] - 1 - np.argmax(weights[:, ::-1] > 0, axis=1)
    return np.minimum(found, last)


def n_kept_by_script(n_within: Ids, values: Floats) -> Ids:
    """How many candidates the top-p of openai/gpt-2 (`src/sample.py`) keeps.

    Args:
        n_within: how many running sums don't exceed p, shape [n].
        values: logits in descending order, shape [n, n_candidates].

    Returns:
        Shape [n]: as many as are at least as likely as the last of those, the first at the least.
    """
    last = np.maximum(n_within - 1, 0)[:, None]
    return (values >= np.take_along_axis(values, last, axis=1)).sum(axis=1)


def _keep_top_k(values: Floats, settings: Settings) -> Floats:
    n_candidates = values.shape[1]
    columns = np.arange(n_candidates, dtype=np.int64)
    beyond = columns >= settings.k
    if settings.keeps_ties.any():
        last = np.minimum(settings.k, n_candidates).astype(np.int64) - 1
        kth = np.take_along_axis(values, last, axis=1)
        beyond = np.where(settings.keeps_ties, values < kth, beyond)
    return np.where(beyond, -np.inf, values)


def _n_by_top_p(weights: Floats, values: Floats, settings: Settings) -> Ids:
    """How many of each row's candidates top-p keeps, shape [n, 1]."""
    cumulative = np.cumsum(weights, axis=1)
    reach = settings.top_p * cumulative[:, -1:]
    # Up to the one that reaches p; never nothing, also where the first ones are out already.
    n_kept = ((cumulative < reach) | (cumulative == 0)).sum(axis=1) + 1
    if settings.is_exclusive.any():
        n_exclusive = n_kept_by_script((cumulative <= reach).sum(axis=1), values)
        n_kept = np.where(settings.is_exclusive[:, 0], n_exclusive, n_kept)
    return np.where(settings.top_p < 1, n_kept[:, None], weights.shape[1])


def _typical(weights: Floats, logs: Floats, p: Floats) -> npt.NDArray[np.bool_]:
    """Which candidates locally typical sampling keeps (arXiv 2202.00666, section 3)."""
    total = np.cumsum(weights, axis=1)[:, -1:]
    distances = distance_from_typical(weights, logs, total)
    order = np.argsort(distances, axis=1, kind="stable")
    cumulative = np.cumsum(np.take_along_axis(weights, order, axis=1), axis=1)
    n_kept = (cumulative < p * total).sum(axis=1, keepdims=True) + 1
    kept = np.empty(weights.shape, dtype=bool)
    columns = np.arange(weights.shape[1], dtype=np.int64)
    np.put_along_axis(kept, order, columns < n_kept, axis=1)
    return kept | (p >= 1)


def distance_from_typical(weights: Floats, logs: Floats, total: Floats) -> Floats:
    """How far each candidate's surprise is from the mean surprise; infinite without weight.

    Args:
        weights: relative probabilities, shape [n, n_candidates].
        logs: their logs.
        total: their sums, shape [n, 1].
    """
    finite = np.where(weights > 0, logs, 0.0)
    mean = np.cumsum(weights * finite, axis=1)[:, -1:] / total
    return np.where(weights > 0, np.abs(mean - finite), np.inf)
