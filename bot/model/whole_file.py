"""Writes files that are there as a whole or not at all. Used by import, convert and download."""

import contextlib
import errno
import fcntl
import os
import re
import secrets
import shutil
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from bot.model.sizes import bytes_text

_OURS = re.compile(r"\..+\.[0-9a-f]{16}\.part")
# How long a part is left alone where no lock tells: who still writes has written within an hour.
_ABANDONED_AFTER_S = 3600.0
_SPACE_RESERVE = 64 << 20  # left for everything else on the disk


@contextmanager
def writing(target: Path, n_bytes: int = 0) -> Generator[Path]:
    """A path to write to, which becomes `target` at the end; on an error it goes.

    Two processes that write the same target do not harm each other: each has its own part, and
    the last rename wins. Parts of processes that were killed are swept, whatever they were to be.

    Args:
        target: the file; its folder is made.
        n_bytes: how large it will be, if that is known.

    Raises:
        OSError: it can't be written, or it is known that the disk has no room for it.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    _sweep(target.parent)
    if reason := too_little_space(target.parent, n_bytes):
        raise OSError(errno.ENOSPC, reason)
    part, held = _open_part(target)
    with held:
        try:
            yield part
            os.fsync(held.fileno())
            part.replace(target)
        except OSError as error:
            if error.errno is None:  # numpy says how much it wrote, and not why no more
                raise OSError(errno.ENOSPC, "the disk took no more of it") from error
            raise
        finally:
            part.unlink(missing_ok=True)


@contextmanager
def alone(folder: Path) -> Generator[None]:
    """The folder, ours alone until the process ends, however it ends; the folder is made.

    Raises:
        BlockingIOError: another process has it.
        OSError: it can't be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield


def too_little_space(folder: Path, n_bytes: int) -> str | None:
    """Why so much can't be written there, or None; the folder exists."""
    free = shutil.disk_usage(folder).free
    if not n_bytes or n_bytes + _SPACE_RESERVE <= free:
        return None
    needed = f"{bytes_text(n_bytes + _SPACE_RESERVE)} of disk are needed in {folder}"
    return f"{needed}, and {bytes_text(free)} are free"


def _open_part(target: Path) -> tuple[Path, IO[bytes]]:
    """A new part, locked until its process ends, however it ends: so nobody else sweeps it."""
    while True:
        part = target.with_name(f".{target.name}.{secrets.token_hex(8)}.part")
        held = part.open("xb")
        with contextlib.suppress(OSError):  # some network disks have no locks
            fcntl.flock(held, fcntl.LOCK_EX)
        if os.fstat(held.fileno()).st_nlink:
            return part, held
        held.close()  # swept between the two steps


def _sweep(folder: Path) -> None:
    """Removes the parts that nobody writes any more."""
    for part in folder.glob(".*.part"):
        with contextlib.suppress(OSError), part.open("rb") as file:  # another may sweep, too
            if _is_abandoned(part, file):
                part.unlink()


def _is_abandoned(part: Path, file: IO[bytes]) -> bool:
    """Whether its process is gone; if so, the part is locked now, so that nobody takes it."""
    is_locked_by_its_writer = _OURS.fullmatch(part.name) is not None
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        is_locked_by_its_writer = False
    age_s = time.time() - os.fstat(file.fileno()).st_mtime
    return is_locked_by_its_writer or age_s > _ABANDONED_AFTER_S
