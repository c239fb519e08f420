"""Damaged model files of both formats. Used by `try_hostile`."""

import json
import struct
from collections.abc import Iterator
from pathlib import Path
from random import Random

from bot.model.ggml_file import read_ggml
from bot.model.gguf_file import read_gguf
from tests.unit.model.hostile.cases import (
    INFINITE,
    LARGE_EXTREMES,
    NOT_A_NUMBER,
    Case,
    Maker,
    cut,
    flipped,
    miscounted,
    mixed,
    noisy,
    other_text,
    sparse,
)

_OTHERS = ("llama", "bert", "gptj", "gptneox", "mpt", "falcon", "gemma3", "mamba", "gpt3", "", "\0")
_LAYER_KEYS = ("block_count", "context_length", "embedding_length", "attention.head_count",
               "expert_count", "rope.freq_base", "attention.key_length", "vocab_size",
               "attention.layer_norm_epsilon", "feed_forward_length")  # fmt: skip


def gguf_cases(folder: Path) -> Iterator[Case]:
    """Of the file m.gguf."""
    data = (folder / "m.gguf").read_bytes()
    head = data.index(b"blk.1.ffn_down.bias") + 60
    name = "m.gguf"
    return mixed(
        [
            cut(name, data),
            flipped(name, data, 0, head),
            flipped(name, data, 0, 400),
            noisy(name, data, 0, head),
            miscounted(name, data, 4, 60),
            miscounted(name, data, 24, head),
            sparse(miscounted(name, data, 4, head)),
            _not_finite(folder / name),
            _other_architecture(data),
            _more_keys(data),
        ]
    )


def ggml_cases(folder: Path) -> Iterator[Case]:
    """Of the file m.ggml and the tokenizer beside it."""
    name, beside = "m.ggml", "m.ggml.tokenizer.json"
    data = (folder / name).read_bytes()
    head = data.index(b"model/wte") + 9
    return mixed(
        [
            cut(name, data),
            flipped(name, data, 0, head),
            flipped(name, data, 0, 40),
            flipped(name, data, head, len(data)),
            noisy(name, data, 0, head),
            miscounted(name, data, 0, 40),
            miscounted(name, data, 32, head + 200),
            sparse(miscounted(name, data, 4, 60)),
            _not_finite(folder / name),
            _other_header(data),
            other_text(beside, (folder / beside).read_bytes()),
        ]
    )


def with_keys(data: bytes, pairs: list[tuple[str, int, bytes]]) -> bytes:
    """A GGUF file with more keys, and a note beside them that keeps the tensors aligned."""

    def packed(key: str, kind: int, value: bytes) -> bytes:
        raw = key.encode()
        return struct.pack("<Q", len(raw)) + raw + struct.pack("<I", kind) + value

    added = b"".join(packed(*pair) for pair in pairs)
    empty_note = packed("note", 8, struct.pack("<Q", 0))
    n_filler = -(len(added) + len(empty_note)) % 32
    note = packed("note", 8, struct.pack("<Q", n_filler) + b"x" * n_filler)
    (n_keys,) = struct.unpack_from("<Q", data, 16)
    n_keys = struct.pack("<Q", n_keys + len(pairs) + 1)
    # Behind all others, so that of two keys with one name it is ours that counts.
    end = data.index(struct.pack("<Q", 17) + b"token_embd.weight")
    return data[:16] + n_keys + data[24:end] + added + note + data[end:]


def _not_finite(path: Path) -> Maker:
    """A number or a block's scale that is none, in any tensor."""
    data = path.read_bytes()
    tensors = (read_gguf if path.suffix == ".gguf" else read_ggml)(path).tensors

    def make(chance: Random) -> Case:
        damaged = bytearray(data)
        tensor = chance.choice(tensors)
        storage = tensor.storage
        block = chance.randrange(tensor.n_bytes // storage.block_bytes)
        bad = chance.choice([NOT_A_NUMBER, INFINITE])
        bad = bad if storage.block_size == 1 else struct.pack("<H", chance.choice([0x7E01, 0xFC00]))
        start = tensor.offset + block * storage.block_bytes
        damaged[start : start + len(bad)] = bad
        return Case(kind="not finite", name=path.name, data=bytes(damaged), is_refused=True)

    return make


def _other_architecture(data: bytes) -> Maker:
    """A file that says it is another model, with that model's keys."""

    def make(chance: Random) -> Case:
        other = chance.choice(_OTHERS)
        raw = other.encode()
        pairs = [("general.architecture", 8, struct.pack("<Q", len(raw)) + raw)]
        pairs += [
            (f"{other}.{chance.choice(_LAYER_KEYS)}", 4, struct.pack("<I", chance.randrange(99)))
            for _ in range(chance.randrange(5))
        ]
        return Case(
            kind=f"architecture {other!r}", name="m.gguf", data=with_keys(data, pairs),
            is_refused=True,
        )  # fmt: skip

    return make


def _more_keys(data: bytes) -> Maker:
    """Keys of every kind, known and unknown, with values that may be anything."""
    known = ["tokenizer.ggml.tokens", "tokenizer.ggml.merges", "tokenizer.ggml.token_type",
             "tokenizer.ggml.scores", "tokenizer.ggml.model", "general.alignment", "general.name",
             "tokenizer.chat_template", "split.count",
             *(f"gpt2.{one}" for one in _LAYER_KEYS)]  # fmt: skip

    def make(chance: Random) -> Case:
        pairs = []
        for _ in range(chance.choice([1, 2, 40])):
            kind = chance.randrange(14)
            value = chance.randbytes(8)
            if kind == 8:
                n_bytes = chance.choice([0, 5, *LARGE_EXTREMES])
                value = struct.pack("<Q", n_bytes) + b"a" * min(n_bytes, 5)
            if kind == 9:
                count = chance.choice([0, 3, 2_000_000, *LARGE_EXTREMES])
                element = chance.randrange(14)
                value = struct.pack("<IQ", element, count) + chance.randbytes(min(count, 3) * 8)
            pairs.append((chance.choice(known), kind, value))
        return Case(kind="keys", name="m.gguf", data=with_keys(data, pairs))

    return make


def _other_header(data: bytes) -> Maker:
    """The header of another model, of another program's form, or of what nobody could hold."""

    def make(chance: Random) -> Case:
        n_vocab, n_ctx, n_embd, n_head, n_layer, file_type, again = struct.unpack_from(
            "<7i", data, 4
        )
        magic = chance.choice([0x67676D6C, 0x67676D66, 0x67676A74, 0x67676C61, 0x46554747])
        numbers = [n_vocab, n_ctx, n_embd, n_head, n_layer, file_type, again]
        if magic == 0x67676D6C:  # the right one
            numbers[chance.randrange(7)] += chance.choice([-1, 1, 64, 1000, 10**6, -(10**6)])
        if chance.random() < 0.3:  # GPT-J and others have a number more, and the rest further on
            numbers.insert(chance.randrange(7), chance.choice([64, 0, 1, 2**31 - 1]))
        header = struct.pack(f"<I{len(numbers)}i", magic, *numbers)
        return Case(kind="other header", name="m.ggml", data=header + data[32:], is_refused=True)

    return make


def sidecar_of(tokenizer: bytes) -> bytes:
    """A whole tokenizer as it lies beside a GGML file."""
    return json.dumps(json.loads(tokenizer)).encode()
