"""What import asks of a checkpoint, whatever program wrote it, and the checks all of them pass.

A checkpoint knows its tensors' names and shapes and loads one of them at a time; safetensors,
PyTorch's files and TensorFlow's are three of them. All numbers are looked at, a few at a time,
before the first tensor is loaded, so that a refusal costs little memory. Used by `importing`.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from math import prod
from pathlib import Path
from typing import Any, Protocol, cast

import numpy as np
import numpy.typing as npt

from bot.core.models import ModelShape
from bot.errors import ModelFileError
from bot.model.tensors import TensorSpec, tensor_specs

TIED = "lm_head.weight"
NUMBER_TYPES = {"f32": "<f4", "f16": "<f2", "bf16": "<u2", "f64": "<f8"}  # bf16: numpy has none
_MASKS = (".attn.bias", ".attn.masked_bias")  # buffers of older checkpoints, not weights
_MAX_AXES = 8


class Checkpoint(Protocol):
    """Tensors by name; a file is read when one is asked for, and no tensor is kept."""

    @property
    def path(self) -> Path:
        """The file or folder to name in errors."""
        ...

    @property
    def shapes(self) -> Mapping[str, Sequence[int]]:
        """Every tensor's name and shape."""
        ...

    def name_of(self, spec: TensorSpec) -> str:
        """What this tensor is called here."""
        ...

    def pieces(self, name: str) -> Iterator[npt.NDArray[np.float32]]:
        """A tensor's numbers as they lie in the file, a few at a time.

        Raises:
            ModelFileError: it is damaged, or of a type that holds no weights.
        """
        ...

    def load(self, name: str) -> npt.NDArray[np.float32]:
        """One tensor.

        Raises:
            ModelFileError: as `pieces`.
        """
        ...


def check_tensors(checkpoint: Checkpoint, shape: ModelShape) -> None:
    """Every tensor of a GPT-2 is there in its shape and whole, and no other one.

    Raises:
        ModelFileError: one is not, or a number in it is not finite; the message names it.
    """
    shapes = checkpoint.shapes
    names: set[str] = set()
    for spec in tensor_specs(shape):
        name = checkpoint.name_of(spec)
        names.add(name)
        if name not in shapes:
            raise ModelFileError(checkpoint.path, f"the tensor {name} is missing")
        found = tuple(shapes[name])
        expected = spec.shape[::-1] if spec.transposed else spec.shape
        if found != expected:
            reason = f"the tensor {name} has the shape {found} instead of {expected}"
            raise ModelFileError(checkpoint.path, reason)
    extra = [name for name in shapes if name not in names and not is_left_out(name)]
    if extra:
        reason = f"it has a tensor {shown(min(extra))}, which no GPT-2 has"
        raise ModelFileError(checkpoint.path, reason)
    if TIED in shapes and _digest(checkpoint, TIED) != _digest(checkpoint, "wte.weight"):
        reason = "its lm_head.weight differs from wte.weight; only tied embeddings work"
        raise ModelFileError(checkpoint.path, reason)
    for spec in tensor_specs(shape):
        _check_numbers(checkpoint, checkpoint.name_of(spec))


def is_left_out(name: str) -> bool:
    """Whether a tensor of this name is none that a model file holds: a mask, or the tied copy."""
    return name == TIED or name.endswith(_MASKS)


def load_tensor(checkpoint: Checkpoint, spec: TensorSpec) -> npt.NDArray[np.float32]:
    """A tensor in the model files' orientation, shape `spec.shape`, after `check_tensors`.

    Raises:
        ModelFileError: it can't be read any more.
    """
    values = checkpoint.load(checkpoint.name_of(spec))
    # Conv1D keeps [in, out]; both formats want a row per output.
    return np.ascontiguousarray(values.T) if spec.transposed else values


def gathered(
    pieces: Iterable[npt.NDArray[np.float32]], shape: Sequence[int]
) -> npt.NDArray[np.float32]:
    """A tensor of its pieces; never more than it and one of them are in memory."""
    values = np.empty(prod(shape), dtype=np.float32)
    end = 0
    for piece in pieces:
        start, end = end, end + len(piece)
        values[start:end] = piece
    assert end == len(values)
    return values.reshape(shape)


def as_f32(data: bytes, number_type: str) -> npt.NDArray[np.float32]:
    """The numbers in these bytes, whose type is a key of `NUMBER_TYPES`."""
    numbers = np.frombuffer(data, dtype=NUMBER_TYPES[number_type])
    if number_type == "bf16":  # the upper half of an f32
        numbers = (numbers.astype(np.uint32) << 16).view(np.float32)
    with np.errstate(all="ignore"):  # what is too large becomes infinite, and is refused as that
        return numbers.astype(np.float32, copy=False)


def n_bytes_of(number_type: str, shape: Sequence[int]) -> int | None:
    """How many bytes such a tensor has, or None where no such tensor can be."""
    if number_type not in NUMBER_TYPES or len(shape) > _MAX_AXES:
        return None
    return prod(shape) * np.dtype(NUMBER_TYPES[number_type]).itemsize


def shown(name: str) -> str:
    """A name out of a file, fit for a message: short, and without control characters."""
    return name if name.isprintable() and len(name) <= 100 else ascii(name[:100])


def read_json(path: Path, max_bytes: int = 1 << 20) -> dict[str, Any]:
    """The object in a small JSON file.

    Raises:
        ModelFileError: it can't be read, is too large, or holds something else.
    """
    try:
        if path.exists() and not path.is_file():
            raise ModelFileError(path, "it is no plain file")
        if path.stat().st_size > max_bytes:
            raise ModelFileError(path, "it is too large for what it should be")
        value: object = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ModelFileError(path, (error.strerror or "it can't be read").lower()) from error
    except (ValueError, RecursionError) as error:
        raise ModelFileError(path, f"it holds no JSON ({error})") from error
    if not isinstance(value, dict):
        raise ModelFileError(path, "it holds no JSON object")
    return cast(dict[str, Any], value)


def _check_numbers(checkpoint: Checkpoint, name: str) -> None:
    for piece in checkpoint.pieces(name):
        if not np.isfinite(piece).all():
            reason = f"the tensor {name} holds a number that is not finite"
            raise ModelFileError(checkpoint.path, reason)


def _digest(checkpoint: Checkpoint, name: str) -> tuple[tuple[int, ...], bytes]:
    """What tells a tensor from others, so that two need not be in memory to be compared."""
    digest = hashlib.sha256()
    for piece in checkpoint.pieces(name):
        digest.update(np.ascontiguousarray(piece).data)
    return tuple(checkpoint.shapes[name]), digest.digest()
