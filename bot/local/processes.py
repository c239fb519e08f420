"""Child processes that never outlive their parent: started, watched, restarted, ended.

`try_out` runs the bot and the worker with it. Knows nothing of what they are; a child says why it
can't start in a last line that begins with "bardling: " (see `bot.__main__`).
"""

import asyncio
import json
import os
import random
import signal
import sys
import time
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, cast

from bot.errors import EX_CONFIG, EX_UNAVAILABLE, StartupError

_STOP_FOR_S = 6.0  # then it is killed
_HEALTHY_AFTER_S = 60.0  # a child that ran this long has earned its restarts back
_MAX_RESTARTS = 5
_FIRST_DELAY_S = 0.5
_LONGEST_DELAY_S = 10.0
_LONGEST_LINE = 1 << 16
_SENTENCE = "bardling: "
_WARNINGS = {"warning", "error", "critical"}
_ERRORS = {"error", "critical"}

# Asks the kernel to kill this process when its parent is gone, however that ended, then becomes
# the program. (1 = PR_SET_PDEATHSIG; it outlives an exec. The parent may have gone before it could
# ask: then the process belongs to another one already.)
_END_WITH_PARENT = """
import ctypes, os, signal, sys
ctypes.CDLL(None).prctl(1, signal.SIGKILL, 0, 0, 0)
if os.getppid() != int(sys.argv[1]):
    sys.exit("the parent process is gone")
os.execv(sys.argv[2], sys.argv[2:])
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChildSpec:
    """What to run.

    Attributes:
        name: for log lines and sentences, such as "worker".
        arguments: the program and its arguments.
        environment: the complete one.
        log_path: where everything it writes goes.
    """

    name: str
    arguments: Sequence[str]
    environment: Mapping[str, str]
    log_path: Path


class ChildEndedError(StartupError):
    """A child can't be kept running; the message is the child's own where it gave one."""

    exit_code = EX_UNAVAILABLE


@asynccontextmanager
async def supervised(
    spec: ChildSpec, show: Callable[[str], None]
) -> AsyncGenerator[asyncio.Task[None]]:
    """Runs a child for as long as the context is open; ends it at the end.

    Args:
        spec: what to run.
        show: called with each warning or error of the child, as one line for a person.

    Yields:
        The task that watches the child; it only ever ends with `ChildEndedError`.
    """
    try:
        spec.log_path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        message = f"The folder {spec.log_path.parent} can't be written: {error.strerror or error}."
        raise ChildEndedError(message) from error
    task = asyncio.create_task(_keep_running(spec, show), name=spec.name)
    try:
        yield task
    finally:
        await end_task(task)


async def end_task(task: asyncio.Task[Any]) -> None:
    """Cancels a task and waits for its end, whatever that is; a cancellation of ours goes on."""
    task.cancel()
    await asyncio.wait({task})
    if not task.cancelled():
        task.exception()  # seen now: asyncio need not report it


async def _keep_running(spec: ChildSpec, show: Callable[[str], None]) -> None:
    restarts = 0
    with spec.log_path.open("wb") as log:
        while True:
            started_at_s = time.monotonic()
            output = _Output(spec.name, log, show)
            code = await _run_once(spec, output)
            if code in (EX_CONFIG, EX_UNAVAILABLE):
                raise ChildEndedError(output.sentence or _ended(spec, code))
            if time.monotonic() - started_at_s > _HEALTHY_AFTER_S:
                restarts = 0
            if restarts == _MAX_RESTARTS:
                raise ChildEndedError(output.sentence or _ended(spec, code))
            delay_s = min(_FIRST_DELAY_S * 2**restarts, _LONGEST_DELAY_S) * random.uniform(0.8, 1.2)
            restarts += 1
            show(f"The {spec.name} {_how(code)}; it starts again in {delay_s:.1f} s.")
            await asyncio.sleep(delay_s)


async def _run_once(spec: ChildSpec, output: "_Output") -> int:
    """Runs a child to its end and returns its exit code; ends it when cancelled."""
    process = await asyncio.create_subprocess_exec(
        *_with_parent(spec.arguments),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env=dict(spec.environment),
        start_new_session=True,  # Ctrl-C reaches the parent alone, which ends all in order
    )
    stream = cast(asyncio.StreamReader, process.stdout)
    try:
        while chunk := await stream.read(_LONGEST_LINE):
            output.write(chunk)
        return await process.wait()
    finally:
        if process.returncode is None:
            await asyncio.shield(_end(process, stream, output))


async def _end(
    process: asyncio.subprocess.Process, stream: asyncio.StreamReader, output: "_Output"
) -> None:
    with suppress(ProcessLookupError):
        process.send_signal(signal.SIGTERM)
    try:
        async with asyncio.timeout(_STOP_FOR_S):
            while chunk := await stream.read(_LONGEST_LINE):  # a full pipe would hold it up
                output.write(chunk)
            await process.wait()
    except TimeoutError:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()


class _Output:
    """Where a child's lines go: all to its log, warnings to a person, the last sentence kept."""

    def __init__(self, name: str, log: BinaryIO, show: Callable[[str], None]) -> None:
        self.sentence: str | None = None
        self._name = name
        self._log = log
        self._show = show
        self._line = b""

    def write(self, chunk: bytes) -> None:
        self._log.write(chunk)
        self._log.flush()
        *lines, rest = (self._line + chunk).split(b"\n")
        self._line = rest[-_LONGEST_LINE:]
        for line in lines:
            self._read(line.decode(errors="replace").strip())

    def _read(self, line: str) -> None:
        if line.startswith(_SENTENCE):
            self.sentence = line.removeprefix(_SENTENCE)
            return
        try:
            record = json.loads(line)
        except ValueError:
            return  # not a log line; the log has it
        if isinstance(record, dict):
            fields = cast("dict[str, object]", record)
            # discord.py warns of what is no concern here, such as voice; its log has that too.
            ours = not str(fields.get("logger")).startswith("discord")
            if fields.get("level") in (_WARNINGS if ours else _ERRORS):
                self._show(_for_person(self._name, fields))


def _for_person(name: str, record: Mapping[str, object]) -> str:
    hidden = {"level", "event", "timestamp", "logger", "exception"}
    details = " ".join(f"{key}={value}" for key, value in record.items() if key not in hidden)
    return f"{name}: {record['level']}: {record.get('event', '')} {details}".rstrip()


def _with_parent(arguments: Sequence[str]) -> list[str]:
    """The same program, bound to this process's life (Linux; elsewhere only an orderly end is)."""
    if sys.platform != "linux":
        return list(arguments)
    return [sys.executable, "-ISc", _END_WITH_PARENT, str(os.getpid()), *arguments]


def _ended(spec: ChildSpec, code: int) -> str:
    return f"The {spec.name} {_how(code)} again and again; {spec.log_path} says more."


def _how(code: int) -> str:
    return f"was ended by signal {-code}" if code < 0 else f"ended with exit code {code}"
