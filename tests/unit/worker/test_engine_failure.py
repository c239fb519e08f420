"""A worker whose engine fails: what the asker sees, who tries again, and when it gives up."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from structlog.testing import capture_logs

from bot.core.jobs import JobState
from bot.core.markdown import unescape
from bot.discord_io.reply_rest import ReplyGoneError, ReplyUnavailableError
from bot.errors import BrokenEngineError
from bot.worker.engine_loop import MAX_FAILURES
from tests.unit.worker.workshop import LEASE_S, PATIENCE_S, TapeEngine, Workshop, tale

AGAIN = "The engine failed on this text; it is tried again."


def engine_that_fails(n_times: int) -> TapeEngine:
    """In its first steps."""
    engine = TapeEngine()
    engine.failures = [RuntimeError("not-a-number logits")] * n_times
    return engine


def sentences(workshop: Workshop) -> list[str]:
    """All contents that the reply ever had."""
    return [edit.message.content for edit in workshop.replies.edits]


async def test_engine_failure_is_said_and_tried_again_at_once(workshop: Workshop):
    """A sentence with the log's id, then the text; nobody waits for a lease."""
    await workshop.put(length=20)
    with capture_logs() as logs:
        async with workshop.running(engine_that_fails(1)):
            assert JobState.DONE == await workshop.ended()  # the clock was never turned

    failed = next(entry for entry in logs if entry["event"] == "engine failed")
    first = workshop.replies.edits[0].message
    assert f"{AGAIN}\n-# Error {failed['error_id']}" == first.content
    assert first.components  # Stop works while it waits
    assert "not-a-number" in repr(failed["exc_info"])
    assert "machine-written" in workshop.replies.last.content
    finished = next(entry for entry in logs if entry["event"] == "job finished")
    assert "done" == finished["state"]


async def test_another_worker_gets_it_first(workshop: Workshop):
    """One with a free place, though the failing one has places, too."""
    bad, good = engine_that_fails(1), TapeEngine()
    await workshop.put(length=20)
    async with workshop.running(bad, name="bad"):
        await workshop.until(lambda: not bad.failures)  # it has the job
        async with workshop.running(good, name="good"):
            assert JobState.DONE == await workshop.ended()

    assert ([], 20) == (bad.n_alive, len(good.n_alive))


async def test_text_stopped_while_it_waits_for_its_next_attempt_is_gone(workshop: Workshop):
    """The reply's button stops it as it stops any waiting text."""
    await workshop.put(length=20)
    claim = await workshop.claim_as("w")
    await workshop.memory.retry("w", "1", claim.attempt)

    assert JobState.QUEUED == await workshop.memory.cancel("1")
    assert JobState.STOPPED == await workshop.memory.state("1")


async def test_job_that_always_fails_ends_with_a_sentence(workshop: Workshop):
    """No other attempt is promised on the last; the sentence's id is in the log."""
    await workshop.put(length=20)
    with capture_logs() as logs:
        async with workshop.running(engine_that_fails(3)):
            assert JobState.DEAD == await workshop.ended()

    assert 2 == sum(AGAIN in content for content in sentences(workshop))
    sentence, _, error_id = workshop.replies.last.content.rpartition("\n-# Error ")
    assert "several times" in sentence
    assert any(entry.get("error_id") == error_id for entry in logs)
    assert [] == workshop.replies.last.components


async def test_failure_in_mid_text_starts_anew_and_ends_whole(workshop: Workshop):
    """What stood there is replaced by the sentence, and then by the same text from its start."""
    await workshop.put(length=300)
    engine = TapeEngine(step_s=0.002)
    async with workshop.running(engine):
        await workshop.until(lambda: workshop.replies.edits)
        engine.failures = [RuntimeError("broken")]
        assert JobState.DONE == await workshop.ended()

    assert any(AGAIN in content for content in sentences(workshop))
    text = unescape(workshop.replies.last.content).partition("**Once upon a time**")[2]
    assert tale(7).encode()[:300].decode(errors="ignore") == text.partition("\n-# ")[0]


async def test_reply_that_is_gone_is_not_written_anew(workshop: Workshop):
    """The sentence can't be shown, so no text could be."""
    await workshop.put(length=20)
    workshop.replies.troubles = [ReplyGoneError("404")]

    async with workshop.running(engine_that_fails(1)):
        assert JobState.FAILED == await workshop.ended()


async def test_sentence_that_discord_does_not_take_holds_nothing_up(workshop: Workshop):
    """It is shown once or not at all; the text comes."""
    await workshop.put(length=20)
    workshop.replies.troubles = [ReplyUnavailableError("500", maybe_done=True)]

    async with workshop.running(engine_that_fails(1)):
        assert JobState.DONE == await workshop.ended()

    assert not any(AGAIN in content for content in sentences(workshop))


async def test_queue_away_at_the_failure_is_waited_for(workshop: Workshop):
    """The job is put back once the queue can be reached."""
    await workshop.put(length=400)
    engine = TapeEngine(step_s=0.002)
    async with workshop.running(engine):
        await workshop.until(lambda: workshop.replies.edits)
        workshop.queue.is_down = True
        engine.failures = [RuntimeError("broken")]
        await workshop.until(lambda: any(AGAIN in content for content in sentences(workshop)))
        workshop.queue.is_down = False
        assert JobState.DONE == await workshop.ended()


async def broken_worker(workshop: Workshop, meanwhile: Callable[[], Awaitable[None]]) -> None:
    """Runs a worker whose engine always fails, until it ends by itself."""
    worker = workshop.worker(engine_that_fails(99))
    task = asyncio.create_task(worker.run(asyncio.Event()))
    await meanwhile()
    async with asyncio.timeout(PATIENCE_S):
        with pytest.raises(BrokenEngineError, match=f"failed {MAX_FAILURES} times in a row"):
            await task


async def test_worker_with_a_broken_engine_leaves_in_order(workshop: Workshop):
    """Its jobs are back in line with attempts left, its slots count no more, the log says why."""
    for n in range(2):
        await workshop.put(str(n), length=20)

    async def nothing() -> None:
        """Just waits."""

    with capture_logs() as logs:
        await broken_worker(workshop, nothing)

    said = [entry["event"] for entry in logs]
    broken = next(entry for entry in logs if entry["event"] == "engine broken")
    assert (MAX_FAILURES, "not-a-number logits") == (broken["failures"], broken["reason"])
    assert "worker left" == said[-1]
    load = await workshop.memory.load()
    assert (0, 0) == (load.running, load.slots)


async def test_jobs_of_a_broken_worker_are_written_elsewhere(workshop: Workshop):
    """Those it had begun and those it had not; no lease has to run out."""

    async def put_some() -> None:
        for n in range(MAX_FAILURES):
            await workshop.put(str(n), length=20, seed=n)
            await asyncio.sleep(LEASE_S / 6)  # so that each fails in a step of its own

    await broken_worker(workshop, put_some)
    async with workshop.running(TapeEngine(), name="other"):
        states = [await workshop.ended(str(n)) for n in range(MAX_FAILURES)]

    assert JobState.DONE in states
    assert {JobState.DONE, JobState.DEAD} >= set(states)
