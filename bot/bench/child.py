"""The child's side of the engine benchmark: one process, one contender, one measurement.

A request is one line of JSON on standard input, the answer one on standard output. Standard
library alone, and no import of the project: peers run it with another environment's Python.
"""

import json
import os
import statistics
import sys
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, Protocol

Request = dict[str, Any]
Prompts = Sequence[Sequence[int]]

_WARM_UP_TOKENS = 4
_READING_SHARE = 0.25  # of the time limit, for the measurement of reading alone


class TimeUp(Exception):  # noqa: N818  # the end of a measurement, no error
    """The time limit has passed; what was written counts."""


class Recorder:
    """Counts tokens and keeps times while a contender writes.

    Args:
        n_requests: texts asked for.
        limit_s: how long all of it may take.
        clock: seconds, from any zero.
    """

    def __init__(
        self,
        n_requests: int,
        limit_s: float = float("inf"),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._clock = clock
        self._limit_s = limit_s
        self._started_s = clock()
        self._last_s = self._started_s
        # One count for each request: some peers tell of each from a thread of its own.
        self._counts = [0] * n_requests
        self._first_s: list[float | None] = [None] * n_requests
        self.is_over = False

    def token(self, request: int) -> None:
        """A request has one more token.

        Raises:
            TimeUp: no more time is left.
        """
        self._last_s = self._clock()
        if self._counts[request] == 0:
            self._first_s[request] = self._last_s - self._started_s
        self._counts[request] += 1
        self.check()

    def finished(self, request: int, n_tokens: int, after_first_s: float) -> None:
        """A request is written, of which single tokens were not told.

        Args:
            request: which one.
            n_tokens: all of its tokens.
            after_first_s: how long ago its first token was there.
        """
        self._last_s = self._clock()
        self._first_s[request] = self._last_s - self._started_s - after_first_s
        self._counts[request] = n_tokens

    def check(self) -> None:
        """Raises TimeUp where no more time is left."""
        if self._clock() - self._started_s > self._limit_s:
            self.is_over = True
            raise TimeUp

    @property
    def total_s(self) -> float:
        """From the start to the newest token."""
        return self._last_s - self._started_s

    @property
    def n_tokens(self) -> int:
        """Of all requests."""
        return sum(self._counts)

    @property
    def first_s(self) -> list[float]:
        """Time to first token of each request that has one, from the start."""
        return [one for one in self._first_s if one is not None]


class Contender(Protocol):
    """Something that writes texts, open and ready."""

    def run(self, prompts: Prompts, new_tokens: int, recorder: Recorder) -> None:
        """Writes `new_tokens` tokens after each prompt and tells the recorder of each at once.

        Lets TimeUp through; may be called again after it.
        """
        ...


def measure_streams(contender: Contender, request: Request) -> dict[str, Any]:
    """Figures of one run, after a warm-up and a run that only reads prompts."""
    n_prompt = len(request["prompts"][0])
    # Begins like no other prompt: some contenders keep what they have computed.
    warm_up = [request["reading_prompts"][0][::-1]]
    _recorded(contender, warm_up, _WARM_UP_TOKENS, float("inf"))
    reading = _recorded(
        contender, request["reading_prompts"], 1, request["limit_s"] * _READING_SHARE
    )
    writing = _recorded(contender, request["prompts"], request["new_tokens"], request["limit_s"])
    if not writing.first_s or not reading.first_s:
        raise RuntimeError("no text was finished within the time limit")
    after_first_s = writing.total_s - min(writing.first_s)
    return {
        "tokens_per_s": writing.n_tokens / writing.total_s,
        "first_token_s": statistics.median(writing.first_s),
        "reading_tokens_per_s": len(reading.first_s) * n_prompt / reading.total_s,
        # Of one stream: reading left out, as the bandwidth limit is one of writing.
        "writing_tokens_per_s": (writing.n_tokens - 1) / after_first_s if after_first_s else None,
        "n_tokens": writing.n_tokens,
        "cut": writing.is_over,
    }


def _recorded(contender: Contender, prompts: Prompts, new_tokens: int, limit_s: float) -> Recorder:
    recorder = Recorder(len(prompts), limit_s)
    with until_time_is_up():
        contender.run(prompts, new_tokens, recorder)
    return recorder


@contextmanager
def until_time_is_up() -> Generator[None]:
    """A block that a passed time limit ends."""
    try:
        yield
    except TimeUp:
        return


def serve(measure: Callable[[Request], dict[str, Any]]) -> None:
    """Answers the one request and ends the process, whatever threads a library has left."""
    answers = _own_output()
    request = json.loads(sys.stdin.buffer.readline())
    try:
        answer = measure(request) | {"peak_bytes": peak_bytes()}
    except Exception as error:
        last_line = (str(error).strip().splitlines() or [""])[-1]
        answer = {"failure": f"{type(error).__name__}: {last_line}"}
    answers.write(json.dumps(answer).encode() + b"\n")
    answers.flush()
    sys.stderr.flush()
    os._exit(0)  # CTranslate2 would abort at the interpreter's orderly end


def serve_peer(open_: Callable[[Request], Contender]) -> None:
    """What the program of a peer does."""
    serve(lambda request: measure_streams(open_(request), request))


def _own_output() -> BinaryIO:
    """Standard output for the answer alone: what libraries print goes to standard error."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    return answers


def peak_bytes() -> int | None:
    """The most memory this process ever had resident; None where the system does not tell."""
    try:
        lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    except OSError:
        return None
    # Not ru_maxrss, which on Linux counts what the parent had when it started this process.
    [kilobytes] = [line.split()[1] for line in lines if line.startswith("VmHWM:")] or [None]
    return int(kilobytes) * 1024 if kilobytes else None
