"""Writes a file so that it is either there as a whole or not at all. Used by import and convert."""

import contextlib
import os
import secrets
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

_ABANDONED_AFTER_S = 3600.0  # who still writes has written something within an hour


@contextmanager
def writing(target: Path) -> Generator[Path]:
    """A path to write to, which becomes `target` at the end; on an error it goes.

    Two processes that write the same target do not harm each other: each has its own part, and
    the last rename wins. Parts of processes that were killed are swept.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    for left in target.parent.glob(f".{target.name}.*.part"):
        with contextlib.suppress(OSError):  # another process may sweep, too
            if time.time() - left.stat().st_mtime > _ABANDONED_AFTER_S:
                left.unlink()
    part = target.with_name(f".{target.name}.{os.getpid()}-{secrets.token_hex(4)}.part")
    try:
        yield part
        with part.open("rb") as file:
            os.fsync(file.fileno())
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)
