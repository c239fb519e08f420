"""Scores that are computed a chunk at a time are those of one call, on every engine."""

import numpy as np
import pytest

from bot.engine.api import Engine
from bot.engine.score_pieces import score_pieces
from bot.engine.scoring import joined, score_long
from tests.contract.engines import GREEDY
from tests.model_files import SHAPE

LONG = [(7 * index + index // 5) % SHAPE.n_vocab for index in range(2 * SHAPE.n_ctx + 7)]


def test_pieces_make_up_the_scores_of_one_call(engine: Engine):
    """Of a text longer than the window, with a beginning and alternatives."""
    stride = SHAPE.n_ctx // 2
    pieces = list(score_pieces(engine, LONG, bos=1, n_alternatives=3))
    found = joined(pieces, 3)
    engine.forget()
    expected = score_long(engine, LONG, stride=stride, bos=1, n_alternatives=3)

    assert len(pieces) > 3
    assert len(LONG) == len(found.logprobs) == len(found.ranks)
    assert found.logprobs == pytest.approx(expected.logprobs, rel=0, abs=1e-3)
    assert np.mean(found.ranks == expected.ranks) > 0.9  # rounding swaps neighbors
    assert max(len(piece.logprobs) for piece in pieces) <= engine.info.max_chunk_tokens


def test_dropped_text_gives_its_place_back(engine: Engine):
    """In the middle of a window; all places can be taken afterwards."""
    pieces = score_pieces(engine, LONG)
    next(pieces)
    del pieces

    for sequence_id in range(engine.info.max_sequences):
        engine.add(sequence_id, [1, 2, 3], GREEDY)
