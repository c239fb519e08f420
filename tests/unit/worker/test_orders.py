"""What the queue tells a worker besides its jobs: to leave, and to wait for somebody's edit."""

import asyncio
import time

import pytest

from bot.core.jobs import JobState
from tests.unit.worker.workshop import PATIENCE_S, TapeEngine, Workshop

HOLD_S = 1.0


async def test_drained_worker_finishes_what_it_has_and_leaves(workshop: Workshop):
    """It takes nothing new, and needs nobody to stop its process."""
    await workshop.put("1", length=100)
    leaving = asyncio.create_task(
        workshop.worker(TapeEngine(step_s=0.01), name="leaving").run(asyncio.Event())
    )
    await workshop.until(lambda: workshop.replies.edits)
    assert await workshop.memory.drain("leaving")
    await workshop.put("2", length=3)

    async with asyncio.timeout(PATIENCE_S):
        await leaving

    assert JobState.DONE == await workshop.memory.state("1")
    assert "machine-written" in workshop.replies.last.content
    assert JobState.QUEUED == await workshop.memory.state("2")
    assert [] == await workshop.memory.workers()


async def test_drained_worker_gives_back_what_takes_too_long(workshop: Workshop):
    """As when its process is stopped; the attempt does not count."""
    await workshop.put("1", length=9000)
    leaving = asyncio.create_task(
        workshop.worker(TapeEngine(step_s=0.01), name="leaving", drain_s=0.3).run(asyncio.Event())
    )
    await workshop.until(lambda: workshop.replies.edits)
    await workshop.memory.drain("leaving")

    async with asyncio.timeout(PATIENCE_S):
        await leaving

    assert 1 == (await workshop.claim_as("other")).attempt


async def test_other_workers_stay(workshop: Workshop):
    """The order is for one of them."""
    async with workshop.running(TapeEngine(), name="staying"):
        leaving = asyncio.create_task(
            workshop.worker(TapeEngine(), name="leaving").run(asyncio.Event())
        )
        async with asyncio.timeout(PATIENCE_S):
            while not await workshop.memory.drain("leaving"):  # noqa: ASYNC110  # not there yet
                await asyncio.sleep(0.01)
            await leaving
        await workshop.put(length=5)
        assert JobState.DONE == await workshop.ended()
        assert ["staying"] == [worker.id for worker in await workshop.memory.workers()]


async def test_worker_says_what_it_is(workshop: Workshop):
    """Its model to the queue and to all who look for models; both end with it."""
    async with workshop.running(TapeEngine(sequences=3), name="w"):
        async with asyncio.timeout(PATIENCE_S):
            while not await workshop.registry.seen(60):  # noqa: ASYNC110  # nobody tells of it
                await asyncio.sleep(0.01)
        (worker,) = await workshop.memory.workers()
        assert ("w", "tape", 3) == (worker.id, worker.model, worker.slots)
        assert ["tape"] == list(await workshop.registry.seen(60))


@pytest.mark.parametrize("length", [5, 100], ids=["only-edit", "growing"])
async def test_first_edit_waits_for_a_notice_on_its_way(workshop: Workshop, length: int):
    """The one who announced it may write until then; also where the first edit is the last."""
    await workshop.put(length=length)
    assert await workshop.memory.begin_notice("1", HOLD_S)
    began_s = time.monotonic()

    async with workshop.running(TapeEngine()):
        assert JobState.DONE == await workshop.ended()

    first_s = workshop.replies.edits[0].at_s - began_s
    # The two clocks are read one after the other.
    assert first_s >= HOLD_S - 0.05
    assert JobState.DONE == await workshop.memory.state("1")


async def test_sentence_instead_of_a_text_waits_as_well(workshop: Workshop):
    """It must not be painted over either."""
    await workshop.put(deadline_at_s=workshop.now() - 1)
    assert await workshop.memory.begin_notice("1", HOLD_S)
    began_s = time.monotonic()

    async with workshop.running(TapeEngine()):
        assert JobState.EXPIRED == await workshop.ended()

    assert workshop.replies.edits[0].at_s - began_s >= HOLD_S - 0.05


async def test_first_edit_comes_at_once_where_no_notice_is_on_its_way(workshop: Workshop):
    """An ended notice holds nobody back."""
    await workshop.put(length=5)
    await workshop.memory.begin_notice("1", 30)
    await workshop.memory.end_notice("1")

    async with workshop.running(TapeEngine()):
        assert JobState.DONE == await workshop.ended()  # within the workshop's patience

    assert workshop.replies.edits


async def test_new_models_worker_starts_nothing_during_a_pause(workshop: Workshop):
    """Not even what its queue got before it heard of the pause; it hears of the end, too."""
    await workshop.put(length=5)
    await workshop.registry.pause("later")
    async with workshop.running(TapeEngine()):
        async with asyncio.timeout(PATIENCE_S):
            while not await workshop.registry.seen(60):  # noqa: ASYNC110  # nobody tells of it
                await asyncio.sleep(0.01)
        await asyncio.sleep(0.3)
        assert JobState.QUEUED == await workshop.memory.state("1")
        assert "later" == await workshop.memory.paused()

        await workshop.registry.pause(None)

        assert JobState.DONE == await workshop.ended()
