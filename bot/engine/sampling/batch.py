"""Draws the next tokens of all running sequences at once. Called by the engines, once a step."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bot.engine.sampling.candidates import Ids, Logits, Matrix, change, likeliest
from bot.engine.sampling.choice import Settings, choose, effective_k
from bot.engine.sampling.sampler import Sampler, Strictness
from bot.engine.sampling.wide import NOTHING_LEFT, draw_wide

_FEW = 128  # candidates


@dataclass(frozen=True, slots=True)
class Draw:
    """A token drawn.

    Attributes:
        token: id.
        logprob: the log of its probability before any parameter was applied, or None where the
            request does not ask for it.
    """

    token: int
    logprob: float | None


def draw_batch(
    logits: Logits, samplers: Sequence[Sampler], known: Sequence[Sequence[int]]
) -> list[Draw]:
    """Draws the next token of each of several sequences; no row's result depends on another.

    Where a row's bans leave nothing to draw, those of n-grams are ignored; where that does not
    help, also those of banned tokens, and at last those of suppressed ones.

    Args:
        logits: shape [n, n_vocab]; not changed.
        samplers: of the n sequences.
        known: the n sequences' tokens so far.

    Raises:
        RuntimeError: a logit is not finite, as a damaged model makes them. Minus infinity is
            allowed where others are finite.
    """
    if not samplers:
        return []
    matrix = Matrix.of(logits)
    # Drawn also where it isn't needed, so that a request's stream advances once per token.
    requests = [
        _Request(sampler, tokens, sampler.next_uniform())
        for sampler, tokens in zip(samplers, known, strict=True)
    ]
    tokens = _draw(matrix, requests, Strictness.ALL)
    return [
        Draw(token, _log_probability(row, token) if sampler.params.logprobs else None)
        for token, row, sampler in zip(tokens, logits, samplers, strict=True)
    ]


@dataclass(frozen=True, slots=True)
class _Request:
    """What one row is drawn with."""

    sampler: Sampler
    known: Sequence[int]
    uniform: float


def _draw(matrix: Matrix, requests: Sequence[_Request], strictness: Strictness) -> list[int]:
    tokens = np.full(len(requests), NOTHING_LEFT)
    for rows, is_wide in _groups(matrix, requests):
        some = [requests[row] for row in rows]
        tokens[rows] = _draw_group(matrix.rows(rows), some, strictness, is_wide)
    for row in np.flatnonzero(tokens == NOTHING_LEFT).tolist():
        # With nothing forbidden a finite logit is left, as each row has one.
        tokens[row] = _draw(matrix.rows([row]), [requests[row]], Strictness(strictness - 1))[0]
    return tokens.tolist()


def _groups(matrix: Matrix, requests: Sequence[_Request]) -> list[tuple[list[int], bool]]:
    """Rows that are drawn together, and whether from the whole vocabulary.

    The row with most candidates sets a group's width, so large top-ks are by themselves.
    """
    few, many, wide = list[int](), list[int](), list[int]()
    for row, request in enumerate(requests):
        k = min(effective_k(request.sampler.params) or matrix.n_vocab, matrix.n_vocab)
        if k <= _FEW:
            few.append(row)
        elif k < matrix.n_vocab:
            many.append(row)
        else:
            wide.append(row)
    return [(rows, rows is wide) for rows in (few, many, wide) if rows]


def _draw_group(
    matrix: Matrix, requests: Sequence[_Request], strictness: Strictness, is_wide: bool
) -> Ids:
    params = [request.sampler.params for request in requests]
    uniforms = np.array([request.uniform for request in requests])
    changes = change(
        matrix,
        [request.sampler.touched(request.known, strictness) for request in requests],
        [one.repetition_penalty for one in params],
    )
    if is_wide:
        return draw_wide(matrix, changes, params, uniforms)
    ks = [min(effective_k(one) or matrix.n_vocab, matrix.n_vocab) for one in params]
    ids, values = likeliest(matrix, changes, np.array(ks))
    has_some = values[:, 0] > -np.inf
    values[~has_some, 0] = 0.0  # any finite number
    columns = choose(values, Settings.of(params), uniforms)
    return np.where(has_some, ids[np.arange(len(ids)), columns], NOTHING_LEFT)


def _log_probability(logits: npt.NDArray[np.float32], token: int) -> float:
    """The log of one token's probability before any parameter is applied.

    Args:
        logits: shape [n_vocab].
        token: id.
    """
    row = logits.astype(np.float64)
    highest = row.max()
    return float(row[token] - highest - np.log(np.exp(row - highest).sum()))
