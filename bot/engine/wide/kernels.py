"""What a step of the wide engine is made of: rows times panels of weights, attention, norms.

All arrays are flat. A matrix of N outputs and K inputs is cut into panels of 16 outputs, and each
output's numbers into blocks of 32 with one scale, as q8_0 and its kin have them. Two ways to
multiply:

- *pairs* (8-bit weights): weights i8 [N/16][K/2][16][2], activations i16 with one scale a row.
  Sums of products fit 32 bits, so nothing is lost but what the weights' own rounding took.
- *quads* (4-bit weights): weights u8 [N/16][K/4][16][4], moved up to be positive,
  activations i8 with one scale a block. Faster by half: 16 bits hold a block's sums.

A row's numbers are added in one order whatever else is in the batch, so its result never depends
on that. Called by `forward`; compiled by numba.
"""

from typing import Any, NamedTuple

import numpy as np

from bot.engine.wide import simd
from bot.engine.wide.compiling import inlined

PANEL = 2 * simd.LANES  # outputs of a panel
BLOCK = 32  # numbers that share a scale
PANEL_BLOCK = PANEL * BLOCK

# What happens to a product before it is stored.
PLAIN, ADD_BIAS, GELU, ADD_TO = 0, 1, 2, 3


class Rows(NamedTuple):
    """Activations, quantized: [rows][K] numbers, and [rows][K/32] of the others.

    Pairs use the first scale of a row only, and no corrections. A correction is what the moving
    up of the weights adds to a block's sum.
    """

    values: Any
    scales: Any
    corrections: Any


class Panels(NamedTuple):
    """Weights as above, layer after layer, and their scales f32 [N/16][K/32][16]."""

    values: Any
    scales: Any


class Product(NamedTuple):
    """Which matrix, and where its products go.

    Attributes:
        k: inputs.
        base: the matrix's offset in the weights.
        width: of a row of `out`.
        bias_at: offset of its bias in the vectors.
        how: PLAIN, ADD_BIAS, GELU or ADD_TO.
        quads: groups of four in a block. A constant would let LLVM unroll the loop over them,
            and then it runs out of registers.
    """

    k: int
    base: int
    width: int
    bias_at: int
    how: int
    quads: int


@inlined
def gelu(x: Any) -> Any:
    """GPT-2's: x/2 (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3))), the tanh by an exponential."""
    one = simd.spread(1.0)
    square = simd.multiply(simd.multiply(x, x), simd.spread(0.044715))
    inner = simd.multiply(simd.multiply(x, simd.add(square, one)), simd.spread(1.5957691216057308))
    return simd.subtract(x, simd.divide(x, simd.add(simd.exponential(inner), one)))


@inlined
def _finish(value: Any, product: Any, out: Any, row: int, vectors: Any, column: int) -> None:
    """Stores eight results of a row."""
    index = row * product.width + column
    if product.how != PLAIN:
        value = simd.add(value, simd.load(vectors, product.bias_at + column))
    if product.how == GELU:
        value = gelu(value)
    if product.how == ADD_TO:
        value = simd.add(value, simd.load(out, index))
    simd.store(out, index, value)


@inlined
def _pairs_1(rows: Any, panels: Any, product: Any, row: int, panel: int, out: Any, vectors: Any):
    """One row times one panel, in pairs."""
    low = simd.zero_floats()
    high = simd.zero_floats()
    at_x = row * product.k
    at_w = product.base + panel * PANEL * product.k
    for _ in range(product.k // BLOCK):
        sum_low = simd.zero_ints()
        sum_high = simd.zero_ints()
        for pair in range(BLOCK // 2):
            w = at_w + 32 * pair
            x = simd.spread_pair(rows.values, at_x + 2 * pair)
            sum_low = simd.multiply_pairs(sum_low, x, simd.load_shorts(panels.values, w))
            sum_high = simd.multiply_pairs(sum_high, x, simd.load_shorts(panels.values, w + 16))
        s = at_w // BLOCK
        low = simd.fused_multiply_add(simd.to_floats(sum_low), simd.load(panels.scales, s), low)
        high = simd.fused_multiply_add(
            simd.to_floats(sum_high), simd.load(panels.scales, s + 8), high
        )
        at_x += BLOCK
        at_w += PANEL_BLOCK
    factor = simd.spread(rows.scales[row * (product.k // BLOCK)])
    column = panel * PANEL
    _finish(simd.multiply(low, factor), product, out, row, vectors, column)
    _finish(simd.multiply(high, factor), product, out, row, vectors, column + 8)


@inlined
def _pairs_4(rows: Any, panels: Any, product: Any, row: int, panel: int, out: Any, vectors: Any):
    """Four rows times one panel, in pairs: each weight is loaded once for all four."""
    k = product.k
    f00 = f01 = f10 = f11 = f20 = f21 = f30 = f31 = simd.zero_floats()
    x0, x1, x2, x3 = row * k, (row + 1) * k, (row + 2) * k, (row + 3) * k
    at_w = product.base + panel * PANEL * k
    for _ in range(k // BLOCK):
        i00 = i01 = i10 = i11 = i20 = i21 = i30 = i31 = simd.zero_ints()
        for pair in range(2 * product.quads):
            w0 = simd.load_shorts(panels.values, at_w + 32 * pair)
            w1 = simd.load_shorts(panels.values, at_w + 32 * pair + 16)
            x = simd.spread_pair(rows.values, x0 + 2 * pair)
            i00 = simd.multiply_pairs(i00, x, w0)
            i01 = simd.multiply_pairs(i01, x, w1)
            x = simd.spread_pair(rows.values, x1 + 2 * pair)
            i10 = simd.multiply_pairs(i10, x, w0)
            i11 = simd.multiply_pairs(i11, x, w1)
            x = simd.spread_pair(rows.values, x2 + 2 * pair)
            i20 = simd.multiply_pairs(i20, x, w0)
            i21 = simd.multiply_pairs(i21, x, w1)
            x = simd.spread_pair(rows.values, x3 + 2 * pair)
            i30 = simd.multiply_pairs(i30, x, w0)
            i31 = simd.multiply_pairs(i31, x, w1)
        s = at_w // BLOCK
        s0, s1 = simd.load(panels.scales, s), simd.load(panels.scales, s + 8)
        f00 = simd.fused_multiply_add(simd.to_floats(i00), s0, f00)
        f01 = simd.fused_multiply_add(simd.to_floats(i01), s1, f01)
        f10 = simd.fused_multiply_add(simd.to_floats(i10), s0, f10)
        f11 = simd.fused_multiply_add(simd.to_floats(i11), s1, f11)
        f20 = simd.fused_multiply_add(simd.to_floats(i20), s0, f20)
        f21 = simd.fused_multiply_add(simd.to_floats(i21), s1, f21)
        f30 = simd.fused_multiply_add(simd.to_floats(i30), s0, f30)
        f31 = simd.fused_multiply_add(simd.to_floats(i31), s1, f31)
        x0, x1, x2, x3 = x0 + BLOCK, x1 + BLOCK, x2 + BLOCK, x3 + BLOCK
        at_w += PANEL_BLOCK
    column = panel * PANEL
    for r, low, high in ((0, f00, f01), (1, f10, f11), (2, f20, f21), (3, f30, f31)):
        factor = simd.spread(rows.scales[(row + r) * (k // BLOCK)])
        _finish(simd.multiply(low, factor), product, out, row + r, vectors, column)
        _finish(simd.multiply(high, factor), product, out, row + r, vectors, column + 8)


@inlined
def _scaled(part: Any, total: Any, rows: Any, panels: Any, x: int, s: int) -> Any:
    """Adds a block's sums of quads to the sums of a row."""
    whole = simd.sum_pairs(simd.spread_integer(rows.corrections, x // BLOCK), part)
    factor = simd.multiply(simd.spread_float(rows.scales, x // BLOCK), simd.load(panels.scales, s))
    return simd.fused_multiply_add(simd.to_floats(whole), factor, total)


@inlined
def _quads_1(rows: Any, panels: Any, product: Any, row: int, panel: int, out: Any, vectors: Any):
    """One row times one panel, in quads."""
    low = high = simd.zero_floats()
    x = row * product.k
    w = product.base + panel * PANEL * product.k
    for _ in range(product.k // BLOCK):
        part_low = part_high = simd.zero_shorts()
        for quad in range(BLOCK // 4):
            value = simd.spread_quad(rows.values, x + 4 * quad)
            w0 = simd.load_octets(panels.values, w + 64 * quad)
            w1 = simd.load_octets(panels.values, w + 64 * quad + 32)
            part_low = simd.multiply_octets(part_low, w0, value)
            part_high = simd.multiply_octets(part_high, w1, value)
        low = _scaled(part_low, low, rows, panels, x, w // BLOCK)
        high = _scaled(part_high, high, rows, panels, x, w // BLOCK + 8)
        x += BLOCK
        w += PANEL_BLOCK
    _finish(low, product, out, row, vectors, panel * PANEL)
    _finish(high, product, out, row, vectors, panel * PANEL + 8)


@inlined
def _quads_4(rows: Any, panels: Any, product: Any, row: int, panel: int, out: Any, vectors: Any):
    """Four rows times one panel, in quads."""
    k = product.k
    f00 = f01 = f10 = f11 = f20 = f21 = f30 = f31 = simd.zero_floats()
    x0, x1, x2, x3 = row * k, (row + 1) * k, (row + 2) * k, (row + 3) * k
    w = product.base + panel * PANEL * k
    for _ in range(k // BLOCK):
        p00 = p01 = p10 = p11 = p20 = p21 = p30 = p31 = simd.zero_shorts()
        for quad in range(product.quads):
            w0 = simd.load_octets(panels.values, w + 64 * quad)
            w1 = simd.load_octets(panels.values, w + 64 * quad + 32)
            x = simd.spread_quad(rows.values, x0 + 4 * quad)
            p00 = simd.multiply_octets(p00, w0, x)
            p01 = simd.multiply_octets(p01, w1, x)
            x = simd.spread_quad(rows.values, x1 + 4 * quad)
            p10 = simd.multiply_octets(p10, w0, x)
            p11 = simd.multiply_octets(p11, w1, x)
            x = simd.spread_quad(rows.values, x2 + 4 * quad)
            p20 = simd.multiply_octets(p20, w0, x)
            p21 = simd.multiply_octets(p21, w1, x)
            x = simd.spread_quad(rows.values, x3 + 4 * quad)
            p30 = simd.multiply_octets(p30, w0, x)
            p31 = simd.multiply_octets(p31, w1, x)
        s = w // BLOCK
        f00 = _scaled(p00, f00, rows, panels, x0, s)
        f01 = _scaled(p01, f01, rows, panels, x0, s + 8)
        f10 = _scaled(p10, f10, rows, panels, x1, s)
        f11 = _scaled(p11, f11, rows, panels, x1, s + 8)
        f20 = _scaled(p20, f20, rows, panels, x2, s)
        f21 = _scaled(p21, f21, rows, panels, x2, s + 8)
        f30 = _scaled(p30, f30, rows, panels, x3, s)
        f31 = _scaled(p31, f31, rows, panels, x3, s + 8)
        x0, x1, x2, x3 = x0 + BLOCK, x1 + BLOCK, x2 + BLOCK, x3 + BLOCK
        w += PANEL_BLOCK
    for r, low, high in ((0, f00, f01), (1, f10, f11), (2, f20, f21), (3, f30, f31)):
        _finish(low, product, out, row + r, vectors, panel * PANEL)
        _finish(high, product, out, row + r, vectors, panel * PANEL + 8)


@inlined
def multiply_panel(
    rows: Any, panels: Any, product: Any, first: int, last: int, panel: int, out: Any, vectors: Any
) -> None:
    """Rows from `first` to before `last` times one panel.

    Four at a time; of the last ones three or two count as four, which is why all arrays of rows
    are three longer than they need be.
    """
    quads = rows.values.itemsize == 1
    row = first
    while row + 1 < last:
        if quads:
            _quads_4(rows, panels, product, row, panel, out, vectors)
        else:
            _pairs_4(rows, panels, product, row, panel, out, vectors)
        row += 4
    if row < last:
        if quads:
            _quads_1(rows, panels, product, row, panel, out, vectors)
        else:
            _pairs_1(rows, panels, product, row, panel, out, vectors)


@inlined
def _largest_magnitude(x: Any, start: int, end: int) -> Any:
    found = simd.zero_floats()
    for index in range(start, end, simd.LANES):
        found = simd.largest(found, simd.magnitude(simd.load(x, index)))
    return simd.maximum_of(found)


@inlined
def quantize_row(x: Any, at_x: int, rows: Any, row: int, k: int, zero: int) -> None:
    """Makes activations of f32 numbers.

    Args:
        x: f32, the row's numbers from `at_x` on.
        zero: how far the weights were moved up; used in quads only.
    """
    at = row * k
    if rows.values.itemsize == 1:
        for block in range(at, at + k, BLOCK):
            _quantize_block(x, at_x + block - at, rows, block, zero)
    else:
        highest = _largest_magnitude(x, at_x, at_x + k)
        rows.scales[at // BLOCK] = highest / np.float32(32767)
        factor = simd.spread(np.float32(32767) / highest if highest > 0 else np.float32(0))
        for index in range(0, k, simd.LANES):
            scaled = simd.multiply(simd.load(x, at_x + index), factor)
            simd.store_shorts(rows.values, at + index, simd.to_ints(scaled))


@inlined
def _quantize_block(x: Any, at_x: int, rows: Any, at: int, zero: int) -> None:
    highest = _largest_magnitude(x, at_x, at_x + BLOCK)
    rows.scales[at // BLOCK] = highest / np.float32(127)
    factor = simd.spread(np.float32(127) / highest if highest > 0 else np.float32(0))
    total = np.int32(0)
    for index in range(0, BLOCK, simd.LANES):
        scaled = simd.multiply(simd.load(x, at_x + index), factor)
        simd.store_octets(rows.values, at + index, simd.to_ints(scaled))
    for index in range(at, at + BLOCK):
        total += rows.values[index]
    rows.corrections[at // BLOCK] = -zero * total


@inlined
def normalize_row(x: Any, at_x: int, n: int, vectors: Any, at: int, out: Any, at_out: int) -> None:
    """Layer norm (its gain and then its bias in `vectors` from `at` on)."""
    total = simd.zero_floats()
    for index in range(0, n, simd.LANES):
        total = simd.add(total, simd.load(x, at_x + index))
    mean = simd.spread(simd.sum_of(total) / np.float32(n))
    total = simd.zero_floats()
    for index in range(0, n, simd.LANES):
        centered = simd.subtract(simd.load(x, at_x + index), mean)
        total = simd.fused_multiply_add(centered, centered, total)
    variance = simd.sum_of(total) / np.float32(n)
    factor = simd.spread(np.float32(1) / np.sqrt(variance + np.float32(1e-5)))
    for index in range(0, n, simd.LANES):
        centered = simd.subtract(simd.load(x, at_x + index), mean)
        gain = simd.multiply(factor, simd.load(vectors, at + index))
        bias = simd.load(vectors, at + n + index)
        simd.store(out, at_out + index, simd.fused_multiply_add(centered, gain, bias))
