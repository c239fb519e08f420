"""Reads the files of data sets; whatever is wrong with one is said before a model is loaded."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

from bot.errors import DataFileError
from bot.lab.data import DataFile

MAX_BYTES = 256 << 20  # of a file; the largest in use, enwik8 and text8, have 100 MB
MAX_FILES = 20_000  # of a folder: the test part of CNN/DM has 11,490
_GZIP, _ZIP, _BZIP2, _XZ = b"\x1f\x8b", b"PK\x03\x04", b"BZh", b"\xfd7zXZ"
_PACKED = {_GZIP: "gzip", _ZIP: "zip", _BZIP2: "bzip2", _XZ: "xz"}


def read_data(paths: Sequence[Path]) -> tuple[tuple[DataFile, ...], str]:
    """The files, and the SHA-256 of all they hold; of a folder, its .story files by name.

    Raises:
        DataFileError: one can't be read, is too large, packed, empty, or no text in UTF-8.
    """
    whole = hashlib.sha256()
    files: list[DataFile] = []
    for path in [file for given in paths for file in _expanded(given)]:
        data = _bytes(path)
        whole.update(hashlib.sha256(data).digest())
        files.append(DataFile(path.name, _text(path.name, data)))
    return tuple(files), whole.hexdigest()


def _expanded(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    stories = sorted(path.glob("*.story"))
    if not stories:
        raise DataFileError(path.name, None, "there is no .story file in this folder")
    if len(stories) > MAX_FILES:
        reason = f"there are {len(stories):,} files in it; {MAX_FILES:,} are the most"
        raise DataFileError(path.name, None, reason)
    return stories


def _bytes(path: Path) -> bytes:
    try:
        n_bytes = path.stat().st_size
        if n_bytes > MAX_BYTES:
            reason = f"it has {n_bytes / 1e6:,.0f} MB; {MAX_BYTES >> 20} MiB are the most"
            raise DataFileError(path.name, None, reason)
        data = path.read_bytes()
    except OSError as error:
        reason = f"it can't be read ({error.strerror or error})"
        raise DataFileError(str(path), None, reason) from error
    for magic, name in _PACKED.items():
        if data.startswith(magic):
            raise DataFileError(path.name, None, f"it is packed with {name}; unpack it first")
    if not data.strip():
        raise DataFileError(path.name, None, "it is empty")
    return data


def _text(name: str, data: bytes) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise DataFileError(name, line, "this is no text in UTF-8") from error
