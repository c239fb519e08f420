"""The X-ray's numbers on the small model that ships, against a plain computation on its logits."""

import asyncio
from collections.abc import Iterator
from contextlib import closing

import numpy as np
import pytest

from bot.core.xray import Band, make_report
from bot.engine.api import Engine
from bot.engine.scoring import windows
from bot.engine.select import ENGINE_FILE_FORMAT, choose_engine, open_engine
from bot.model.store import OpenedModel, open_model
from bot.worker.xray_making import _scored, read
from tests.unit.worker.test_engine_loop import running

STORY = (
    "Once upon a time, there was a little girl named Lily. She loved to play outside in the park. "
    "One day, she saw a big xylophone 🦊 and said: ça va, 你好? Her mom smiled."
)
pytestmark = pytest.mark.timeout(120)


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[OpenedModel, Engine]]:
    """The model and the engine that this machine would choose."""
    name = choose_engine("auto")
    model = open_model("small", ENGINE_FILE_FORMAT[name], tmp_path_factory.mktemp("home"))
    engine = open_engine(name, model.info, slots=2, n_threads=1, kv_mb=None)
    with closing(engine):
        yield model, engine


def plain(engine: Engine, ids: list[int], start: int) -> tuple[np.ndarray, np.ndarray]:
    """Bits and ranks of `ids[start:]`, each given all before it, the simplest way."""
    rows = np.concatenate(list(engine.logits(ids[:-1]))).astype(np.float64)[start - 1 :]
    targets = np.array(ids[start:])
    exact = np.exp(rows - rows.max(axis=1, keepdims=True))
    chances = exact / exact.sum(axis=1, keepdims=True)
    own = chances[np.arange(len(targets)), targets]
    return -np.log2(own), (chances > own[:, None]).sum(axis=1)


async def test_report_is_what_the_logits_say(opened: tuple[OpenedModel, Engine]):
    """Bits, ranks, perplexity, shares; the text is whole, in its own characters."""
    model, engine = opened
    bos = model.info.end_of_text_id
    assert bos is not None
    reading = read(STORY, model.tokenizer)
    bits, ranks = await asyncio.to_thread(plain, engine, [bos, *reading.tokens], 1)
    async with running(engine) as loop:
        reading.scores = await loop.score(reading.tokens, bos=bos, n_alternatives=3)
    tokens = _scored(reading, model.tokenizer)
    report = make_report(tokens)

    assert STORY == report.text
    assert [token.bits for token in tokens] == pytest.approx(bits.tolist(), abs=0.02)
    assert np.mean([token.rank for token in tokens] == ranks) > 0.95  # rounding swaps neighbors
    assert report.perplexity == pytest.approx(2 ** bits.mean(), rel=0.01)
    assert report.bits_per_character == pytest.approx(bits.sum() / len(STORY), rel=0.01)
    assert report.rank_shares[Band.TOP] == pytest.approx(np.mean(ranks >= 1000), abs=0.02)
    likely = [one for one in tokens if one.rank == 0]
    assert all(one.piece == one.expected[0].text.encode() for one in likely if one.piece.isascii())


async def test_long_text_is_scored_in_windows(opened: tuple[OpenedModel, Engine]):
    """Each token with at least half a window before it; here those of the last one."""
    model, engine = opened
    n_ctx = engine.info.n_ctx
    ids = (model.tokenizer.encode(STORY) * 60)[: n_ctx + 300]
    async with running(engine) as loop:
        scores = await loop.score(ids)
    *_, last = windows(len(ids), n_ctx=n_ctx, stride=n_ctx // 2)
    bits, _ = await asyncio.to_thread(
        plain, engine, ids[last.begin : last.end], last.scored_from - last.begin
    )

    assert len(ids) - 1 == len(scores.logprobs)
    assert last.scored_from - last.begin >= n_ctx // 2
    found = -scores.logprobs[last.scored_from - 1 :] / np.log(2)
    assert found == pytest.approx(bits, abs=0.02)
