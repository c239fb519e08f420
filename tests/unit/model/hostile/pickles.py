"""Damaged `pytorch_model.bin` files, and such that would run code. Used by `try_hostile`.

Each piece of code would leave a file behind, named by `bait`; the tests look for it.
"""

import io
import os
import pickle
import struct
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random

from tests.model_files import random_weights
from tests.pytorch_files import archive, parts, pickled, tensor, text
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
    other_json,
    other_text,
    sparse,
)
from tests.unit.model.hostile.checkpoints import CONFIG_KEYS
from tests.unit.model.hostile.shapes import TINY, claimed_shapes

_NAME = "pytorch_model.bin"
_MODULES = (b"os", b"posix", b"nt", b"os.path", b"subprocess", b"torch._utils.os")
RUN_BY_PYTHON = ("reduce", "stack global", "frame", "INST", "OBJ", "BUILD", "evaluated")
_SNIPPETS = (b"(", b"t", b")", b"R", b"u", b"b", b"}", b"q\0h\0", b"Q", b"\x86", b"s", b"0", b"2")


def bait(folder: Path) -> bytes:
    """The command that code in a pickle runs."""
    return f"touch {folder}/was-run".encode()


def pytorch_cases(folder: Path) -> Iterator[Case]:
    """Of a Hugging Face folder with a pytorch_model.bin."""
    data = (folder / _NAME).read_bytes()
    low, size = max(0, len(data) - 2_000), len(data)
    config = (folder / "config.json").read_bytes()
    codes = [_code(bait(folder))] * 3
    return mixed(
        [
            _or_same(cut(_NAME, data)),
            _or_same(flipped(_NAME, data, 0, size)),
            _or_same(flipped(_NAME, data, low, size)),
            _or_same(noisy(_NAME, data, low, size)),
            _or_same(miscounted(_NAME, data, low, size)),
            sparse(miscounted(_NAME, data, 0, size)),
            _signed,
            *codes,
            _bomb,
            _lying,
            other_json("config.json", config, CONFIG_KEYS),
            other_text("tokenizer.json", (folder / "tokenizer.json").read_bytes()),
            *claimed_shapes("config.json", config),
        ]
    )


def codes(command: bytes) -> dict[str, bytes]:
    """Ways for a pickle to run a command; those of `RUN_BY_PYTHON` do so in its own reader."""
    short = b"X" + struct.pack("<I", len(command)) + command
    line = b"S'" + command + b"'\n"
    name = b"\x8c\x05posix\x8c\x06system\x93"
    python = b"__import__('os').system('%s')" % command
    evaluated = b"X" + struct.pack("<I", len(python)) + python
    return {
        "reduce": b"\x80\x02cos\nsystem\n" + short + b"\x85R.",
        "stack global in protocol 4": b"\x80\x04" + name + short + b"\x85R.",
        "frame": b"\x80\x04\x95" + struct.pack("<Q", len(short) + 19) + name + short + b"\x85R.",
        "INST": b"(" + line + b"ios\nsystem\n.",
        "OBJ": b"\x80\x02(cos\nsystem\n" + short + b"o.",
        "new object by keywords": b"\x80\x04cos\nsystem\n" + short + b"\x85}\x92.",
        "BUILD": b"\x80\x02" + _build(short),
        "stack global": b"\x80\x02" + text("os") + text("system") + b"\x93" + short + b"\x85R.",
        "new object": b"\x80\x02cos\nsystem\n" + short + b"\x85\x81.",
        "extension 1": b"\x80\x02\x82\x01" + short + b"\x85R.",
        "extension 2": b"\x80\x02\x83\x01\x02" + short + b"\x85R.",
        "extension 4": b"\x80\x02\x84\x01\x02\x03\x04" + short + b"\x85R.",
        "persistent id as text": b"\x80\x02Pos.system " + command + b"\n.",
        "persistent id of a call": b"\x80\x02cos\nsystem\n" + short + b"\x85RQ.",
        "persistent id of a name": b"\x80\x02(" + text("storage") + b"cos\nsystem\n" + short
        + short + b"K\x01tQ.",
        "evaluated": b"\x80\x02cbuiltins\neval\n" + evaluated + b"\x85R.",
    }  # fmt: skip


def _build(argument: bytes) -> bytes:
    """An object whose `__setstate__` is a call: by its class's dictionary."""
    return b"cfunctools\npartial\ncos\nsystem\n\x85R(cos\nsystem\n" + argument + b"\x85}Ntb)R."


class _Hostile:
    def __init__(self, command: str) -> None:
        self._command = command

    def __reduce__(self) -> tuple[Callable[[str], int], tuple[str]]:
        return os.system, (self._command,)


def _code(command: bytes) -> Maker:
    """Code in the pickle of an archive, or in a file that is one pickle, in any company."""

    def make(chance: Random) -> Case:
        entries, storages = parts(random_weights(TINY))
        if chance.random() < 0.3:
            protocol = chance.randrange(6)
            kind, code = f"protocol {protocol}", pickle.dumps(_Hostile(command.decode()), protocol)
        else:
            kind, code = chance.choice(list(codes(command).items()))
            if chance.random() < 0.3:
                code = code.replace(b"cos\n", b"c" + chance.choice(_MODULES) + b"\n")
        body = code.removeprefix(b"\x80\x02")[:-1]
        place = chance.choice(list(entries))
        match chance.randrange(6):
            case 0:
                made = code
            case 1:
                return Case(kind=f"bare {kind}", name=_NAME, data=code, is_refused=True)
            case 2:
                made = pickled(entries | {place: body})
            case 3:
                made = pickled({"wte": body} | entries)
            case 4:
                made = b"\x80\x02" + body + b"0" + pickled(entries)[2:]
            case _:
                made = pickled(entries)[:-1] + b"}" + body + b"sb."  # as PyTorch's _metadata
        data = archive(made, storages)
        return Case(kind=f"code by {kind}", name=_NAME, data=data, is_refused=True)

    return make


def _or_same(maker: Maker) -> Maker:
    """Everything has a checksum: what is not refused must have changed nothing."""

    def make(chance: Random) -> Case:
        case = maker(chance)
        return Case(kind=case.kind, name=case.name, data=case.data, is_same_or_refused=True)

    return make


def _signed(chance: Random) -> Case:
    """A damaged pickle in an archive whose checksums fit."""
    entries, storages = parts(random_weights(TINY))
    changed = bytearray(pickled(entries))
    for _ in range(chance.choice([1, 4])):
        place = chance.randrange(len(changed))
        if chance.random() < 0.5:
            changed[place] = chance.randrange(256)
        else:
            changed[place:place] = chance.choice(_SNIPPETS)
    return Case(kind="signed", name=_NAME, data=archive(bytes(changed), storages))


def _bomb(chance: Random) -> Case:
    """Archives that are larger inside than outside, crowded, or full of names."""
    n_bytes = chance.choice([1_000_000, 30_000_000])
    entries, storages = parts(random_weights(TINY))
    match chance.randrange(5):
        case 0:
            data = archive(pickled(entries), {"0": bytes(n_bytes)}, zipfile.ZIP_DEFLATED)
        case 1:
            data = archive(bytes(n_bytes), storages, zipfile.ZIP_DEFLATED)
        case 2:
            data = archive(b"\x80\x02" + b"(" * 900_000, storages)
        case 3:
            out = io.BytesIO()
            with zipfile.ZipFile(out, "w") as file:
                for index in range(chance.choice([2_000, 10_500])):
                    file.writestr(f"archive/{'x' * 400}{index}", b"")
            data = out.getvalue()
        case _:
            data = archive(b"\x80\x02}" + text("a" * 900_000) + b"h\0s.", storages)
    return Case(kind="bomb", name=_NAME, data=data, is_refused=True)


def _lying(chance: Random) -> Case:
    """Tensors with other shapes, places and numbers than their storages have; NaN among them."""
    weights = random_weights(TINY)
    entries, storages = parts(weights)
    key = chance.choice(list(storages))
    name = list(entries)[int(key)]
    shape, huge = weights[name].shape, chance.choice(LARGE_EXTREMES)
    n_numbers = weights[name].size
    match chance.randrange(5):
        case 0:
            place = 4 * chance.randrange(n_numbers)
            bad = chance.choice([NOT_A_NUMBER, INFINITE])
            storages[key] = storages[key][:place] + bad + storages[key][place + 4 :]
        case 1:
            entries[name] = tensor(key, (huge,), (1,), n_numbers)
        case 2:
            entries[name] = tensor(key, shape, (0,) * len(shape), huge)
        case 3:
            entries[name] = tensor(key, shape, (1,) * len(shape), n_numbers, offset=huge)
        case _:
            entries["model.layers.0.mlp.gate_proj.weight"] = entries.pop(name)
    data = archive(pickled(entries), storages)
    return Case(kind="lie", name=_NAME, data=data, is_refused=True)
