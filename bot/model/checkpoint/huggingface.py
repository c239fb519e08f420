"""A Hugging Face folder: its config.json, and its safetensors files as a checkpoint.

Used by `importing`. No code can hide in safetensors files.
"""

import json
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError, safe_open

from bot.core.models import ModelShape
from bot.errors import ModelFileError
from bot.model.byte_reader import ByteReader, open_reader
from bot.model.checkpoint.api import as_f32, gathered, n_bytes_of, read_json, shown
from bot.model.tensors import TensorSpec, implausible

PREFIX = "transformer."
_NUMBER_TYPES = {"F32": "f32", "F16": "f16", "F64": "f64", "BF16": "bf16"}
_MAX_HEADER_BYTES = 4 << 20  # of the largest GPT-2: a fiftieth of it; the library takes 100 MB
_MAX_TENSOR_NUMBERS = 1 << 28  # as f32 a gigabyte; a tensor is held as a whole

# What the engines compute; a folder that asks for anything else would load and write rubbish.
_REQUIRED: dict[str, tuple[object, ...]] = {
    "activation_function": ("gelu_new", None),
    "scale_attn_weights": (True, None),
    "scale_attn_by_inverse_layer_idx": (False, None),
    "reorder_and_upcast_attn": (False, None),
    "tie_word_embeddings": (True, None),
    "add_cross_attention": (False, None),
    "layer_norm_epsilon": (1e-5, None),
}


def read_config(path: Path) -> ModelShape:
    """The shape from a config.json.

    Raises:
        ModelFileError: it is missing, or describes something else than a plain GPT-2.
    """
    config = read_json(path)
    if config.get("model_type") != "gpt2":
        found = shown(repr(config.get("model_type")))
        reason = f"its model_type is {found}, and Bardling runs gpt2 only"
        raise ModelFileError(path, reason)
    for key, allowed in _REQUIRED.items():
        if config.get(key) not in allowed:
            found = shown(repr(config[key]))
            raise ModelFileError(path, f"its {key} is {found}; only {allowed[0]!r} works")
    shape = shape_of(
        path,
        {
            "n_vocab": config.get("vocab_size"),
            "n_ctx": config.get("n_positions", config.get("n_ctx")),
            "n_embd": config.get("n_embd"),
            "n_head": config.get("n_head"),
            "n_layer": config.get("n_layer"),
        },
    )
    if config.get("n_inner") not in (None, 4 * shape.n_embd):
        found = shown(repr(config["n_inner"]))
        raise ModelFileError(path, f"its n_inner is {found}, not four times n_embd")
    return shape


def shape_of(path: Path, numbers: dict[str, Any]) -> ModelShape:
    """The shape that these numbers make.

    Raises:
        ModelFileError: they are no numbers, or no GPT-2's.
    """
    for name, value in numbers.items():
        if type(value) is not int or abs(value) >= 2**63:
            reason = f"its numbers make no sense ({name} is {shown(repr(value))})"
            raise ModelFileError(path, reason)
    shape = ModelShape(**numbers)
    if reason := implausible(shape):
        raise ModelFileError(path, reason)
    if max(shape.n_vocab, shape.n_ctx, 4 * shape.n_embd) * shape.n_embd > _MAX_TENSOR_NUMBERS:
        raise ModelFileError(path, "its matrices are larger than any GPT-2's")
    return shape


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a tensor's bytes are."""

    reader: ByteReader
    number_type: str
    start: int
    n_bytes: int


class SafetensorsCheckpoint:
    """All safetensors files of a folder as one, names without the optional prefix.

    Args:
        folder: where they are.
        stack: closes them.

    Raises:
        ModelFileError: one is no such file, or two hold the same tensor.
    """

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self.path = folder
        self.shapes: dict[str, tuple[int, ...]] = {}
        self._places: dict[str, _Place] = {}
        for path in sorted(folder.glob("*.safetensors")):
            self._open(stack.enter_context(open_reader(path)))

    def _open(self, reader: ByteReader) -> None:
        for key, (shape, place) in _read_header(reader).items():
            name = key.removeprefix(PREFIX)
            if name in self._places:
                raise reader.refuse(f"the tensor {shown(name)} is in the folder twice")
            self._places[name] = place
            self.shapes[name] = shape

    def name_of(self, spec: TensorSpec) -> str:
        """Hugging Face's name, without the prefix."""
        return spec.huggingface

    def pieces(self, name: str) -> Iterator[npt.NDArray[np.float32]]:
        """A tensor's numbers as they lie in the file, a few at a time.

        Raises:
            ModelFileError: they are of a type that holds no weights.
        """
        place = self._places[name]
        number_type = _NUMBER_TYPES.get(place.number_type)
        if number_type is None or place.n_bytes != n_bytes_of(number_type, self.shapes[name]):
            reason = f"the tensor {name} is of the type {place.number_type}"
            raise place.reader.refuse(f"{reason}; known are f32, f16, bf16")
        for piece in place.reader.pieces(place.start, place.n_bytes, f"the tensor {name}"):
            yield as_f32(piece, number_type)

    def load(self, name: str) -> npt.NDArray[np.float32]:
        """One tensor.

        Raises:
            ModelFileError: as `pieces`.
        """
        return gathered(self.pieces(name), self.shapes[name])


def _read_header(reader: ByteReader) -> dict[str, tuple[tuple[int, ...], _Place]]:
    """The tensors' shapes and places, after the library has checked that they make sense.

    Only the header is left to the library: what it maps of the numbers would stay in memory.
    Format: 8 bytes with the header's size, the header as JSON, the tensors' bytes.
    """
    n_header = reader.integer("Q", "its header's size")
    if n_header > _MAX_HEADER_BYTES:
        reason = f"its header has {n_header} bytes, more than any GPT-2's"
        raise reader.refuse(f"it is no safetensors file, or a hostile one: {reason}")
    text = reader.bytes(n_header, "its header")
    try:
        with cast(Any, safe_open)(str(reader.path), framework="numpy") as file:
            listed = set(cast(list[str], file.keys()))
        header: dict[str, Any] = json.loads(text)
        header.pop("__metadata__", None)
        if header.keys() != listed:
            raise reader.refuse("it is no safetensors file (its header has two readings)")
        return {key: _read_entry(reader, entry) for key, entry in header.items()}
    except (SafetensorError, OSError, ValueError, TypeError, LookupError, RecursionError) as error:
        raise reader.refuse(f"it is no safetensors file ({shown(str(error))})") from error


def _read_entry(reader: ByteReader, entry: dict[str, Any]) -> tuple[tuple[int, ...], _Place]:
    """A tensor's shape and place, behind the header."""
    start, end = (int(offset) for offset in entry["data_offsets"])
    shape = tuple(int(n) for n in entry["shape"])
    if not 0 <= start <= end <= reader.size - reader.position or min(shape, default=0) < 0:
        raise ValueError("a tensor lies outside of it")
    place = _Place(reader, str(entry["dtype"]), reader.position + start, end - start)
    return shape, place
