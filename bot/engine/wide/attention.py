"""Attention of one token over what came before it, over keys and values kept in f16.

A head's keys lie one position after the other, so that it reads memory in one go; so do its
values. Called by `forward`; compiled by numba.
"""

from typing import Any, NamedTuple

import numpy as np

from bot.engine.wide import simd
from bot.engine.wide.compiling import inlined

_LANES = simd.LANES
_WIDE = 8 * _LANES  # the width of a head in every GPT-2 that OpenAI made


class Head(NamedTuple):
    """One head of one token: where its numbers lie, and how many positions it looks at."""

    at_q: int
    at_kept: int  # of its first position, in keys and in values
    at_out: int
    width: int
    n: int


@inlined
def keep_row(
    x: Any, at_x: int, kept: Any, at: int, head_stride: int, n_head: int, width: int
) -> None:
    """Stores a row's keys (or values) of all heads.

    Args:
        x: f32, the row's keys from `at_x` on, head after head.
        kept: f16 as 16-bit numbers.
        at: where in `kept` the first head's position lies.
        head_stride: from one head's to the next one's.
    """
    for head in range(n_head):
        for index in range(0, width, _LANES):
            value = simd.load(x, at_x + head * width + index)
            simd.store_half(kept, at + head * head_stride + index, value)


@inlined
def attend(head: Any, q: Any, keys: Any, values: Any, out: Any, weights: Any) -> None:
    """softmax(q k / sqrt(width)) v of one head of one token.

    Args:
        q: f32, queries.
        keys: f16 as 16-bit numbers; so are the values.
        out: f32.
        weights: f32, room for n + 7 numbers.
    """
    highest = _score(head, q, keys, weights)
    total = _exponentials(weights, head.n, highest)
    if head.width == _WIDE:
        _mix_wide(head, weights, values, total, out)
    else:
        _mix(head, weights, values, total, out)


@inlined
def _score(head: Any, q: Any, keys: Any, weights: Any) -> Any:
    """The scaled products into `weights`; the highest one."""
    scale = np.float32(1) / np.sqrt(np.float32(head.width))
    highest = np.float32(-np.inf)
    for position in range(head.n):
        total = simd.zero_floats()
        at = head.at_kept + position * head.width
        for index in range(0, head.width, _LANES):
            key = simd.load_half(keys, at + index)
            total = simd.fused_multiply_add(simd.load(q, head.at_q + index), key, total)
        score = simd.sum_of(total) * scale
        weights[position] = score
        highest = max(highest, score)
    return highest


@inlined
def _exponentials(weights: Any, n: int, highest: Any) -> Any:
    """Makes weights of scores; their sum."""
    for position in range(n, n + _LANES - 1):
        weights[position] = np.float32(-1e30)
    total = simd.zero_floats()
    shift = simd.spread(highest)
    for position in range(0, n, _LANES):
        weight = simd.exponential(simd.subtract(simd.load(weights, position), shift))
        simd.store(weights, position, weight)
        total = simd.add(total, weight)
    return simd.sum_of(total)


@inlined
def _mix(head: Any, weights: Any, values: Any, total: Any, out: Any) -> None:
    """The weighted mean of values."""
    share = simd.spread(np.float32(1) / total)
    for index in range(0, head.width, _LANES):
        mean = simd.zero_floats()
        for position in range(head.n):
            value = simd.load_half(values, head.at_kept + position * head.width + index)
            mean = simd.fused_multiply_add(simd.spread(weights[position]), value, mean)
        simd.store(out, head.at_out + index, simd.multiply(mean, share))


@inlined
def _mix_wide(head: Any, weights: Any, values: Any, total: Any, out: Any) -> None:
    """The same for heads of 64 numbers, all of which fit the registers at once."""
    m0 = m1 = m2 = m3 = m4 = m5 = m6 = m7 = simd.zero_floats()
    v = head.at_kept
    for position in range(head.n):
        weight = simd.spread(weights[position])
        m0 = simd.fused_multiply_add(weight, simd.load_half(values, v), m0)
        m1 = simd.fused_multiply_add(weight, simd.load_half(values, v + 8), m1)
        m2 = simd.fused_multiply_add(weight, simd.load_half(values, v + 16), m2)
        m3 = simd.fused_multiply_add(weight, simd.load_half(values, v + 24), m3)
        m4 = simd.fused_multiply_add(weight, simd.load_half(values, v + 32), m4)
        m5 = simd.fused_multiply_add(weight, simd.load_half(values, v + 40), m5)
        m6 = simd.fused_multiply_add(weight, simd.load_half(values, v + 48), m6)
        m7 = simd.fused_multiply_add(weight, simd.load_half(values, v + 56), m7)
        v += _WIDE
    share = simd.spread(np.float32(1) / total)
    means = ((0, m0), (8, m1), (16, m2), (24, m3), (32, m4), (40, m5), (48, m6), (56, m7))
    for part, mean in means:
        simd.store(out, head.at_out + part, simd.multiply(mean, share))
