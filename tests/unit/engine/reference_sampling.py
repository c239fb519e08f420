"""Drawing one token the plain way: the whole vocabulary, sorted, one step after another."""

import math
from collections.abc import Sequence

import numpy as np

from bot.core.sampling import BAN_BIAS, SamplingParams


def reference_draw(
    row: np.ndarray,
    params: SamplingParams,
    suppressed: Sequence[int],
    known: Sequence[int],
    uniform: float,
) -> int:
    """The token that `draw_batch` must draw."""
    for n_rules in (3, 2, 1, 0):  # n-grams, then bans, then suppressed tokens are given up
        values = adjusted(row, params, suppressed, known, n_rules)
        if max(values) > -math.inf:
            break
    order = sorted(range(len(values)), key=lambda token: (-values[token], token))
    order = [token for token in order if values[token] > -math.inf]
    if params.temperature == 0:
        return order[0]
    temperature = max(params.temperature, 1e-6)
    logs = {token: (values[token] - values[order[0]]) / temperature for token in order}
    weights = {token: float(np.exp(logs[token])) for token in order}
    if params.openai_semantics:
        kept = openai_kept(order, values, weights, params)
    else:
        kept = usual_kept(order, logs, weights, params)
    target = uniform * sum(weights[token] for token in kept)
    running = 0.0
    for token in kept:
        running += weights[token]
        if running > target:
            return token
    return [token for token in kept if weights[token] > 0][-1]


def adjusted(
    row: np.ndarray,
    params: SamplingParams,
    suppressed: Sequence[int],
    known: Sequence[int],
    n_rules: int,
) -> list[float]:
    """The logits after penalty, bias and bans."""
    values = [float(value) for value in row]
    known = list(known)
    if params.repetition_window and not params.openai_semantics:
        for token in set(known[-params.repetition_window :]):
            penalty, value = params.repetition_penalty, values[token]
            values[token] = value / penalty if value > 0 else value * penalty
    for token, bias in params.logit_bias:
        values[token] += bias if bias > BAN_BIAS else 0.0
    rules = [suppressed, banned(params, known), repeating(params, known)]
    for token in (token for rule in rules[:n_rules] for token in rule):
        values[token] = -math.inf
    return values


def banned(params: SamplingParams, known: list[int]) -> set[int]:
    """Tokens that complete a banned sequence, and those biased so low that they are banned."""
    found = {token for token, bias in params.logit_bias if bias <= BAN_BIAS}
    for sequence in params.banned_tokens:
        before = list(sequence[:-1])
        if known[len(known) - len(before) :] == before:
            found.add(sequence[-1])
    return found


def repeating(params: SamplingParams, known: list[int]) -> set[int]:
    """Tokens that complete an n-gram which is in the text already."""
    n = params.no_repeat_ngram
    if not n or params.openai_semantics:
        return set()
    grams = [known[start : start + n] for start in range(len(known) - n + 1)]
    return {gram[-1] for gram in grams if gram[:-1] == known[len(known) - n + 1 :]}


def usual_kept(
    order: list[int], logs: dict[int, float], weights: dict[int, float], params: SamplingParams
) -> list[int]:
    """What top-k, typical-p, top-p and min-p leave, likeliest first."""
    kept = order[: params.top_k or None]
    if params.typical_p < 1:
        total = sum(weights[token] for token in kept)
        heavy = [token for token in kept if weights[token] > 0]
        mean = sum(weights[token] * logs[token] for token in heavy) / total
        nearest = sorted(heavy, key=lambda token: abs(mean - logs[token]))
        near = smallest_set(nearest, weights, params.typical_p * total)
        kept = [token for token in kept if token in near]
    if params.top_p < 1:
        total = sum(weights[token] for token in kept)
        kept = smallest_set(kept, weights, params.top_p * total)
    least = params.min_p * max(weights[token] for token in kept)
    return [token for token in kept if weights[token] >= least]


def smallest_set(tokens: list[int], weights: dict[int, float], reach: float) -> list[int]:
    """The first tokens, up to the one with which their sum reaches a number."""
    running = 0.0
    for n, token in enumerate(tokens, start=1):
        running += weights[token]
        if running >= reach:
            return tokens[:n]
    return tokens


def openai_kept(
    order: list[int], values: list[float], weights: dict[int, float], params: SamplingParams
) -> list[int]:
    """What top_k_logits and top_p_logits of openai/gpt-2's src/sample.py leave."""
    kept = order
    if params.top_k:
        kth = values[order[min(params.top_k, len(order)) - 1]]
        kept = [token for token in order if values[token] >= kth]
    if params.top_p < 1:
        total, running, n_within = sum(weights[token] for token in kept), 0.0, 0
        for token in kept:
            running += weights[token]
            n_within += running <= params.top_p * total
        least = values[kept[max(n_within - 1, 0)]]
        kept = [token for token in kept if values[token] >= least]
    return kept
