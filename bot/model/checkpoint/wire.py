"""Varints and protobuf fields of bytes that may be anything. Used by the TensorFlow reader.

Raises `ValueError` with a clause for a person; the reader adds the file's path.
"""

from collections.abc import Iterator


class Cursor:
    """A place in a message."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._position = 0

    @property
    def is_at_end(self) -> bool:
        """Whether nothing is left."""
        return self._position == len(self._data)

    def take(self, n_bytes: int) -> bytes:
        """The next bytes.

        Raises:
            ValueError: there are fewer.
        """
        start, end = self._position, self._position + n_bytes
        if end > len(self._data):
            raise ValueError("one of its records ends too early; it is damaged")
        self._position = end
        return self._data[start:end]

    def varint(self) -> int:
        """The next number, 7 bits to a byte, the lowest first.

        Raises:
            ValueError: it has more than 64 bits, or the message ends.
        """
        value = 0
        for shift in range(0, 70, 7):
            (byte,) = self.take(1)
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                break
        else:
            raise ValueError("it holds a number without an end; it is damaged")
        if value >> 64:
            raise ValueError("it holds a number of more than 64 bits; it is damaged")
        return value


def fields(message: bytes) -> Iterator[tuple[int, int | bytes]]:
    """The fields of a protobuf message: numbers as unsigned, everything with a length as bytes.

    Raises:
        ValueError: it is no such message.
    """
    cursor = Cursor(message)
    while not cursor.is_at_end:
        tag = cursor.varint()
        match tag & 7:
            case 0:
                yield tag >> 3, cursor.varint()
            case 1:
                yield tag >> 3, int.from_bytes(cursor.take(8), "little")
            case 2:
                yield tag >> 3, cursor.take(cursor.varint())
            case 5:
                yield tag >> 3, int.from_bytes(cursor.take(4), "little")
            case other:
                raise ValueError(f"it holds a field of kind {other}; it is damaged")
