"""The benchmark of stories, with few turns."""

import json
from pathlib import Path

import pytest

from bot.bench import story


def test_figures_of_every_size_are_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    """On a Redis of its own; each story has grown by two passages a turn."""
    monkeypatch.setattr(story, "_TURNS", 10)
    monkeypatch.setattr(story, "SIZES", (10, 60))
    out = tmp_path / "story.json"

    assert story.main(None, out) == 0
    data = json.loads(out.read_text())
    assert [one["passages"] for one in data["stories"]] == [10, 60]
    assert all(0 < one["load_p50_ms"] < one["turn_p50_ms"] for one in data["stories"])
    assert all(one["map_s"] > 0 for one in data["stories"])
    assert "passages" in capsys.readouterr().out
