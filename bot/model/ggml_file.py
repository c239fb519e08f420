"""Reads and writes legacy GGML files of GPT-2s, the only ones ctransformers can load.

ctransformers checks next to nothing: a cut file loads and writes rubbish, a wrong count ends the
process by a signal. So every byte is accounted for here before it sees a file. Format: ggml's
examples/gpt-2 (2023): magic, header, vocabulary, tensors to the end of the file.
"""

import struct
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import numpy.typing as npt

from bot.core.models import ModelShape
from bot.model.byte_reader import ByteReader, open_reader
from bot.model.model_file import ModelFile, StoredTensor, check_numbers
from bot.model.tensors import (
    F32,
    STORAGE_TYPES,
    StorageType,
    TensorSpec,
    implausible,
    tensor_specs,
)
from bot.model.tokenizers.api import Tokenizer

MAGIC = 0x67676D6C
_QUANTIZATION_VERSION = 2
_MAX_TOKEN_BYTES = 1_000
_MAX_NAME_BYTES = 256
_BY_FILE_TYPE = {one.file_type: one for one in STORAGE_TYPES.values()}


def read_ggml(path: Path) -> ModelFile:
    """Checks a legacy GGML file from its first to its last byte.

    Raises:
        ModelFileError: it is no GPT-2 in a type that Bardling knows, or it is damaged.
    """
    with open_reader(path) as reader:
        if reader.integer("I", "its first word") != MAGIC:
            raise reader.refuse("it is no legacy GGML file")
        shape, storage = _read_header(reader)
        _skip_vocabulary(reader, shape)
        tensors = _read_tensors(reader, shape, storage)
        check_numbers(path, reader.data, tensors)
        return ModelFile(
            path=path,
            file_format="ggml",
            name=path.name.split(".")[0],
            shape=shape,
            tensors=tensors,
            tokenizer=None,
        )


def tokenizer_path(path: Path) -> Path:
    """Where the tokenizer of a GGML file lies: the format has no room for its merges."""
    return path.with_name(path.name + ".tokenizer.json")


def _read_header(reader: ByteReader) -> tuple[ModelShape, StorageType]:
    numbers = [int(number) for number in reader.unpack("7i", "its header")]
    n_vocab, n_ctx, n_embd, n_head, n_layer, file_type, n_vocab_again = numbers
    shape = ModelShape(n_vocab=n_vocab, n_ctx=n_ctx, n_embd=n_embd, n_head=n_head, n_layer=n_layer)
    if reason := implausible(shape):
        raise reader.refuse(reason)
    if n_vocab != n_vocab_again:
        raise reader.refuse(f"it counts {n_vocab} and then {n_vocab_again} tokens")
    version, kind = divmod(file_type, 1000)
    storage = _BY_FILE_TYPE.get(kind)
    if storage is None:
        raise reader.refuse(f"its type {file_type} is unknown")
    if version != (_QUANTIZATION_VERSION if storage.block_size > 1 else 0):
        raise reader.refuse(f"its quantization is of version {version}, which is not supported")
    return shape, storage


def _skip_vocabulary(reader: ByteReader, shape: ModelShape) -> None:
    for index in range(shape.n_vocab):
        n_bytes = reader.integer("I", "its vocabulary")
        if n_bytes > _MAX_TOKEN_BYTES:
            raise reader.refuse(f"its token {index} has {n_bytes} bytes; it is damaged")
        reader.skip(n_bytes, "its vocabulary")


def _read_tensors(
    reader: ByteReader, shape: ModelShape, storage: StorageType
) -> tuple[StoredTensor, ...]:
    wanted = {spec.ggml: spec for spec in tensor_specs(shape)}
    tensors: list[StoredTensor] = []
    while reader.position < reader.size:
        name, spec = _read_entry(reader, wanted, storage)
        del wanted[name]
        stored_as = storage if spec.is_weight else F32
        n_bytes = stored_as.n_bytes(spec.shape)
        start = reader.skip(n_bytes, f"the tensor {name}")
        tensors.append(StoredTensor(spec, stored_as, start, n_bytes))
    if wanted:
        raise reader.refuse(f"the tensor {min(wanted)} is missing")
    return tuple(tensors)


def _read_entry(
    reader: ByteReader, wanted: dict[str, TensorSpec], storage: StorageType
) -> tuple[str, TensorSpec]:
    what = "a tensor's header"
    n_dimensions, name_bytes, storage_id = reader.unpack("3i", what)
    if n_dimensions not in (1, 2) or not 1 <= name_bytes <= _MAX_NAME_BYTES:
        raise reader.refuse("a tensor's header makes no sense; it is damaged")
    fastest_first = reader.unpack(f"{int(n_dimensions)}i", what)
    name = reader.bytes(int(name_bytes), what).decode(errors="replace")
    spec = wanted.get(name)
    if spec is None:
        raise reader.refuse(f"it has an unknown tensor {name!r}, or has it twice")
    stored = tuple(reversed(fastest_first))
    if stored != spec.shape:
        raise reader.refuse(f"the tensor {name} has the shape {stored} instead of {spec.shape}")
    expected = storage if spec.is_weight else F32
    if storage_id != expected.id:
        raise reader.refuse(f"the tensor {name} is not stored as {expected.name}")
    if spec.shape[-1] % expected.block_size:
        raise reader.refuse(f"the tensor {name} can't be stored as {expected.name}")
    return name, spec


def write_ggml(
    path: Path,
    shape: ModelShape,
    storage: StorageType,
    tokenizer: Tokenizer,
    tensors: Iterable[tuple[TensorSpec, npt.NDArray[np.generic], StorageType]],
) -> None:
    """Writes a legacy GGML file; arguments as `write_gguf`.

    Matrices must come in `storage`, all others in f32.
    """
    version = _QUANTIZATION_VERSION if storage.block_size > 1 else 0
    file_type = version * 1000 + storage.file_type
    with path.open("wb") as file:
        header = (shape.n_vocab, shape.n_ctx, shape.n_embd, shape.n_head, shape.n_layer)
        file.write(struct.pack("<I7i", MAGIC, *header, file_type, shape.n_vocab))
        for index in range(shape.n_vocab):
            token = tokenizer.token_bytes(index) if index < tokenizer.n_vocab else b""
            file.write(struct.pack("<I", len(token)) + token)
        for spec, data, stored_as in tensors:
            name = spec.ggml.encode()
            fastest_first = tuple(reversed(spec.shape))
            file.write(struct.pack("<3i", len(spec.shape), len(name), stored_as.id))
            file.write(struct.pack(f"<{len(spec.shape)}i", *fastest_first) + name)
            file.write(np.ascontiguousarray(data).tobytes())
