"""How numba compiles the kernels: without Python's lock, and once for all processes.

What is compiled is kept in a folder named by the kernels' own text, since numba itself looks only
at the file of the function that is called, not at those that it calls.
"""

import hashlib
import importlib
import os
from pathlib import Path
from typing import Any

_numba: Any = importlib.import_module("numba")


def _cache_folder() -> Path | None:
    """Where compiled kernels are kept, or None where nothing can be written."""
    sources = sorted(Path(__file__).parent.glob("*.py"))
    digest = hashlib.sha256(b"".join(source.read_bytes() for source in sources)).hexdigest()[:16]
    try:
        home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
        folder = home / "bardling" / f"kernels-{digest}"
        folder.mkdir(parents=True, exist_ok=True)
    except (OSError, RuntimeError):
        return None
    return folder if os.access(folder, os.W_OK) else None


_folder = _cache_folder()
is_kept = _folder is not None
if _folder is not None:
    _numba.config.CACHE_DIR = str(_folder)

_options: dict[str, object] = {
    "nogil": True,
    "cache": is_kept,
    "boundscheck": False,
    "error_model": "numpy",
}
compiled: Any = _numba.njit(**_options)
inlined: Any = _numba.njit(**_options, forceinline=True)
