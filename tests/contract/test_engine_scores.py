"""What every engine promises of scores and logits: the same tests on all engines."""

import random
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bot.engine.api import Engine, ScoreRequest, Scores
from bot.engine.scoring import joined, part_of, score_long
from tests.contract.engines import ENGINES, GREEDY, PROMPTS, ROUNDING, open_tiny, tokens_of, write
from tests.model_files import SHAPE

STORY = [(11 * index) % 300 for index in range(40)]
WINDOW = [(7 * index) % SHAPE.n_vocab for index in range(SHAPE.n_ctx)]
CLOZE = [
    ScoreRequest(tokens=[*STORY, *[last] * (1 + last % 3), 9, 8], start=len(STORY))
    for last in range(10)
]
PAIR = [ScoreRequest(tokens=[*STORY[:20], name, *range(30)], start=1) for name in (5, 6)]
FEW_SHOTS = [ScoreRequest(tokens=[*STORY[:30], *question], start=32) for question in PROMPTS[3:]]
ODD_ONES = [
    ScoreRequest(tokens=[4]),
    ScoreRequest(tokens=STORY, start=len(STORY)),  # asks for nothing
    ScoreRequest(tokens=STORY, start=len(STORY) - 1),
    ScoreRequest(tokens=WINDOW),
    ScoreRequest(tokens=STORY),
    ScoreRequest(tokens=STORY),
    ScoreRequest(tokens=STORY, n_alternatives=3),
    ScoreRequest(tokens=STORY[:25], start=3, n_alternatives=2),
]


def assert_near(found: Scores, expected: Scores, tolerance: float) -> None:
    """The same shapes and nearly the same numbers."""
    assert found.logprobs.shape == found.ranks.shape == expected.logprobs.shape
    assert found.alternatives.shape == expected.alternatives.shape
    assert found.alternative_logprobs.shape == expected.alternatives.shape
    assert found.logprobs == pytest.approx(expected.logprobs, rel=0, abs=tolerance)
    assert found.alternative_logprobs == pytest.approx(
        expected.alternative_logprobs, rel=0, abs=tolerance
    )


def alone(engine: Engine, request: ScoreRequest) -> Scores:
    """A request's scores by `score`, cut to what it asks for, and nothing reused."""
    engine.forget()
    whole = engine.score(request.tokens, n_alternatives=request.n_alternatives)
    return part_of(whole, request.start - 1, len(request.tokens) - 1)


def test_scores_are_those_of_the_steps(engine: Engine):
    """Greedy text has rank 0 throughout, and the same logprobs as when it was drawn."""
    steps = write(engine, PROMPTS[0], 20)
    text = PROMPTS[0] + [progress.token or 0 for progress in steps]
    scores = engine.score(text)
    assert scores.logprobs.shape == scores.ranks.shape == (len(text) - 1,)
    assert (scores.ranks[len(PROMPTS[0]) - 1 :] == 0).all()
    drawn = [progress.logprob for progress in steps]
    # The logarithm of the whole is taken in two ways, too.
    tolerance = max(ROUNDING[engine.info.name], 1e-12)
    assert scores.logprobs[len(PROMPTS[0]) - 1 :] == pytest.approx(drawn, rel=0, abs=tolerance)


@pytest.mark.parametrize(
    "requests",
    [CLOZE, PAIR, FEW_SHOTS, ODD_ONES, [*CLOZE, *PAIR, *FEW_SHOTS, *ODD_ONES], []],
    ids=["cloze", "pair", "few shots", "odd ones", "all", "none"],
)
def test_texts_scored_together_are_as_if_alone(engine: Engine, requests: list[ScoreRequest]):
    """In the order asked for, whatever they have in common; and so a second time."""
    expected = [alone(engine, request) for request in requests]
    engine.forget()
    shuffled = random.Random(5).sample(range(len(requests)), len(requests))
    for _ in range(2):
        found = engine.score_batch([requests[index] for index in shuffled])
        assert len(found) == len(requests)
        for index, scores in zip(shuffled, found, strict=True):
            assert_near(scores, expected[index], ROUNDING[engine.info.name])


@pytest.mark.parametrize("name", [name for name in ENGINES if name != "ctransformers"])
def test_one_free_place_is_enough_and_others_are_left_alone(tmp_path: Path, name: str):
    """Scoring goes on between the steps of those who write."""
    engine = open_tiny(name, tmp_path, slots=3)
    text = tokens_of(write(engine, STORY, 6))
    expected = [alone(engine, request) for request in [*CLOZE, *PAIR]]
    engine.forget()
    engine.add(1, STORY, GREEDY)
    engine.step({1: 35})
    engine.add(2, [1, 2, 3], GREEDY)
    found = engine.score_batch([*CLOZE, *PAIR])
    for scores, expectation in zip(found, expected, strict=True):
        assert_near(scores, expectation, ROUNDING[engine.info.name])
    (first,) = engine.step({1: 5})
    texts = [first, *(engine.step({1: 1})[0] for _ in range(5))]
    assert tokens_of(texts) == text
    engine.add(3, STORY, GREEDY)
    with pytest.raises(ValueError, match="all 3 places are taken"):
        engine.score_batch(CLOZE)
    engine.close()


def test_alternatives_are_the_likeliest_tokens(engine: Engine):
    """All of them, if asked for; the text's own token is among them at its rank."""
    n_vocab = engine.info.n_vocab
    scores = engine.score(STORY, n_alternatives=n_vocab)
    assert scores.alternatives.shape == (len(STORY) - 1, n_vocab)
    assert (np.sort(scores.alternatives, axis=1) == np.arange(n_vocab)).all()
    assert (np.diff(scores.alternative_logprobs, axis=1) <= 0).all()
    assert np.exp(scores.alternative_logprobs).sum(axis=1) == pytest.approx(1)
    for row, rank, token in zip(scores.alternatives, scores.ranks, STORY[1:], strict=True):
        place = list(row).index(token)
        # Of tokens found equally likely, each has the rank of the first.
        assert rank <= place
        assert engine.info.name == "scripted" or rank == place
    few = engine.score(STORY, n_alternatives=7)
    assert (few.alternatives == scores.alternatives[:, :7]).all()
    assert (few.alternative_logprobs == scores.alternative_logprobs[:, :7]).all()


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"start": 0}, "begin at token 1 to 40"),
        ({"start": 41}, "begin at token 1 to 40"),
        ({"n_alternatives": -1}, "0 to 300 alternatives"),
        ({"n_alternatives": 301}, "0 to 300 alternatives"),
        ({"tokens": []}, "1 to 64 tokens"),
        ({"tokens": [300]}, "id from 0 to 299"),
    ],
)
def test_requests_out_of_range_are_refused(engine: Engine, change: dict[str, int], reason: str):
    """Before anything is computed; a full engine still has its place."""
    request = replace(ScoreRequest(tokens=STORY), **change)
    with pytest.raises(ValueError, match=reason):
        engine.score_batch([ScoreRequest(tokens=STORY), request])
    assert len(engine.score(STORY).logprobs) == len(STORY) - 1


@pytest.mark.parametrize("stride", [1, 20, SHAPE.n_ctx - 1])
def test_long_text_is_scored_as_window_by_window(engine: Engine, stride: int):
    """Against a plain loop: each token once, with what its window holds before it."""
    text = [(13 * index * index) % 300 for index in range(100)]
    n_ctx = engine.info.n_ctx
    parts, scored = [engine.score(text[:n_ctx], n_alternatives=2)], n_ctx
    begin = 0
    while scored < len(text):
        begin += stride
        window = text[begin : begin + n_ctx]
        whole = engine.score(window, n_alternatives=2)
        parts.append(part_of(whole, scored - begin - 1, len(window) - 1))
        scored = begin + len(window)
    found = score_long(engine, text, stride=stride, n_alternatives=2)
    assert found.logprobs.shape == (len(text) - 1,)
    assert_near(found, joined(parts, 2), ROUNDING[engine.info.name])


def test_long_text_behind_a_first_token_has_a_score_for_each(engine: Engine):
    """The id put before it is context, and has no score itself."""
    text = [(13 * index * index) % 300 for index in range(90)]
    found = score_long(engine, text, stride=30, bos=299)
    expected = score_long(engine, [299, *text], stride=30)
    assert found.logprobs.shape == (len(text),)
    assert (found.logprobs == expected.logprobs).all()
    assert len(score_long(engine, [], stride=30).logprobs) == 0


def test_logits_are_those_that_scores_are_made_of(engine: Engine):
    """One row after each token, over the whole window, in chunks of the engine's size."""
    chunks = list(engine.logits(WINDOW))
    assert all(len(chunk) <= engine.info.max_chunk_tokens for chunk in chunks)
    rows = np.concatenate(chunks)
    assert (rows.shape, rows.dtype) == ((SHAPE.n_ctx, SHAPE.n_vocab), np.float32)
    wide = rows[:-1].astype(np.float64)
    logprobs = wide[np.arange(len(wide)), WINDOW[1:]] - np.logaddexp.reduce(wide, axis=1)
    tolerance = max(1e-12, ROUNDING[engine.info.name])
    assert logprobs == pytest.approx(engine.score(WINDOW).logprobs, rel=0, abs=tolerance)


def test_logits_stay_as_they_were_handed_out(engine: Engine):
    """A chunk is the caller's: what is computed later doesn't change it."""
    first = next(iter(engine.logits(PROMPTS[0])))
    kept = first.copy()
    engine.score(PROMPTS[3])
    assert (first == kept).all()


def test_logits_dropped_half_way_free_their_place(engine: Engine):
    """Who looks at the first chunk only leaves room for the next text."""
    for _ in range(engine.info.max_sequences + 1):
        rows = engine.logits([1] * SHAPE.n_ctx)
        next(rows)
        del rows
    assert len(write(engine, PROMPTS[0], 2)) == 2


@pytest.mark.parametrize("tokens", [[], [1] * 65, [1, 300], [-1]])
def test_logits_of_tokens_that_are_none_are_refused(engine: Engine, tokens: list[int]):
    """As `add` refuses them, where the first chunk is asked for."""
    with pytest.raises(ValueError, match=r"tokens|id from"):
        next(iter(engine.logits(tokens)))
