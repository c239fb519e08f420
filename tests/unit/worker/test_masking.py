"""Words that a server does not want to read are hidden in whatever the worker shows."""

from bot.core.jobs import Job, JobState
from bot.core.markdown import unescape
from bot.core.word_filter import MASK, filter_of
from bot.errors import QueueDownError, SettingsError
from bot.worker.tools import Mask
from tests.unit.worker.workshop import TapeEngine, Workshop, is_finished

STORY = " the badger met a fox and the badger ran." * 400
FILTER = filter_of(("badger",), ())


async def hides_badgers(_job: Job) -> Mask:
    return FILTER.mask


def continuation(content: str) -> str:
    """Without the prompt and the label."""
    return unescape(content.removeprefix("**Once upon a time**").partition("\n-# ")[0])


async def test_growing_and_finished_text_are_masked(workshop: Workshop):
    """In every edit; the rest of the text stays."""
    workshop.mask_of = hides_badgers
    await workshop.put(length=200)

    async with workshop.running(TapeEngine(STORY, step_s=0.005)):
        assert JobState.DONE == await workshop.ended()

    contents = [continuation(edit.message.content) for edit in workshop.replies.edits]
    assert len(contents) >= 3
    assert not any("badger" in content for content in contents)
    assert any(f"the {6 * MASK} met a fox" in content for content in contents[:-1])
    assert FILTER.mask(STORY[:200]) == contents[-1]


async def test_further_messages_and_the_file_are_masked(workshop: Workshop):
    """A long text has three messages and a file."""
    workshop.mask_of = hides_badgers
    await workshop.put(length=9000)

    async with workshop.running(TapeEngine(STORY)):
        assert JobState.DONE == await workshop.ended()

    posted = [workshop.replies.last, *(post.message for post in workshop.replies.followups)]
    file_text = posted[-1].file_text
    assert len(posted) == 3
    assert file_text is not None
    whole = "".join(continuation(message.content) for message in posted) + file_text
    assert FILTER.mask(STORY[:9000]) == whole


async def test_each_job_has_its_own_servers_filter(workshop: Workshop):
    """What one server hides another may read."""
    asked: list[str] = []

    async def mask_of(job: Job) -> Mask:
        asked.append(job.id)
        return FILTER.mask if job.tenant == "g10" else str

    workshop.mask_of = mask_of
    await workshop.put("1", length=60)
    await workshop.put("2", length=60, tenant="g11", prompt="Other")

    async with workshop.running(TapeEngine(STORY)):
        for job_id in ("1", "2"):
            assert JobState.DONE == await workshop.ended(job_id)

    finals = {
        edit.message.content.partition("**")[2].partition("**")[0]: edit.message.content
        for edit in workshop.replies.edits
        if is_finished(edit.message)
    }
    assert sorted(asked) == ["1", "2"]
    assert "badger" not in finals["Once upon a time"]
    assert "badger" in finals["Other"]


async def test_text_goes_out_where_the_filter_is_not_known(workshop: Workshop):
    """An outage, or settings that nobody can read, keep no text back."""
    for job_id, error in (("1", QueueDownError("away")), ("2", SettingsError("unreadable"))):

        async def fails(_job: Job, error: Exception = error) -> Mask:
            raise error

        workshop.mask_of = fails
        await workshop.put(job_id, length=60)
        async with workshop.running(TapeEngine(STORY)):
            assert JobState.DONE == await workshop.ended(job_id)

        assert STORY[:60] == continuation(workshop.replies.last.content)


async def test_prompt_is_masked_where_it_is_shown(workshop: Workshop):
    """The model may have written it: a text that somebody went on with."""
    workshop.mask_of = hides_badgers
    await workshop.put(length=50, prompt="A badger")

    async with workshop.running(TapeEngine(STORY)):
        assert JobState.DONE == await workshop.ended()

    assert not any("badger" in edit.message.content for edit in workshop.replies.edits)
    assert workshop.replies.last.content.startswith(f"**A {6 * MASK}**")
