"""Draws from a whole vocabulary, where no top-k narrows it down.

Nothing is sorted but the likeliest tokens, the "head": mostly the draw falls among them. How much
weight the rest has is first estimated in float32, with bounds of its error; only where the result
depends on that error it is computed in float64. So the token is the same as without estimate.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from bot.core.sampling import SamplingParams
from bot.engine.sampling.candidates import Changes, Floats, Ids, Logits, Matrix, likeliest
from bot.engine.sampling.choice import (
    MIN_TEMPERATURE,
    Settings,
    choose,
    distance_from_typical,
    n_kept_by_script,
    weigh,
)

NOTHING_LEFT = -1  # in place of an id
_BEYOND = -2
_HEAD = 256
_GROWTH = 8
# Relative error of a float32 tail: logits below exp's underflow at -104 weigh nothing, the others'
# differences and products are off by three roundings (104 * 3 * 2**-24), exp by 4 units in the
# last place and the pairwise sum by about 25 roundings: 2.1e-5 together.
_TAIL_ERROR = 2.0**-15


@dataclass(frozen=True, slots=True)
class _Row:
    """One row's logits (shape [n_vocab]), which of them are changed, and how it is drawn."""

    logits: Logits
    changes: Changes
    params: SamplingParams


@dataclass(frozen=True, slots=True)
class _Head:
    """A row's likeliest tokens.

    Attributes:
        ids: likeliest first, shape [n].
        values: their logits, shape [n].
        weights: relative to the first one, shape [n].
        cumulative: running sums of the weights, shape [n].
        is_all: whether no other token has any weight.
    """

    ids: Ids
    values: Floats
    weights: Floats
    cumulative: Floats
    is_all: bool


def draw_wide(
    matrix: Matrix, changes: Changes, params: Sequence[SamplingParams], uniforms: Floats
) -> Ids:
    """Draws a token of each row.

    Args:
        matrix: of n rows.
        changes: of the same rows.
        params: of the n rows; their top-k does nothing here.
        uniforms: a random number from 0 to below 1 for each row.

    Returns:
        Ids, `NOTHING_LEFT` where a row has no token left to draw; shape [n].
    """
    n_head = min(_HEAD, matrix.n_vocab)
    ids, values = likeliest(matrix, changes, np.full(len(params), n_head))
    tokens = np.full(len(params), NOTHING_LEFT)
    for row, (one, uniform) in enumerate(zip(params, uniforms.tolist(), strict=True)):
        alone = _Row(matrix.row(row), changes.row(row), one)
        if one.typical_p < 1 and not one.openai_semantics:
            tokens[row] = _draw_typical(alone, uniform)
            continue
        head = _head(ids[row], values[row], one, n_head == matrix.n_vocab)
        tokens[row] = _draw_from_head(head, alone, uniform)
        n_longer = n_head
        while tokens[row] == _BEYOND:
            n_longer = min(n_longer * _GROWTH, matrix.n_vocab)
            longer = likeliest(matrix.rows([row]), alone.changes, np.array([n_longer]))
            head = _head(longer[0][0], longer[1][0], one, n_longer == matrix.n_vocab)
            tokens[row] = _draw_from_head(head, alone, uniform)
    return tokens


def _head(ids: Ids, values: Floats, params: SamplingParams, is_all: bool) -> _Head:
    """Of one row of `likeliest`, without what fills it up."""
    n = int((values > -np.inf).sum())
    ids, values = ids[:n], values[:n]
    if n == 0:
        return _Head(ids, values, values, values, is_all)
    weights, _ = weigh(values, max(params.temperature, MIN_TEMPERATURE))
    return _Head(ids, values, weights, np.cumsum(weights), is_all)


def _draw_from_head(head: _Head, row: _Row, uniform: float) -> int:
    """The drawn token; `_BEYOND` if it is not in the head."""
    n, params = len(head.ids), row.params
    if n == 0:
        return NOTHING_LEFT if head.is_all else _BEYOND
    total = float(head.cumulative[-1])
    needs_tail = not head.is_all and (params.top_p < 1 or _n_by_min_p(head, params) > n)
    low, high = _estimated_tail(head, row) if needs_tail else (0.0, 0.0)
    column = _column(head, params, uniform, total + low)
    # The column only grows with the tail, so where both ends agree, all between do.
    if low < high and column != _column(head, params, uniform, total + high):
        column = _column(head, params, uniform, total + _exact_tail(head, row))
    return int(head.ids[column]) if column < n else _BEYOND


def _column(head: _Head, params: SamplingParams, uniform: float, whole: float) -> int:
    """The drawn token's place if all tokens together weigh `whole`; beyond the head its length."""
    n = len(head.weights)
    n_kept = min(_n_by_min_p(head, params), _n_by_top_p(head, params, whole))
    if head.is_all:
        n_kept = min(n_kept, n)
    if n_kept <= n:
        whole = float(head.cumulative[n_kept - 1])
        n_drawable = min(n_kept, int((head.weights > 0).sum()))
        found = int(head.cumulative.searchsorted(uniform * whole, side="right"))
        return min(found, n_drawable - 1)
    if params.top_p < 1 or _min_p(params) > 0:
        return n
    return min(n, int(head.cumulative.searchsorted(uniform * whole, side="right")))


def _min_p(params: SamplingParams) -> float:
    return 0.0 if params.openai_semantics else params.min_p


def _n_by_min_p(head: _Head, params: SamplingParams) -> int:
    """How many tokens min-p keeps; more than the head has where that is too short to tell."""
    n_kept = int((head.weights >= _min_p(params)).sum())
    return n_kept if n_kept < len(head.weights) or head.is_all else n_kept + 1


def _n_by_top_p(head: _Head, params: SamplingParams, whole: float) -> int:
    """The same of top-p, if all tokens together weigh `whole`."""
    n, reach = len(head.weights), params.top_p * whole
    if params.top_p == 1:
        return n + 1
    if not params.openai_semantics:
        return int(head.cumulative.searchsorted(reach)) + 1
    n_within = int(head.cumulative.searchsorted(reach, side="right"))
    if n_within == n and not head.is_all:
        return n + 1
    return int(n_kept_by_script(np.array([n_within]), head.values[None])[0])


def _estimated_tail(head: _Head, row: _Row) -> tuple[float, float]:
    """Bounds of the weight of all tokens that are not in the head."""
    temperature = max(row.params.temperature, MIN_TEMPERATURE)
    highest = head.values[0]
    nearest = np.float32(highest)
    gap = (float(nearest) - highest) / temperature
    if not abs(gap) < 1:  # so cold, or so large, that float32 is no help
        tail = _exact_tail(head, row)
        return tail, tail
    with np.errstate(over="ignore"):
        logs = row.logits - nearest
        logs *= np.float32(1 / temperature)
    logs[head.ids] = logs[row.changes.ids] = -np.inf
    estimate = float(np.exp(logs, out=logs).sum()) * np.exp(gap)
    rest = _touched_tail(head, row.changes, temperature)
    return estimate * (1 - _TAIL_ERROR) + rest, estimate * (1 + _TAIL_ERROR) + rest


def _exact_tail(head: _Head, row: _Row) -> float:
    """The weight of all tokens that are not in the head."""
    temperature = max(row.params.temperature, MIN_TEMPERATURE)
    with np.errstate(over="ignore"):
        logs = (row.logits.astype(np.float64) - head.values[0]) / temperature
    logs[head.ids] = logs[row.changes.ids] = -np.inf
    return float(np.exp(logs, out=logs).sum()) + _touched_tail(head, row.changes, temperature)


def _touched_tail(head: _Head, changes: Changes, temperature: float) -> float:
    """The weight of touched tokens that are not in the head."""
    values = changes.values[changes.values < head.values[-1]]
    with np.errstate(over="ignore"):
        return float(np.exp((values - head.values[0]) / temperature).sum())


def _draw_typical(row: _Row, uniform: float) -> int:
    """Locally typical sampling (arXiv 2202.00666), then the rest on the tokens that it keeps."""
    values = row.logits.astype(np.float64)
    values[row.changes.ids] = row.changes.values
    highest = values.max()
    if highest == -np.inf:
        return NOTHING_LEFT
    with np.errstate(over="ignore"):
        logs = (values - highest) / max(row.params.temperature, MIN_TEMPERATURE)
    weights: Floats = np.exp(logs)
    total = float(weights.sum())
    distances = distance_from_typical(weights[None], logs[None], np.array([[total]]))[0]
    reach, n_nearest = row.params.typical_p * total, _HEAD
    while True:
        nearest = _nearest(distances, values, n_nearest)
        cumulative = np.cumsum(weights[nearest])
        if cumulative[-1] >= reach or len(nearest) == len(values):
            break
        n_nearest *= _GROWTH
    kept = nearest[: int(cumulative.searchsorted(reach)) + 1]
    kept = kept[np.lexsort((kept, -values[kept]))]
    settings = Settings.of([replace(row.params, typical_p=1.0)])
    column = choose(values[kept][None], settings, np.array([uniform]))
    return int(kept[column[0]])


def _nearest(distances: Floats, values: Floats, n: int) -> Ids:
    """At least n ids, the nearest first; of equal ones the likeliest, then the lowest."""
    ids = np.arange(len(distances))
    if n < len(distances):
        ids = np.flatnonzero(distances <= np.partition(distances, n - 1)[n - 1])
    return ids[np.lexsort((ids, -values[ids], distances[ids]))]
