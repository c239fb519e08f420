"""From results to rows, and from rows to a table, Markdown and a picture."""

from pathlib import Path

import pytest

from bot.bench.contenders import Contender
from bot.bench.plot import draw
from bot.bench.report import (
    Outside,
    Report,
    Reuse,
    Row,
    Spread,
    best_peer,
    outside_of,
    ratio_to_best_peer,
    ratio_to_yardstick,
    reuse_of,
    rows_of,
    share_of_bandwidth,
)
from bot.bench.runner import OUTSIDE, REUSE, Measurement
from bot.bench.tables import markdown, table

_OURS = Contender(name="bardling x", program="bot.bench.our_child", needs="", model_format="gguf")


def _row(name: str, number_format: str, speed: float, streams: int = 1, **more: object) -> Row:
    spread = Spread(speed, speed - 1, speed + 1)
    values = {
        "is_ours": name.startswith("bardling"),
        "rounds": 3,
        "tokens_per_s": spread,
        "first_token_s": Spread(0.05, 0.04, 0.06),
        "reading_tokens_per_s": spread,
        "writing_tokens_per_s": speed,
        "peak_bytes": 250_000_000,
    }
    return Row(name=name, number_format=number_format, streams=streams, **(values | more))


_ROWS = (
    _row("bardling x", "q8_0", 100),
    _row("bardling x", "q4_0", 150),
    _row("llama.cpp loop", "q8_0", 80),
    _row("llama.cpp loop", "q4_0", 160),
    _row("transformers", "f32", 90),
    _row("bardling x", "q8_0", 300, streams=8),
    _row("slow", "q8_0", 50, streams=8, is_cut=True),
    Row(name="broken", number_format="int8", is_ours=False, streams=8, rounds=0,
        failure="ValueError: no luck"),
)  # fmt: skip


def test_row_has_medians_of_what_went_well_and_the_failure():
    """Two of three rounds count."""
    one = Measurement(contender=_OURS, number_format="q8_0", streams=2)
    good = {"first_token_s": 0.1, "reading_tokens_per_s": 7.0, "writing_tokens_per_s": 9.0}
    results = [
        good | {"tokens_per_s": 10.0, "peak_bytes": 5, "cut": False},
        {"failure": "it fell"},
        good | {"tokens_per_s": 20.0, "peak_bytes": 8, "cut": True},
    ]

    [row] = rows_of({one: results})

    assert Spread(15.0, 10.0, 20.0) == row.tokens_per_s
    assert (2, 8, True, "it fell") == (row.rounds, row.peak_bytes, row.is_cut, row.failure)


def test_ours_is_compared_with_peers_that_are_as_exact():
    """A q4_0 peer is none for q8_0; an f32 one is, for both."""
    peer = best_peer(_ROWS[0], _ROWS)

    assert peer is not None
    assert ("transformers", "f32") == (peer.name, peer.number_format)
    assert 100 / 90 == pytest.approx(ratio_to_best_peer(_ROWS[0], _ROWS))
    assert 150 / 160 == pytest.approx(ratio_to_best_peer(_ROWS[1], _ROWS))
    assert ratio_to_best_peer(_ROWS[4], _ROWS) is None


def test_yardstick_is_the_loop_on_the_same_file():
    """With one stream only."""
    assert 100 / 80 == pytest.approx(ratio_to_yardstick(_ROWS[0], _ROWS))
    assert ratio_to_yardstick(_ROWS[5], _ROWS) is None


def test_share_of_bandwidth_is_speed_times_weights_over_it():
    """100 tokens of 2 bytes of 1,000 bytes a second."""
    report = Report(title="", rows=_ROWS, bandwidth=1000.0, weight_bytes={"q8_0": 2})

    assert 0.2 == pytest.approx(share_of_bandwidth(_ROWS[0], report))
    assert share_of_bandwidth(_ROWS[5], report) is None
    assert share_of_bandwidth(_ROWS[4], report) is None


def _report() -> Report:
    return Report(
        title="124M: some work",
        rows=_ROWS,
        outside=(
            Outside(label="bardling x q8_0", streams=8, engine=0.031, worker=None,
                    worker_tokens_per_s=1.0, failure=None),
        ),
        reuse=(
            Reuse(label="bardling x q8_0", prompt_tokens=950, reused_tokens=919, kept_s=0.1,
                  fresh_s=0.9, failure=None),
        ),
        bandwidth=1000.0,
        weight_bytes={"q8_0": 2},
    )  # fmt: skip


def test_table_tells_all_of_it():
    """Ours first in each group; a ratio, a cut, a failure, and the figures of ours alone."""
    text = table(_report())

    lines = text.splitlines()
    assert lines.index("1 stream at once") < lines.index("8 streams at once")
    ours = next(line for line in lines if line.startswith("bardling x q8_0 "))
    assert ["100", "99–101", "50", "ms", "100", "250", "MB", "1.11", "3"] == ours.split()[3:]
    assert any(line.startswith("slow q8_0") and "50*" in line for line in lines)
    assert any(line.startswith("broken int8") and "no luck" in line for line in lines)
    assert "  bardling x q8_0: 1.250" in lines
    assert "  bardling x q8_0: 20%" in lines
    assert "  bardling x q8_0, 8 streams: 3.1% in the engine, unknown as in a worker" in lines
    assert "919 of 950 tokens kept, 900 ms for an unknown text, 9.0x" in text


def test_markdown_has_a_row_for_each_contender():
    """With all streams side by side; ours is bold."""
    lines = markdown(_report()).splitlines()

    assert "| **bardling x q8_0** | 100 (1.11x) | 300 (6.00x) | 50 / 50 | 250 |" in lines
    assert r"| slow q8_0 |  | 50\* | – / 50 | 250 |" in lines
    assert "| broken int8 |  | failed | – / – |  |" in lines
    assert {6} == {line.count("|") for line in lines if line.startswith("|")}


def test_failures_of_what_is_ours_alone_are_told():
    """Instead of figures."""
    outside = Measurement(contender=_OURS, number_format="q8_0", streams=8, kind=OUTSIDE)
    reuse = Measurement(contender=_OURS, number_format="q8_0", streams=1, kind=REUSE)
    results = {outside: [{"failure": "no room"}], reuse: [{"failure": "too long"}]}

    report = Report(title="", rows=(), outside=outside_of(results), reuse=reuse_of(results))

    assert "bardling x q8_0: no room" in table(report)
    assert "bardling x q8_0: too long" in table(report)


def test_picture_is_drawn(tmp_path: Path):
    """Of rows with a failure and a gap among them."""
    pytest.importorskip("matplotlib")

    draw(_report(), tmp_path / "out.svg")

    text = (tmp_path / "out.svg").read_text()
    assert "<svg" in text
    assert "streams at once" in text
