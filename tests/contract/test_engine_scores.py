"""What every engine promises of scores and logits: the same tests on all engines."""

import numpy as np
import pytest

from bot.engine.api import Engine
from tests.contract.engines import PROMPTS, write
from tests.model_files import SHAPE


def test_scores_are_those_of_the_steps(engine: Engine):
    """Greedy text has rank 0 throughout, and the same logprobs as when it was drawn."""
    steps = write(engine, PROMPTS[0], 20)
    text = PROMPTS[0] + [progress.token or 0 for progress in steps]
    scores = engine.score(text)
    assert scores.logprobs.shape == scores.ranks.shape == (len(text) - 1,)
    assert (scores.ranks[len(PROMPTS[0]) - 1 :] == 0).all()
    drawn = [progress.logprob for progress in steps]
    assert scores.logprobs[len(PROMPTS[0]) - 1 :] == pytest.approx(drawn, abs=1e-3)
    assert len(engine.score([4]).logprobs) == 0


def test_logits_are_those_that_scores_are_made_of(engine: Engine):
    """One row after each token, over the whole window, in chunks of the engine's size."""
    tokens = [(7 * index) % SHAPE.n_vocab for index in range(SHAPE.n_ctx)]
    chunks = list(engine.logits(tokens))
    assert all(len(chunk) <= engine.info.max_chunk_tokens for chunk in chunks)
    rows = np.concatenate(chunks)
    assert (rows.shape, rows.dtype) == ((SHAPE.n_ctx, SHAPE.n_vocab), np.float32)
    wide = rows[:-1].astype(np.float64)
    logprobs = wide[np.arange(len(wide)), tokens[1:]] - np.logaddexp.reduce(wide, axis=1)
    # A batch of another size is rounded in another way: 0.0016 was the largest seen.
    assert logprobs == pytest.approx(engine.score(tokens).logprobs, abs=1e-2)


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
