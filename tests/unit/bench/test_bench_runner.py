"""Children of the engine benchmark, and the order in which they run."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from bot.bench.contenders import Contender, Environments
from bot.bench.models import MissingFormError
from bot.bench.runner import (
    OUTSIDE,
    REUSE,
    STREAMS,
    TOO_LONG,
    Measurement,
    Runner,
    Workload,
    all_measurements,
    measure_in_child,
)
from bot.core.models import ModelShape

_PROGRAM = "tests.unit.bench.programs"
_PYTHON = Path(sys.executable)
_OURS = Contender(name="bardling x", program="bot.bench.our_child", needs="", model_format="gguf")
_PEER = Contender(name="peer", program=_PROGRAM, needs="", model_format="ct", number_format="int8")
_LOOP = Contender(
    name="loop", program=_PROGRAM, needs="", model_format="gguf", one_stream_only=True
)


def _child(variant: str, timeout_s: float = 25.0) -> dict[str, object]:
    request = {"variant": variant, "number": 21}
    return measure_in_child(_PYTHON, _PROGRAM, request, timeout_s=timeout_s)


def test_answer_of_a_child():
    """What it prints besides does no harm; its memory comes along."""
    answer = _child("answer")

    assert 42 == answer["doubled"]
    assert "peak_bytes" in answer


def test_child_that_fails_says_why():
    """The error's kind and its last line."""
    assert {"failure": "ValueError: here"} == _child("fail")


def test_child_that_dies_is_told_by_signal_and_last_line():
    """A library that ends its process ends nothing else."""
    assert {"failure": "ended by SIGABRT: some library gave up"} == _child("die")


def test_child_that_hangs_is_ended():
    """Within the time it is given."""
    answer = _child("hang", timeout_s=0.3)

    assert answer[TOO_LONG]
    assert "longer than 0 s" in str(answer["failure"])


def test_measurements_come_by_streams_then_what_is_ours_alone():
    """A peer with its own numbers comes once, ours in each quantization."""
    found = all_measurements([_OURS, _PEER, _LOOP], ["q8_0", "q4_0"], [1, 8])

    told = [(one.contender.name, one.number_format, one.streams, one.kind) for one in found]
    assert [
        ("bardling x", "q8_0", 1, STREAMS), ("bardling x", "q4_0", 1, STREAMS),
        ("peer", "int8", 1, STREAMS), ("loop", "q8_0", 1, STREAMS), ("loop", "q4_0", 1, STREAMS),
        ("bardling x", "q8_0", 8, STREAMS), ("bardling x", "q4_0", 8, STREAMS),
        ("peer", "int8", 8, STREAMS),
        ("bardling x", "q8_0", 8, OUTSIDE), ("bardling x", "q4_0", 8, OUTSIDE),
        ("bardling x", "q8_0", 1, REUSE), ("bardling x", "q4_0", 1, REUSE),
    ] == told  # fmt: skip


class _Model:
    """A model that has no form for a peer."""

    name = "none"
    shape = ModelShape(n_vocab=300, n_ctx=64, n_embd=64, n_head=2, n_layer=2)
    quantizations = ("q8_0",)

    def path(self, contender: Contender, quantization: str) -> Path:
        if contender is _PEER:
            raise MissingFormError("it has no such form")
        return Path("nowhere")


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, object]]:
    """The requests that children would get; each loop takes too long."""
    requests: list[dict[str, object]] = []

    def answer(
        _: Path, program: str, request: dict[str, object], *, timeout_s: float
    ) -> dict[str, object]:
        assert timeout_s > 9
        requests.append(request)
        late = {"failure": "late", TOO_LONG: True}
        return late if program == _PROGRAM else {"tokens_per_s": 5.0}

    monkeypatch.setattr("bot.bench.runner.measure_in_child", answer)
    return requests


def _run(
    rounds: int, budget_s: float, clock: Callable[[], float]
) -> dict[Measurement, list[dict[str, object]]]:
    work = Workload(prompt_tokens=4, new_tokens=3, threads=1, limit_s=9)
    environments = Environments(peers_python=_PYTHON, versions={})
    runner = Runner(_Model(), work, environments, lambda _: None)
    measurements = [
        Measurement(contender=one, number_format="q8_0", streams=2) for one in (_OURS, _PEER, _LOOP)
    ]
    return runner.run(measurements, rounds=rounds, budget_s=budget_s, clock=clock)


def test_contender_that_fails_leaves_the_others_alone(asked: list[dict[str, object]]):
    """It is tried in each round; only what took too long is not tried again."""
    ours, peer, loop = _run(3, 100, lambda: 0.0).values()

    assert [{"tokens_per_s": 5.0}] * 3 == ours
    assert [{"failure": "it has no such form"}] * 3 == peer
    assert 1 == len(loop)
    assert 4 == len(asked)


def test_prompts_are_one_for_all_in_a_round_and_new_in_the_next(asked: list[dict[str, object]]):
    """So that nobody has it easier and no cache helps."""
    _run(2, 100, lambda: 0.0)

    ours, loop, again = (request["prompts"] for request in asked)
    assert ours == loop != again


def test_no_round_begins_after_the_budget(asked: list[dict[str, object]]):
    """The first one always runs."""
    times = iter((0.0, 50.0, 101.0))

    found = _run(9, 100, lambda: next(times))

    assert [2, 2, 1] == [len(results) for results in found.values()]
    assert asked
