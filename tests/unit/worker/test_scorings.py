"""Scoring in the loop around an engine: between others' steps, a chunk at a time."""

import asyncio
import time
from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt
import pytest

from bot.engine.scoring import score_long
from bot.engine.scripted import ScriptedEngine
from bot.errors import BrokenEngineError
from bot.worker.engine_loop import MAX_FAILURES, EngineLoop, SequenceFailedError
from tests.unit.worker.test_engine_loop import Listener, running

LONG = [n % 290 for n in range(700)]
BOS = 299


class LoggingEngine(ScriptedEngine):
    """Notes in which order steps and chunks of scores come; chunks may fail, or take long."""

    def __init__(self, *, fails: int = 0, chunk_s: float = 0.0, **options: int) -> None:
        super().__init__(**({"n_vocab": 300} | options))
        self.events: list[str] = []
        self.fails = fails
        self._chunk_s = chunk_s

    def step(self, plan: dict[int, int]) -> list:  # pyright: ignore[reportIncompatibleMethodOverride, reportMissingTypeArgument]
        self.events.append("step")
        return super().step(plan)

    def logits(self, tokens: Sequence[int]) -> Iterator[npt.NDArray[np.float32]]:
        for rows in super().logits(tokens):
            time.sleep(self._chunk_s)
            self.events.append(f"chunk {len(tokens)}")
            if self.fails:
                self.fails -= 1
                raise RuntimeError("this chunk failed")
            yield rows


@pytest.mark.parametrize("n_ctx", [1024, 256])
async def test_scores_are_those_of_one_call(n_ctx: int):
    """Also of a text that is longer than the window, whatever else goes on."""
    expected = score_long(
        ScriptedEngine(n_vocab=300, n_ctx=n_ctx), LONG, stride=n_ctx // 2, bos=BOS, n_alternatives=3
    )
    async with running(ScriptedEngine(n_vocab=300, n_ctx=n_ctx)) as loop:
        writer = Listener(loop).join([1, 2, 3])
        scores = await loop.score(LONG, bos=BOS, n_alternatives=3)
        await writer.end()

    assert len(LONG) == len(scores.logprobs)
    np.testing.assert_allclose(expected.logprobs, scores.logprobs)
    np.testing.assert_array_equal(expected.ranks, scores.ranks)
    np.testing.assert_array_equal(expected.alternatives, scores.alternatives)
    np.testing.assert_allclose(expected.alternative_logprobs, scores.alternative_logprobs)


async def test_without_a_beginning_the_first_token_has_no_score():
    """And a single token has none at all."""
    async with running(ScriptedEngine(n_vocab=300)) as loop:
        assert 699 == len((await loop.score(LONG)).logprobs)
        assert 0 == len((await loop.score([5])).logprobs)
        assert (0, 2) == (await loop.score([5], n_alternatives=2)).alternatives.shape


async def test_texts_that_are_written_go_on_between_two_chunks():
    """None of them waits for more than one."""
    engine = LoggingEngine()
    async with running(engine) as loop:
        writer = Listener(loop, 40).join([1, 2, 3])
        await asyncio.gather(loop.score(LONG), writer.end())

    first = engine.events.index("chunk 699")
    beside = engine.events[first : first + 11]
    assert ["chunk 699", "step"] * 5 == beside[:10]


async def test_two_texts_are_scored_in_turns():
    """A short one need not wait for the end of a long one."""
    engine = LoggingEngine()
    async with running(engine) as loop:
        await asyncio.gather(loop.score(LONG), loop.score(LONG[:200]))

    assert ["chunk 699", "chunk 199"] * 2 == engine.events[:4]


async def test_event_loop_goes_on_while_a_chunk_is_computed():
    """It is computed in the engine's thread."""
    async with running(LoggingEngine(chunk_s=0.1)) as loop:
        scoring = asyncio.create_task(loop.score(LONG))
        n_ticks = 0
        while not scoring.done():
            await asyncio.sleep(0.005)
            n_ticks += 1

    assert n_ticks > 20


async def test_cancelled_text_gives_its_place_back():
    """Before the next text needs it, even where there is one place only."""
    engine = LoggingEngine(slots=1, chunk_s=0.05)
    async with running(engine) as loop:
        scoring = asyncio.create_task(loop.score(LONG))
        while not engine.events:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        scoring.cancel()
        with pytest.raises(asyncio.CancelledError):
            await scoring
        writer = await Listener(loop).join([1, 2]).end()

        async with asyncio.timeout(5):
            await loop.wait_idle()

    assert ([], 5) == (writer.errors, len(writer.tokens))
    assert engine.events.count("chunk 699") <= 2


async def test_text_waits_for_a_place():
    """Where a text that is written has the only one; others that are scored wait as well."""
    engine = LoggingEngine(slots=1)
    async with running(engine) as loop:
        writer = Listener(loop, 30).join([1, 2])
        await asyncio.sleep(0.01)
        scores = await asyncio.gather(loop.score(LONG[:100]), loop.score(LONG[:90]))
        await writer.end()

    assert [99, 89] == [len(one.logprobs) for one in scores]
    assert [] == writer.errors
    assert "step" not in engine.events[engine.events.index("chunk 99") :]


async def test_place_is_free_after_a_text_was_scored():
    """As often as one likes."""
    async with running(ScriptedEngine(n_vocab=300, slots=1)) as loop:
        for _ in range(3):
            await loop.score(LONG)
        assert 5 == len((await Listener(loop).join([1]).end()).tokens)


async def test_failed_chunk_is_told_to_its_text_alone():
    """With its cause; others go on, and the next try goes well."""
    async with running(LoggingEngine(fails=1)) as loop:
        writer = Listener(loop).join([1, 2])
        with pytest.raises(SequenceFailedError) as caught:
            await loop.score(LONG)
        assert isinstance(caught.value.__cause__, RuntimeError)
        assert 5 == len((await writer.end()).tokens)
        assert 699 == len((await loop.score(LONG)).logprobs)


async def test_text_that_the_engine_refuses_is_no_failure():
    """Such as one with ids that the model does not have."""
    async with running(ScriptedEngine(n_vocab=300)) as loop:
        for _ in range(MAX_FAILURES + 1):
            with pytest.raises(ValueError, match="0 to 299"):
                await loop.score([1, 300, 2])
        assert 699 == len((await loop.score(LONG)).logprobs)


async def test_engine_that_fails_at_scores_again_and_again_is_broken():
    """As with steps; the last one is told, too."""
    loop = EngineLoop(LoggingEngine(fails=MAX_FAILURES))
    task = asyncio.create_task(loop.run())
    for _ in range(MAX_FAILURES):
        with pytest.raises(SequenceFailedError):
            await loop.score(LONG)

    with pytest.raises(BrokenEngineError, match="this chunk failed"):
        await task
