"""What is left of a finished text: kept, with buttons that find it, candidates and versions."""

import asyncio
from collections.abc import Sequence

from bot.core.buttons import finished_rows
from bot.core.jobs import JobState
from bot.core.outputs import Output
from bot.core.receipts import code_of, is_signed, read_receipt
from bot.core.replies import UNFINISHED_MARK, shown_text
from bot.errors import QueueDownError
from bot.state.memory_outputs import MemoryOutputs
from tests.unit.worker.workshop import TapeEngine, Workshop, tale


def told(seed: int, n_bytes: int) -> str:
    """What the engine writes for a seed: a token a byte, whole characters only."""
    return tale(seed).encode()[:n_bytes].decode(errors="ignore")


async def test_finished_text_is_kept_with_all_that_makes_it_again(workshop: Workshop):
    """The record that Continue, Retry and /replay start from."""
    job = await workshop.put(seed=7, length=40)
    async with workshop.running(TapeEngine()):
        assert JobState.DONE == await workshop.ended()

    kept = await workshop.outputs.find(code_of("1"))
    assert kept is not None
    assert (job.prompt, told(7, 40)) == (kept.prompt, kept.text)
    assert (job.sampling, 40) == (kept.sampling, kept.n_tokens)
    assert ("1", "1", job.user_id) == (kept.root, kept.job_id, kept.user_id)


async def test_text_is_kept_before_its_buttons_are_shown(workshop: Workshop):
    """A click in the same second finds it."""
    found: list[Output | None] = []
    store = workshop.outputs

    class Watching(type(workshop.replies)):
        async def edit_original(self, target, message, *, tries=5):
            if message.components and UNFINISHED_MARK not in message.content:
                found.append(await store.find(code_of("1")))
            await super().edit_original(target, message, tries=tries)

    workshop.replies = Watching()
    await workshop.put(length=10)
    async with workshop.running(TapeEngine()):
        await workshop.ended()

    assert found
    assert None not in found


async def test_candidates_are_one_reply_to_pick_from(workshop: Workshop):
    """The first is shown with a pager; each is what its own seed writes."""
    await workshop.put(seed=7, length=40, candidates=3)
    async with workshop.running(TapeEngine()):
        assert JobState.DONE == await workshop.ended()

    last = workshop.replies.edits[-1].message
    assert finished_rows("1", 0, 3, is_choice=True) == last.components
    assert told(7, 40) in last.content.replace("\\", "")
    kept = await workshop.outputs.versions("1")
    assert [told(7, 40), told(8, 40), told(9, 40)] == [output.text for output in kept]
    assert [7, 8, 9] == [output.sampling.seed for output in kept]


async def test_more_candidates_than_places_wait_for_one(workshop: Workshop):
    """An engine with a single place writes them one after the other."""
    await workshop.put(length=20, candidates=4)
    engine = TapeEngine(sequences=1)
    async with workshop.running(engine):
        assert JobState.DONE == await workshop.ended()

    assert 1 == max(engine.n_alive)
    assert 4 == len(await workshop.outputs.versions("1"))


async def test_candidates_count_as_places_when_jobs_are_claimed(workshop: Workshop):
    """A worker that writes as many texts as it has places takes no further job."""
    await workshop.put("1", length=200, candidates=4)
    engine = TapeEngine(step_s=0.005, sequences=4)
    async with workshop.running(engine, drain_s=0.2):
        await workshop.until(lambda: workshop.engine_seats() == 4)
        await workshop.put("2", length=5)
        await asyncio.sleep(0.2)
        assert JobState.QUEUED == await workshop.memory.state("2")
        assert JobState.DONE == await workshop.ended("1")
        assert JobState.DONE == await workshop.ended("2")


async def test_stopped_candidates_are_posted_as_they_are(workshop: Workshop):
    """One click ends them all."""
    await workshop.put(length=5000, candidates=2)
    async with workshop.running(TapeEngine(step_s=0.002)):
        await workshop.until(lambda: workshop.replies.edits)
        await workshop.memory.cancel("1")
        assert JobState.STOPPED == await workshop.ended()

    assert "stopped by request" in workshop.replies.edits[-1].message.content
    assert 2 == len(await workshop.outputs.versions("1"))


async def test_retry_becomes_the_next_version_of_the_same_reply(workshop: Workshop):
    """The older one stays a page away."""
    await workshop.put("1", seed=7, length=20)
    await workshop.put("2", seed=8, length=20, root="1")
    async with workshop.running(TapeEngine(sequences=1)):
        await workshop.ended("1")
        assert JobState.DONE == await workshop.ended("2")

    assert finished_rows("1", 1, 2) == workshop.replies.edits[-1].message.components
    assert [7, 8] == [output.sampling.seed for output in await workshop.outputs.versions("1")]


async def test_long_version_takes_one_message_and_a_file(workshop: Workshop):
    """Further messages would stay behind when a page is turned."""
    await workshop.put("1", length=20)
    await workshop.put("2", length=2500, root="1")
    async with workshop.running(TapeEngine(sequences=1)):
        await workshop.ended("1")
        await workshop.ended("2")

    last = workshop.replies.edits[-1].message
    assert not workshop.replies.followups
    assert last.file_text
    assert len(last.content) <= 2000


async def test_further_messages_of_a_long_text_are_remembered(workshop: Workshop):
    """So that they can be taken away when the text is replaced."""
    await workshop.put(length=2500)
    async with workshop.running(TapeEngine()):
        await workshop.ended()

    n_followups = len(workshop.replies.followups)
    assert n_followups
    assert n_followups == len(await workshop.outputs.messages(code_of("1")))


async def test_text_out_of_nothing_begins_after_the_end_of_another(workshop: Workshop):
    """As OpenAI's script makes its unconditional samples; no prompt is shown."""
    await workshop.put(prompt="", seed=3, length=30)
    async with workshop.running(TapeEngine()):
        assert JobState.DONE == await workshop.ended()

    assert workshop.replies.edits[-1].message.content.startswith(told(3, 20))


async def test_receipt_signs_what_the_members_read(workshop: Workshop):
    """Words that the server hides are hidden in what is signed, too."""
    workshop.masked["fox"] = "▒▒▒"
    await workshop.put(length=60)
    async with workshop.running(TapeEngine(" The fox ran. The owl sang. The fox sang.")):
        await workshop.ended()

    content = workshop.replies.edits[-1].message.content
    receipt = read_receipt(content)
    kept = await workshop.outputs.find(code_of("1"))
    assert receipt is not None
    assert kept is not None
    assert receipt.code == kept.code
    shown = shown_text(kept.prompt, kept.text.replace("fox", "▒▒▒"))
    assert is_signed(shown, receipt, workshop.receipt_keys)
    assert not is_signed(shown + "x", receipt, workshop.receipt_keys)


class AwayOutputs(MemoryOutputs):
    """Can't be reached for a while."""

    away = True

    async def save(self, outputs: Sequence[Output]) -> None:
        if self.away:
            raise QueueDownError
        await super().save(outputs)


async def test_text_does_not_wait_for_a_store_that_is_away(workshop: Workshop):
    """It is posted, and kept as soon as the store is back."""
    workshop.outputs = store = AwayOutputs(clock=workshop.now)
    await workshop.put(length=10)
    async with workshop.running(TapeEngine()):
        await workshop.until(lambda: any("-#" in e.message.content for e in workshop.replies.edits))
        assert JobState.RUNNING == await workshop.memory.state("1")
        store.away = False
        assert JobState.DONE == await workshop.ended()

    assert await store.find(code_of("1")) is not None


async def test_version_that_cant_be_written_leads_back_to_the_text(workshop: Workshop):
    """A sentence takes the place of a text that is still kept; one without a text leads nowhere."""
    late = workshop.now() - 1
    await workshop.put("1", root="7", deadline_at_s=late)
    await workshop.put("2", deadline_at_s=late)

    async with workshop.running(TapeEngine()):
        for job_id in ("1", "2"):
            assert JobState.EXPIRED == await workshop.ended(job_id)

    shown = sorted(len(edit.message.components) for edit in workshop.replies.edits)
    assert [0, 1] == shown
