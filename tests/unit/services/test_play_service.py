"""Scored games through their service: saved before anybody sees it, once, and never lost."""

from dataclasses import replace
from typing import Any

import pytest

from bot.core.asker import Asker
from bot.core.jobs import Job, JobKind, JobState, ReplyTarget
from bot.core.replies import ReplyMessage
from bot.errors import QueueFullError, RequestError, StoryError
from bot.jobqueue.limits import QueueLimits
from bot.jobqueue.memory_queue import MemoryQueue
from bot.play.api import Act, Answered, Game, Player, Scored, WroteTexts
from bot.play.games import move_on
from bot.play.task import GameTask
from bot.services.outputs import Click
from bot.services.play import PlayedGame
from bot.services.play_clock import PlayClock
from tests.memory_services import memory_services, memory_stores

GUILD, CHANNEL, ANNA, BEN = 10, 20, 100, 200


class Edits:
    """What the clock made messages look like."""

    def __init__(self) -> None:
        self.made: list[tuple[int, int, ReplyMessage]] = []
        self.fault: Exception | None = None

    async def edit(
        self, channel_id: int, message_id: int, message: ReplyMessage, *, tries: int = 5
    ) -> int:
        if self.fault is not None:
            raise self.fault
        self.made.append((channel_id, message_id, message))
        return message_id


class Arcade:
    """Games, and who plays them."""

    def __init__(self, *, max_queued: int = 10) -> None:
        self.now_s = 1_000.0
        self.queue = MemoryQueue(clock=self.clock, limits=QueueLimits(max_queued=max_queued))
        self.stores = memory_stores(self.queue, self.clock)
        self.services = memory_services(self.queue, self.clock, stores=self.stores)
        self.play = self.services.play
        self._next_id = 9_000

    def clock(self) -> float:
        return self.now_s

    def click(self, user_id: int = ANNA, *, is_moderator: bool = False) -> Click:
        self._next_id += 1
        return Click(
            interaction_id=self._next_id,
            asker=Asker(user_id=user_id, guild_id=GUILD, channel_id=CHANNEL),
            reply=ReplyTarget(
                application_id=1, interaction_token="t", channel_id=CHANNEL, guild_id=GUILD
            ),
            is_moderator=is_moderator,
        )

    async def begin(self, game: Game = Game.LASTWORD, **options: Any) -> PlayedGame:
        click = self.click()
        played = await self.play.begin(game, options, click, "Anna")
        await self.play.noted_message(played.session.id, 900)
        await self.play.put(played, click.asker, click.reply)
        return played

    async def act(self, session_id: str, act: Act, user_id: int = ANNA) -> PlayedGame:
        return await self.play.act(session_id, act, self.click(user_id), f"P{user_id}")

    async def answered(self, played: PlayedGame, answer: Any) -> None:
        """A worker brings what the model said."""
        (job,) = await self.jobs()
        loaded = await self.stores.sessions.load(played.session.id)
        assert loaded is not None
        nobody = Player(user_id=0, name="", at_s=self.now_s)
        moved = move_on(loaded.session, Answered(answer), nobody, source=f"w{job.id}",
                        job_id=job.id)  # fmt: skip
        await self.stores.sessions.save(moved.session, revision=loaded.revision)

    async def jobs(self) -> list[Job]:
        """A worker takes all jobs, and is done with them."""
        claims = await self.queue.claim("w", 100, 0)
        for claim in claims:
            await self.queue.finish("w", claim.job.id, claim.attempt, JobState.DONE, 1)
        return [claim.job for claim in claims]

    async def state(self, played: PlayedGame) -> dict[str, Any]:
        return dict((await self.play.look(played.session.id)).session.state)


async def test_game_asks_the_model_by_a_job_of_its_own():
    """With all that a worker needs."""
    arcade = Arcade()
    played = await arcade.begin(Game.IMPOSTER, opening="The door opened.")
    (job,) = await arcade.jobs()

    assert job.kind is JobKind.GAME
    assert (job.prompt, job.candidates) == ("The door opened.", 3)
    assert job.id == (await arcade.play.look(played.session.id)).session.pending
    assert GameTask.from_json(job.task) == GameTask(session_id=played.session.id)


async def test_a_round_goes_from_asking_to_the_reveal():
    """Bets count once, whoever clicks twice."""
    arcade = Arcade()
    played = await arcade.begin(Game.NEXTWORD, rounds=1, rated=True)
    await arcade.answered(played, Scored((-1.0, -1.0, -1.0, -1.0)))
    click = arcade.click(BEN)
    for _ in range(2):
        shown = await arcade.play.act(played.session.id, Act("sure", "A"), click, "Ben")
    assert "1 bet so far" in shown.message.content
    over = await arcade.act(played.session.id, Act("close"))

    assert over.session.is_over
    (line,) = await arcade.play.table(GUILD, Game.NEXTWORD)
    assert (line.user_id, line.games) == (BEN, 1)
    with pytest.raises(StoryError, match="over"):
        await arcade.act(played.session.id, Act("close"))


async def test_channel_has_one_game_at_a_time():
    """Until it has ended."""
    arcade = Arcade()
    played = await arcade.begin()
    with pytest.raises(StoryError, match="Another game"):
        await arcade.begin(Game.NEXTWORD)
    assert await arcade.play.here(CHANNEL) == played.session.id
    await arcade.act(played.session.id, Act("end"))
    with pytest.raises(StoryError, match="No game"):
        await arcade.play.here(CHANNEL)
    await arcade.begin(Game.NEXTWORD)


async def test_refused_job_leaves_a_game_to_try_again():
    """The sentence goes to who clicked."""
    arcade = Arcade(max_queued=0)
    click = arcade.click()
    played = await arcade.play.begin(Game.LASTWORD, {}, click, "Anna")
    with pytest.raises(QueueFullError):
        await arcade.play.put(played, click.asker, click.reply)
    assert (await arcade.state(played))["phase"] == "stuck"


async def test_job_that_ended_without_an_answer_is_noticed():
    """By the next click."""
    arcade = Arcade()
    played = await arcade.begin()
    await arcade.jobs()
    again = await arcade.act(played.session.id, Act("again"), BEN)
    assert again.ask is not None
    assert again.session.pending != played.session.pending


async def test_job_that_was_never_put_is_noticed_after_a_while():
    """The process was killed between the save and the put."""
    arcade = Arcade()
    played = await arcade.play.begin(Game.LASTWORD, {}, arcade.click(), "Anna")
    with pytest.raises(StoryError):
        await arcade.act(played.session.id, Act("again"), BEN)
    arcade.now_s += 120
    assert (await arcade.act(played.session.id, Act("again"), BEN)).ask is not None


async def test_only_hosts_end_a_game():
    """Or a moderator."""
    arcade = Arcade()
    played = await arcade.begin()
    with pytest.raises(StoryError, match="Only the one who began"):
        await arcade.act(played.session.id, Act("end"), BEN)
    moderator = arcade.click(BEN, is_moderator=True)
    over = await arcade.play.act(played.session.id, Act("end"), moderator, "Ben")
    assert over.session.is_over


async def test_blocked_words_are_not_taken():
    """As everywhere in the server."""
    arcade = Arcade()
    await arcade.services.servers.change(GUILD, ANNA, filter_words=("darn",))
    played = await arcade.begin(Game.IMPOSTER)
    await arcade.answered(played, WroteTexts((" One.", " Two.", " Three.")))
    with pytest.raises(RequestError):
        await arcade.act(played.session.id, Act("write", "darn it"), BEN)


async def test_unknown_game_is_a_sentence():
    """Of a message that is older than what is kept."""
    with pytest.raises(StoryError, match="not kept"):
        await Arcade().act("1", Act("close"))


async def test_clock_closes_rounds_and_asks_on():
    """The game's message is edited by the bot's own token; the next job has none."""
    arcade, edits = Arcade(), Edits()
    clock = PlayClock(arcade.play, edits, every_s=0.001)
    played = await arcade.begin(Game.IMPOSTER)
    await arcade.answered(played, WroteTexts((" One fake.", " Two fake.", " Three fake.")))
    await arcade.act(played.session.id, Act("write", "Mine."), BEN)
    assert await clock.look() == 0
    arcade.now_s += 180
    assert await clock.look() == 1
    (job,) = await arcade.jobs()

    assert job.reply.interaction_token == ""
    assert GameTask.from_json(job.task).continuations is not None
    assert [one[:2] for one in edits.made] == [(CHANNEL, 900)]
    assert "shuffled" in edits.made[0][2].content


async def test_clock_goes_on_when_a_message_is_gone():
    """The game is saved all the same."""
    arcade, edits = Arcade(), Edits()
    edits.fault = RuntimeError("deleted")
    played = await arcade.begin(rounds=1)
    await arcade.answered(played, WroteTexts((" key.",)))
    arcade.now_s += 60
    assert await PlayClock(arcade.play, edits).look() == 1
    assert (await arcade.play.look(played.session.id)).session.is_over


async def test_clock_shows_that_a_job_was_refused():
    """With the button to try again."""
    arcade, edits = Arcade(max_queued=1), Edits()
    played = await arcade.begin(Game.IMPOSTER)
    await arcade.answered(played, WroteTexts((" One fake.", " Two fake.", " Three fake.")))
    await arcade.act(played.session.id, Act("write", "Mine."), BEN)
    arcade.queue._limits = replace(arcade.queue._limits, max_queued=0)
    arcade.now_s += 180
    await PlayClock(arcade.play, edits).look()
    assert (await arcade.state(played))["phase"] == "guessing"  # without the house
