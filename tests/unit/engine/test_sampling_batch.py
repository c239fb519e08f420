"""Drawing for many sequences at once: exactly what the plain way draws, row by row."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.core.sampling import MAX_SEED, SamplingParams
from bot.engine.sampling import Sampler, draw_batch
from tests.unit.engine.reference_sampling import reference_draw

SHARES = st.one_of(st.just(1.0), st.just(0.0), st.sampled_from([0.25, 0.5, 0.9]), st.floats(0, 1))


@st.composite
def all_params(draw: st.DrawFn, n_vocab: int, largest_k: int) -> SamplingParams:
    """Any parameters; most of the lists are short, as each ban hides other paths."""
    ids = st.integers(0, n_vocab - 1)
    biases = st.one_of(st.just(-100.0), st.floats(-100, 100), st.sampled_from([-1.0, 0.0, 2.0]))
    return SamplingParams(
        temperature=draw(st.one_of(st.sampled_from([0.0, 0.7, 1.0]), st.floats(0, 2))),
        top_k=draw(st.one_of(st.just(0), st.integers(0, largest_k))),
        top_p=draw(SHARES),
        min_p=draw(st.one_of(st.just(0.0), SHARES)),
        typical_p=draw(st.one_of(st.just(1.0), SHARES)),
        repetition_penalty=draw(st.one_of(st.just(1.0), st.floats(1, 2))),
        repetition_window=draw(st.sampled_from([0, 1, 5, 64])),
        no_repeat_ngram=draw(st.sampled_from([0, 0, 2, 3, 4])),
        logit_bias=tuple(draw(st.dictionaries(ids, biases, max_size=5)).items()),
        banned_tokens=tuple(
            draw(st.lists(st.lists(ids, min_size=1, max_size=3).map(tuple), max_size=4))
        ),
        openai_semantics=draw(st.booleans()),
        seed=draw(st.integers(0, MAX_SEED)),
    )


@st.composite
def batches(draw: st.DrawFn, sizes: st.SearchStrategy[int]):
    """Rows of one vocabulary, each with its own request; few distinct logits make many ties."""
    n_vocab = draw(sizes)
    logit = draw(
        st.sampled_from(
            [
                st.sampled_from([-3.0, 0.0, 0.5, 2.0]),
                st.one_of(st.floats(-30, 30, width=32), st.just(-np.inf)),
            ]
        )
    )
    rows, requests = [], []
    for _ in range(draw(st.integers(1, 4))):
        if n_vocab <= 64:
            row = draw(st.lists(logit, min_size=n_vocab, max_size=n_vocab))
        else:
            numbers = np.random.default_rng(draw(st.integers(0, 10**6)))
            row = numbers.normal(-40, draw(st.sampled_from([0.1, 1, 3, 9])), n_vocab)
            row = row.round(draw(st.sampled_from([0, 1, 9])))
        row[draw(st.integers(0, n_vocab - 1))] = draw(st.floats(-5, 5, width=32))  # some is finite
        rows.append(row)
        known = draw(st.lists(st.integers(0, min(n_vocab, 12) - 1), max_size=20))
        suppressed = draw(st.lists(st.integers(0, n_vocab - 1), max_size=3, unique=True))
        params = draw(all_params(n_vocab, 2 * n_vocab if n_vocab <= 64 else 900))
        requests.append((params, suppressed, known))
    return np.array(rows, dtype=np.float32), requests


def drawn_and_expected(rows: np.ndarray, requests: list) -> tuple[list[int], list[int]]:
    rows.flags.writeable = False
    samplers = [Sampler(params, suppressed) for params, suppressed, _ in requests]
    uniforms = [np.random.Generator(np.random.PCG64(one.seed)).random() for one, _, _ in requests]
    drawn = draw_batch(rows, samplers, [known for _, _, known in requests])
    expected = [
        reference_draw(row, *request, uniform)
        for row, request, uniform in zip(rows, requests, uniforms, strict=True)
    ]
    return [one.token for one in drawn], expected


@settings(max_examples=150, deadline=None)
@given(batches(st.integers(2, 64)))
def test_small_vocabularies_are_drawn_from_as_the_plain_way_does(batch):
    """All parameters, ties, impossible tokens, top-k beyond the vocabulary, bans of everything."""
    drawn, expected = drawn_and_expected(*batch)
    assert expected == drawn


@settings(max_examples=40, deadline=None)
@given(batches(st.integers(130, 3000)))
def test_large_vocabularies_are_drawn_from_as_the_plain_way_does(batch):
    """Where only some blocks are looked at, and a head stands for the whole."""
    drawn, expected = drawn_and_expected(*batch)
    assert expected == drawn


@settings(max_examples=40, deadline=None)
@given(batches(st.one_of(st.integers(2, 64), st.integers(300, 1000))))
def test_a_row_is_drawn_alike_alone_and_among_others(batch):
    """Whatever the others are and ask for, over a whole text: bit for bit the same."""
    rows, requests = batch
    known = [list(tokens) for _, _, tokens in requests]
    together = [Sampler(params, suppressed) for params, suppressed, _ in requests]
    alone = [Sampler(params, suppressed) for params, suppressed, _ in requests]
    for _ in range(4):
        expected = [
            draw_batch(row[None], [sampler], [tokens])[0]
            for row, sampler, tokens in zip(rows, alone, known, strict=True)
        ]
        assert expected == draw_batch(rows, together, known)
        for tokens, draw in zip(known, expected, strict=True):
            tokens.append(draw.token)


def many_rows(n_vocab: int = 50_257) -> np.ndarray:
    """Logits as steep as a GPT-2's, each row in another order."""
    numbers = np.random.default_rng(1)
    steep = -1.5 * np.log(np.arange(1, n_vocab + 1)) - 60
    rows = [numbers.permutation(steep + numbers.normal(0, 0.5, n_vocab)) for _ in range(8)]
    return np.array(rows, dtype=np.float32)


@pytest.mark.parametrize(
    "changes",
    [
        {"top_k": 40, "repetition_penalty": 1.1},
        {"top_k": 1000, "top_p": 0.95},
        {"top_k": 0, "top_p": 0.95, "repetition_penalty": 1.1, "repetition_window": 128},
        {"top_k": 0, "temperature": 2.0},
        {"top_k": 0, "temperature": 1e-9},
        {"top_k": 0, "temperature": 1.3, "min_p": 0.05},
        {"top_k": 0, "typical_p": 0.5, "repetition_penalty": 2.0},
        {"top_k": 0, "top_p": 0.9, "openai_semantics": True},
    ],
    ids=str,
)
def test_a_whole_vocabulary_is_drawn_from_as_the_plain_way_does(changes):
    """Tokens far down the tail too, and adjusted ones in head and tail."""
    rows = many_rows()
    known = [*np.argsort(-rows[0])[:20].tolist(), *range(50)]
    params = [SamplingParams(**{"repetition_penalty": 1.0, **changes}, seed=n) for n in range(8)]
    drawn, expected = drawn_and_expected(rows, [(one, [5], known) for one in params])
    assert expected == drawn


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_one_bad_number_anywhere_is_an_error(bad: float):
    """Also far from the likeliest tokens, and in the last block."""
    for column in (0, 25_000, 50_256):
        rows = many_rows()
        rows[3, column] = bad
        with pytest.raises(RuntimeError, match="not finite"):
            draw_batch(rows, [Sampler(SamplingParams(top_k=40))] * 8, [[1]] * 8)


def test_row_of_impossible_tokens_only_is_an_error():
    """It has no distribution."""
    rows = np.full((1, 100), -np.inf, dtype=np.float32)
    with pytest.raises(RuntimeError, match="not finite"):
        draw_batch(rows, [Sampler(SamplingParams())], [[1]])


def test_no_sequence_is_no_draw():
    """A step may compute prompts only."""
    assert [] == draw_batch(np.zeros((0, 50), dtype=np.float32), [], [])
