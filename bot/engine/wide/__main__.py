"""`python -m bot.engine.wide`: compiles the kernels ahead, so that no worker has to at start."""

import sys
import time

import numpy as np

from bot.engine.wide.compiling import is_kept
from bot.engine.wide.engine import compile_kernels


def main() -> int:
    """Compiles for both ways to store weights."""
    started_s = time.monotonic()
    for dtype in (np.int8, np.uint8):
        compile_kernels(dtype)
    where = "kept" if is_kept else "not kept: no folder can be written"
    sys.stdout.write(f"kernels compiled in {time.monotonic() - started_s:.0f} s ({where})\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
