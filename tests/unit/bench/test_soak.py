"""The soak, kept short: that it is run to its end, and that it finds what is wrong."""

import importlib.util
import json
import os
from array import array
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bot.__main__ import main as command_line
from bot.bench.soak import Report, Sizes, count_free_places, plan_for, soak, table
from bot.bench.soak_requests import Outcome, Request, faults_of, plan_requests
from bot.core.sampling import SamplingParams
from bot.engine.api import Engine, Progress
from bot.engine.scripted import ScriptedEngine
from bot.engine.select import ENGINE_FILE_FORMAT, open_engine
from bot.model.store import OpenedModel, open_model
from bot.worker.generation import End

SHORT = Sizes(max_prompt=60, max_new_tokens=16)


@pytest.fixture
def small(tmp_path: Path) -> OpenedModel:
    """The small model."""
    return open_model("small", "gguf", tmp_path)


def scripted(small: OpenedModel, kind: type[ScriptedEngine] = ScriptedEngine) -> ScriptedEngine:
    """An engine with the small model's vocabulary."""
    return kind(n_vocab=small.info.shape.n_vocab, n_ctx=small.info.shape.n_ctx, slots=4)


async def run(engine: Engine, opened: OpenedModel, count: int, **options: Any) -> Report:
    """A short soak."""
    planned = plan_for(engine, count, seed=3, sizes=SHORT)
    return await soak(
        engine, opened.tokenizer, opened.info, planned, **({"limit_s": 600} | options)
    )


def outcome(**changes: Any) -> Outcome:
    """A text of three tokens, as long as asked for."""
    request = Request(index=7, tokens=(1,), max_new_tokens=3, sampling=SamplingParams(stop=("no",)))
    good = Outcome(
        request=request, end=End.LENGTH, failure=None, tokens=array("i", [4, 5, 6]),
        text="ab", n_late=0, is_alone=True,
    )  # fmt: skip
    return replace(good, **changes)


async def test_two_hundred_mixed_requests_end_well(small: OpenedModel):
    """All kinds of ends are there, every repeated seed makes its text again, no place is lost."""
    report = await run(scripted(small), small, 200)

    assert () == report.faults
    assert (200, 200) == (report.run, sum(report.ends.values()))
    assert {"length", "stopped"} <= report.ends.keys()
    assert 5 < report.repeated == report.repeated_same
    assert (4, 4) == report.places


@pytest.mark.parametrize("name", ["llama_cpp", "ctransformers"])
@pytest.mark.timeout(120)
async def test_two_hundred_requests_end_well_on_a_real_engine(name: str, tmp_path: Path):
    """On whatever is installed."""
    if importlib.util.find_spec(name) is None:
        pytest.skip(f"{name} is not installed")
    opened = open_model("small", ENGINE_FILE_FORMAT[name], tmp_path)
    engine = open_engine(name, opened.info, n_threads=1)
    try:
        report = await run(engine, opened, 200)
    finally:
        engine.close()

    assert () == report.faults
    assert 200 == report.run
    assert report.places[0] == report.places[1] == engine.info.max_sequences


def test_plan_is_mixed_and_made_again_by_its_seed():
    """Short and long, a tenth cancelled, some repeated, nothing beyond the window."""
    how = {"seed": 1, "n_vocab": 500, "n_ctx": 512, "max_prompt": 900, "max_new_tokens": 400}
    requests = list(plan_requests(2000, **how))

    assert requests == list(plan_requests(2000, **how))
    assert all(len(one.tokens) + one.max_new_tokens <= 512 for one in requests)
    assert {1, 511} <= {len(one.tokens) for one in requests}
    assert 140 < sum(one.cancel_after is not None for one in requests) < 260
    repeated = [one for one in requests if one.repeats is not None]
    assert len(repeated) > 200
    for one in repeated:
        earlier = requests[one.repeats or 0]
        assert (one.tokens, one.sampling) == (earlier.tokens, earlier.sampling)
    beginnings = {one.tokens[:40] for one in requests if len(one.tokens) >= 40}
    assert len(beginnings) < sum(len(one.tokens) >= 40 for one in requests) - 200


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"end": None, "failure": "broken"}, "it failed: broken"),
        ({"n_late": 2}, "2 tokens came after its end"),
        ({"tokens": array("i", [4, 5])}, "it has 2 tokens of 3"),
        ({"tokens": array("i", [4, 5, 6, 7]), "end": End.END_OF_TEXT}, "it has 4 tokens of 3"),
        ({"end": End.STOPPED}, "nobody asked for that"),
        ({"text": "no more"}, "a stop string is part of it"),
        ({"end": End.WINDOW}, "it can't have ended by window"),
    ],
)
def test_what_is_wrong_with_a_text_is_said(changes: dict[str, Any], words: str):
    """With the request's number, so that it can be found."""
    (fault,) = faults_of(outcome(**changes))

    assert fault.startswith("request 7: ")
    assert words in fault
    assert [] == faults_of(outcome())


class ForgetfulEngine(ScriptedEngine):
    """Loses a place now and then."""

    def remove(self, sequence_id: int) -> None:
        if sequence_id != 58:
            super().remove(sequence_id)


class FickleEngine(ScriptedEngine):
    """Promises what it does not keep: its texts depend on when they are asked for."""

    n_steps = 0

    def step(self, plan: Mapping[int, int]) -> list[Progress]:
        self.n_steps += 1
        progress = super().step(plan)
        if self.n_steps % 7:
            return progress
        return [replace(one, token=one.token and (one.token + 1) % 50) for one in progress]


class DyingEngine(ScriptedEngine):
    """Works for a while."""

    n_steps = 0

    def step(self, plan: Mapping[int, int]) -> list[Progress]:
        self.n_steps += 1
        if self.n_steps > 20:
            raise RuntimeError("it is dead")
        return super().step(plan)


async def test_lost_place_is_found(small: OpenedModel):
    """However well all texts ended."""
    report = await run(scripted(small, ForgetfulEngine), small, 60)

    assert (3, 4) == report.places
    assert "3 of 4 places are free at the end" in report.faults


async def test_seed_that_makes_another_text_is_found(small: OpenedModel):
    """Where the engine promises that it can't be."""
    report = await run(scripted(small, FickleEngine), small, 200)

    assert report.repeated_same < report.repeated
    assert any("which has the same prompt and seed" in fault for fault in report.faults)


async def test_engine_that_breaks_ends_the_run(small: OpenedModel):
    """With what it said, instead of waiting for ever."""
    report = await run(scripted(small, DyingEngine), small, 100)

    assert report.run < 100
    assert any("in a row (it is dead)" in fault for fault in report.faults)
    assert (0, 4) == report.places


async def test_soak_begins_nothing_after_its_time(small: OpenedModel):
    """What has begun ends well; the table says how many there were."""
    times = iter(range(1000))
    report = await run(scripted(small), small, 100, limit_s=11, clock=lambda: next(times))

    assert 10 == report.run
    assert () == report.faults
    assert "10 of 100" in table(report)


def test_free_places_are_counted_and_left_free(small: OpenedModel):
    """Also where some are taken."""
    engine = scripted(small)
    engine.add(1, [5], SamplingParams())

    assert 3 == count_free_places(engine)
    engine.remove(1)
    assert [4, 4] == [count_free_places(engine), count_free_places(engine)]


@pytest.mark.usefixtures("own_logging")
def test_command_prints_a_table_and_writes_figures(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    """Everything went well: exit code 0."""
    for name in list(os.environ):
        if name.startswith(("BARDLING_", "DISCORD_", "REDIS_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("BARDLING_HOME", str(tmp_path))
    out = tmp_path / "figures.json"

    code = command_line(
        ["bench", "soak", "--requests", "12", "--engine", "scripted", "--slots", "3", "--json",
         str(out)]
    )  # fmt: skip

    shown = capsys.readouterr().out
    assert 0 == code
    assert "soak on scripted" in shown
    assert "12 of 12" in shown
    figures = json.loads(out.read_text())
    assert ("bardling-small", 12, []) == (figures["model"], figures["run"], figures["faults"])
