"""Reads a binary file that may be anything: every length is held against the file's size first.

Used by the two model-file readers. Raises `ModelFileError`, never anything else, and allocates
nothing that the file does not hold.
"""

import mmap
import struct
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from bot.errors import ModelFileError


class ByteReader:
    """A cursor over a file's bytes (little-endian)."""

    def __init__(self, path: Path, data: mmap.mmap) -> None:
        self.path = path
        self.data = data
        self.size = len(data)
        self.position = 0

    def refuse(self, reason: str) -> ModelFileError:
        """The error to raise for this file."""
        return ModelFileError(self.path, reason)

    def skip(self, n_bytes: int, what: str) -> int:
        """Moves on and returns where the skipped bytes begin.

        Raises:
            ModelFileError: the file ends before.
        """
        start = self.position
        if n_bytes < 0 or n_bytes > self.size - start:
            raise self.refuse(f"it ends in the middle of {what}; it is cut off or damaged")
        self.position = start + n_bytes
        return start

    def bytes(self, n_bytes: int, what: str) -> bytes:
        """The next bytes."""
        start = self.skip(n_bytes, what)
        return self.data[start : start + n_bytes]

    def unpack(self, form: str, what: str) -> tuple[int | float | bool, ...]:
        """The next numbers, by a format of `struct` without byte order."""
        packed = struct.Struct("<" + form)
        return packed.unpack(self.bytes(packed.size, what))

    def integer(self, form: str, what: str) -> int:
        """The next number, an integer."""
        return int(self.unpack(form, what)[0])


@contextmanager
def open_reader(path: Path) -> Generator[ByteReader]:
    """A reader over a whole file, mapped and not loaded.

    Raises:
        ModelFileError: the file is missing, empty or can't be read.
    """
    try:
        with path.open("rb") as file:
            if path.stat().st_size == 0:
                raise ModelFileError(path, "it is empty")
            with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
                yield ByteReader(path, data)
    except OSError as error:
        raise ModelFileError(path, (error.strerror or "it can't be read").lower()) from error
