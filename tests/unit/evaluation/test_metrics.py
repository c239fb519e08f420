"""The figures: what holds of them for any logits."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from bot.evaluation.metrics import (
    agreements,
    bits_per_byte,
    kl_divergence,
    log_softmax,
    perplexity,
)

Rows = np.ndarray
numbers = st.floats(-60, 60, width=32)
shapes = array_shapes(min_dims=2, max_dims=2, max_side=8)
rows = shapes.flatmap(lambda shape: arrays(np.float32, shape, elements=numbers))
pairs = shapes.flatmap(
    lambda shape: st.tuples(*[arrays(np.float32, shape, elements=numbers)] * 2)  # two of one shape
)


@given(rows)
def test_probabilities_add_up_to_one(logits: Rows):
    """In every row, however far apart its numbers are."""
    assert np.exp(log_softmax(logits)).sum(axis=1) == pytest.approx(np.ones(len(logits)))


@given(pairs)
def test_divergence_is_never_below_zero(pair: tuple[Rows, Rows]):
    """Gibbs' inequality; one number for each row, and a finite one."""
    divergence = kl_divergence(*pair)
    assert divergence.shape == (len(pair[0]),)
    assert np.isfinite(divergence).all()
    assert (divergence >= 0).all()


@given(rows)
def test_same_rows_do_not_diverge(logits: Rows):
    """Nothing is lost by a copy, and it agrees everywhere."""
    assert (kl_divergence(logits, logits) == 0).all()
    assert agreements(logits, logits).all()


@given(pairs, st.integers(-8, 8))
def test_constant_added_to_logits_changes_nothing(pair: tuple[Rows, Rows], constant: int):
    """Only differences within a row mean anything."""
    best, other = np.round(pair[0]), np.round(pair[1])  # so that adding is exact
    shifted = other + np.float32(constant)
    assert kl_divergence(best, shifted) == pytest.approx(kl_divergence(best, other), abs=1e-9)
    assert (agreements(best, shifted) == agreements(best, other)).all()


@given(pairs)
def test_agreement_is_a_share(pair: tuple[Rows, Rows]):
    """From 0 to 1, and the same from either side."""
    share = agreements(*pair).mean()
    assert 0 <= share <= 1
    assert share == agreements(*reversed(pair)).mean()


def test_divergence_of_two_coins():
    """By hand: ½ ln(½ / ¼) + ½ ln(½ / ¾)."""
    fair, loaded = np.log([[0.5, 0.5]]), np.log([[0.25, 0.75]])
    expected = 0.5 * math.log(2) + 0.5 * math.log(2 / 3)
    assert expected == pytest.approx(kl_divergence(fair, loaded)[0])


@given(st.integers(1, 50), st.integers(2, 50_000))
def test_perplexity_of_a_fair_die_is_its_sides(n_tokens: int, sides: int):
    """And it takes the logarithm of that in bits to write one throw down."""
    logprobs = np.full(n_tokens, -math.log(sides))
    assert sides == pytest.approx(perplexity(logprobs))
    assert math.log2(sides) / 4 == pytest.approx(bits_per_byte(logprobs, bytes_per_token=4))


def test_hopeless_guesses_have_a_perplexity_all_the_same():
    """A number, not an overflow."""
    assert math.isfinite(perplexity(np.full(3, -1e6)))
