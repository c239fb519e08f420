"""Files that a command is asked to write. Used by the command lines."""

import os
from collections.abc import Callable
from pathlib import Path

from bot.errors import SettingError


def check_folder(option: str, path: Path | None) -> None:
    """Refuses a file that could not be written, before any work is done.

    Raises:
        SettingError: it could not.
    """
    if path is not None and (path.is_dir() or not os.access(path.parent, os.W_OK)):
        reason = "no file can be written there"
        raise SettingError(f"--{option}", str(path), "the command line", reason)


def save(option: str, path: Path, write: Callable[[Path], object]) -> None:
    """Writes a file that was asked for.

    Raises:
        SettingError: it can't be written.
    """
    try:
        write(path)
    except OSError as error:
        reason = f"it can't be written ({error.strerror or error})"
        raise SettingError(f"--{option}", str(path), "the command line", reason) from error
