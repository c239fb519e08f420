"""One step of the whole model: all rows of a batch through all layers, by several threads.

Every thread calls `forward` with the same arguments. A step is a chain of phases, a phase a number
of items (a row, a panel of weights, a head of some rows); threads take items until none is left,
and go on when all are done. Nobody waits for a thread that has taken nothing, so one that the
system holds up delays the others by the item it holds at most. Called by `engine`.
Model: GPT-2 (Radford et al. 2019, section 2.3), as in OpenAI's `src/model.py`.
"""

from typing import Any, NamedTuple

import numpy as np

from bot.engine.wide import attention, kernels, simd
from bot.engine.wide.compiling import compiled, inlined
from bot.engine.wide.kernels import ADD_BIAS, ADD_TO, GELU, PANEL, PLAIN

ROW_BLOCK = 64  # rows that go through a panel together: their activations stay in the near caches
_HEAD_ROWS = 16  # rows of one item of attention
_COUNTER = 16  # 64-bit numbers from one phase's counters to the next one's: lines of their own
_SPINS = 2000  # looks at a counter before the processor is given away

_PHASES_PER_LAYER = 10
_OTHER_PHASES = 3


class Shape(NamedTuple):
    """The model's numbers, and the cache's."""

    n_embd: int
    n_head: int
    n_layer: int
    n_ctx: int
    n_places: int
    n_outputs: int  # of the output matrix: the vocabulary, filled up to whole panels
    zero: int  # how far the weights were moved up
    quads: int  # groups of four in a block; see `kernels.Product`


class Batch(NamedTuple):
    """The rows of a step: i32, shape [n] each; `wanted` names the rows whose logits are needed."""

    tokens: Any
    places: Any
    positions: Any
    wanted: Any


class Cache(NamedTuple):
    """Keys and values: f16 as u16, [n_layer][n_places][n_head][n_ctx][width of a head]."""

    keys: Any
    values: Any


class Buffers(NamedTuple):
    """Room for a step's numbers; f32 [rows][...], each three rows longer than the largest batch.

    Attributes:
        x: the residual stream, [n_embd].
        wide: queries, keys and values, later the hidden layer, [4 n_embd].
        mixed: what attention gives, and what norms give, [n_embd].
        rows: the same quantized, up to [4 n_embd].
        logits: [n_outputs].
        weights: of attention, one row for each thread, [n_ctx + 8].
    """

    x: Any
    wide: Any
    mixed: Any
    rows: Any
    logits: Any
    weights: Any


class Model(NamedTuple):
    """Weights of the layers and then of the output; norms, biases and positions as vectors."""

    panels: Any
    vectors: Any


def n_counters(n_layer: int) -> int:
    """Length of the counters of one step, i64 and zero at its start."""
    return (_PHASES_PER_LAYER * n_layer + _OTHER_PHASES) * _COUNTER


@inlined
def _take(counters: Any, phase: int, n: int) -> int:
    """The next item of a phase, or n."""
    return min(simd.fetch_and_add(counters, phase * _COUNTER, 1), n)


@inlined
def _done(counters: Any, phase: int) -> None:
    simd.fetch_and_add(counters, phase * _COUNTER + _COUNTER // 2, 1)


@inlined
def _wait(counters: Any, phase: int, n: int) -> int:
    """Until all items of a phase are done; the next phase."""
    spins = 0
    while simd.load_atomic(counters, phase * _COUNTER + _COUNTER // 2) < n:
        spins += 1
        if spins > _SPINS:
            simd.yield_processor()
        else:
            simd.pause()
    return phase + 1


@inlined
def _embed(shape: Any, model: Any, batch: Any, buffers: Any, counters: Any, phase: int) -> int:
    """Token and position embeddings into the residual stream. Items: rows."""
    n = len(batch.tokens)
    k = shape.n_embd
    at_output = 12 * k * k * shape.n_layer
    at_positions = (13 * shape.n_layer + 2) * k
    group = 4 if buffers.rows.values.itemsize == 1 else 2  # numbers of an output side by side
    row = _take(counters, phase, n)
    while row < n:
        panel, lane = divmod(batch.tokens[row], PANEL)
        at_w = at_output + panel * PANEL * k
        at_p = at_positions + batch.positions[row] * k
        for index in range(k):
            part, rest = divmod(index, group)
            weight = model.panels.values[at_w + (part * PANEL + lane) * group + rest]
            scale = model.panels.scales[at_w // 32 + (index // 32) * PANEL + lane]
            value = np.float32(np.int32(weight) - shape.zero) * scale
            buffers.x[row * k + index] = value + model.vectors[at_p + index]
        _done(counters, phase)
        row = _take(counters, phase, n)
    return _wait(counters, phase, n)


@inlined
def _normalize(shape: Any, model: Any, buffers: Any, at: int, n: int, counters: Any, phase: int):
    """Layer norm of the residual stream, quantized. Items: rows."""
    k = shape.n_embd
    row = _take(counters, phase, n)
    while row < n:
        kernels.normalize_row(buffers.x, row * k, k, model.vectors, at, buffers.mixed, row * k)
        kernels.quantize_row(buffers.mixed, row * k, buffers.rows, row, k, shape.zero)
        _done(counters, phase)
        row = _take(counters, phase, n)
    return _wait(counters, phase, n)


@inlined
def _normalize_wanted(shape: Any, model: Any, batch: Any, buffers: Any, counters: Any, phase: int):
    """The last norm, of the rows whose logits are wanted. Items: those rows."""
    k = shape.n_embd
    n = len(batch.wanted)
    at = 13 * shape.n_layer * k
    index = _take(counters, phase, n)
    while index < n:
        at_x = batch.wanted[index] * k
        kernels.normalize_row(buffers.x, at_x, k, model.vectors, at, buffers.mixed, index * k)
        kernels.quantize_row(buffers.mixed, index * k, buffers.rows, index, k, shape.zero)
        _done(counters, phase)
        index = _take(counters, phase, n)
    return _wait(counters, phase, n)


@inlined
def _quantize(source: Any, buffers: Any, k: int, n: int, zero: int, counters: Any, phase: int):
    """Numbers of k columns as activations. Items: rows."""
    row = _take(counters, phase, n)
    while row < n:
        kernels.quantize_row(source, row * k, buffers.rows, row, k, zero)
        _done(counters, phase)
        row = _take(counters, phase, n)
    return _wait(counters, phase, n)


@inlined
def _multiply(model: Any, buffers: Any, product: Any, n: int, out: Any, counters: Any, phase: int):
    """Rows times a matrix. Items: panels, each for a block of rows."""
    n_panels = product.width // PANEL
    n_items = n_panels * ((n + ROW_BLOCK - 1) // ROW_BLOCK)
    item = _take(counters, phase, n_items)
    while item < n_items:
        block, panel = divmod(item, n_panels)
        first = block * ROW_BLOCK
        last = min(first + ROW_BLOCK, n)
        kernels.multiply_panel(
            buffers.rows, model.panels, product, first, last, panel, out, model.vectors
        )
        _done(counters, phase)
        item = _take(counters, phase, n_items)
    return _wait(counters, phase, n_items)


@inlined
def _keep(
    shape: Any, batch: Any, buffers: Any, cache: Any, layer: int, counters: Any, phase: int
) -> int:
    """Keys and values of the new rows into the cache. Items: rows."""
    n = len(batch.tokens)
    k = shape.n_embd
    width = k // shape.n_head
    stride = shape.n_ctx * width
    row = _take(counters, phase, n)
    while row < n:
        place = layer * shape.n_places + batch.places[row]
        at = place * shape.n_head * stride + batch.positions[row] * width
        at_x = row * 3 * k
        attention.keep_row(buffers.wide, at_x + k, cache.keys, at, stride, shape.n_head, width)
        attention.keep_row(
            buffers.wide, at_x + 2 * k, cache.values, at, stride, shape.n_head, width
        )
        _done(counters, phase)
        row = _take(counters, phase, n)
    return _wait(counters, phase, n)


@inlined
def _attend(
    shape: Any, batch: Any, buffers: Any, cache: Any, layer: int, thread: int,
    counters: Any, phase: int,
) -> int:  # fmt: skip
    """Attention. Items: a head of some rows."""
    n = len(batch.tokens)
    width = shape.n_embd // shape.n_head
    stride = shape.n_ctx * width
    n_items = shape.n_head * ((n + _HEAD_ROWS - 1) // _HEAD_ROWS)
    item = _take(counters, phase, n_items)
    while item < n_items:
        block, head = divmod(item, shape.n_head)
        for row in range(block * _HEAD_ROWS, min((block + 1) * _HEAD_ROWS, n)):
            place = layer * shape.n_places + batch.places[row]
            at = attention.Head(
                row * 3 * shape.n_embd + head * width,
                (place * shape.n_head + head) * stride,
                row * shape.n_embd + head * width,
                width,
                batch.positions[row] + 1,
            )
            weights = buffers.weights[thread]
            attention.attend(at, buffers.wide, cache.keys, cache.values, buffers.mixed, weights)
        _done(counters, phase)
        item = _take(counters, phase, n_items)
    return _wait(counters, phase, n_items)


@compiled
def forward(
    thread: int, shape: Any, model: Any, batch: Any, cache: Any, buffers: Any, counters: Any
) -> None:
    """One thread's part of a step.

    Args:
        thread: its number, from 0.
        counters: `n_counters` zeros, shared by the threads of this step alone.
    """
    n, k, quads = len(batch.tokens), shape.n_embd, shape.quads
    phase = _embed(shape, model, batch, buffers, counters, 0)
    for layer in range(shape.n_layer):
        w = 12 * k * k * layer
        v = 13 * k * layer
        phase = _normalize(shape, model, buffers, v, n, counters, phase)
        product = kernels.Product(k, w, 3 * k, v + 2 * k, ADD_BIAS, quads)
        phase = _multiply(model, buffers, product, n, buffers.wide, counters, phase)
        phase = _keep(shape, batch, buffers, cache, layer, counters, phase)
        phase = _attend(shape, batch, buffers, cache, layer, thread, counters, phase)
        phase = _quantize(buffers.mixed, buffers, k, n, shape.zero, counters, phase)
        product = kernels.Product(k, w + 3 * k * k, k, v + 5 * k, ADD_TO, quads)
        phase = _multiply(model, buffers, product, n, buffers.x, counters, phase)
        phase = _normalize(shape, model, buffers, v + 6 * k, n, counters, phase)
        product = kernels.Product(k, w + 4 * k * k, 4 * k, v + 8 * k, GELU, quads)
        phase = _multiply(model, buffers, product, n, buffers.wide, counters, phase)
        phase = _quantize(buffers.wide, buffers, 4 * k, n, shape.zero, counters, phase)
        product = kernels.Product(4 * k, w + 8 * k * k, k, v + 12 * k, ADD_TO, quads)
        phase = _multiply(model, buffers, product, n, buffers.x, counters, phase)
    phase = _normalize_wanted(shape, model, batch, buffers, counters, phase)
    product = kernels.Product(k, 12 * k * k * shape.n_layer, shape.n_outputs, 0, PLAIN, quads)
    _multiply(model, buffers, product, len(batch.wanted), buffers.logits, counters, phase)
