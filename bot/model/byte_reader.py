"""Reads a binary file that may be anything: every length is held against the file's size first.

Used by every reader of models and checkpoints. Raises `ModelFileError`, never anything else, and
allocates nothing that the file does not hold.
"""

import mmap
import os
import stat
import struct
from collections.abc import Generator, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from bot.errors import ModelFileError

_PIECE_BYTES = 1 << 22
# Of texts, names and lists together, which are kept: the largest GPT-2 has a tenth of it. As
# Python's objects they take up to seven times as much.
_MAX_KEPT_BYTES = 24 << 20
_AHEAD_BYTES = 1 << 16
_LEAST_BYTES = 8  # of a piece: no number and no word of a checksum is torn
_Bytes = bytes  # within the reader, that name is a method


class ByteReader:
    """A cursor over a file's bytes (little-endian).

    Args:
        path: the file's, for errors.
        file: the open file's number, for what is too large to be mapped into memory.
        data: the whole file, mapped.
    """

    def __init__(self, path: Path, file: int, data: mmap.mmap) -> None:
        self.path = path
        self._file = file
        self.data = data
        self.size = len(data)
        self.position = 0
        self._n_kept = 0
        self._ahead, self._ahead_start = b"", 0

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
        """The next bytes.

        Raises:
            ModelFileError: the file ends before, or has been asked for more than any GPT-2's.
        """
        start = self.skip(n_bytes, what)
        self._n_kept += n_bytes
        if self._n_kept > _MAX_KEPT_BYTES:
            raise self.refuse(f"it holds more than any GPT-2 needs in {what}; it is damaged")
        end = start + n_bytes
        if start < self._ahead_start or end > self._ahead_start + len(self._ahead):
            # By a plain read: one mapped byte may bring megabytes around it into memory.
            left = min(max(n_bytes, _AHEAD_BYTES), self.size - start)
            self._ahead = b"".join(self.pieces(start, left, what))
            self._ahead_start = start
        return self._ahead[start - self._ahead_start : end - self._ahead_start]

    def unpack(self, form: str, what: str) -> tuple[int | float | bool, ...]:
        """The next numbers, by a format of `struct` without byte order."""
        packed = struct.Struct("<" + form)
        return packed.unpack(self.bytes(packed.size, what))

    def integer(self, form: str, what: str) -> int:
        """The next number, an integer."""
        return int(self.unpack(form, what)[0])

    def pieces(self, start: int, n_bytes: int, what: str) -> Iterator[_Bytes]:
        """Bytes of anywhere, a few at a time and by plain reads.

        The mapped ones would count as this process's memory until the file is closed, and would
        end it by a signal if somebody shortened the file meanwhile.

        Raises:
            ModelFileError: the file ends before.
        """
        end = start + n_bytes
        while start < end:
            left = end - start
            wanted = left if left < _PIECE_BYTES + _LEAST_BYTES else _PIECE_BYTES
            try:
                piece = os.pread(self._file, wanted, start)
            except OSError as error:  # the disk's own
                raise self.refuse(f"{what} can't be read ({error.strerror})") from error
            if len(piece) < wanted:
                raise self.refuse(f"it ends in the middle of {what}; it is cut off or damaged")
            yield piece
            start += wanted


@contextmanager
def open_reader(path: Path) -> Generator[ByteReader]:
    """A reader over a whole file, mapped and not loaded.

    Raises:
        ModelFileError: the file is missing, empty or can't be read.
    """
    with ExitStack() as stack:
        try:
            # Not Path.open, which takes no opener.
            file = stack.enter_context(open(path, "rb", opener=_opened_at_once))
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode):
                raise ModelFileError(path, "it is no plain file")
            if status.st_size == 0:
                raise ModelFileError(path, "it is empty")
            data = stack.enter_context(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
        except OSError as error:
            raise ModelFileError(path, (error.strerror or "it can't be read").lower()) from error
        # Outside of that: an error in what is done with it, such as a full disk, is none of its.
        yield ByteReader(path, file.fileno(), data)


def _opened_at_once(path: str, flags: int) -> int:
    """Opens a named pipe, too, without waiting for somebody to write to it."""
    return os.open(path, flags | os.O_NONBLOCK)
