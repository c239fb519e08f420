"""Writes `pytorch_model.bin` as `torch.save` does, without torch, and as nobody should.

The opcodes are spelled out, so that tests can put any others in their place.
"""

import io
import struct
import zipfile
from pathlib import Path

import numpy as np

from bot.core.models import ModelShape
from tests.model_files import SHAPE, make_huggingface_folder, random_weights

STORAGES = {"float32": "FloatStorage", "float16": "HalfStorage", "float64": "DoubleStorage",
            "uint8": "ByteStorage", "int64": "LongStorage"}  # fmt: skip
ORDERED_DICT = b"ccollections\nOrderedDict\n)R"


def text(value: str) -> bytes:
    """Opcode BINUNICODE."""
    raw = value.encode()
    return b"X" + struct.pack("<I", len(raw)) + raw


def integer(value: int) -> bytes:
    """Opcode BININT, or LONG1 where that is too small."""
    if -(2**31) <= value < 2**31:
        return b"J" + struct.pack("<i", value)
    raw = value.to_bytes(9, "little", signed=True)
    return b"\x8a" + bytes([len(raw)]) + raw


def integers(values: tuple[int, ...]) -> bytes:
    """A tuple of numbers."""
    return b"(" + b"".join(map(integer, values)) + b"t"


def tensor(
    key: str,
    shape: tuple[int, ...],
    strides: tuple[int, ...],
    n_numbers: int,
    storage: str = "FloatStorage",
    offset: int = 0,
) -> bytes:
    """A tensor that is a view of a storage."""
    where = text("storage") + f"ctorch\n{storage}\n".encode() + text(key) + text("cpu")
    return (
        b"ctorch._utils\n_rebuild_tensor_v2\n((" + where + integer(n_numbers) + b"tQ"
        + integer(offset) + integers(shape) + integers(strides) + b"\x89" + ORDERED_DICT + b"tR"
    )  # fmt: skip


def pickled(entries: dict[str, bytes]) -> bytes:
    """A dictionary of values that are opcodes already."""
    items = b"".join(text(name) + value for name, value in entries.items())
    return b"\x80\x02" + ORDERED_DICT + b"(" + items + b"u."


def archive(pickle: bytes, storages: dict[str, bytes], compression: int = zipfile.ZIP_STORED):
    """The bytes of a file with this pickle and these storages."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", compression) as file:
        file.writestr("archive/data.pkl", pickle)
        file.writestr("archive/byteorder", b"little")
        for key, data in storages.items():
            file.writestr(f"archive/data/{key}", data)
        file.writestr("archive/version", b"3\n")
    return out.getvalue()


def parts(weights: dict[str, np.ndarray]) -> tuple[dict[str, bytes], dict[str, bytes]]:
    """Entries for `pickled` and storages for `archive`."""
    entries, storages = {}, {}
    for index, (name, values) in enumerate(weights.items()):
        strides = tuple(step // values.itemsize for step in values.strides)
        storage = STORAGES[values.dtype.name]
        entries[name] = tensor(str(index), values.shape, strides, values.size, storage)
        storages[str(index)] = values.tobytes()
    return entries, storages


def make_pytorch_folder(folder: Path, shape: ModelShape = SHAPE, seed: int = 0) -> Path:
    """A Hugging Face folder with its weights in `pytorch_model.bin` alone."""
    make_huggingface_folder(folder, shape, seed)
    (folder / "model.safetensors").unlink()
    entries, storages = parts(random_weights(shape, seed))
    (folder / "pytorch_model.bin").write_bytes(archive(pickled(entries), storages))
    return folder
