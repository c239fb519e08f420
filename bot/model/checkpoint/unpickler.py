"""Reads the pickle in a PyTorch file as data: a small machine that can build nothing but weights.

It knows the opcodes that `torch.save` writes for a dictionary of tensors, and of what a pickle may
ask for by name the three things in such a dictionary. No name is ever looked up and nothing is
called, so a pickle that holds code is refused at the name it asks for. Used by `pytorch_file`.
"""

import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

from bot.model.checkpoint.api import shown

_DICTIONARY = "collections.OrderedDict"
_TENSOR = "torch._utils._rebuild_tensor_v2"
# What a storage's class says of its numbers; of the last ones only masks are made.
_STORAGES = {
    "torch.FloatStorage": "f32", "torch.HalfStorage": "f16", "torch.BFloat16Storage": "bf16",
    "torch.DoubleStorage": "f64", "torch.ByteStorage": "u8", "torch.BoolStorage": "bool",
    "torch.CharStorage": "i8", "torch.ShortStorage": "i16", "torch.IntStorage": "i32",
    "torch.LongStorage": "i64",
}  # fmt: skip
_MAX_AXES = 8
_KNOWN = {_DICTIONARY, _TENSOR, *_STORAGES}


@dataclass(frozen=True, slots=True)
class Storage:
    """Numbers that lie in a file of the archive.

    Attributes:
        key: the file's name.
        number_type: "f32", "u8", …
        n_numbers: how many there are, as the pickle says.
    """

    key: str
    number_type: str
    n_numbers: int


@dataclass(frozen=True, slots=True)
class PickledTensor:
    """A view of a storage; the numbers are checked to be no negative ones, and nothing else."""

    storage: Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class _Name:
    """Something that the pickle asks for by its name; one of `_KNOWN`."""

    name: str


class _Mark:
    """Where on the stack a list of values begins."""


def read_tensors(data: bytes) -> dict[str, PickledTensor]:
    """The tensors in a pickle, by their names.

    Raises:
        ValueError: it is damaged, or holds anything but a dictionary of tensors; a clause for a
            person.
    """
    value = _Machine(data).run()
    if not isinstance(value, dict):
        raise ValueError("it holds no dictionary of tensors")
    tensors = cast(dict[str, object], value)
    for name, tensor in tensors.items():
        if not isinstance(tensor, PickledTensor):
            raise ValueError(f"its entry {shown(name)} is no tensor")
    return cast(dict[str, PickledTensor], tensors)


class _Machine:
    """A stack, a memory, and a step for each opcode.

    Values are str, int, bool, None, tuples, dictionaries with str as keys, and the classes above.
    Nothing walks into them, so depth and cycles do no harm; each opcode adds at most what it has
    bytes, so they stay as small as the pickle.
    """

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._position = 0
        self._stack: list[Any] = []
        self._memory: dict[int, Any] = {}

    def run(self) -> object:
        """What the pickle holds."""
        while (opcode := self._take(1)) != b".":
            step = _STEPS.get(opcode)
            if step is None:
                raise ValueError(
                    f"its pickle does {opcode!r}, which no dictionary of tensors needs"
                )
            step(self)
        if len(self._stack) != 1 or self._position != len(self._data):
            raise ValueError("its pickle does not end where it should; it is damaged")
        return self._pop()

    def _take(self, n_bytes: int) -> bytes:
        start, end = self._position, self._position + n_bytes
        if end > len(self._data):
            raise ValueError("its pickle ends too early; it is cut off or damaged")
        self._position = end
        return self._data[start:end]

    def _number(self, form: str) -> int:
        packed = struct.Struct("<" + form)
        return packed.unpack(self._take(packed.size))[0]

    def _line(self) -> str:
        end = self._data.find(b"\n", self._position)
        line = self._take(max(end, self._position) - self._position)
        self._take(1)
        return line.decode("ascii", errors="backslashreplace")

    def _pop(self) -> Any:
        if not self._stack or self._stack[-1] is _Mark:
            raise ValueError("its pickle takes what is not there; it is damaged")
        return self._stack.pop()

    def _pop_to_mark(self) -> list[Any]:
        for index in range(len(self._stack) - 1, -1, -1):
            if self._stack[index] is _Mark:
                values = self._stack[index + 1 :]
                del self._stack[index:]
                return values
        raise ValueError("its pickle takes what is not there; it is damaged")

    def push(self, value: object) -> None:
        """Adds a value; `_Mark` begins a list."""
        self._stack.append(value)

    def protocol(self) -> None:
        """The first opcode: which opcodes there are."""
        if (version := self._number("B")) != 2:
            raise ValueError(f"its pickle is of protocol {version}; PyTorch writes 2")

    def text(self) -> None:
        """Adds a str."""
        raw = self._take(self._number("I"))
        try:
            self.push(raw.decode())
        except UnicodeDecodeError as error:
            raise ValueError("its pickle holds a text that is none; it is damaged") from error

    def integer(self, form: str) -> None:
        """Adds an int of fixed size."""
        self.push(self._number(form))

    def long(self) -> None:
        """Adds an int of up to 255 bytes."""
        self.push(int.from_bytes(self._take(self._number("B")), "little", signed=True))

    def remember(self, form: str) -> None:
        """Keeps the last value under a number."""
        value = self._pop()
        self.push(value)
        self._memory[self._number(form)] = value

    def recall(self, form: str) -> None:
        """Adds a value that was kept."""
        number = self._number(form)
        if number not in self._memory:
            raise ValueError("its pickle takes what is not there; it is damaged")
        self.push(self._memory[number])

    def pack(self, n_values: int) -> None:
        """Makes a tuple of the last values."""
        values = [self._pop() for _ in range(n_values)]
        self.push(tuple(reversed(values)))

    def pack_to_mark(self) -> None:
        """Makes a tuple of the values since the mark."""
        self.push(tuple(self._pop_to_mark()))

    def name(self) -> None:
        """Adds a name; this is where a pickle with code asks for it."""
        name = f"{self._line()}.{self._line()}"
        if name not in _KNOWN:
            raise ValueError(f"its pickle asks for {shown(name)}, and may run code; not done here")
        self.push(_Name(name))

    def call(self) -> None:
        """Makes an empty dictionary, or a tensor."""
        arguments, called = self._pop(), self._pop()
        if called == _Name(_DICTIONARY) and arguments == ():
            self.push({})
        elif called == _Name(_TENSOR) and isinstance(arguments, tuple):
            self.push(_tensor(cast(tuple[Any, ...], arguments)))
        else:
            raise ValueError("its pickle calls what it should not; it is damaged or hostile")

    def storage(self) -> None:
        """Makes a storage of ("storage", its class, the file's name, a device, a size)."""
        match self._pop():
            case ("storage", _Name(name), str(key), str(), int(n_numbers)) if (
                name in _STORAGES and n_numbers >= 0
            ):
                self.push(Storage(key, _STORAGES[name], n_numbers))
            case _:
                raise ValueError("its pickle names no storage where one must be; it is damaged")

    def set_items(self, pairs: list[Any]) -> None:
        """Puts keys and values, in turns, into the dictionary on top."""
        target = self._pop()
        keys = pairs[::2]
        if (
            not isinstance(target, dict)
            or len(pairs) % 2
            or not all(isinstance(key, str) for key in keys)
        ):
            raise ValueError("its pickle fills what is no dictionary of tensors; it is damaged")
        self.push(cast(Any, target))
        cast(dict[str, Any], target).update(zip(keys, pairs[1::2], strict=True))

    def set_item(self) -> None:
        """Puts one key and value into the dictionary below them."""
        value, key = self._pop(), self._pop()
        self.set_items([key, value])

    def set_items_to_mark(self) -> None:
        """Puts the keys and values since the mark into the dictionary below it."""
        self.set_items(self._pop_to_mark())

    def drop_state(self) -> None:
        """Passes over a dictionary's attributes, such as PyTorch's `_metadata`."""
        self._pop()


def _tensor(arguments: tuple[Any, ...]) -> PickledTensor:
    """Of storage, offset, shape, strides, and two that only training needs."""
    if len(arguments) == 6:
        storage, offset = arguments[:2]
        shape, strides = _whole_numbers(arguments[2]), _whole_numbers(arguments[3])
        if (
            isinstance(storage, Storage)
            and _whole_numbers((offset,)) is not None
            and shape is not None
            and strides is not None
            and len(shape) == len(strides) <= _MAX_AXES
        ):
            return PickledTensor(storage, offset, shape, strides)
    raise ValueError("its pickle holds a tensor that makes no sense; it is damaged")


def _whole_numbers(values: Any) -> tuple[int, ...] | None:
    """The same, if it is a tuple of numbers from 0 to 2**63."""
    if not isinstance(values, tuple):
        return None
    numbers = cast(tuple[Any, ...], values)
    is_whole = all(type(number) is int and 0 <= number < 2**63 for number in numbers)
    return numbers if is_whole else None


_STEPS: dict[bytes, Callable[[_Machine], None]] = {
    b"\x80": _Machine.protocol,
    b"c": _Machine.name,
    b"R": _Machine.call,
    b"Q": _Machine.storage,
    b"b": _Machine.drop_state,
    b"(": lambda machine: machine.push(_Mark),
    b"t": _Machine.pack_to_mark,
    b")": lambda machine: machine.pack(0),
    b"\x85": lambda machine: machine.pack(1),
    b"\x86": lambda machine: machine.pack(2),
    b"\x87": lambda machine: machine.pack(3),
    b"}": lambda machine: machine.push({}),
    b"s": _Machine.set_item,
    b"u": _Machine.set_items_to_mark,
    b"q": lambda machine: machine.remember("B"),
    b"r": lambda machine: machine.remember("I"),
    b"h": lambda machine: machine.recall("B"),
    b"j": lambda machine: machine.recall("I"),
    b"N": lambda machine: machine.push(None),
    b"\x88": lambda machine: machine.push(True),
    b"\x89": lambda machine: machine.push(False),
    b"K": lambda machine: machine.integer("B"),
    b"M": lambda machine: machine.integer("H"),
    b"J": lambda machine: machine.integer("i"),
    b"\x8a": _Machine.long,
    b"X": _Machine.text,
}
