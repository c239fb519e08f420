"""What a child measures of its model, called in this process."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.engine.scripted import ScriptedEngine
from bot.evaluation import measuring
from bot.evaluation.smoke import NEW_TOKENS, smoke


@given(st.lists(st.integers(1, 9), max_size=8), st.integers(1, 12))
def test_blocks_are_the_same_rows(sizes: list[int], n_rows: int):
    """All but the last of one size, whatever the engine's chunks."""
    rows = np.arange(sum(sizes) * 2, dtype=np.float32).reshape(-1, 2)
    chunks = np.split(rows, np.cumsum(sizes)[:-1]) if sizes else []
    found = list(measuring.blocks(chunks, n_rows))
    assert all(len(block) == n_rows for block in found[:-1])
    assert all(0 < len(block) <= n_rows for block in found)
    assert (np.concatenate([np.zeros((0, 2), dtype=np.float32), *found]) == rows).all()


@pytest.mark.parametrize("n_ctx", [2, 3, 64, 1024])
def test_speed_is_measured_in_any_window(n_ctx: int):
    """Prompt and answer fit, and every figure is above zero."""
    engine = ScriptedEngine(n_vocab=50, n_ctx=n_ctx)
    [(figures, rows)] = measuring.speed(engine, {"tokens": [3, 4, 5]})
    assert rows is None
    assert {"read_tokens_per_s", "write_tokens_per_s", "memory_bytes"} == figures.keys()
    assert all(figure > 0 for figure in figures.values())


def test_memory_is_that_of_this_process():
    """It has numpy loaded, and is no machine's whole memory; bytes, not kilobytes."""
    assert 10e6 < measuring.peak_memory_bytes() < 100e9


@pytest.mark.parametrize("n_ctx", [2, 16, 256, 300, 1024])
def test_smoke_test_fits_any_window(n_ctx: int):
    """As many tokens as there is room for, after a prompt that may be cut."""
    engine = ScriptedEngine(n_vocab=50, n_ctx=n_ctx)
    [(report, _)] = smoke(engine, {"prompt": [1, 2, 3, 4]})
    expected = min(NEW_TOKENS, n_ctx - max(1, min(4, n_ctx - NEW_TOKENS)))
    assert (expected, n_ctx) == (len(report["tokens"]), report["window"])


def test_smoke_test_sees_what_breaks_late_in_the_window(monkeypatch: pytest.MonkeyPatch):
    """Beyond the positions whose rows it looks at."""
    compute = ScriptedEngine._compute

    def compute_badly(engine: ScriptedEngine, chunks: Any) -> Any:
        rows = compute(engine, chunks)
        if chunks[0].start > 600:
            rows[:] = np.nan
        return rows

    monkeypatch.setattr(ScriptedEngine, "_compute", compute_badly)
    engine = ScriptedEngine(n_vocab=50, n_ctx=1024)
    with pytest.raises(RuntimeError, match="not finite"):
        list(smoke(engine, {"prompt": [1]}))
