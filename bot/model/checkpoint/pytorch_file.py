"""Reads a GPT-2's weights in PyTorch's own files (`pytorch_model.bin`) and runs no code of them.

Such a file is a zip archive: a pickle says which tensor is which part of which storage, and each
storage is a file. PyTorch itself would run the pickle; `unpickler` reads it. Used by `importing`.
"""

import re
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from math import prod
from pathlib import Path

import numpy as np
import numpy.typing as npt

from bot.errors import ModelFileError
from bot.model.byte_reader import ByteReader, open_reader
from bot.model.checkpoint.api import as_f32, gathered, is_left_out, n_bytes_of, read_json, shown
from bot.model.checkpoint.huggingface import PREFIX
from bot.model.checkpoint.unpickler import PickledTensor, Storage, read_tensors
from bot.model.checkpoint.zip_reader import Record, check_record, read_records
from bot.model.tensors import TensorSpec

_WHOLE = "pytorch_model.bin"
_LIST = "pytorch_model.bin.index.json"
_PICKLE = "/data.pkl"
_OLD_FORM = b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."  # a pickle of a magic number
_MAX_LIST_BYTES = 4 << 20
_MAX_PICKLE_BYTES = 1 << 20  # of the largest GPT-2: a tenth of it
_MAX_FILES = 1_000


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a tensor's storage is."""

    reader: ByteReader
    record: Record
    tensor: PickledTensor


def pytorch_files(folder: Path) -> list[Path]:
    """The files of a folder's PyTorch checkpoint: one, or those that its list names; or none.

    Raises:
        ModelFileError: the list makes no sense.
        OSError: the folder can't be read.
    """
    whole, listing = folder / _WHOLE, folder / _LIST
    if whole.exists():
        return [whole]
    if not listing.exists():
        return []
    weight_map = read_json(listing, _MAX_LIST_BYTES).get("weight_map")
    if not isinstance(weight_map, dict) or not weight_map:
        raise ModelFileError(listing, "it names no files")
    names = {str(name) for name in weight_map.values()}  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
    if len(names) > _MAX_FILES:
        raise ModelFileError(listing, f"it names {len(names)} files")
    for name in names:
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,100}", name):
            raise ModelFileError(listing, f"it names a file {shown(name)}, which is no plain name")
    return [folder / name for name in sorted(names)]


class PytorchCheckpoint:
    """The tensors of one or more PyTorch files, names without the optional prefix.

    Args:
        folder: to name in errors.
        paths: the files.
        stack: closes them.

    Raises:
        ModelFileError: a file is missing, damaged, or holds more than a dictionary of tensors.
    """

    def __init__(self, folder: Path, paths: list[Path], stack: ExitStack) -> None:
        self.path = folder
        self.shapes: dict[str, tuple[int, ...]] = {}
        self._places: dict[str, _Place] = {}
        self._checked: set[tuple[Path, Record]] = set()
        for path in paths:
            self._open(stack.enter_context(open_reader(path)))

    def name_of(self, spec: TensorSpec) -> str:
        """Hugging Face's name, without the prefix."""
        return spec.huggingface

    def pieces(self, name: str) -> Iterator[npt.NDArray[np.float32]]:
        """A tensor's numbers as they lie in the file, a few at a time.

        Raises:
            ModelFileError: it is damaged, or of a type that holds no weights.
        """
        place = self._places[name]
        reader, record, tensor = place.reader, place.record, place.tensor
        what, number_type = f"the tensor {name}", tensor.storage.number_type
        n_bytes = n_bytes_of(number_type, tensor.shape)
        if n_bytes is None:
            reason = f"{what} is of the type {number_type}; known are f32, f16, bf16"
            raise reader.refuse(reason)
        self._axes(name)
        if (reader.path, record) not in self._checked:  # many tensors may share one
            check_record(reader, record, what)
            self._checked.add((reader.path, record))
        start = record.start + tensor.offset * (n_bytes // max(prod(tensor.shape), 1))
        for piece in reader.pieces(start, n_bytes, what):
            yield as_f32(piece, number_type)

    def load(self, name: str) -> npt.NDArray[np.float32]:
        """One tensor.

        Raises:
            ModelFileError: as `pieces`.
        """
        axes, shape = self._axes(name), self.shapes[name]
        values = gathered(self.pieces(name), [shape[axis] for axis in axes])
        return values.transpose(np.argsort(axes))

    def _axes(self, name: str) -> list[int]:
        """A tensor's axes as they lie in memory, the outermost first."""
        place = self._places[name]
        axes = _memory_order(place.tensor)
        if axes is None:
            reason = f"the tensor {name} is a view with gaps; save it contiguous"
            raise place.reader.refuse(reason)
        return axes

    def _open(self, reader: ByteReader) -> None:
        if reader.data[: len(_OLD_FORM)] == _OLD_FORM:
            reason = "it is in PyTorch's form before 1.6; load and save it with a newer one"
            raise reader.refuse(f"{reason}, or take the safetensors file")
        records = read_records(reader)
        try:
            prefix, tensors = _read_pickle(reader, records)
            used: dict[str, int] = {}
            for key, tensor in tensors.items():
                record = _record_of(records, prefix, tensor.storage)
                _check_within(key, tensor, used)
                self._add(key.removeprefix(PREFIX), _Place(reader, record, tensor))
        except ValueError as error:
            raise reader.refuse(str(error)) from error

    def _add(self, name: str, place: _Place) -> None:
        if name in self._places:
            raise ValueError(f"the tensor {shown(name)} is in the folder twice")
        self._places[name] = place
        self.shapes[name] = place.tensor.shape


def _read_pickle(
    reader: ByteReader, records: dict[str, Record]
) -> tuple[str, dict[str, PickledTensor]]:
    """The archive's folder and its tensors."""
    found = [name for name in records if name.endswith(_PICKLE) and name.count("/") == 1]
    if len(found) != 1:
        raise ValueError("it is a zip archive, but PyTorch did not write it")
    prefix = found[0].removesuffix(_PICKLE)
    order = records.get(f"{prefix}/byteorder")
    if order and reader.data[order.start : order.start + min(order.n_bytes, 16)] != b"little":
        raise ValueError("its numbers are not little-endian; only such are known")
    record = records[found[0]]
    if record.n_bytes > _MAX_PICKLE_BYTES:
        raise ValueError("its pickle is too large for a GPT-2's")
    check_record(reader, record, "its pickle")
    return prefix, read_tensors(reader.data[record.start : record.start + record.n_bytes])


def _record_of(records: dict[str, Record], prefix: str, storage: Storage) -> Record:
    record = records.get(f"{prefix}/data/{storage.key}")
    if record is None:
        raise ValueError(f"its storage {shown(storage.key)} is missing")
    n_bytes = n_bytes_of(storage.number_type, [storage.n_numbers])
    if n_bytes not in (None, record.n_bytes):
        raise ValueError(f"its storage {shown(storage.key)} has another size than it says")
    return record


def _check_within(name: str, tensor: PickledTensor, used: dict[str, int]) -> None:
    """A tensor lies in its storage, and no number is in two weights: a small file stays small."""
    n_numbers = prod(tensor.shape)
    storage = tensor.storage
    if tensor.offset + n_numbers > storage.n_numbers:
        raise ValueError(f"the tensor {shown(name)} reaches beyond its storage; it is damaged")
    if not is_left_out(name.removeprefix(PREFIX)):
        used[storage.key] = used.get(storage.key, 0) + n_numbers
        if used[storage.key] > storage.n_numbers:
            raise ValueError(f"the tensor {shown(name)} shares its numbers with another one")


def _memory_order(tensor: PickledTensor) -> list[int] | None:
    """The axes as they lie in memory, the outermost first, or None where numbers are left out."""
    # An axis of one has a stride that means nothing.
    axes = sorted(
        range(len(tensor.shape)),
        key=lambda axis: (tensor.shape[axis] != 1, -tensor.strides[axis]),
    )
    expected = prod(tensor.shape)
    for axis in axes:
        if tensor.shape[axis] == 1:
            continue
        expected //= max(tensor.shape[axis], 1)
        if tensor.strides[axis] != expected:
            return None
    return axes
