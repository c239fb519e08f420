"""Replays on a worker: a text is written again, and the two are compared."""

from dataclasses import replace

import pytest

from bot.core.jobs import JobKind, JobState
from bot.core.outputs import Output
from bot.core.receipts import code_of
from bot.core.replay import again
from tests.unit.worker.workshop import TapeEngine, Workshop

CODE = code_of("1")


@pytest.fixture
async def workshop() -> Workshop:
    return Workshop()


async def write(workshop: Workshop, **changes: object) -> Output:
    """A text to be made again."""
    await workshop.put("1", **({"length": 60} | changes))
    async with workshop.running(TapeEngine()):
        assert JobState.DONE == await workshop.ended("1")
    output = await workshop.outputs.find(CODE)
    assert output is not None
    return output


async def replay(workshop: Workshop, output: Output, engine: TapeEngine | None = None) -> str:
    """What is posted of it."""
    max_new_tokens, sampling = again(output)
    await workshop.put(
        "2", seed=sampling.seed, length=max_new_tokens, kind=JobKind.REPLAY, origin=CODE
    )
    async with workshop.running(engine or TapeEngine()):
        assert JobState.DONE == await workshop.ended("2")
    return workshop.replies.last.content


async def test_same_text_is_said_to_be_identical(workshop: Workshop):
    """It takes the Stop button away, keeps nothing new, and is settled like a text."""
    output = await write(workshop)

    assert "Identical: all" in await replay(workshop, output)

    assert [] == workshop.replies.last.components
    assert [output] == await workshop.outputs.of_user(output.user_id)
    await workshop.until_settled()


async def test_text_that_comes_out_otherwise_is_shown(workshop: Workshop):
    """From before the place where it departs, with what may be the reason."""
    output = await write(workshop)
    await workshop.outputs.save([replace(output, weights="ab" * 32)])

    shown = await replay(workshop, output, TapeEngine(output.text[:20] + "Xylophones"))

    assert "It departs after 20 of" in shown
    assert "> Now: " in shown
    assert "**Xylophones**" in shown
    assert "The model file may be another one" in shown


async def test_hidden_words_stay_hidden(workshop: Workshop):
    """As the server of the replay wants it."""
    output = await write(workshop)
    workshop.masked["fox"] = "▒▒▒"

    assert "fox" not in await replay(workshop, output, TapeEngine(" fox fox fox fox"))


async def test_text_that_is_gone_is_said_so(workshop: Workshop):
    """It may go while the job waits; nothing is charged for that."""
    await workshop.put("2", kind=JobKind.REPLAY, origin="0123456789")
    async with workshop.running(TapeEngine()):
        assert JobState.FAILED == await workshop.ended("2")

    assert "not kept any more" in workshop.replies.last.content
    assert 0 == await workshop.memory.used("2")


async def test_long_replay_says_what_it_does_and_can_be_stopped(workshop: Workshop):
    """What exists is compared."""
    output = await write(workshop, length=3_000)
    await workshop.put("2", length=3_000, kind=JobKind.REPLAY, origin=CODE)
    n_before = len(workshop.replies.edits)
    async with workshop.running(TapeEngine(step_s=0.002)):
        await workshop.until(lambda: len(workshop.replies.edits) > n_before)
        assert "written again" in workshop.replies.last.content
        assert workshop.replies.last.components
        await workshop.memory.cancel("2")
        assert JobState.STOPPED == await workshop.ended("2")

    assert "Identical so far" in workshop.replies.last.content
    assert f"of {len(output.text):,} characters" in workshop.replies.last.content


async def test_text_that_was_stopped_is_made_again_as_far_as_it_came(workshop: Workshop):
    """Not one token further."""
    await workshop.put("1", length=3_000)
    async with workshop.running(TapeEngine(step_s=0.002)):
        await workshop.until(lambda: workshop.replies.edits)
        await workshop.memory.cancel("1")
        assert JobState.STOPPED == await workshop.ended("1")
    output = await workshop.outputs.find(CODE)
    assert output is not None

    assert "Identical: all" in await replay(workshop, output)


async def test_engine_failure_puts_the_replay_back(workshop: Workshop):
    """Another attempt does it."""
    output = await write(workshop)
    engine = TapeEngine()
    engine.failures = [RuntimeError("broken for a test")]

    assert "Identical: all" in await replay(workshop, output, engine)
