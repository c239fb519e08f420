"""The engine benchmark: every engine that is installed, beside its library alone."""

import importlib.util
import json
from pathlib import Path

import pytest

from bot.bench.engine import NEW_TOKENS, main


def test_each_engine_is_measured_beside_its_library(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    """One round on the small model: figures for all, and the ratio to the bare library."""
    engines = [
        name
        for name in ("llama_cpp", "ctransformers")
        if importlib.util.find_spec(name) is not None
    ]
    out = tmp_path / "figures.json"

    assert 0 == main("small", tmp_path, out, rounds=1, requests_at_once=(1, 3))

    figures = json.loads(out.read_text())
    measured = {(row["name"], row["requests"]) for row in figures["rows"]}
    expected = {(f"{kind} {name}", n) for kind in ("bardling", "bare") for name in engines
                for n in (1, 3)}  # fmt: skip
    assert expected == measured
    for row in figures["rows"]:
        # The first of at most three texts is there before the whole is.
        assert 0 < row["first_token_s"] < row["requests"] * NEW_TOKENS / row["tokens_per_s"]
    table = capsys.readouterr().out
    assert all(f"bardling {name}" in table for name in engines)
    assert "bardling-small q8_0" in table
