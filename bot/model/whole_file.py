"""Writes a file so that it is either there as a whole or not at all. Used by import and convert."""

import os
import secrets
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def writing(target: Path) -> Generator[Path]:
    """A path to write to, which becomes `target` at the end; on an error it goes.

    Two processes that write the same target do not harm each other: each has its own part, and
    the last rename wins.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f".{target.name}.{os.getpid()}-{secrets.token_hex(4)}.part")
    try:
        yield part
        with part.open("rb") as file:
            os.fsync(file.fileno())
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)
