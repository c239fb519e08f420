"""Real bot and worker processes that start in a moment: forked off a server with all imports done.

Each is killed with SIGKILL and started anew hundreds of times in a run; importing everything each
time would be most of the run.
"""

import multiprocessing
import os
import signal
import sys
from collections.abc import Mapping
from pathlib import Path

_PRELOADED = ["bot.__main__", "bot.app", "cogs.complete", "cogs.stop", "cogs.errors"]
_forks = multiprocessing.get_context("forkserver")
_forks.set_forkserver_preload(_PRELOADED)


class Child:
    """One role of the stack: a process that can be killed and started again under one log.

    Args:
        arguments: of `bardling`.
        environment: all that it gets.
        log: its output, of all its lives.
        is_ready: a text in the log that says that a life has begun.
    """

    def __init__(
        self, arguments: list[str], environment: Mapping[str, str], log: Path, is_ready: str
    ) -> None:
        self._arguments = arguments
        self._environment = dict(environment)
        self.log = log
        self._is_ready = is_ready
        self._process: multiprocessing.process.BaseProcess | None = None
        self._read_from = 0
        self.n_lives = 0

    def start(self) -> None:
        """Begins another life."""
        self._read_from = self.log.stat().st_size if self.log.exists() else 0
        target = (self._arguments, self._environment, str(self.log))
        self._process = _forks.Process(target=_live, args=target, daemon=True)
        self._process.start()
        self.n_lives += 1

    @property
    def is_alive(self) -> bool:
        return self._process is not None and self._process.is_alive()

    @property
    def is_ready(self) -> bool:
        """Whether this life has told that it is ready."""
        if not self.is_alive or not self.log.exists():
            return False
        with self.log.open(errors="replace") as log:
            log.seek(self._read_from)
            return self._is_ready in log.read()

    def kill(self) -> None:
        """Ends it without any warning."""
        self._send(signal.SIGKILL)

    def stop(self) -> None:
        """Asks it to end, and kills it where it does not."""
        self._send(signal.SIGTERM)

    def _send(self, signum: int) -> None:
        process, self._process = self._process, None
        if process is None or process.pid is None:
            return
        if process.is_alive():
            os.kill(process.pid, signum)
        process.join(timeout=30)
        if process.is_alive():
            process.kill()
            process.join()


def _live(arguments: list[str], environment: dict[str, str], log: str) -> None:
    output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(output, 1)
    os.dup2(output, 2)
    os.environ.clear()
    os.environ.update(environment)
    from bot.__main__ import main  # after the environment is set

    sys.exit(main(arguments))
