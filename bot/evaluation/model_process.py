"""The parent's side of a child that holds one model; see `child`. Used by `verify` and `compare`.

Every wait has an end, and however a child dies, it is one sentence that names the model.
"""

import json
import signal
import subprocess
import sys
import threading
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict
from math import prod
from pathlib import Path
from typing import IO, Any, NoReturn

import numpy as np

from bot.core.models import ModelInfo
from bot.errors import EngineError, ModelFileError
from bot.evaluation.child import ENGINE, NO_MORE, Answer, Rows

_END_S = 2.0
_LEAST_PATIENCE_S = 120.0
_SLOWEST_BYTES_PER_S = 2e6  # a request computes a window: 1,000 tokens of a 1.7 GB model in 850 s


class ModelProcess:
    """A child and what can be asked of it; made by `model_process`.

    Args:
        process: just started, with pipes.
        path: the model file, for sentences.
        engine: its name, for sentences.
        timeout_s: how long one answer may take.
    """

    def __init__(
        self, process: "subprocess.Popen[bytes]", path: Path, engine: str, timeout_s: float
    ) -> None:
        self._process = process
        self._path = path
        self._engine = engine
        self._timeout_s = timeout_s
        self._is_late = False

    def ask(self, request: dict[str, Any]) -> dict[str, Any]:
        """The only answer to a request.

        Raises:
            EngineError: the engine can't run here.
            ModelFileError: the model failed, or its process died or took too long.
        """
        self._send(request)
        [(answer, _)] = self._answers()
        return answer

    def rows(self, request: dict[str, Any]) -> Iterator[Rows]:
        """The rows that a request asks for, chunk by chunk; raises like `ask`.

        The child begins at once, and waits while nobody takes what it has.
        """
        self._send(request)
        return (rows for _, rows in self._answers() if rows is not None)

    def open(self, info: ModelInfo, n_threads: int | None) -> None:
        """Has the model loaded; raises like `ask`."""
        self._send({"engine": self._engine, "info": asdict(info), "n_threads": n_threads})
        self._receive()

    def end(self) -> None:
        """Lets the child end, or ends it."""
        with suppress(BrokenPipeError):
            self._input.close()
        try:
            self._process.wait(_END_S)
        except subprocess.TimeoutExpired:
            self._process.kill()

    @property
    def _input(self) -> IO[bytes]:
        assert self._process.stdin is not None
        return self._process.stdin

    @property
    def _output(self) -> IO[bytes]:
        assert self._process.stdout is not None
        return self._process.stdout

    def _answers(self) -> Iterator[Answer]:
        while True:
            answer, rows = self._receive()
            if NO_MORE in answer:
                return
            yield answer, rows

    def _send(self, request: dict[str, Any]) -> None:
        with suppress(BrokenPipeError):  # it died: the next answer tells how
            self._input.write(json.dumps(request).encode() + b"\n")
            self._input.flush()

    def _receive(self) -> Answer:
        watch = threading.Timer(self._timeout_s, self._too_late)
        watch.start()
        try:
            line = self._output.readline()
            if not line.endswith(b"\n"):
                self._tell_death()
            answer: dict[str, Any] = json.loads(line)
            rows = self._receive_rows(answer.pop("shape"))
        finally:
            watch.cancel()
        if "failure" in answer:
            self._tell_failure(answer)
        return answer, rows

    def _receive_rows(self, shape: Sequence[int]) -> Rows | None:
        if not shape:
            return None
        n_bytes = prod(shape) * np.dtype(np.float32).itemsize
        data = self._output.read(n_bytes)
        if len(data) < n_bytes:
            self._tell_death()
        return np.frombuffer(data, dtype=np.float32).reshape(shape)

    def _too_late(self) -> None:
        self._is_late = True
        self._process.kill()

    def _tell_failure(self, answer: dict[str, Any]) -> NoReturn:
        if answer["of"] == ENGINE:
            raise EngineError(answer["failure"])
        raise ModelFileError(self._path, f"tried on {self._engine}, {answer['failure']}")

    def _tell_death(self) -> NoReturn:
        code = self._process.wait()
        if self._is_late:
            what = f"gave no answer within {self._timeout_s:.0f} s"
        elif code < 0:
            hint = ", as where memory runs out" if -code == signal.SIGKILL else ""
            what = f"was killed by {signal.Signals(-code).name}{hint}"
        else:
            what = f"ended with exit code {code}"
        raise ModelFileError(self._path, f"a process that tried it on {self._engine} {what}")


@contextmanager
def model_process(
    program: str,
    engine: str,
    info: ModelInfo,
    path: Path,
    *,
    n_threads: int | None,
    timeout_s: float | None = None,
    command: Sequence[str] | None = None,
) -> Generator[ModelProcess]:
    """A child with a model loaded, ended with the block.

    Args:
        program: the module that runs in it.
        engine: what runs the model.
        info: the model, in that engine's file format.
        path: the file that was named, maybe in another format.
        n_threads: processor threads; None = what suits the machine.
        timeout_s: how long one answer may take; None = generous for the model's size.
        command: another program than that module, in tests.

    Raises:
        EngineError: the engine can't run the model here.
        ModelFileError: the process died or took too long.
    """
    arguments = command or (sys.executable, "-P", "-m", program)
    patience_s = timeout_s or patience(Path(info.path).stat().st_size)
    with subprocess.Popen(  # noqa: S603  # our own program
        arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        child = ModelProcess(process, path, engine, patience_s)
        try:
            child.open(info, n_threads)
            yield child
        finally:
            child.end()


def patience(file_bytes: int) -> float:
    """How many seconds one answer of a model of this size may take on a slow machine."""
    return _LEAST_PATIENCE_S + file_bytes / _SLOWEST_BYTES_PER_S
