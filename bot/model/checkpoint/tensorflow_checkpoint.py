"""Reads a GPT-2 as OpenAI released it, a TensorFlow checkpoint, strictly and without TensorFlow.

An index (a sorted table of protobuf messages) says which bytes of the data files are which tensor.
Format: tensorflow/core/protobuf/tensor_bundle.proto and util/tensor_bundle. Every checksum is held
against its bytes: the index's when it is opened, a tensor's when it is loaded.
"""

import re
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from bot.core.models import ModelShape
from bot.errors import ModelFileError
from bot.model.byte_reader import ByteReader, open_reader
from bot.model.checkpoint.api import as_f32, gathered, n_bytes_of, read_json, shown
from bot.model.checkpoint.crc32c import crc32c, masked
from bot.model.checkpoint.huggingface import shape_of
from bot.model.checkpoint.sstable import read_table
from bot.model.checkpoint.wire import fields
from bot.model.tensors import TensorSpec

_NUMBER_TYPES = {1: "f32", 2: "f64", 14: "bf16", 19: "f16"}  # of types.proto
_MAX_INDEX_BYTES = 16 << 20
_MAX_DATA_FILES = 1_000
_MAX_AXES = 8
_NAMED = re.compile(r'model_checkpoint_path: "(?:[^"\n]*/)?([A-Za-z0-9_.-]{1,100})"')


@dataclass(frozen=True, slots=True)
class _Entry:
    """Where a tensor is.

    Attributes:
        data_file: its number.
        checksum: a masked CRC-32C.
    """

    number_type: str
    shape: tuple[int, ...]
    data_file: int
    offset: int
    n_bytes: int
    checksum: int


def index_file(folder: Path) -> Path | None:
    """The index of the checkpoint that the file `checkpoint` names, else of the only one.

    Raises:
        ModelFileError: there are several, and none is named.
        OSError: the folder can't be read.
    """
    found = sorted(folder.glob("*.index"))
    note = folder / "checkpoint"
    if note.is_file() and note.stat().st_size < 1 << 20:
        text = note.read_text(encoding="utf-8", errors="replace")
        named = _NAMED.match(text)
        path = folder / f"{named[1]}.index" if named else None
        if path in found:
            return path
    if len(found) > 1:
        reason = f"there are {len(found)} checkpoints in it, and its file 'checkpoint' names none"
        raise ModelFileError(folder, reason)
    return found[0] if found else None


def read_hparams(path: Path) -> ModelShape:
    """The shape from an hparams.json.

    Raises:
        ModelFileError: it is missing, or describes no GPT-2.
    """
    numbers = read_json(path)
    names = ("n_vocab", "n_ctx", "n_embd", "n_head", "n_layer")
    return shape_of(path, {name: numbers.get(name) for name in names})


class TensorflowCheckpoint:
    """The tensors of a TensorFlow checkpoint.

    Args:
        path: the index; the data files lie beside it.
        stack: closes the files.

    Raises:
        ModelFileError: a file is missing, damaged, or of a kind that no GPT-2 was saved in.
    """

    def __init__(self, path: Path, stack: ExitStack) -> None:
        self.path = path
        try:
            n_data_files, self._entries = _read_index(path)
        except ValueError as error:
            raise ModelFileError(path, str(error)) from error
        form = f"{path.stem}.data-{{:05d}}-of-{n_data_files:05d}"
        paths = [path.with_name(form.format(index)) for index in range(n_data_files)]
        self._data = [stack.enter_context(open_reader(one)) for one in paths]
        self._check_places()
        self._checked: set[str] = set()
        self.shapes = {name: _model_shape(entry.shape) for name, entry in self._entries.items()}

    def name_of(self, spec: TensorSpec) -> str:
        """OpenAI's name, which legacy GGML files kept."""
        return spec.ggml

    def pieces(self, name: str) -> Iterator[npt.NDArray[np.float32]]:
        """A tensor's numbers as they lie in the file, a few at a time.

        Raises:
            ModelFileError: at the end: its bytes are not those that were saved.
        """
        entry = self._entries[name]
        reader = self._data[entry.data_file]
        checksum = 0
        for piece in reader.pieces(entry.offset, entry.n_bytes, f"the tensor {name}"):
            yield as_f32(piece, entry.number_type)
            if name not in self._checked:
                checksum = crc32c(piece, checksum)
        if name not in self._checked and masked(checksum) != entry.checksum:
            raise reader.refuse(f"the checksum of the tensor {name} does not fit; it is damaged")
        self._checked.add(name)

    def load(self, name: str) -> npt.NDArray[np.float32]:
        """One tensor.

        Raises:
            ModelFileError: as `pieces`.
        """
        return gathered(self.pieces(name), self.shapes[name])

    def _check_places(self) -> None:
        """Each tensor lies within its file, and none over another: a small file stays small."""
        ends = [0] * len(self._data)
        placed = sorted(self._entries.items(), key=lambda item: item[1].offset)
        for name, entry in placed:
            reader = self._data[entry.data_file]
            if entry.offset < ends[entry.data_file]:
                raise ModelFileError(self.path, f"the tensor {shown(name)} lies over another one")
            ends[entry.data_file] = entry.offset + entry.n_bytes
            if ends[entry.data_file] > reader.size:
                raise reader.refuse(f"it ends before the tensor {shown(name)}; it is cut off")


def _read_index(path: Path) -> tuple[int, dict[str, _Entry]]:
    """How many data files there are, and the tensors in them."""
    with open_reader(path) as reader:
        _check_size(reader)
        table = read_table(reader)
    header = _first_numbers(table.pop(b"", b""))
    n_data_files = header.get(1, 0)
    if not 0 < n_data_files <= _MAX_DATA_FILES:
        raise ValueError(f"it speaks of {n_data_files} data files")
    if header.get(2, 0):
        raise ValueError("its numbers are big-endian; only little-endian ones are known")
    entries: dict[str, _Entry] = {}
    for key, message in table.items():
        name = key.decode("utf-8", errors="backslashreplace")
        entries[name] = _read_entry(name, message, n_data_files)
    return n_data_files, entries


def _check_size(reader: ByteReader) -> None:
    if reader.size > _MAX_INDEX_BYTES:
        raise ValueError("it is too large for the index of a GPT-2")


def _first_numbers(message: bytes) -> dict[int, int]:
    """The fields that are numbers; of one that is there twice, the last counts."""
    return {number: value for number, value in fields(message) if isinstance(value, int)}


def _read_entry(name: str, message: bytes, n_data_files: int) -> _Entry:
    shape: tuple[int, ...] = ()
    for number, value in fields(message):
        if number == 2 and isinstance(value, bytes):
            shape = _read_shape(name, value)
        elif number == 7:
            raise ValueError(f"the tensor {shown(name)} is saved in slices")
    numbers = _first_numbers(message)
    number_type = _NUMBER_TYPES.get(numbers.get(1, 0))
    if number_type is None:
        reason = f"the tensor {shown(name)} is of TensorFlow's type {numbers.get(1, 0)}"
        raise ValueError(f"{reason}; known are f32, f16, bf16 and f64")
    n_bytes = numbers.get(5, 0)
    if n_bytes != n_bytes_of(number_type, shape):
        raise ValueError(f"the tensor {shown(name)} has not the size of its shape; it is damaged")
    data_file = numbers.get(3, 0)
    if data_file >= n_data_files:
        raise ValueError(f"the tensor {shown(name)} is in a data file that there is not")
    return _Entry(
        number_type, shape, data_file, numbers.get(4, 0), n_bytes, checksum=numbers.get(6, 0)
    )


def _read_shape(name: str, message: bytes) -> tuple[int, ...]:
    axes: list[int] = []
    for number, value in fields(message):
        if number == 2 and isinstance(value, bytes):
            axes.append(_first_numbers(value).get(1, 0))
        elif number == 3 and value:
            raise ValueError(f"the tensor {shown(name)} has no shape")
    if len(axes) > _MAX_AXES:
        raise ValueError(f"the tensor {shown(name)} has {len(axes)} axes; it is damaged")
    return tuple(axes)


def _model_shape(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Without the first axis that OpenAI's matrices have, of one."""
    return shape[1:] if len(shape) == 3 and shape[0] == 1 else shape
