"""Damage that fits any file, and damage to JSON. Used by the other `hostile_…` modules."""

import json
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from random import Random

N_CASES = 1_000
NOT_A_NUMBER = struct.pack("<I", 0x7FC00000)
INFINITE = struct.pack("<I", 0xFF800000)
EXTREMES = (0, 1, 2**15, 2**16, 2**31 - 1, 2**31, 2**32 - 1)
LARGE_EXTREMES = (2**31, 2**32, 2**40, 2**53, 2**62, 2**63 - 1, 2**63, 2**64 - 1)
DEEP = b"[" * 200_000
_NUMBERS = (
    "0", "-1", "1", "1e999", "-1e999", "NaN", "Infinity", "1" * 4_000, "9" * 5_000, "1.5", "true",
    "null", '"12"', "[]", "{}", "9223372036854775807", "9223372036854775808", "65536", "2147483647",
    '"' + "x" * 900_000 + '"', "[" * 500 + "]" * 500, '"\\ud800"', "1e-400", "-0",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One file of a good model, damaged.

    Attributes:
        kind: what was done to it, for messages.
        name: which file it is.
        grown_to: its size, if it is a sparse file that goes on with zeros.
        is_refused: whether only a refusal is right; else it may be harmless.
        is_same_or_refused: whether, if it is no refusal, the damage may not be seen in the result.
    """

    kind: str
    name: str
    data: bytes
    grown_to: int = 0
    is_refused: bool = False
    is_same_or_refused: bool = False


Maker = Callable[[Random], Case]


def mixed(makers: list[Maker], seed: int = 7) -> Iterator[Case]:
    """As many cases as there must be, of all makers in turns."""
    for index in range(N_CASES):
        yield makers[index % len(makers)](Random(f"{seed}-{index}"))


def cut(name: str, data: bytes) -> Maker:
    """Ends early, by a byte or by most of it."""

    def make(chance: Random) -> Case:
        left = chance.choice([chance.randrange(len(data)), len(data) - chance.randrange(1, 40)])
        return Case(kind="cut", name=name, data=data[:left])

    return make


def flipped(name: str, data: bytes, low: int, high: int) -> Maker:
    """Some bits the other way round, between two places."""

    def make(chance: Random) -> Case:
        damaged = bytearray(data)
        for _ in range(chance.choice([1, 1, 4, 32])):
            damaged[chance.randrange(low, high)] ^= 1 << chance.randrange(8)
        return Case(kind="bits flipped", name=name, data=bytes(damaged))

    return make


def noisy(name: str, data: bytes, low: int, high: int) -> Maker:
    """Random bytes in one place, or bytes of another place."""

    def make(chance: Random) -> Case:
        damaged = bytearray(data)
        start, n_bytes = chance.randrange(low, high), chance.choice([4, 16, 64])
        other = chance.randrange(low, high)
        new = chance.choice([chance.randbytes(n_bytes), data[other : other + n_bytes]])
        damaged[start : start + len(new)] = new
        return Case(kind="noise", name=name, data=bytes(damaged))

    return make


def miscounted(name: str, data: bytes, low: int, high: int) -> Maker:
    """A number somewhere that is off by a little, or at its type's extremes."""

    def make(chance: Random) -> Case:
        damaged = bytearray(data)
        if chance.random() < 0.4:
            place = chance.randrange(low, high - 4)
            near = struct.unpack_from("<I", data, place)[0] + chance.choice([-1, 1, 2, 256])
            struct.pack_into("<I", damaged, place, near % 2**32)
            return Case(kind="wrong count", name=name, data=bytes(damaged))
        if chance.random() < 0.5:
            struct.pack_into(
                "<I", damaged, chance.randrange(low, high - 4), chance.choice(EXTREMES)
            )
        else:
            number = chance.choice(LARGE_EXTREMES)
            struct.pack_into("<Q", damaged, chance.randrange(low, high - 8), number)
        return Case(kind="huge count", name=name, data=bytes(damaged))

    return make


def sparse(maker: Maker) -> Maker:
    """The same in a file of gigabytes that takes no room on the disk."""

    def make(chance: Random) -> Case:
        case = maker(chance)
        size = chance.choice([2**31 - 1, 2**31, 2**32 + 5, 8 << 30])
        return Case(kind=f"sparse, {case.kind}", name=case.name, data=case.data, grown_to=size)

    return make


def other_json(name: str, good: bytes, keys: list[str]) -> Maker:
    """A JSON object with one of its numbers or texts at any extreme; or no such object at all."""
    value = json.loads(good)

    def make(chance: Random) -> Case:
        if chance.random() < 0.25:
            texts = [DEEP, b'{"a":' * 100_000, b"[]", b"7", b"", b"\xff\xfe", b"{" + b" " * 2**20,
                     good[: chance.randrange(len(good))], b"null", b'{"a": 1, "a": 2}']  # fmt: skip
            return Case(kind="other JSON", name=name, data=chance.choice(texts), is_refused=True)
        key = chance.choice(keys)
        members = [f"{json.dumps(one)}: {json.dumps(value[one])}" for one in value if one != key]
        members.append(f'"{key}": {chance.choice(_NUMBERS)}')
        text = "{" + ", ".join(members) + "}"
        return Case(kind=f"other {key}", name=name, data=text.encode())

    return make


def other_text(name: str, good: bytes) -> Maker:
    """A text of a tokenizer that is damaged, or something else."""

    def make(chance: Random) -> Case:
        damaged = bytearray(good)
        for _ in range(chance.choice([1, 3, 20])):
            place = chance.randrange(len(good))
            new = chance.choice([b"", b'"', b"]", b"{", b"\xff", b"9" * 30, b"null", b"\\ud800"])
            damaged[place : place + chance.choice([0, 1, 5])] = new
        large = b"[" + b"[]," * 1_000_000 + b"0]"
        texts = [bytes(damaged)] * 6 + [DEEP, b"", b"7", large, b'{"model": {"vocab": {}}}']
        return Case(kind="other tokenizer", name=name, data=chance.choice(texts))

    return make
