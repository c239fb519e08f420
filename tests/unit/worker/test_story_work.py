"""A worker writes a story's passage: into the tree first, then into Discord, and once only."""

from dataclasses import replace
from typing import Any

import pytest

from bot.core.jobs import Job, JobKind, JobState
from bot.errors import QueueDownError
from bot.state.stories_api import Saved
from bot.stories.moves import Actor, Continue, End, Move, Write
from bot.stories.passages import Kind
from bot.stories.prompt import build
from bot.stories.rules import play
from bot.stories.rules.start import Outset, Place, begin
from bot.stories.story import Mode, Story
from tests.unit.worker.workshop import TapeEngine, Workshop, is_finished

STORY, OWNER = "5", 100


async def started(workshop: Workshop, mode: Mode = Mode.ADVENTURE, **outset: Any) -> None:
    """A story that waits for its first move."""
    actor = Actor(user_id=OWNER, name="Ada", source="start", at_s=1.0)
    place = Place(guild_id=10, channel_id=20)
    parts = Outset(title="Fox", opening="It rains.", **outset)
    story, passages = begin(STORY, mode, place, actor, parts)
    await workshop.stories.create(story, passages, most=9)


async def moved(workshop: Workshop, move: Move, source: str) -> Story:
    loaded = await workshop.stories.load(STORY)
    assert loaded is not None
    actor = Actor(user_id=OWNER, name="Ada", source=source, at_s=2.0, is_moderator=True)
    step = play(loaded.story, move, actor, loaded.near)
    saved = await workshop.stories.save(step.story, step.passages, revision=loaded.revision)
    assert saved is Saved.DONE
    return step.story


async def asked(
    workshop: Workshop, move: Move | None = None, *, job_id: str = "1", **job: Any
) -> Job:
    """A move that the model has to answer, and its job."""
    story = await moved(workshop, move or Write(Kind.DO, "jump"), job_id)
    loaded = await workshop.stories.load(STORY)
    assert loaded is not None
    assert story.pending is not None
    path = loaded.near.path(story.head)
    built = build(story, path, path[-1:])
    wanted = story.n_options if story.mode is Mode.BRANCHES else 1
    usual: dict[str, Any] = {
        "prompt": built.prompt, "pinned": built.pinned, "kind": JobKind.STORY,
        "candidates": wanted, "task": replace(built.task, lead="Ada ▸ jump").to_json(),
    }  # fmt: skip
    return await workshop.put(job_id, **(usual | job))


async def texts(workshop: Workshop) -> list[str]:
    return [one.text async for batch in workshop.stories.passages(STORY) for one in batch]


async def story_of(workshop: Workshop) -> Story:
    loaded = await workshop.stories.load(STORY)
    assert loaded is not None
    return loaded.story


async def test_what_is_written_is_in_the_story_and_shown_with_its_buttons(workshop: Workshop):
    """The living message has the player's words, the model's, its label, and what can be done."""
    await started(workshop)
    await asked(workshop)
    async with workshop.running(TapeEngine(" The ground shakes. Then")):
        assert await workshop.ended() is JobState.DONE
    story = await story_of(workshop)

    assert await texts(workshop) == ["It rains.", "jump", " The ground shakes."]
    assert (story.head, story.pending) == (3, None)
    message = workshop.replies.last
    assert message.content.startswith("**Ada ▸ jump**\n The ground shakes.")
    assert "machine-written" in message.content
    assert "seed 7" in message.content
    assert "passage 3" in message.content
    assert message.components
    assert is_finished(message)


async def test_each_passage_has_a_receipt_that_is_kept(workshop: Workshop):
    """So it can be made again."""
    await started(workshop)
    await asked(workshop)
    async with workshop.running(TapeEngine(" The ground shakes. Then")):
        await workshop.ended()
    loaded = await workshop.stories.load(STORY)
    assert loaded is not None
    passage = loaded.near.passages[3]
    output = await workshop.outputs.find(passage.receipt)

    assert output is not None
    assert output.text.startswith(" The ground shakes.")
    assert "> You jump." in output.prompt
    assert dict(passage.settings)["seed"] == 7


async def test_empty_texts_are_written_again_and_then_given_up(workshop: Workshop):
    """Three tries; the story waits no longer, and nothing was added."""
    await started(workshop)
    await asked(workshop, length=5)
    engine = TapeEngine("\n>\n>\n>")
    async with workshop.running(engine):
        assert await workshop.ended() is JobState.DONE
    story = await story_of(workshop)

    assert await texts(workshop) == ["It rains.", "jump"]
    assert story.pending is None
    assert "nothing to add" in workshop.replies.last.content
    assert workshop.replies.last.components


async def test_other_seed_brings_another_text(workshop: Workshop):
    """Of a try that was of no use, nothing is seen."""

    class Moody(TapeEngine):
        def add(self, sequence_id: int, tokens: Any, sampling: Any) -> int:
            done = super().add(sequence_id, tokens, sampling)
            if sampling.seed == 7:
                self._tapes[sequence_id] = b"\n> You win."
            return done

    await started(workshop)
    await asked(workshop)
    async with workshop.running(Moody(" A tree falls over. And")):
        await workshop.ended()
    assert (await texts(workshop))[-1] == " A tree falls over."
    assert "seed 1007" in workshop.replies.last.content


async def test_model_does_not_speak_for_players(workshop: Workshop):
    """Its text ends where another player's line would begin."""
    await started(workshop)
    await asked(workshop)
    async with workshop.running(TapeEngine(" The owl laughs.\n> You laugh, too.")):
        await workshop.ended()
    assert (await texts(workshop))[-1] == " The owl laughs."


async def test_options_are_put_to_the_vote(workshop: Workshop):
    """As many as differ."""
    await started(workshop, Mode.BRANCHES)
    await asked(workshop, Continue())
    async with workshop.running(TapeEngine()):
        assert await workshop.ended() is JobState.DONE
    story = await story_of(workshop)

    assert story.vote is not None
    assert story.vote.options == (2, 3, 4)
    assert story.head == 1
    content = workshop.replies.last.content
    assert all(f"**{letter}** ·" in content for letter in "ABC")
    assert "The vote closes" in content


async def test_a_second_attempt_adds_nothing(workshop: Workshop):
    """The first one died after it had added the text, and before it posted."""
    await started(workshop)
    await asked(workshop)
    claim = await workshop.claim_as("dead")
    assert claim.job.id == "1"
    workshop.skew_s += 1.0  # its lease is over
    async with workshop.running(TapeEngine(" The ground shakes. Then"), name="second"):
        await workshop.ended()
    before = await texts(workshop)
    workshop.memory._records["1"].state = JobState.QUEUED  # as if it had not been finished
    job = await workshop.put("1b", prompt=claim.job.prompt, kind=JobKind.STORY,
                             task=claim.job.task)  # fmt: skip
    async with workshop.running(TapeEngine(" Something else happens. Then"), name="third"):
        await workshop.ended(job.id)

    assert await texts(workshop) == before
    assert "not part of the story" in workshop.replies.last.content


async def test_story_that_has_ended_gets_no_more_text(workshop: Workshop):
    """The member who asked sees it all the same."""
    await started(workshop)
    await asked(workshop)
    await moved(workshop, End(), "end")
    async with workshop.running(TapeEngine(" The ground shakes. Then")):
        await workshop.ended()
    assert await texts(workshop) == ["It rains.", "jump"]
    assert "not part of the story" in workshop.replies.last.content


async def test_others_moves_meanwhile_are_kept(workshop: Workshop):
    """A save that came first makes the worker decide anew."""
    await started(workshop)
    await asked(workshop)
    save, n_conflicts = workshop.stories.save, 0

    async def crossed(*arguments: Any, **options: Any) -> Saved:
        nonlocal n_conflicts
        if n_conflicts < 3:
            n_conflicts += 1
            return Saved.CONFLICT
        return await save(*arguments, **options)

    workshop.stories.save = crossed  # pyright: ignore[reportAttributeAccessIssue]
    async with workshop.running(TapeEngine(" The ground shakes. Then")):
        await workshop.ended()
    assert (await texts(workshop))[-1] == " The ground shakes."
    assert n_conflicts == 3


async def test_store_that_is_away_for_a_moment_loses_nothing(workshop: Workshop):
    """The text waits for it."""
    await started(workshop)
    await asked(workshop)
    load, left = workshop.stories.load, 3

    async def away(*arguments: Any, **options: Any) -> Any:
        nonlocal left
        if left:
            left -= 1
            raise QueueDownError("away")
        return await load(*arguments, **options)

    workshop.stories.load = away  # pyright: ignore[reportAttributeAccessIssue]
    async with workshop.running(TapeEngine(" The ground shakes. Then")):
        await workshop.ended()
    assert (await texts(workshop))[-1] == " The ground shakes."


async def test_turn_that_nobody_could_write_is_taken_back(workshop: Workshop):
    """A sentence stands there, with the story's buttons; the player's words stay."""
    await started(workshop)
    await asked(workshop, prompt="refuse this one")
    async with workshop.running(TapeEngine()):
        assert await workshop.ended() is JobState.FAILED
    story = await story_of(workshop)

    assert story.pending is None
    assert await texts(workshop) == ["It rains.", "jump"]
    assert "can't read this prompt" in workshop.replies.last.content
    assert workshop.replies.last.components


async def test_what_was_read_is_told_by_the_story(workshop: Workshop):
    """For the picture of the context: in tokens, here one a byte."""
    await started(workshop, memory="You are brave.", note="dark")
    await asked(workshop)
    async with workshop.running(TapeEngine(" The ground shakes. Then")):
        await workshop.ended()
    use = (await story_of(workshop)).context

    assert use is not None
    assert use.memory == len("You are brave.\n")
    assert use.note == len("[Author's note: dark]")
    assert use.window == 12_000
    assert use.dropped_characters == 0


@pytest.mark.parametrize("memory", ["", "m" * 900])
async def test_long_story_is_cut_at_a_place_that_stays(workshop: Workshop, memory: str):
    """The window is never exceeded, and what fell out is told."""
    await started(workshop, memory=memory)
    for number in range(30):
        await moved(workshop, Write(Kind.DO, f"walk {number} " + "and on " * 80), f"m{number}")
        loaded = await workshop.stories.load(STORY)
        assert loaded is not None
        assert loaded.story.pending is not None
        quiet = replace(loaded.story, pending=None)
        await workshop.stories.save(quiet, (), revision=loaded.revision)
    engine = TapeEngine(" The ground shakes. Then")
    engine.info = replace(engine.info, n_ctx=2000)
    await asked(workshop)
    async with workshop.running(engine):
        await workshop.ended()
    use = (await story_of(workshop)).context

    assert use is not None
    assert use.dropped_characters > 0
    assert use.memory + use.story + use.reply <= 2000
