"""A GGUF file's weights as the kernels want them: whole numbers with one scale for 32 of them.

q8_0, q5_0 and q4_0 are taken over as they are, to the last bit; any other type is rounded to q8_0
first. Called by `engine` with a file that the reader has checked.
Block formats: llama.cpp, ggml/src/ggml-common.h.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import gguf
import numpy as np
import numpy.typing as npt

from bot.core.models import ModelShape
from bot.engine.wide.forward import Model
from bot.engine.wide.kernels import BLOCK, PANEL, Panels

_QUADS_ZERO = 8  # q4_0's numbers are -8 to 7; moved up by so much they are positive
_MATRICES = ("attn_qkv", "attn_output", "ffn_up", "ffn_down")
_VECTORS = (
    "attn_norm.weight", "attn_norm.bias", "attn_qkv.bias", "attn_output.bias",
    "ffn_norm.weight", "ffn_norm.bias", "ffn_up.bias", "ffn_down.bias",
)  # fmt: skip
_LAST_VECTORS = ("output_norm.weight", "output_norm.bias", "position_embd.weight")
_ROWS_AT_ONCE = 4096  # of a matrix: what is unpacked takes several times its size

_Numbers = npt.NDArray[np.int8]
_Packed = npt.NDArray[np.int8 | np.uint8]
_Scales = npt.NDArray[np.float32]


def load_model(path: str, shape: ModelShape) -> tuple[Model, int]:
    """Reads all weights.

    Args:
        path: a checked GGUF file; its matrices' rows are whole blocks.
        shape: its numbers.

    Returns:
        The weights, and how far they were moved up: 0 for pairs.
    """
    tensors = {str(tensor.name): tensor for tensor in gguf.GGUFReader(path).tensors}
    names = [f"blk.{layer}.{name}.weight" for layer in range(shape.n_layer) for name in _MATRICES]
    matrices = [tensors[name] for name in (*names, "token_embd.weight")]
    zero = _zero({tensor.tensor_type.name for tensor in matrices})
    n_numbers = sum(
        -(-_n_rows(tensor) // PANEL) * PANEL * int(tensor.shape[0]) for tensor in matrices
    )
    values: _Packed = np.zeros(n_numbers, dtype=np.uint8 if zero else np.int8)
    scales = np.zeros(n_numbers // BLOCK, dtype=np.float32)
    at = 0
    # By plain reads: what the reader maps would count as memory, twice the model.
    with Path(path).open("rb") as file:
        for tensor in matrices:
            for numbers, one_scales in _blocks(file, tensor):
                _pack(numbers, one_scales, values, scales, at, zero)
                at += -(-len(numbers) // PANEL) * PANEL * numbers.shape[1]
        vectors = [_floats(file, tensors[name]) for name in _vector_names(shape.n_layer)]
    return Model(Panels(values, scales), np.concatenate(vectors)), zero


def _n_rows(tensor: Any) -> int:
    """Of a matrix or a vector; GGUF names the columns first."""
    return int(tensor.shape[1]) if len(tensor.shape) > 1 else 1


def _read(file: BinaryIO, tensor: Any, first: int, last: int) -> npt.NDArray[np.uint8]:
    """The packed bytes of some of a tensor's rows, shape [rows, bytes of a row]."""
    row_bytes = int(tensor.n_bytes) // _n_rows(tensor)
    file.seek(int(tensor.data_offset) + first * row_bytes)
    data = file.read((last - first) * row_bytes)
    return np.frombuffer(data, dtype=np.uint8).reshape(last - first, row_bytes)


def _vector_names(n_layer: int) -> Iterator[str]:
    for layer in range(n_layer):
        yield from (f"blk.{layer}.{name}" for name in _VECTORS)
    yield from _LAST_VECTORS


def _zero(types: set[str]) -> int:
    """How far weights are moved up for quads; 0 where one of them has more than 4 bits."""
    return _QUADS_ZERO if types == {"Q4_0"} else 0


def _floats(file: BinaryIO, tensor: Any) -> npt.NDArray[np.float32]:
    """A vector, or a matrix row after row."""
    rows = _read(file, tensor, 0, _n_rows(tensor))
    return gguf.quants.dequantize(rows, tensor.tensor_type).astype(np.float32).ravel()


def _blocks(file: BinaryIO, tensor: Any) -> Iterator[tuple[_Numbers, _Scales]]:
    """A matrix's numbers [rows, K] and scales [rows, K/32], some rows at a time."""
    unpack = {"Q8_0": _from_q8_0, "Q4_0": _from_q4_0, "Q5_0": _from_q5_0}
    name, n_rows = tensor.tensor_type.name, _n_rows(tensor)
    for start in range(0, n_rows, _ROWS_AT_ONCE):
        rows = _read(file, tensor, start, min(start + _ROWS_AT_ONCE, n_rows))
        if name not in unpack:
            values = gguf.quants.dequantize(rows, tensor.tensor_type).astype(np.float32)
            rows = gguf.quants.quantize(values, gguf.GGMLQuantizationType.Q8_0)
        numbers, scales = unpack.get(name, _from_q8_0)(rows)
        yield numbers.reshape(len(rows), -1), scales.reshape(len(rows), -1)


def _scale(blocks: npt.NDArray[np.uint8]) -> _Scales:
    """Every block begins with its scale, in f16."""
    return np.ascontiguousarray(blocks[:, :2]).view(np.float16).astype(np.float32)[:, 0]


def _from_q8_0(rows: npt.NDArray[np.uint8]) -> tuple[_Numbers, _Scales]:
    blocks = rows.reshape(-1, 34)
    return blocks[:, 2:].view(np.int8), _scale(blocks)


def _from_q4_0(rows: npt.NDArray[np.uint8]) -> tuple[_Numbers, _Scales]:
    """The low halves of 16 bytes are a block's first numbers, the high ones its last."""
    blocks = rows.reshape(-1, 18)
    halves = np.concatenate([blocks[:, 2:] & 15, blocks[:, 2:] >> 4], axis=1)
    return halves.view(np.int8) - np.int8(8), _scale(blocks)


def _from_q5_0(rows: npt.NDArray[np.uint8]) -> tuple[_Numbers, _Scales]:
    """As q4_0, and the fifth bits of all 32 numbers in four bytes before them."""
    blocks = rows.reshape(-1, 22)
    fifths = np.unpackbits(blocks[:, 2:6], axis=1, bitorder="little")
    halves = np.concatenate([blocks[:, 6:] & 15, blocks[:, 6:] >> 4], axis=1)
    return (halves | fifths << 4).view(np.int8) - np.int8(16), _scale(blocks)


def _pack(
    numbers: _Numbers,
    scales: _Scales,
    packed: _Packed,
    packed_scales: _Scales,
    at: int,
    zero: int,
) -> None:
    """Puts rows into panels, from number `at` on; rows that fill the last panel up are zeros."""
    n_rows, k = numbers.shape
    n_panels = -(-n_rows // PANEL)
    size, group = n_panels * PANEL * k, 4 if zero else 2
    filled = np.full((n_panels * PANEL, k), zero, dtype=packed.dtype)
    filled[:n_rows] = numbers + np.int8(zero)
    packed[at : at + size] = (
        filled.reshape(n_panels, PANEL, k // group, group).transpose(0, 2, 1, 3).ravel()
    )
    filled_scales = np.zeros((n_panels * PANEL, k // BLOCK), dtype=np.float32)
    filled_scales[:n_rows] = scales
    packed_scales[at // BLOCK : (at + size) // BLOCK] = (
        filled_scales.reshape(n_panels, PANEL, k // BLOCK).transpose(0, 2, 1).ravel()
    )
