"""Writes folders as OpenAI released GPT-2: an own small writer of TensorFlow checkpoints.

Shares no code with the reader, so that a mistake in one does not hide in the other.
"""

import json
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np

from bot.core.models import ModelShape
from bot.model.tensors import tensor_specs
from tests.model_files import SHAPE, make_huggingface_folder, random_weights

DT_FLOAT, DT_BFLOAT16, DT_HALF = 1, 14, 19
_NUMPY = {DT_FLOAT: "<f4", DT_HALF: "<f2"}
_TABLE = []
for _byte in range(256):
    for _ in range(8):
        _byte = _byte >> 1 ^ (0x82F63B78 if _byte & 1 else 0)
    _TABLE.append(_byte)


def masked_crc32c(data: bytes) -> int:
    """Byte by byte, as textbooks have it."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc = crc >> 8 ^ _TABLE[(crc ^ byte) & 0xFF]
    crc ^= 0xFFFFFFFF
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


def varint(number: int) -> bytes:
    """7 bits to a byte, the lowest first."""
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*out, number])


def field(number: int, value: int | bytes) -> bytes:
    """A protobuf field; numbers as varints."""
    if isinstance(value, bytes):
        return varint(number << 3 | 2) + varint(len(value)) + value
    return varint(number << 3) + varint(value)


def bundle_entry(dtype: int, shape: tuple[int, ...], offset: int, size: int, crc: int) -> bytes:
    """A BundleEntryProto; TensorFlow leaves zeros out."""
    axes = b"".join(field(2, field(1, size)) for size in shape)
    message = field(1, dtype) + field(2, axes)
    message += field(4, offset) if offset else b""
    return message + field(5, size) + varint(6 << 3 | 5) + struct.pack("<I", crc)


def block(entries: list[tuple[bytes, bytes]], restart_interval: int = 16) -> bytes:
    """A block of a sorted table, without its trailer."""
    out, restarts, last = bytearray(), [], b""
    for index, (key, value) in enumerate(entries):
        shared = 0
        if index % restart_interval == 0:
            restarts.append(len(out))
        else:
            while shared < min(len(key), len(last)) and key[shared] == last[shared]:
                shared += 1
        out += varint(shared) + varint(len(key) - shared) + varint(len(value))
        out += key[shared:] + value
        last = key
    restarts = restarts or [0]
    return bytes(out) + struct.pack(f"<{len(restarts) + 1}I", *restarts, len(restarts))


def table(
    entries: list[tuple[bytes, bytes]],
    per_block: int = 50,
    compression: int = 0,
    change: Callable[[bytes], bytes] = bytes,
) -> bytes:
    """A sorted table of several blocks; `change` damages each block before it is signed."""
    out, index = bytearray(), []

    def add(content: bytes) -> bytes:
        start = len(out)
        signed = content + bytes([compression])
        out.extend(signed + struct.pack("<I", masked_crc32c(signed)))
        return varint(start) + varint(len(content))

    for start in range(0, len(entries), per_block):
        part = entries[start : start + per_block]
        index.append((part[-1][0] + b"\0", add(change(block(part)))))
    meta = add(block([]))
    handles = meta + add(change(block(index, restart_interval=1)))
    return bytes(out) + handles.ljust(40, b"\0") + struct.pack("<Q", 0xDB4775248B80FB57)


def tensorflow_weights(shape: ModelShape = SHAPE, seed: int = 0) -> dict[str, np.ndarray]:
    """Weights by OpenAI's names, in its shapes: matrices of layers begin with an axis of one."""
    weights = random_weights(shape, seed, prefix="")
    return {
        spec.ggml: weights[spec.huggingface][None] if spec.transposed else weights[spec.huggingface]
        for spec in tensor_specs(shape)
    }


def bundle(
    weights: dict[str, np.ndarray], dtype: int = DT_FLOAT, n_files: int = 1
) -> tuple[list[tuple[bytes, bytes]], list[bytes]]:
    """The index's entries, and the data files' bytes."""
    files = [bytearray() for _ in range(n_files)]
    header = field(1, n_files) + field(3, field(1, 1))
    entries = [(b"", header)]
    for number, name in enumerate(sorted(weights)):
        values = weights[name]
        if dtype == DT_BFLOAT16:
            raw = (values.view(np.uint32) >> 16).astype("<u2").tobytes()
        else:
            raw = values.astype(_NUMPY[dtype]).tobytes()
        file = files[number % n_files]
        entry = bundle_entry(dtype, values.shape, len(file), len(raw), masked_crc32c(raw))
        if number % n_files:
            entry += field(3, number % n_files)
        entries.append((name.encode(), entry))
        file += raw
    return entries, [bytes(file) for file in files]


def write_bundle(
    folder: Path, entries: list[tuple[bytes, bytes]], files: list[bytes], name: str = "model.ckpt"
) -> None:
    """The index and the data files."""
    (folder / f"{name}.index").write_bytes(table(entries))
    for number, data in enumerate(files):
        path = folder / f"{name}.data-{number:05d}-of-{len(files):05d}"
        path.write_bytes(data)


def make_openai_folder(folder: Path, shape: ModelShape = SHAPE, seed: int = 0) -> Path:
    """A folder as OpenAI's download script leaves it, but for the graph, which nobody reads."""
    source = make_huggingface_folder(folder.with_name(f"{folder.name}-source"), shape, seed)
    folder.mkdir(parents=True, exist_ok=True)
    vocabulary = json.loads((source / "vocab.json").read_text())
    vocabulary.setdefault("<|endoftext|>", len(vocabulary))
    (folder / "encoder.json").write_text(json.dumps(vocabulary))
    (folder / "vocab.bpe").write_text((source / "merges.txt").read_text())
    names = ("n_vocab", "n_ctx", "n_embd", "n_head", "n_layer")
    (folder / "hparams.json").write_text(json.dumps({one: getattr(shape, one) for one in names}))
    (folder / "checkpoint").write_text('model_checkpoint_path: "model.ckpt"\n')
    write_bundle(folder, *bundle(tensorflow_weights(shape, seed)))
    return folder
