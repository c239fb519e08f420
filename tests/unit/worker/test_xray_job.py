"""An X-ray's job from the queue to its end, beside texts, in a whole worker."""

from bot.core.jobs import JobKind, JobState
from bot.engine.scripted import ScriptedEngine
from tests.unit.worker.workshop import Workshop

TEXT = "Once upon a time there was a fox. " * 20


def engine(**options: object) -> ScriptedEngine:
    return ScriptedEngine(**({"n_vocab": 257, "n_ctx": 2048} | options))  # pyright: ignore[reportArgumentType]


async def put(workshop: Workshop, job_id: str = "1", **changes: object) -> None:
    await workshop.put(job_id, **({"kind": JobKind.XRAY, "prompt": TEXT} | changes))  # pyright: ignore[reportArgumentType]


async def test_job_is_done_and_settled(workshop: Workshop):
    """With the tokens that were read; the picture is there, and the text is kept."""
    async with workshop.running(engine()):  # pyright: ignore[reportArgumentType]
        await put(workshop)
        assert JobState.DONE is await workshop.ended()

    message = workshop.replies.last
    assert message.picture is not None
    assert message.picture.png.startswith(b"\x89PNG")
    kept = await workshop.xray_texts.find("1")
    assert kept is not None
    assert "fox" in "".join(kept.parts)


async def test_engine_that_fails_once_is_tried_again(workshop: Workshop):
    """Another attempt makes the same picture."""
    async with workshop.running(engine(fail_at_step=2)):  # pyright: ignore[reportArgumentType]
        await put(workshop)
        assert JobState.DONE is await workshop.ended()

    assert workshop.replies.last.picture is not None


async def test_stopped_job_says_so(workshop: Workshop):
    """By whoever may stop it."""
    async with workshop.running(engine(step_delay_s=0.2)):  # pyright: ignore[reportArgumentType]
        await put(workshop, prompt=TEXT * 20)
        await workshop.until(lambda: workshop.engine_seats() is not None)
        await workshop.until(lambda: workshop._newest._held)
        await workshop.memory.cancel("1")
        assert JobState.STOPPED is await workshop.ended()

    assert "Stopped" in workshop.replies.last.content


async def test_more_xrays_than_places_are_all_made(workshop: Workshop):
    """Beside a text, which is written meanwhile."""
    async with workshop.running(engine(slots=2)):  # pyright: ignore[reportArgumentType]
        await workshop.put("9", length=40)
        for number in range(5):
            await put(workshop, str(number))
        ends = [await workshop.ended(str(number)) for number in (0, 1, 2, 3, 4, 9)]

    assert [JobState.DONE] * 6 == ends
    assert 5 == sum(one.message.picture is not None for one in workshop.replies.edits)
