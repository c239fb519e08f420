"""Drawing tokens: the right distribution, every parameter at its edges, seeds that repeat."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.sampling import SamplingParams
from bot.engine.sampling import Draw, Sampler, draw_batch

PLAIN = {"temperature": 1.0, "top_k": 0, "top_p": 1.0, "repetition_penalty": 1.0}
LOGITS = np.log(np.array([0.4, 0.3, 0.2, 0.1], dtype=np.float32))


def drawn(logits: np.ndarray, n: int = 1, known: tuple[int, ...] = (), **changes) -> list[int]:
    """Tokens drawn from the same logits again and again."""
    sampler = Sampler(SamplingParams(**{**PLAIN, **changes}))
    draws = draw_batch(np.tile(logits, (n, 1)), [sampler] * n, [known] * n)
    return [draw.token for draw in draws]


def draw_one(sampler: Sampler, logits: np.ndarray, known: Sequence[int] = ()) -> Draw:
    """A batch of one row."""
    (draw,) = draw_batch(logits[None], [sampler], [known])
    return draw


def shares(tokens: list[int], n_vocab: int = 4) -> np.ndarray:
    return np.bincount(tokens, minlength=n_vocab) / len(tokens)


def test_tokens_are_drawn_as_often_as_the_model_says():
    """Over 20,000 draws each share is within 4 standard errors (at most 0.014)."""
    assert np.abs(shares(drawn(LOGITS, 20_000)) - [0.4, 0.3, 0.2, 0.1]).max() < 0.014


def test_temperature_sharpens_and_flattens():
    """Half the temperature squares the odds; twice takes their root."""
    odds = np.array([0.4, 0.3, 0.2, 0.1])
    for temperature in (0.5, 2.0):
        expected = odds ** (1 / temperature) / (odds ** (1 / temperature)).sum()
        found = shares(drawn(LOGITS, 20_000, temperature=temperature))
        assert np.abs(found - expected).max() < 0.014


@pytest.mark.parametrize("greedy", [{"temperature": 0.0}, {"top_k": 1}, {"top_p": 0.0}])
def test_greedy_takes_the_likeliest(greedy: dict[str, float]):
    """Three ways to say it."""
    assert set(drawn(LOGITS[::-1].copy(), 200, **greedy)) == {3}


def test_greedy_takes_the_lowest_of_equal_ids():
    """So that every engine says the same."""
    logits = np.array([0, 5, 5, 5], dtype=np.float32)
    assert drawn(logits, temperature=0.0) == [1]


def test_top_k_keeps_the_k_likeliest_in_their_proportion():
    """And nothing else ever."""
    found = shares(drawn(LOGITS, 20_000, top_k=2))
    assert np.abs(found - [4 / 7, 3 / 7, 0, 0]).max() < 0.014
    assert found[2] == found[3] == 0


def test_top_k_beyond_the_vocabulary_keeps_all():
    """A small model has fewer tokens than a user may ask for."""
    assert set(drawn(LOGITS, 2_000, top_k=1000)) == {0, 1, 2, 3}


def test_top_k_with_equal_logits_keeps_exactly_k():
    """Ties at the border must not let more in."""
    assert set(drawn(np.zeros(10, dtype=np.float32), 2_000, top_k=3)) == {0, 1, 2}


@pytest.mark.parametrize(
    ("top_p", "kept"),
    [(0.1, {0}), (0.39, {0}), (0.41, {0, 1}), (0.69, {0, 1}), (0.95, {0, 1, 2, 3})],
)
def test_top_p_keeps_the_smallest_set_that_reaches_p(top_p: float, kept: set[int]):
    """The token that crosses the border belongs to it (arXiv 1904.09751, section 3.1)."""
    assert set(drawn(LOGITS, 3_000, top_p=top_p)) == kept


def test_penalty_works_against_positive_and_negative_logits():
    """Dividing a negative logit would make the token likelier."""
    logits = np.array([2.0, -2.0, 1.9, -2.5], dtype=np.float32)
    assert drawn(logits, known=(0,), temperature=0.0, repetition_penalty=1.2) == [2]
    low = np.array([-2.0, -2.1], dtype=np.float32)
    assert drawn(low, known=(0,), temperature=0.0, repetition_penalty=1.2) == [1]


def test_penalty_looks_at_its_window_only():
    """A token that was said long ago is free again."""
    logits = np.array([2.0, 1.9, 0.0, 0.0], dtype=np.float32)
    settings = {"temperature": 0.0, "repetition_penalty": 1.5}
    assert drawn(logits, known=(0, 3), repetition_window=1, **settings) == [0]
    assert drawn(logits, known=(0, 3), repetition_window=2, **settings) == [1]
    assert drawn(logits, known=(0, 3), repetition_window=0, **settings) == [0]


def test_logprob_is_the_models_own():
    """Whatever the parameters, the model's probability is reported, for perplexity."""
    params = SamplingParams(temperature=0.0, top_k=1, repetition_penalty=2.0, logprobs=True)
    draw = draw_one(Sampler(params), LOGITS, [3])
    assert (draw.token, draw.logprob) == (0, pytest.approx(np.log(0.4), abs=1e-6))


def test_logprob_is_computed_where_it_is_asked_for_only():
    """It takes a sum over the vocabulary."""
    assert draw_one(Sampler(SamplingParams()), LOGITS).logprob is None


def test_logits_are_left_as_they_were():
    """They may be the engine's own memory."""
    logits = LOGITS.copy()
    drawn(logits, 5, known=(0, 1), repetition_penalty=1.5, top_k=2, top_p=0.5)
    assert (logits == LOGITS).all()


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_numbers_that_are_not_finite_are_an_error(bad: float):
    """A damaged model must not write rubbish."""
    logits = LOGITS.copy()
    logits[2] = bad
    with pytest.raises(RuntimeError, match="not finite"):
        drawn(logits)


def test_a_token_may_be_impossible():
    """Minus infinity is a probability of zero, not damage."""
    logits = np.array([-np.inf, 0.0, 0.0], dtype=np.float32)
    assert set(drawn(logits, 500)) == {1, 2}


@given(
    seed=st.integers(0, 2**53 - 1),
    rows=st.lists(st.lists(st.floats(-30, 30, width=32), min_size=5, max_size=5), max_size=8),
    temperature=st.floats(0, 2),
    top_k=st.integers(0, 8),
    top_p=st.floats(0, 1),
    penalty=st.floats(1, 2),
)
def test_same_seed_same_tokens(
    seed: int, rows: list[list[float]], temperature: float, top_k: int, top_p: float, penalty: float
):
    """For any logits and parameters; every token is an id, every logprob at most 0."""
    params = SamplingParams(
        seed=seed,
        temperature=temperature,
        top_k=top_k,
        top_p=top_p,
        repetition_penalty=penalty,
        logprobs=True,
    )
    texts = []
    for _ in range(2):
        sampler, known = Sampler(params), [0]
        for row in rows:
            draw = draw_one(sampler, np.array(row, dtype=np.float32), known)
            assert 0 <= draw.token < 5
            assert draw.logprob is not None
            assert draw.logprob <= 1e-9
            known.append(draw.token)
        texts.append(known)
    assert texts[0] == texts[1]


def test_a_greedy_start_does_not_shift_the_stream():
    """One number per token, used or not: the same seed keeps two texts in step."""
    params = {"seed": 3, **PLAIN}
    one, other = Sampler(SamplingParams(**params)), Sampler(SamplingParams(**params))
    sure = np.array([100.0, 0, 0, 0], dtype=np.float32)
    draw_one(one, LOGITS)
    draw_one(other, sure)
    assert [draw_one(one, LOGITS) for _ in range(50)] == [
        draw_one(other, LOGITS) for _ in range(50)
    ]


def shares_of(n: int = 3_000, known: tuple[int, ...] = (), **changes) -> set[int]:
    """The tokens that are drawn at all."""
    return set(drawn(LOGITS, n, known, **changes))


@pytest.mark.parametrize(("min_p", "kept"), [(0.2, {0, 1, 2, 3}), (0.3, {0, 1, 2}), (1.0, {0})])
def test_min_p_keeps_a_share_of_the_likeliest(min_p: float, kept: set[int]):
    """Of 0.4, so 0.3 keeps 0.12 and more (arXiv 2407.01082)."""
    assert kept == shares_of(min_p=min_p)


def test_typical_p_leaves_out_the_likeliest_where_it_is_no_surprise():
    """The mean surprise is 1.28 nats; 0.3's is 1.20, 0.2's 1.61, 0.4's 0.92 (2202.00666)."""
    assert {1} == shares_of(typical_p=0.2)
    assert {1, 2} == shares_of(typical_p=0.45)


def test_bias_shifts_and_bans():
    """A bias of log 4 makes 0.1 as likely as 0.4; -100 is never."""
    found = shares(drawn(LOGITS, 20_000, logit_bias=((3, float(np.log(4))),)))
    assert np.abs(found - np.array([0.4, 0.3, 0.2, 0.4]) / 1.3).max() < 0.014
    assert {1, 2, 3} == shares_of(logit_bias=((0, -100.0),))


def test_banned_sequence_is_broken_before_its_last_token():
    """Only where the text, prompt included, ends with the tokens before it."""
    bans = {"banned_tokens": ((2, 1, 0), (3,))}
    assert {1, 2} == shares_of(known=(2, 1), **bans)
    assert {0, 1, 2} == shares_of(known=(1, 2), **bans)
    assert {0, 1, 2} == shares_of(known=(1,), **bans)


def test_no_ngram_appears_twice():
    """A text of 13 tokens of a vocabulary of 4 has all of its pairs at most once."""
    sampler, known = Sampler(SamplingParams(**PLAIN, no_repeat_ngram=2)), [0]
    for _ in range(12):
        known.append(draw_one(sampler, LOGITS, known).token)
        pairs = list(pairwise(known))
        assert len(pairs) == len(set(pairs))


def test_bans_of_everything_give_way_one_after_another():
    """N-grams first, then banned tokens, at last suppressed ones; never an error."""
    all_pairs = (0, 0, 1, 0, 2, 0, 3, 0)
    no_pairs = {"no_repeat_ngram": 2, "temperature": 0.0}
    assert [1] == drawn(LOGITS, 1, all_pairs, **no_pairs, banned_tokens=((0,),))
    every = ((0,), (1,), (2,), (3,))
    assert [0] == drawn(LOGITS, 1, all_pairs, **no_pairs, banned_tokens=every)
    params = SamplingParams(**{**PLAIN, "temperature": 0.0}, banned_tokens=every)
    assert 3 == draw_one(Sampler(params, [0, 1, 2]), LOGITS).token
    assert 0 == draw_one(Sampler(params, [0, 1, 2, 3]), LOGITS).token


def test_tokens_beyond_the_vocabulary_are_ignored():
    """A job may have been made for another model."""
    assert {0, 1, 2, 3} == shares_of(banned_tokens=((9,),), logit_bias=((7, 50.0), (8, -100.0)))


def test_openai_top_k_keeps_what_equals_the_kth():
    """`top_k_logits` of openai/gpt-2 compares with the k-th value."""
    logits = np.array([1, 0, 0, 0, -1], dtype=np.float32)
    assert {0, 1, 2, 3} == set(drawn(logits, 2_000, top_k=2, openai_semantics=True))


@pytest.mark.parametrize(
    ("top_p", "kept"), [(0.1, {0}), (0.69, {0}), (0.71, {0, 1}), (0.91, {0, 1, 2})]
)
def test_openai_top_p_leaves_out_the_token_that_crosses(top_p: float, kept: set[int]):
    """`top_p_logits` keeps running sums that don't exceed p, and never nothing."""
    assert kept == shares_of(top_p=top_p, openai_semantics=True)


def test_openai_semantics_knows_no_penalty_but_obeys_bans():
    """What a server forbids stays forbidden."""
    plain = shares(drawn(LOGITS, 500, openai_semantics=True))
    penalized = {"repetition_penalty": 2.0, "min_p": 1.0, "typical_p": 0.1, "no_repeat_ngram": 2}
    known = (1, 0, 1)
    assert (plain == shares(drawn(LOGITS, 500, known, openai_semantics=True, **penalized))).all()
    assert {1, 2, 3} == shares_of(openai_semantics=True, banned_tokens=((0,),))
