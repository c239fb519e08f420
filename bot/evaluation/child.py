"""The child's side: a process that holds one model and answers its parent's requests.

The programs `smoke` and `measuring` are such children, `model_process` is the parent. A request is
a line of JSON on standard input; each answer is one on standard output, followed by the bytes of
its rows where it has any. A C library that ends the process ends nothing else.
"""

import json
import os
import signal
import sys
from collections.abc import Callable, Iterator, Mapping
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

from bot.core.models import ModelInfo, ModelShape
from bot.engine.api import Engine
from bot.engine.select import open_engine
from bot.errors import EngineError
from bot.logs import configure_logging

Rows = npt.NDArray[np.float32]
Answer = tuple[dict[str, Any], Rows | None]
Handler = Callable[[Engine, dict[str, Any]], Iterator[Answer]]

ENGINE, MODEL = "engine", "model"  # whose fault a failure is
NO_MORE = "no_more"  # the key of the answer that ends a request's answers


def serve(handlers: Mapping[str, Handler]) -> int:
    """Opens the model that the first line names, and answers requests until the input ends.

    Args:
        handlers: what to do for each request, by the request's "do".

    Returns:
        The exit code.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent ends us, and says one sentence
    requests, answers = sys.stdin.buffer, _own_output()
    configure_logging("console", "warning")
    try:
        engine = _open(json.loads(requests.readline()))
    except EngineError as error:
        _send(answers, {"failure": str(error), "of": ENGINE}, None)
        return 0
    _send(answers, {"n_ctx": engine.info.n_ctx}, None)
    try:
        for line in requests:
            request = json.loads(line)
            _answer(handlers[request["do"]], engine, request, answers)
    except BrokenPipeError:  # nobody listens any more, so what is left to say goes nowhere
        os.dup2(os.open(os.devnull, os.O_WRONLY), answers.fileno())
    finally:
        engine.close()
    return 0


def _own_output() -> BinaryIO:
    """Standard output for answers alone: what libraries print goes to standard error."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    return answers


def _open(request: dict[str, Any]) -> Engine:
    values: dict[str, Any] = request["info"]
    values["shape"] = ModelShape(**values["shape"])
    values["suppressed_ids"] = tuple(values["suppressed_ids"])  # JSON knows no tuples
    info = ModelInfo(**values)
    return open_engine(request["engine"], info, slots=1, n_threads=request["n_threads"])


def _answer(handler: Handler, engine: Engine, request: dict[str, Any], answers: BinaryIO) -> None:
    try:
        for answer, rows in handler(engine, request):
            _send(answers, answer, rows)
    except RuntimeError as error:  # how engines tell that the model failed
        _send(answers, {"failure": str(error), "of": MODEL}, None)
    else:
        _send(answers, {NO_MORE: True}, None)


def _send(answers: BinaryIO, answer: dict[str, Any], rows: Rows | None) -> None:
    shape = [] if rows is None else list(rows.shape)
    answers.write(json.dumps(answer | {"shape": shape}).encode() + b"\n")
    if rows is not None:
        answers.write(np.ascontiguousarray(rows).data)
    answers.flush()
