"""The worker from claim to finish, and everything that can go wrong in between."""

import asyncio
from itertools import pairwise

import pytest
from structlog.testing import capture_logs

from bot.core.buttons import finished_rows
from bot.core.jobs import JobState
from bot.core.markdown import unescape
from bot.discord_io.reply_rest import (
    ReplyGoneError,
    ReplyRefusedError,
    ReplyUnavailableError,
)
from tests.unit.worker.workshop import LEASE_S, TapeEngine, Workshop, is_finished, tale

PROMPT = "**Once upon a time**"


def shown(content: str) -> str:
    """The continuation without prompt and label."""
    return unescape(content.removeprefix(PROMPT).partition("\n-# ")[0])


async def test_text_grows_and_is_finished_after_it_was_posted(workshop: Workshop):
    """Running edits carry the Stop button and keep their distance; the last one has the label."""
    await workshop.put(length=120)
    with capture_logs() as logs:
        async with workshop.running(TapeEngine(step_s=0.005)):
            assert JobState.DONE == await workshop.ended()

    edits = workshop.replies.edits
    assert len(edits) >= 3
    assert all("▌" in edit.message.content and edit.message.components for edit in edits[:-1])
    assert finished_rows("1", 0, 1) == workshop.replies.last.components
    assert tale(7).encode()[:120].decode(errors="ignore") == shown(workshop.replies.last.content)
    assert "tape q8\\_0 · machine-written · seed 7" in workshop.replies.last.content
    assert all(after.at_s - before.at_s >= 0.1 for before, after in pairwise(edits))
    line = next(entry for entry in logs if entry["event"] == "job finished")
    assert ("done", 120, 16) == (line["state"], line["tokens"], line["prompt_tokens"])
    assert "Once upon" not in repr(logs)


async def test_final_edit_arrives_through_trouble(workshop: Workshop):
    """However often Discord fails, the finished text gets there, and only then the job ends."""
    await workshop.put(length=5)
    workshop.replies.troubles = [ReplyUnavailableError("500", maybe_done=True)] * 5

    async with workshop.running(TapeEngine()):
        assert JobState.DONE == await workshop.ended()

    assert [] == workshop.replies.troubles
    assert "machine-written" in workshop.replies.last.content


async def test_many_jobs_share_the_engine(workshop: Workshop):
    """Never more sequences than places, and everybody gets their own text."""
    for n in range(9):
        await workshop.put(str(n), seed=n, length=30)
    engine = TapeEngine(step_s=0.001, sequences=3)

    async with workshop.running(engine):
        for n in range(9):
            assert JobState.DONE == await workshop.ended(str(n))

    assert 3 == max(engine.n_alive)
    finals = {edit.message.content for edit in workshop.replies.edits if is_finished(edit.message)}
    assert {tale(n).encode()[:30].decode(errors="ignore") for n in range(9)} == set(
        map(shown, finals)
    )


async def test_stop_while_running_posts_what_exists(workshop: Workshop):
    """The text ends at once, says why, and its place in the engine is free."""
    await workshop.put(length=5000)
    async with workshop.running(TapeEngine(step_s=0.005, sequences=1)):
        await workshop.until(lambda: workshop.replies.edits)
        await workshop.memory.cancel("1")
        assert JobState.STOPPED == await workshop.ended()
        await workshop.put("2", length=3)
        assert JobState.DONE == await workshop.ended("2")

    stopped = next(e.message for e in workshop.replies.edits if is_finished(e.message))
    assert "stopped by request" in stopped.content
    assert tale(7).startswith(shown(stopped.content))
    assert shown(stopped.content)


async def test_lost_lease_drops_the_job_silently(workshop: Workshop):
    """Another worker took over: nothing more is posted, nothing finished."""
    await workshop.put(length=5000)
    async with workshop.running(TapeEngine(step_s=0.005)):
        await workshop.until(lambda: workshop.replies.edits)
        workshop.skew_s = LEASE_S * 2
        assert 1 == (await workshop.memory.reap()).put_back
        assert 2 == (await workshop.claim_as("other")).attempt
        await asyncio.sleep(LEASE_S / 2)
        n_edits = len(workshop.replies.edits)
        await asyncio.sleep(0.3)

        assert n_edits == len(workshop.replies.edits)
        assert all(edit.message.components for edit in workshop.replies.edits)


async def test_drain_gives_long_jobs_back_unharmed(workshop: Workshop):
    """A short text still ends, a long one goes on elsewhere; the attempt does not count."""
    await workshop.put("1", length=60)
    await workshop.put("2", length=9000)
    async with workshop.running(TapeEngine(step_s=0.005), drain_s=1.5) as stop:
        await workshop.until(lambda: len(workshop.replies.edits) >= 2)
        stop.set()

    assert JobState.DONE == await workshop.memory.state("1")
    assert JobState.QUEUED == await workshop.memory.state("2")
    assert 1 == (await workshop.claim_as("other")).attempt
    assert 0 == (await workshop.memory.load()).slots


async def test_second_attempt_writes_the_same_text(workshop: Workshop):
    """A worker that is gone in mid-text is replaced; the reply ends as if nothing had been."""
    await workshop.put(length=80)
    await workshop.claim_as("gone")
    workshop.skew_s = LEASE_S * 2

    async with workshop.running(TapeEngine()):
        assert JobState.DONE == await workshop.ended()

    assert tale(7).encode()[:80].decode(errors="ignore") == shown(workshop.replies.last.content)


async def test_long_text_goes_on_in_further_messages_and_a_file(workshop: Workshop):
    """Three messages, the rest attached to the last one; together they are the whole text."""
    await workshop.put(length=9000)
    async with workshop.running(TapeEngine()):
        assert JobState.DONE == await workshop.ended()

    posted = [workshop.replies.last, *(post.message for post in workshop.replies.followups)]
    assert 3 == len(posted)
    assert [None, None] == [message.file_text for message in posted[:2]]
    whole = "".join(shown(message.content) for message in posted) + (posted[2].file_text or "")
    assert tale(7).encode()[:9000].decode(errors="ignore") == whole


async def test_sent_parts_are_not_sent_again(workshop: Workshop):
    """What the attempt before has posted for sure is skipped."""
    await workshop.put(length=5500)
    first = await workshop.claim_as("gone")
    await workshop.memory.mark_part("gone", "1", first.attempt, 1, True)
    workshop.skew_s = LEASE_S * 2

    async with workshop.running(TapeEngine()):
        assert JobState.DONE == await workshop.ended()

    assert 1 == len(workshop.replies.followups)
    assert "machine-written" in workshop.replies.followups[0].message.content


async def test_part_that_may_have_been_sent_comes_as_a_file(workshop: Workshop):
    """Nothing is posted twice and nothing lost: an edit attaches the rest to the reply."""
    await workshop.put(length=5500)
    first = await workshop.claim_as("gone")
    await workshop.memory.mark_part("gone", "1", first.attempt, 1, False)
    workshop.skew_s = LEASE_S * 2

    async with workshop.running(TapeEngine()):
        assert JobState.DONE == await workshop.ended()

    last = workshop.replies.last
    assert [] == workshop.replies.followups
    whole = tale(7).encode()[:5500].decode(errors="ignore")
    assert whole == shown(last.content) + (last.file_text or "")
    assert "machine-written" in last.content


async def test_post_without_answer_is_not_repeated(workshop: Workshop):
    """A follow-up whose answer got lost turns into a file at the reply."""
    await workshop.put(length=5500)
    workshop.replies.post_troubles = [ReplyUnavailableError("time-out", maybe_done=True)]

    async with workshop.running(TapeEngine()):
        assert JobState.DONE == await workshop.ended()

    assert [] == workshop.replies.followups
    assert workshop.replies.last.file_text


async def test_prompt_that_the_engine_refuses_is_not_tried_again(workshop: Workshop):
    """Trying once more would not help, so the asker is told at once."""
    await workshop.put(prompt="refuse me")

    async with workshop.running(TapeEngine()):
        assert JobState.FAILED == await workshop.ended()

    assert "-# Error " in workshop.replies.last.content


async def test_late_job_is_told_so(workshop: Workshop):
    """A job nobody could write in time ends with a sentence."""
    await workshop.put(deadline_at_s=workshop.now() - 1)

    async with workshop.running(TapeEngine()):
        assert JobState.EXPIRED == await workshop.ended()

    assert "waited too long" in workshop.replies.last.content


async def test_deadline_ends_a_running_text(workshop: Workshop):
    """What exists is posted while the reply can still be edited."""
    await workshop.put(length=9000, deadline_at_s=workshop.now() + 10)

    async with workshop.running(TapeEngine(step_s=0.005)):
        assert JobState.STOPPED == await workshop.ended()

    assert "out of time" in workshop.replies.last.content
    assert tale(7).startswith(shown(workshop.replies.last.content))


@pytest.mark.parametrize("error", [ReplyGoneError("404"), ReplyRefusedError("400")])
async def test_reply_that_cannot_be_written_ends_the_job(workshop: Workshop, error: Exception):
    """Deleted or refused: no attempt would change that."""
    await workshop.put(length=3)
    workshop.replies.troubles = [error, error]  # one may hit an edit in between

    async with workshop.running(TapeEngine()):
        assert JobState.FAILED == await workshop.ended()


async def test_queue_away_in_mid_text_changes_nothing(workshop: Workshop):
    """The engine goes on, the text is posted, and the job is finished once the queue is back."""
    await workshop.put(length=60)
    async with workshop.running(TapeEngine(step_s=0.005)):
        await workshop.until(lambda: workshop.replies.edits)
        workshop.queue.is_down = True
        await workshop.until(lambda: is_finished(workshop.replies.last))
        assert JobState.RUNNING == await workshop.memory.state("1")
        workshop.queue.is_down = False
        assert JobState.DONE == await workshop.ended()

    assert tale(7).encode()[:60].decode(errors="ignore") == shown(workshop.replies.last.content)


async def test_worker_counts_as_slots_as_soon_as_it_runs(workshop: Workshop):
    """The queue knows of a worker before it has any job."""
    async with workshop.running(TapeEngine(sequences=5)):
        await asyncio.sleep(0.1)
        assert 5 == (await workshop.memory.load()).slots


async def test_worker_that_may_have_lost_its_lease_stops_showing_growth(workshop: Workshop):
    """Cut off from the queue only, it must not paint over what another worker has finished."""
    await workshop.put(length=2000)
    async with workshop.running(TapeEngine(step_s=0.005), drain_s=0.1):
        await workshop.until(lambda: workshop.replies.edits)
        workshop.queue.is_down = True
        await asyncio.sleep(LEASE_S + 0.3)
        n_edits = len(workshop.replies.edits)
        await asyncio.sleep(0.5)
        assert n_edits == len(workshop.replies.edits)
        workshop.queue.is_down = False
        await workshop.until(lambda: len(workshop.replies.edits) > n_edits)


async def test_outage_longer_than_a_lease_takes_no_job_from_a_living_worker(workshop: Workshop):
    """Its leases ran out meanwhile, and it renews them before anybody puts the jobs back."""
    await workshop.put(length=300)
    async with workshop.running(TapeEngine(step_s=0.01)):
        await workshop.until(lambda: workshop.replies.edits)
        workshop.queue.is_down = True
        await asyncio.sleep(2 * LEASE_S)
        workshop.queue.is_down = False
        assert JobState.DONE == await workshop.ended()

    texts = [shown(edit.message.content).rstrip("▌") for edit in workshop.replies.edits]
    assert all(after.startswith(before[:100]) for before, after in pairwise(texts))
    assert sorted(map(len, texts)) == list(map(len, texts))


async def test_deadline_ends_a_text_while_the_queue_is_away(workshop: Workshop):
    """The queue can't say so then, and Discord does not wait."""
    await workshop.put(length=9000, deadline_at_s=workshop.now() + 22)
    async with workshop.running(TapeEngine(step_s=0.005)):
        await workshop.until(lambda: workshop.replies.edits)
        workshop.queue.is_down = True
        await workshop.until(lambda: "out of time" in workshop.replies.last.content)
        workshop.queue.is_down = False
        assert JobState.STOPPED == await workshop.ended()


async def test_job_long_past_its_deadline_calls_nobody(workshop: Workshop):
    """Its token is dead; Discord counts such calls, and bans for thousands of them."""
    await workshop.put(deadline_at_s=workshop.now() - 61)

    async with workshop.running(TapeEngine()):
        assert JobState.EXPIRED == await workshop.ended()

    assert [] == workshop.replies.edits


async def test_job_that_breaks_on_a_token_harms_no_other(workshop: Workshop):
    """Such as a token that the tokenizer does not know."""
    foxes = {"🦊" in tale(seed)[:30]: seed for seed in range(50)}  # one seed with, one without
    await workshop.put("bad", seed=foxes[True], length=60)
    await workshop.put("good", seed=foxes[False], length=30)
    feed = workshop.tokenizer.token_bytes

    def broken(token_id: int) -> bytes:
        if token_id == "🦊".encode()[0]:
            raise IndexError(token_id)
        return feed(token_id)

    workshop.tokenizer.token_bytes = broken
    async with workshop.running(TapeEngine()):
        assert JobState.DONE == await workshop.ended("good")


async def test_draining_worker_offers_no_slots(workshop: Workshop):
    """Who asks meanwhile is told that they have to wait."""
    await workshop.put(length=400)
    async with workshop.running(TapeEngine(step_s=0.005)) as stop:
        await workshop.until(lambda: workshop.replies.edits)
        stop.set()
        async with asyncio.timeout(2):
            while (await workshop.memory.load()).slots:  # noqa: ASYNC110  # the queue tells nobody
                await asyncio.sleep(0.02)
        assert JobState.RUNNING == await workshop.memory.state("1")


async def test_worker_that_is_drained_from_afar_leaves_as_if_told_to_stop(workshop: Workshop):
    """It ends what it writes, announces its model, and its process ends."""
    engine = TapeEngine(step_s=0.01)
    async with workshop.running(engine) as stop:
        await workshop.put("1", length=60)
        await workshop.until(lambda: engine.n_alive)
        (info,) = await workshop.memory.workers()
        assert "tape" == info.model

        assert await workshop.memory.drain("w")

        await workshop.until(stop.is_set)
        await workshop.put("2")
        assert JobState.DONE is await workshop.ended("1")
    assert JobState.QUEUED is await workshop.memory.state("2")
    assert [] == await workshop.memory.workers()
