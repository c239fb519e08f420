"""A file that is not whole yet: the bytes so far, and what is remembered of them beside it.

Used by `download_file`. Survives Ctrl-C, a kill and a lost connection; becomes the file by one
rename.
"""

import hashlib
import json
import os
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import IO, Any, cast

from bot.errors import DownloadError
from bot.model.download.rules import Checksum, Saved

_CHUNK = 1 << 23


class Part:
    """The part of one file."""

    def __init__(self, target: Path) -> None:
        self._target = target
        self._path = target.with_name(f"{target.name}.part")
        self._notes = target.with_name(f"{target.name}.part.json")

    @property
    def size(self) -> int:
        """Bytes there are."""
        return self._path.stat().st_size if self._path.exists() else 0

    def saved(self) -> Saved | None:
        """What is remembered, or None where nothing (sensible) is."""
        try:
            raw = cast(dict[str, Any], json.loads(self._notes.read_text(encoding="utf-8")))
            told = raw["checksum"]
            checksum = told and Checksum(algorithm=told["algorithm"], digest=told["digest"])
            return Saved(url=str(raw["url"]), etag=raw["etag"], checksum=checksum)
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def open_at(self, offset: int, saved: Saved) -> IO[bytes]:
        """The part to write to from a byte on; what stood behind it goes.

        Raises:
            DownloadError: the disk does not let it.
        """
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._notes.write_text(json.dumps(asdict(saved)), encoding="utf-8")
            self._path.touch()
            file = self._path.open("r+b", buffering=0)  # what has come is on its way at once
            file.truncate(offset)
            file.seek(offset)
            return cast(IO[bytes], file)
        except OSError as error:
            raise unwritable(self._target, error) from error

    def drop(self) -> None:
        """Forgets the bytes: they are wrong."""
        self._path.unlink(missing_ok=True)
        self._notes.unlink(missing_ok=True)

    def hashed(self, algorithm: str) -> Iterator[str | None]:
        """The checksum: None after each piece, so that a caller can stop, at last the sum."""
        yield from hash_file(self._path, algorithm)

    def become_file(self) -> None:
        """The one step by which the file appears.

        Raises:
            DownloadError: the disk does not let it.
        """
        try:
            with self._path.open("rb") as file:
                os.fsync(file.fileno())
            self._path.replace(self._target)
            self._notes.unlink(missing_ok=True)
        except OSError as error:
            raise unwritable(self._target, error) from error


def write(file: IO[bytes], data: bytes, target: Path) -> None:
    """Writes a piece.

    Raises:
        DownloadError: the disk takes no more.
    """
    try:
        rest = memoryview(data)
        while rest:
            rest = rest[file.write(rest) :]
    except OSError as error:
        raise unwritable(target, error) from error


def unwritable(target: Path, error: OSError) -> DownloadError:
    """The disk's error as a sentence."""
    return DownloadError(target.name, f"{target} can't be written ({error.strerror or error})")


def hash_file(path: Path, algorithm: str) -> Iterator[str | None]:
    """Like `Part.hashed`, of any file; "git-sha1" is that of a git blob."""
    digest = hashlib.new(algorithm.removeprefix("git-"), usedforsecurity=False)
    if algorithm == "git-sha1":
        digest.update(b"blob %d\0" % path.stat().st_size)
    with path.open("rb") as file:
        while piece := file.read(_CHUNK):
            digest.update(piece)
            yield None
    yield digest.hexdigest()
