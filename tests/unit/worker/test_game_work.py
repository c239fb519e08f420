"""A worker does what a scored game asks, and brings the answer into the game before it shows."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from bot.core.jobs import JobKind, JobState
from bot.play.api import Act, Game, Player, Session, Turn
from bot.play.api import Scores as AskScores
from bot.play.games import RULES, move_on
from bot.play.task import GameTask, prompt_of
from tests.unit.worker.workshop import TapeEngine, Workshop

ANNA = Player(user_id=1, name="Anna", at_s=1000.0, is_host=True)


class ScoringEngine(TapeEngine):
    """Finds bytes the less likely the larger they are."""

    def logits(self, tokens: Any) -> Iterator[Any]:
        row = -np.arange(257, dtype=np.float32) / 10
        yield np.tile(row, (len(tokens), 1))


async def begun(workshop: Workshop, game: Game, **options: Any) -> Session:
    turn = RULES[game].begin(options, ANNA, 3)
    session = Session(
        id="9", game=game, guild_id=10, channel_id=20, owner_id=1, language="en",
        created_at_s=1.0, changed_at_s=1.0,
    ).after(turn, "9", 1.0, job_id="1")  # fmt: skip
    await workshop.sessions.create(session)
    await put(workshop, turn, "1")
    return session


async def put(workshop: Workshop, turn: Turn, job_id: str) -> None:
    assert turn.ask is not None
    count = 1 if isinstance(turn.ask, AskScores) else turn.ask.count
    await workshop.put(
        job_id, prompt=prompt_of(turn.ask), kind=JobKind.GAME, candidates=count,
        task=GameTask.of("9", turn.ask).to_json(),
    )  # fmt: skip


async def kept(workshop: Workshop) -> Session:
    loaded = await workshop.sessions.load("9")
    assert loaded is not None
    return loaded.session


async def test_texts_are_brought_and_never_shown_while_they_grow(workshop: Workshop):
    """Nobody may see who wrote what."""
    await begun(workshop, Game.IMPOSTER)
    async with workshop.running(TapeEngine()):
        assert await workshop.ended() is JobState.DONE
    session = await kept(workshop)

    assert session.pending == ""
    assert session.state["phase"] == "writing"
    assert len(session.state["entries"]) == 3
    assert len(workshop.replies.edits) == 1
    assert "writing ends" in workshop.replies.last.content
    fakes = [one["text"] for one in session.state["entries"]]
    assert not any(fake in workshop.replies.last.content for fake in fakes)


async def test_scores_are_those_of_the_continuations(workshop: Workshop):
    """Each after the text before it; the likeliest word has the greatest share."""
    await begun(workshop, Game.NEXTWORD)
    async with workshop.running(ScoringEngine()):
        assert await workshop.ended() is JobState.DONE
    state = (await kept(workshop)).state

    assert state["phase"] == "betting"
    words = state["options"][0]
    weights = [sum(f" {word}".encode()) for word in words]
    assert state["model"].index(max(state["model"])) == weights.index(min(weights))
    assert "bets close" in workshop.replies.last.content


async def test_second_attempt_only_shows(workshop: Workshop):
    """The first one brought its answer, and died before the edit."""
    session = await begun(workshop, Game.LASTWORD)
    claim = await workshop.claim_as("dead")
    async with workshop.running(TapeEngine(" key."), name="second"):
        workshop.skew_s += 1.0
        await workshop.ended()
    before = await kept(workshop)
    await workshop.put("2", prompt="x", kind=JobKind.GAME, task=claim.job.task)
    async with workshop.running(TapeEngine(" door."), name="third"):
        await workshop.ended("2")

    assert session.id == before.id
    assert await kept(workshop) == before
    assert before.state["guess"] == "key"


async def test_game_that_is_gone_or_over_is_left_alone(workshop: Workshop):
    """The answer comes too late."""
    session = await begun(workshop, Game.LASTWORD)
    moved = move_on(session, Act("end"), ANNA, source="e", job_id="e")
    await workshop.sessions.save(moved.session, revision=1)
    async with workshop.running(TapeEngine(" key.")):
        assert await workshop.ended() is JobState.DONE
    assert await kept(workshop) == moved.session
    assert workshop.replies.edits == []


async def test_refused_prompt_leaves_a_game_that_can_be_tried_again(workshop: Workshop):
    """It says so itself."""
    await begun(workshop, Game.IMPOSTER, opening="refuse this")
    async with workshop.running(TapeEngine()):
        assert await workshop.ended() is JobState.FAILED
    assert (await kept(workshop)).state["phase"] == "stuck"
    assert "can be tried again" in workshop.replies.last.content


async def test_clicks_in_the_meantime_are_kept(workshop: Workshop):
    """The answer is brought into the game as it is then."""
    session = await begun(workshop, Game.LASTWORD)
    noted = replace(session, message_id=77)
    await workshop.sessions.save(noted, revision=1)
    async with workshop.running(TapeEngine(" key.")):
        await workshop.ended()
    after = await kept(workshop)
    assert after.message_id == 77
    assert after.state["phase"] == "guessing"
