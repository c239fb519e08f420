"""The SHA-256 of a model file, kept beside it in the form of `sha256sum`.

Written by the importer, checked by `bardling models verify`. The shipped model's was made by
`(cd bot/model/small && sha256sum *.gguf > bardling-small.q8_0.gguf.sha256)`, to be run again
whenever that file is replaced.
"""

import hashlib
import re
from pathlib import Path

from bot.errors import ModelFileError
from bot.model.whole_file import writing

_LINE = re.compile(r"([0-9a-fA-F]{64}) [ *].+\n?")  # "*" marks a sum of binary mode
_MAX_BYTES = 4096


def checksum_path(path: Path) -> Path:
    """Where the checksum of a model file lies."""
    return path.with_name(f"{path.name}.sha256")


def write_checksum(path: Path) -> Path:
    """Writes the checksum of a file beside it; `sha256sum -c` reads it, too.

    A file that is replaced gets its new checksum last, so one that was broken off in between
    shows as a mismatch.

    Returns:
        The path of what was written.

    Raises:
        ModelFileError: the file can't be read, or nothing written beside it.
    """
    beside, digest = checksum_path(path), digest_of(path)
    try:
        with writing(beside) as part:
            part.write_text(f"{digest}  {path.name}\n", encoding="utf-8")
    except OSError as error:
        reason = f"its checksum can't be written ({error.strerror or error})"
        raise ModelFileError(path, reason) from error
    return beside


def check_checksum(path: Path) -> str | None:
    """Compares a file with the checksum beside it.

    Returns:
        The checksum in hexadecimal digits, or None where there is none beside the file.

    Raises:
        ModelFileError: the file is another than the one that the checksum was made of, or one of
            the two can't be read.
    """
    expected = _read(path)
    if expected is None:
        return None
    found = digest_of(path)
    if found != expected:
        reason = f"its SHA-256 is {found}, but {checksum_path(path).name} says {expected}"
        raise ModelFileError(path, f"{reason}: it was damaged or changed")
    return found


def digest_of(path: Path) -> str:
    """The SHA-256 of a file in hexadecimal digits.

    Raises:
        ModelFileError: it can't be read.
    """
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise ModelFileError(path, (error.strerror or "it can't be read").lower()) from error


def _read(path: Path) -> str | None:
    beside = checksum_path(path)
    try:
        with beside.open("rb") as file:
            text = file.read(_MAX_BYTES).decode(errors="replace")
    except FileNotFoundError:
        return None
    except OSError as error:
        reason = f"its checksum {beside.name} can't be read ({error.strerror or error})"
        raise ModelFileError(path, reason) from error
    line = _LINE.fullmatch(text)
    if line is None:
        raise ModelFileError(path, f"{beside.name} is no checksum as sha256sum writes it")
    return line[1].lower()
