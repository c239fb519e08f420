"""Reads GGUF files of GPT-2s strictly, before any engine does; `gguf_writer` writes them.

Format: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md (version 3). Our own, because it
must stand any file.
"""

import math
import struct
from pathlib import Path

from bot.core.models import ModelShape
from bot.model.byte_reader import ByteReader, open_reader
from bot.model.model_file import ModelFile, StoredTensor, check_numbers
from bot.model.tensors import (
    STORAGE_BY_ID,
    StorageType,
    TensorSpec,
    implausible,
    tensor_specs,
)
from bot.model.tokenizers.api import Tokenizer
from bot.model.tokenizers.gguf_keys import MERGES, TOKENS, TYPES, read_tokenizer_keys

MAGIC = b"GGUF"
_ALIGNMENT = 32
_MAX_KEYS = 1_000
_MAX_TENSORS = 10_000
_MAX_NAME_BYTES = 256
_SCALARS = {
    0: "B",
    1: "b",
    2: "H",
    3: "h",
    4: "I",
    5: "i",
    6: "f",
    7: "?",
    10: "Q",
    11: "q",
    12: "d",
}
_STRING, _ARRAY = 8, 9

# What may say how the model computes. llama.cpp knows more keys for every architecture, believes
# them, and ends the process over some; a GPT-2 needs none of them.
_MODEL_KEYS = frozenset(
    f"gpt2.{name}"
    for name in (
        "context_length", "embedding_length", "feed_forward_length", "block_count", "vocab_size",
        "attention.head_count", "attention.head_count_kv", "attention.layer_norm_epsilon",
    )
)  # fmt: skip
LAYER_NORM_EPSILON = 1e-5
# The lists that are read, here or by llama.cpp, and what they are of; any other is passed over.
_LISTS = {
    TOKENS: _STRING,
    MERGES: _STRING,
    TYPES: 5,
    "tokenizer.ggml.scores": 6,
}
_ONE_PER_TOKEN = (TYPES, "tokenizer.ggml.scores")
_MAX_ELEMENTS = 2_000_000

_Value = int | float | bool | str | list["int | float | bool | str"]


def read_gguf(path: Path) -> ModelFile:
    """Checks a GGUF file from its first to its last byte.

    Raises:
        ModelFileError: it is no GPT-2 in a type that Bardling knows, or it is damaged.
    """
    with open_reader(path) as reader:
        if reader.bytes(4, "its first word") != MAGIC:
            raise reader.refuse("it is no GGUF file")
        version = reader.integer("I", "its header")
        if version != 3:
            raise reader.refuse(f"it is GGUF version {version}; only version 3 is known")
        n_tensors = reader.integer("Q", "its header")
        n_keys = reader.integer("Q", "its header")
        if n_tensors > _MAX_TENSORS or n_keys > _MAX_KEYS:
            raise reader.refuse("its header counts more than any GPT-2 has; it is damaged")
        metadata = dict(_read_pair(reader) for _ in range(n_keys))
        shape = _shape(reader, metadata)
        tensors = _read_tensors(reader, n_tensors, shape, _alignment(reader, metadata))
        check_numbers(path, reader.data, tensors)
        return ModelFile(
            path=path,
            file_format="gguf",
            name=str(metadata.get("general.name") or path.stem),
            shape=shape,
            tensors=tensors,
            tokenizer=_tokenizer(reader, metadata),
        )


def _read_pair(reader: ByteReader) -> tuple[str, _Value]:
    key = _read_string(reader, "a key's name")
    return key, _read_value(reader, reader.integer("I", f"the key {key}"), key)


def _read_string(reader: ByteReader, what: str) -> str:
    data = reader.bytes(reader.integer("Q", what), what)
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise reader.refuse(f"{what} is no text; it is damaged") from error


def _read_value(reader: ByteReader, kind: int, key: str) -> _Value:
    if kind == _STRING:
        return _read_string(reader, f"the key {key}")
    if kind in _SCALARS:
        return reader.unpack(_SCALARS[kind], f"the key {key}")[0]
    if kind != _ARRAY:
        raise reader.refuse(f"its key {key} has the unknown type {kind}")
    element = reader.integer("I", f"the key {key}")
    count = reader.integer("Q", f"the key {key}")
    if count > min(_MAX_ELEMENTS, reader.size - reader.position):  # each takes a byte at least
        raise reader.refuse(f"its key {key} counts more elements than there can be")
    if element != _LISTS.get(key, element):
        raise reader.refuse(f"its key {key} is a list of the wrong type {element}")
    if element == _STRING:
        return [_read_string(reader, f"the key {key}") for _ in range(count)]
    if element not in _SCALARS:
        raise reader.refuse(f"its key {key} is a list of the unknown type {element}")
    form = f"<{count}{_SCALARS[element]}"
    if key not in _LISTS:
        reader.skip(struct.calcsize(form), f"the key {key}")
        return []
    return list(reader.unpack(form[1:], f"the key {key}"))


def _shape(reader: ByteReader, metadata: dict[str, _Value]) -> ModelShape:
    architecture = metadata.get("general.architecture")
    if architecture != "gpt2":
        raise reader.refuse(f"its architecture is {architecture!r}, and Bardling runs GPT-2 only")
    tokens = metadata.get(TOKENS)
    if not isinstance(tokens, list):
        raise reader.refuse("it has no vocabulary")
    shape = ModelShape(
        n_vocab=len(tokens),
        n_ctx=_number(reader, metadata, "gpt2.context_length"),
        n_embd=_number(reader, metadata, "gpt2.embedding_length"),
        n_head=_number(reader, metadata, "gpt2.attention.head_count"),
        n_layer=_number(reader, metadata, "gpt2.block_count"),
    )
    if reason := implausible(shape) or _contradiction(metadata, shape):
        raise reader.refuse(reason)
    return shape


def _contradiction(metadata: dict[str, _Value], shape: ModelShape) -> str | None:
    """What its keys say beside the shape that no GPT-2 has, or None."""
    if unknown := {key for key in metadata if key.startswith("gpt2.")} - _MODEL_KEYS:
        return f"its key {min(unknown)} is none that a GPT-2 has"
    expected = {
        "gpt2.feed_forward_length": 4 * shape.n_embd,
        "gpt2.attention.head_count_kv": shape.n_head,
        "gpt2.vocab_size": shape.n_vocab,
    }
    for key, value in expected.items():
        if metadata.get(key, value) != value:
            return f"its key {key} is {metadata[key]}, and its other numbers make it {value}"
    epsilon = metadata.get("gpt2.attention.layer_norm_epsilon")
    if not isinstance(epsilon, float) or not math.isclose(
        epsilon, LAYER_NORM_EPSILON, rel_tol=1e-5
    ):
        return f"its layer_norm_epsilon is {epsilon}; only {LAYER_NORM_EPSILON} works"
    for key in _ONE_PER_TOKEN:
        value = metadata.get(key)
        if value is not None and not (isinstance(value, list) and len(value) == shape.n_vocab):
            return f"its key {key} has not one element for each token"
    return None


def _number(reader: ByteReader, metadata: dict[str, _Value], key: str) -> int:
    value = metadata.get(key)
    if not isinstance(value, int) or isinstance(value, bool):
        raise reader.refuse(f"its key {key} is missing or no number")
    return value


def _alignment(reader: ByteReader, metadata: dict[str, _Value]) -> int:
    if "general.alignment" not in metadata:
        return _ALIGNMENT
    alignment = _number(reader, metadata, "general.alignment")
    if not (8 <= alignment <= 4096 and alignment & (alignment - 1) == 0):
        raise reader.refuse(f"its alignment is {alignment}, which is none")
    return alignment


def _read_tensors(
    reader: ByteReader, count: int, shape: ModelShape, alignment: int
) -> tuple[StoredTensor, ...]:
    wanted = {spec.gguf: spec for spec in tensor_specs(shape)}
    found: dict[str, tuple[TensorSpec, StorageType, int]] = {}
    for _ in range(count):
        name, spec_and_place = _read_entry(reader, wanted)
        if name in found:
            raise reader.refuse(f"it has the tensor {name} twice")
        found[name] = spec_and_place
    if missing := wanted.keys() - found.keys():
        raise reader.refuse(f"the tensor {min(missing)} is missing")
    start = reader.position + -reader.position % alignment
    tensors: list[StoredTensor] = []
    next_offset = 0
    for spec, storage, offset in found.values():
        n_bytes = storage.n_bytes(spec.shape)
        if offset != next_offset:
            raise reader.refuse(f"the tensor {spec.gguf} does not follow the one before")
        if start + offset + n_bytes > reader.size:
            raise reader.refuse(f"the tensor {spec.gguf} lies outside of it; it is cut off")
        tensors.append(StoredTensor(spec, storage, start + offset, n_bytes))
        next_offset = offset + n_bytes + -n_bytes % alignment
    if reader.size > start + next_offset:
        raise reader.refuse("something follows its last tensor")
    tensors.sort(key=lambda tensor: tensor.spec.gguf != "token_embd.weight")
    return tuple(tensors)


def _read_entry(
    reader: ByteReader, wanted: dict[str, TensorSpec]
) -> tuple[str, tuple[TensorSpec, StorageType, int]]:
    what = "its list of tensors"
    n_bytes = reader.integer("Q", what)
    if n_bytes > _MAX_NAME_BYTES:
        raise reader.refuse("a tensor's name is longer than any; it is damaged")
    name = reader.bytes(n_bytes, what).decode(errors="replace")
    n_dimensions = reader.integer("I", what)
    if n_dimensions not in (1, 2):
        raise reader.refuse(f"the tensor {name} has {n_dimensions} dimensions")
    fastest_first = reader.unpack(f"{n_dimensions}Q", what)
    storage_id = reader.integer("I", what)
    offset = reader.integer("Q", what)
    if name not in wanted:
        raise reader.refuse(f"it has a tensor {name}, which a GPT-2 with tied embeddings has not")
    spec = wanted[name]
    if tuple(reversed(fastest_first)) != spec.shape:
        stored = tuple(reversed(fastest_first))
        raise reader.refuse(f"the tensor {name} has the shape {stored} instead of {spec.shape}")
    storage = STORAGE_BY_ID.get(storage_id)
    if storage is None:
        raise reader.refuse(f"the tensor {name} is stored in the unknown type {storage_id}")
    if spec.shape[-1] % storage.block_size:
        raise reader.refuse(
            f"the tensor {name} can't be stored as {storage.name}: its rows don't fit"
        )
    return name, (spec, storage, offset)


def _tokenizer(reader: ByteReader, metadata: dict[str, _Value]) -> Tokenizer:
    try:
        return read_tokenizer_keys(metadata)
    except ValueError as error:
        raise reader.refuse(f"its tokenizer can't be used ({error})") from error
