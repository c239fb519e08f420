"""What `bardling bench bot` makes of what members saw."""

import json
import math
from pathlib import Path

import pytest

from bot.bench.bot import BotOptions, main
from bot.bench.bot_figures import LoopFigures, Shown, quantile, row_of, table
from bot.bench.bot_stack import loop_figures
from bot.settings import load_settings

SHOWN = [
    Shown(asked_s=10.0, first_s=10.5, final_s=14.0, edits_s=(10.5, 11.7, 14.0)),
    Shown(asked_s=10.0, first_s=12.0, final_s=12.0, edits_s=(12.0,)),
]


def test_figures_of_two_replies():
    """Each from its own command; the longest standstill is of a reply that had begun."""
    row = row_of("scripted", 2, 1, SHOWN, LoopFigures(p50_ms=1.0, p99_ms=9.0, longest_ms=20.0))

    assert (0.5, 2.0) == (row.first_p50_s, row.first_p99_s)
    assert (2.0, 4.0) == (row.final_p50_s, row.final_p99_s)
    assert pytest.approx(2.3) == row.longest_gap_s
    assert 4 == row.edits
    shown = table([row])
    assert "9.0 ms" in shown
    assert "not finished" not in shown


def test_nothing_finished_is_said():
    """A row without a figure, and how many are missing."""
    row = row_of("auto", 3, 1, [], None, missing=3)
    shown = table([row])
    assert math.isnan(row.first_p50_s)
    assert "3 not finished" in shown
    assert "unknown" in shown


def test_quantiles_are_values_that_were_there():
    """Of one, of few, of a hundred."""
    assert 7 == quantile([7], 0.99)
    assert 1 == quantile([3, 1], 0.5)
    assert 99 == quantile(range(1, 101), 0.99)


def test_loop_figures_come_from_a_workers_log(tmp_path: Path):
    """The last of a worker that left; none of one that was killed."""
    log = tmp_path / "worker.log"
    assert loop_figures(log) is None
    left = {"event": "worker left", "loop_lag_p50_ms": 1, "loop_lag_p99_ms": 2}
    lines = ["no log line", "[]", json.dumps(left | {"loop_lag_longest_ms": 3})]
    log.write_text("\n".join(lines), encoding="utf-8")
    assert LoopFigures(p50_ms=1.0, p99_ms=2.0, longest_ms=3.0) == loop_figures(log)


@pytest.mark.timeout(150)
def test_measures_real_processes(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """A small run: three members, all texts there, the worker's loop looked at."""
    settings = load_settings({"BARDLING_HOME": str(tmp_path)})
    out = tmp_path / "figures.json"
    options = BotOptions(
        engines=("scripted",), waiting=(3,), length=20, samples=3, budget_s=100, json_out=out
    )

    assert 0 == main(options, settings)

    [row] = json.loads(out.read_text())["rows"]
    assert (3, 1, 0) == (row["waiting"], row["rounds"], row["missing"])
    assert 0 < row["first_p50_s"] <= row["first_p99_s"] <= row["final_p99_s"] < 60
    assert row["loop"]["p99_ms"] > 0
    assert "scripted" in capsys.readouterr().out
