"""The SHA-256 that names a model's weights in the records of texts, computed once for each file.

Used by `store`. Unlike `checksum`, which says what a file should be, it says what the file is. Of
a large file it is remembered beside it, with the size and the time by which it is known again.
"""

import json
from pathlib import Path
from typing import Any

import structlog

from bot.model.checksum import digest_of
from bot.model.whole_file import writing

WORTH_REMEMBERING_BYTES = 64 << 20  # a smaller file is hashed in less than half a second
_VERSION = 1

_log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)


def weights_sha256(path: Path, *, worth_bytes: int = WORTH_REMEMBERING_BYTES) -> str:
    """The SHA-256 of a model file in hexadecimal digits.

    Args:
        path: the file.
        worth_bytes: from this size on it is remembered.

    Raises:
        ModelFileError: the file can't be read.
    """
    before = _mark(path)
    if before is not None and (known := _remembered(path, before)):
        return known
    digest = digest_of(path)
    if before is not None and before == _mark(path) and before["size"] >= worth_bytes:
        _remember(path, before | {"sha256": digest})
    return digest


def hash_path(path: Path) -> Path:
    """Where the hash of a file is remembered."""
    return path.with_name(f".{path.name}.weights-hash")


def _mark(path: Path) -> dict[str, Any] | None:
    """What tells this content from others; None where the file is not there."""
    try:
        status = path.stat()
    except OSError:
        return None
    return {"v": _VERSION, "size": status.st_size, "mtime_ns": status.st_mtime_ns}


def _remembered(path: Path, mark: dict[str, Any]) -> str:
    try:
        known = json.loads(hash_path(path).read_text(encoding="utf-8"))
        digest = known.pop("sha256")
    except (OSError, ValueError, KeyError, AttributeError, TypeError):
        return ""
    return digest if known == mark and isinstance(digest, str) else ""


def _remember(path: Path, record: dict[str, Any]) -> None:
    """In a folder that can't be written, the next start hashes again."""
    try:
        with writing(hash_path(path)) as part:
            part.write_text(json.dumps(record), encoding="utf-8")
    except OSError as error:
        _log.info("hash of the weights not remembered", reason=error.strerror or str(error))
