"""Damaged folders with safetensors or a TensorFlow checkpoint. Used by `try_hostile`."""

import json
import struct
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

from tests import tensorflow_files as tf
from tests.unit.model.hostile.cases import (
    DEEP,
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
    other_json,
    other_text,
    sparse,
)
from tests.unit.model.hostile.shapes import TINY, claimed_shapes

CONFIG_KEYS = ["model_type", "vocab_size", "n_positions", "n_embd", "n_head", "n_layer",
               "activation_function", "layer_norm_epsilon", "n_inner", "n_ctx"]  # fmt: skip
HPARAMS_KEYS = ["n_vocab", "n_ctx", "n_embd", "n_head", "n_layer"]
_SAFETENSORS, _INDEX = "model.safetensors", "model.ckpt.index"
_DATA = "model.ckpt.data-00000-of-00001"


def safetensors_cases(folder: Path) -> Iterator[Case]:
    """Of a Hugging Face folder."""
    data = (folder / _SAFETENSORS).read_bytes()
    head = 8 + int.from_bytes(data[:8], "little")
    return mixed(
        [
            cut(_SAFETENSORS, data),
            flipped(_SAFETENSORS, data, 0, head),
            noisy(_SAFETENSORS, data, 0, head),
            _other_length(data),
            sparse(_other_length(data)),
            _other_entry(data),
            sparse(_other_entry(data)),
            _other_header(data),
            _not_finite(_SAFETENSORS, data, head),
            other_json("config.json", (folder / "config.json").read_bytes(), CONFIG_KEYS),
            other_text("tokenizer.json", (folder / "tokenizer.json").read_bytes()),
            *claimed_shapes("config.json", (folder / "config.json").read_bytes()),
        ]
    )


def tensorflow_cases(folder: Path) -> Iterator[Case]:
    """Of a folder as OpenAI released it: the index, the data, and the small files beside them."""
    index, data = (folder / _INDEX).read_bytes(), (folder / _DATA).read_bytes()
    return mixed(
        [
            _or_same(cut(_INDEX, index)),
            _or_same(flipped(_INDEX, index, 0, len(index))),
            _or_same(noisy(_INDEX, index, 0, len(index))),
            _or_same(miscounted(_INDEX, index, 0, len(index))),
            sparse(miscounted(_INDEX, index, 0, len(index))),
            _or_same(cut(_DATA, data)),
            _or_same(flipped(_DATA, data, 0, len(data))),
            _or_same(miscounted(_DATA, data, 0, len(data))),
            _or_same(sparse(flipped(_DATA, data, 0, len(data)))),
            _not_finite(_DATA, data, 0),
            _signed_index,
            _signed_index,
            _other_bundle,
            other_json("hparams.json", (folder / "hparams.json").read_bytes(), HPARAMS_KEYS),
            other_text("encoder.json", (folder / "encoder.json").read_bytes()),
            other_text("vocab.bpe", (folder / "vocab.bpe").read_bytes()),
            *claimed_shapes("hparams.json", (folder / "hparams.json").read_bytes()),
        ]
    )


def _or_same(maker: Maker) -> Maker:
    """Everything in the file has a checksum: what is not refused must have changed nothing."""

    def make(chance: Random) -> Case:
        case = maker(chance)
        return Case(
            kind=case.kind, name=case.name, data=case.data, grown_to=case.grown_to,
            is_same_or_refused=True,
        )  # fmt: skip

    return make


def _not_finite(name: str, data: bytes, start: int) -> Maker:
    def make(chance: Random) -> Case:
        place = start + 4 * chance.randrange((len(data) - start) // 4)
        bad = chance.choice([NOT_A_NUMBER, INFINITE])
        damaged = data[:place] + bad + data[place + 4 :]
        return Case(kind="not finite", name=name, data=damaged, is_refused=True)

    return make


def _other_length(data: bytes) -> Maker:
    """Another length of the header, which may lie within the file or not."""
    length = int.from_bytes(data[:8], "little")

    def make(chance: Random) -> Case:
        lengths = [0, 1, length - 1, length + 1, length + 8, 4 << 20, 99_999_999, 100_000_001]
        new = chance.choice([*lengths, *LARGE_EXTREMES])
        return Case(
            kind=f"header of {new}", name=_SAFETENSORS, data=struct.pack("<Q", new) + data[8:],
            is_refused=True,
        )  # fmt: skip

    return make


def _with_header(data: bytes, header: bytes) -> bytes:
    length = int.from_bytes(data[:8], "little")
    return struct.pack("<Q", len(header)) + header + data[8 + length :]


def _other_entry(data: bytes) -> Maker:
    """A tensor with another shape, type or place, or under another model's name."""
    header: dict[str, Any] = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])

    def make(chance: Random) -> Case:
        changed = json.loads(json.dumps(header))
        name = chance.choice([one for one in changed if one != "__metadata__"])
        huge = chance.choice([*LARGE_EXTREMES, 10**30, -1, 1.5, None, "8", 10**4000])
        match chance.randrange(6):
            case 0:
                changed[name]["shape"] = chance.choice([[huge], [huge, huge], [0], [], [1] * 9, 7])
            case 1:
                kinds = ["I64", "BOOL", "F8_E4M3", "F64", "BF16", "F16", "x", "", 7, None]
                changed[name]["dtype"] = chance.choice(kinds)
            case 2:
                places = [[0, huge], [huge, huge], [huge], [], "0", [8, 0], {"0": 1}]
                changed[name]["data_offsets"] = chance.choice(places)
            case 3:
                other = chance.choice(
                    ["model.layers.0.mlp.up_proj.weight", "x" * 10_000, "\x1b[2J"]
                )
                changed[other] = changed.pop(name)
            case 4:
                changed[name] = chance.choice([None, [], 7, {}, {"dtype": "F32"}, "x"])
            case _:
                changed["__metadata__"] = chance.choice([7, {"a": 7}, [], {"a": "b" * 100_000}])
        return Case(
            kind="other entry", name=_SAFETENSORS,
            data=_with_header(data, json.dumps(changed).encode()),
        )  # fmt: skip

    return make


def _other_header(data: bytes) -> Maker:
    """A header that is deep, long, doubled, or no JSON."""
    good = data[8 : 8 + int.from_bytes(data[:8], "little")]
    entry = b'"%d":{"dtype":"F32","shape":[0],"data_offsets":[0,0]},'

    def make(chance: Random) -> Case:
        many = b"".join(entry % n for n in range(chance.choice([50_000, 100_000])))
        headers = [DEEP, b'{"__metadata__":' + DEEP, b"{}", b"[]", b"null", b"", b"\xff" * 64,
                   b"{" + many[:-1] + b"}", good.rstrip()[:-1] + b"," + good.lstrip()[1:],
                   b" " * 1_000_000 + good, b'{"a":' * 120]  # fmt: skip
        header = chance.choice(headers)
        return Case(kind="other header", name=_SAFETENSORS, data=_with_header(data, header))

    return make


def _signed_index(chance: Random) -> Case:
    """Who damages on purpose mends the checksums."""
    entries, _ = tf.bundle(tf.tensorflow_weights(TINY))

    def change(block: bytes) -> bytes:
        changed = bytearray(block)
        for _ in range(chance.choice([0, 1, 4])):
            changed[chance.randrange(len(block))] = chance.choice([0, 0xFF, chance.randrange(256)])
        return bytes(changed)

    return Case(kind="signed", name=_INDEX, data=tf.table(entries, change=change))


def _other_bundle(chance: Random) -> Case:
    """Entries that lie about files, types, shapes, places and sizes, rightly signed."""
    entries, _ = tf.bundle(tf.tensorflow_weights(TINY))
    huge = chance.choice(LARGE_EXTREMES)
    place = chance.randrange(1, len(entries))
    key, value = entries[place]
    good = {"dtype": 1, "shape": (8,), "offset": 0, "size": 32, "crc": 0}
    lies = [{"dtype": huge}, {"shape": (huge,)}, {"shape": (huge, huge), "size": huge},
            {"offset": huge}, {"size": huge}, {"shape": (1,) * 900},
            {"shape": (0,), "size": 0}]  # fmt: skip
    match chance.randrange(6):
        case 0:
            entries[0] = (b"", tf.field(1, huge))
        case 1:
            entries[place] = (key + b"/Adam", value)
        case 2:
            entries[place] = (b"layers/%d/attention/wq" % place, value)
            entries.sort()
        case 3:
            entries[place] = (key, value + tf.field(3, huge))
        case _:
            entries[place] = (key, tf.bundle_entry(**(good | chance.choice(lies))))
    return Case(kind="signed lie", name=_INDEX, data=tf.table(entries))
