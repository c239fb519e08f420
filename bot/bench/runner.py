"""Takes the measurements: each in a fresh child, one at a time, all contenders in turn.

A machine that changes its speed changes it for all, a library that ends its process ends nothing
else, and no thread of one disturbs another.
"""

import json
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bot.bench.contenders import Contender, Environments
from bot.bench.models import MissingFormError, Model

STREAMS, OUTSIDE, REUSE = "streams", "outside", "reuse"
TOO_LONG = "too_long"  # the key of a result whose child had to be ended
_PATIENCE_S = 90.0  # for importing, loading and warming up
_ROOT = Path(__file__).parents[2]
# In the peers' environment the project comes last: that one knows its own packages best.
_START = (
    "import runpy, sys; root = sys.argv.pop(1); "
    "sys.path.insert(0 if sys.executable == sys.argv.pop(1) else len(sys.path), root); "
    "runpy.run_module(sys.argv[1], run_name='__main__')"
)
Result = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    """What everybody has to do.

    Attributes:
        prompt_tokens: read for each request.
        new_tokens: written for each request.
        threads: processor threads.
        limit_s: a measurement is cut off after so long.
        temperature: of the drawing.
        top_k: of the drawing.
    """

    prompt_tokens: int
    new_tokens: int
    threads: int
    limit_s: float
    temperature: float = 0.9
    top_k: int = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """One thing to measure, in every round.

    Attributes:
        contender: of whom.
        number_format: how it keeps weights.
        streams: requests at once.
        kind: STREAMS, OUTSIDE or REUSE.
    """

    contender: Contender
    number_format: str
    streams: int
    kind: str = STREAMS


def all_measurements(
    contenders: Sequence[Contender], quantizations: Sequence[str], streams: Sequence[int]
) -> list[Measurement]:
    """In the order of a round: by streams, so that who is compared runs close together."""
    formed = [
        (contender, number_format)
        for contender in contenders
        for number_format in (
            [contender.number_format] if contender.number_format else quantizations
        )
    ]
    found = [
        Measurement(contender=contender, number_format=number_format, streams=count)
        for count in streams
        for contender, number_format in formed
        if count == 1 or not contender.one_stream_only
    ]
    for kind, count in ((OUTSIDE, max(streams)), (REUSE, 1)):
        found += [
            Measurement(contender=contender, number_format=number_format, streams=count, kind=kind)
            for contender, number_format in formed
            if contender.is_ours
        ]
    return found


class Runner:
    """Measures one model.

    Args:
        model: in all its forms.
        workload: for everybody.
        environments: the Pythons.
        tell: called with a line for each measurement taken.
    """

    def __init__(
        self,
        model: Model,
        workload: Workload,
        environments: Environments,
        tell: Callable[[str], None],
    ) -> None:
        self._model = model
        self._workload = workload
        self._environments = environments
        self._tell = tell

    def run(
        self,
        measurements: Sequence[Measurement],
        *,
        rounds: int,
        budget_s: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> dict[Measurement, list[Result]]:
        """Takes each once in a round.

        Args:
            measurements: what is measured.
            rounds: how many, at most.
            budget_s: no new round begins after this.
            clock: seconds, from any zero.

        Returns:
            Of each the rounds' results; a failed one has the key "failure".
        """
        found: dict[Measurement, list[Result]] = {one: [] for one in measurements}
        started_s = clock()
        for turn in range(rounds):
            if turn and clock() - started_s > budget_s:
                self._tell(f"no time is left for round {turn + 1} of {rounds}")
                break
            for one in measurements:
                if any(TOO_LONG in result for result in found[one]):
                    continue  # it would take as long again
                result = self._measure(one, turn)
                found[one].append(result)
                self._tell(f"round {turn + 1}: {_line(one, result)}")
        return found

    def _measure(self, one: Measurement, turn: int) -> Result:
        try:
            path = self._model.path(one.contender, one.number_format)
        except MissingFormError as error:
            return {"failure": str(error)}
        return measure_in_child(
            self._environments.python(one.contender),
            one.contender.program,
            self._request(one, path, turn),
            timeout_s=_PATIENCE_S + 1.5 * self._workload.limit_s,
        )

    def _request(self, one: Measurement, path: Path, turn: int) -> dict[str, Any]:
        work, shape = self._workload, self._model.shape
        # The same for all contenders, and different each time, so that no cache helps.
        random = np.random.default_rng([turn, one.streams])
        prompts, reading_prompts = random.integers(
            0, shape.n_vocab - 1, (2, one.streams, work.prompt_tokens)
        ).tolist()
        return {
            "measure": one.kind,
            "path": str(path),
            "n_ctx": shape.n_ctx,
            "n_vocab": shape.n_vocab,
            "variant": one.contender.variant,
            "streams": one.streams,
            "threads": work.threads,
            "prompts": prompts,
            "reading_prompts": reading_prompts,
            "new_tokens": work.new_tokens,
            "temperature": work.temperature,
            "top_k": work.top_k,
            "limit_s": work.limit_s,
            "seed": turn,
        }


def measure_in_child(
    python: Path, program: str, request: dict[str, Any], *, timeout_s: float
) -> Result:
    """Runs a program in a process of its own and takes its answer.

    Args:
        python: what runs it.
        program: a module's name.
        request: for its standard input.
        timeout_s: when it is ended.

    Returns:
        Its answer; with the key "failure" where there is none.
    """
    command = [str(python), "-P", "-c", _START, str(_ROOT), sys.executable, program]
    with (
        tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as complaints,
        subprocess.Popen(  # noqa: S603  # our own program
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=complaints
        ) as process,
    ):
        try:
            output, _ = process.communicate(json.dumps(request).encode() + b"\n", timeout_s)
        except subprocess.TimeoutExpired:
            return {"failure": f"it took longer than {timeout_s:.0f} s", TOO_LONG: True}
        finally:
            process.kill()  # if it has not ended
        process.wait()
        if output.endswith(b"\n"):
            return json.loads(output)
        complaints.seek(0)
        return {"failure": _death(process.returncode, complaints.read())}


def _death(code: int, complaints: str) -> str:
    how = f"ended by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"
    lines = [line.strip() for line in complaints.splitlines() if line.strip()]
    return f"{how}: {lines[-1]}" if lines else how


def _line(one: Measurement, result: Result) -> str:
    what = f"{one.contender.name} {one.number_format}, {one.streams} stream(s)"
    if "failure" in result:
        return f"{what}: {result['failure']}"
    return f"{what}: {', '.join(_shown(result))}"


def _shown(result: Result) -> Iterator[str]:
    names = {
        "tokens_per_s": "tokens/s",
        "outside_engine": "of a step outside the model",
        "reused_tokens": "tokens reused",
    }
    for key, unit in names.items():
        if isinstance(value := result.get(key), int | float):
            yield f"{value:.3g} {unit}"
