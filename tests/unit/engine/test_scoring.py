"""Rows of logits made into scores, and the windows of a long text; no model needed."""

import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.engine.scoring import Window, score_rows, windows


@given(st.integers(1, 60), st.integers(1, 9), st.integers(0, 9), st.integers(0, 99))
def test_rows_are_scored_as_the_softmax_says(n: int, n_vocab: int, k: int, seed: int):
    """Row by row, by the definition, with numbers that are equal now and then."""
    k = min(k, n_vocab)
    rng = np.random.default_rng(seed)
    rows = rng.integers(-3, 4, (n, n_vocab)).astype(np.float32)
    targets = rng.integers(0, n_vocab, n).tolist()

    found = score_rows(rows, targets, k)

    assert found.alternatives.shape == found.alternative_logprobs.shape == (n, k)
    for index, (row, target) in enumerate(zip(rows.astype(np.float64), targets, strict=True)):
        logprobs = np.log(np.exp(row) / np.exp(row).sum())
        likeliest = sorted(range(n_vocab), key=lambda one: (-row[one], one))[:k]
        assert found.logprobs[index] == pytest.approx(logprobs[target])
        assert found.ranks[index] == (row > row[target]).sum()
        assert found.alternatives[index].tolist() == likeliest
        assert found.alternative_logprobs[index] == pytest.approx(logprobs[likeliest])


def test_blocks_leave_no_seam():
    """More rows than one block holds, of a real vocabulary; huge numbers do not overflow."""
    rows = np.random.default_rng(1).normal(0, 300, (50, 50_257)).astype(np.float32)
    targets = list(range(50))
    found = score_rows(rows, targets, 2)
    parts = [score_rows(rows[index : index + 1], [index], 2) for index in targets]
    assert found.logprobs.tolist() == [part.logprobs[0] for part in parts]
    assert found.alternatives.tolist() == [part.alternatives[0].tolist() for part in parts]


def test_scoring_needs_little_memory():
    """However many rows; the rows themselves, 100 MB here, are the engine's."""
    rows = np.zeros((500, 50_257), dtype=np.float32)
    tracemalloc.start()
    score_rows(rows, [7] * 500, 10)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 32e6


@pytest.mark.parametrize("bad", [np.nan, np.inf])
@pytest.mark.parametrize("k", [0, 2])
def test_numbers_that_are_none_are_refused(bad: float, k: int):
    """As where a token is drawn."""
    rows = np.zeros((3, 5), dtype=np.float32)
    rows[1, 4] = bad
    with pytest.raises(RuntimeError, match="not finite"):
        score_rows(rows, [0, 0, 0], k)


def test_a_masked_token_is_impossible_and_no_error():
    """As the rows that pad a vocabulary."""
    rows = np.array([[0, 0, -np.inf]], dtype=np.float32)
    assert score_rows(rows, [2]).logprobs[0] == -np.inf
    assert score_rows(rows, [0], 3).alternative_logprobs[0].tolist() == [
        pytest.approx(-np.log(2)), pytest.approx(-np.log(2)), -np.inf,
    ]  # fmt: skip


@given(st.integers(0, 200), st.integers(2, 30), st.data())
def test_windows_score_each_token_once(n_tokens: int, n_ctx: int, data: st.DataObject):
    """All but the first, in order, with as much before them as the stride promises."""
    stride = data.draw(st.integers(1, n_ctx - 1))
    found = list(windows(n_tokens, n_ctx=n_ctx, stride=stride))
    scored = [index for one in found for index in range(one.scored_from, one.end)]
    assert scored == list(range(1, n_tokens))
    for one in found:
        assert 0 < one.end - one.begin <= n_ctx
        assert one.scored_from - one.begin >= (1 if one.begin == 0 else n_ctx - stride)


def test_windows_of_a_text_are_these():
    """The last one ends with the text."""
    assert list(windows(11, n_ctx=6, stride=3)) == [
        Window(begin=0, end=6, scored_from=1),
        Window(begin=3, end=9, scored_from=6),
        Window(begin=6, end=11, scored_from=9),
    ]


@pytest.mark.parametrize("stride", [0, 8, -1])
def test_strides_out_of_range_are_refused(stride: int):
    """A stride of the whole window would leave a token without any before it."""
    with pytest.raises(ValueError, match="a stride is 1 to 7 tokens"):
        list(windows(100, n_ctx=8, stride=stride))
