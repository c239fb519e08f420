"""The service of stories over memory twins and stand-in rules, with a clock that the test turns."""

from dataclasses import replace
from typing import Any

from bot.core.asker import Asker
from bot.core.jobs import Job, JobState, ReplyTarget
from bot.jobqueue.limits import QueueLimits
from bot.jobqueue.memory_queue import MemoryQueue
from bot.services.outputs import Click
from bot.services.stories import StoriesService, StoryParts
from bot.services.story_hands import Hand, Played
from bot.services.story_tools import Plan
from bot.stories.moves import Continuation, Move, Write, Written
from bot.stories.passages import Kind
from bot.stories.rules import play
from bot.stories.story import Mode, Story
from tests.memory_services import memory_services, memory_stores
from tests.story_stand_ins import FaultyStories, tools_of_tests

GUILD, CHANNEL, ANN, BEN, MODERATOR = 10, 20, 100, 200, 300
STORY = "5000"


class Table:
    """Stories, and who sits around them."""

    def __init__(self, *, max_queued: int = 10, most: int = 50, **tools: Any) -> None:
        self.now_s = 1_000.0
        self.queue = MemoryQueue(clock=self.clock, limits=QueueLimits(max_queued=max_queued))
        self.stores = memory_stores(self.queue, self.clock)
        self.services = memory_services(self.queue, self.clock, stores=self.stores)
        self.store = FaultyStories(self.clock)
        self.stories = StoriesService(
            StoryParts(
                store=self.store,
                texts=self.services.texts,
                servers=self.services.servers,
                pools=self.stores.pools,
            ),
            tools_of_tests(**tools),
            clock=self.clock,
            new_seed=lambda: 42,
            most_per_guild=most,
        )
        self._next_id = int(STORY)

    def clock(self) -> float:
        """Unix time in seconds."""
        return self.now_s

    def hand(self, user_id: int = ANN, message_id: int = 0, **changes: Any) -> Hand:
        """Somebody acts, with an interaction of their own."""
        interaction_id = self._next_id
        self._next_id += 1
        values: dict[str, Any] = {"guild_id": GUILD, "channel_id": CHANNEL} | changes
        is_restricted = values.pop("is_age_restricted", False)
        asker = Asker(user_id=user_id, **values)
        target = ReplyTarget(
            application_id=1,
            interaction_token=f"t{interaction_id}",
            channel_id=values["channel_id"],
            guild_id=values["guild_id"],
        )
        click = Click(
            interaction_id=interaction_id,
            asker=asker,
            reply=target,
            is_moderator=user_id == MODERATOR,
            is_age_restricted=is_restricted,
        )
        return Hand(click=click, name=f"P{user_id}", message_id=message_id)

    async def begin(self, mode: Mode = Mode.ADVENTURE, **changes: Any) -> Played:
        """Ann begins a story; its message is 900."""
        plan = Plan(mode=mode, title="The Cellar", opening="You wake up in a cellar.")
        return await self.stories.start(replace(plan, **changes), self.hand(message_id=900))

    async def write(self, text: str = "open it", message_id: int = 901, **changes: Any) -> Played:
        """Ann does something."""
        move = Write(Kind.DO, text)
        return await self.stories.move(STORY, move, self.hand(message_id=message_id, **changes))

    async def answer(self, *texts: str) -> Story:
        """The model has written, as a worker adds it."""
        story, revision = self.store.stories[STORY]
        assert story.pending is not None
        job_id = story.pending.job_id
        move: Move = Written(
            job_id=job_id,
            texts=tuple(
                Continuation(text=text, receipt=f"R-{place}", settings={})
                for place, text in enumerate(texts or ("A dark stair.",))
            ),
        )
        actor = replace(self.hand().actor(self.now_s), source=f"w{job_id}", user_id=0)
        loaded = await self.store.load(STORY)
        assert loaded is not None
        step = play(story, move, actor, loaded.near)
        await self.store.save(step.story, step.passages, revision=revision)
        await self.end_jobs()
        return step.story

    async def jobs(self) -> list[Job]:
        """All jobs that wait."""
        return [
            record.job for record in self.queue._records.values() if record.state is JobState.QUEUED
        ]

    async def end_jobs(self) -> None:
        """A worker takes all jobs, and is done with them."""
        for claim in await self.queue.claim("w", 100, 0):
            await self.queue.finish("w", claim.job.id, claim.attempt, JobState.DONE, 1)

    @property
    def story(self) -> Story:
        """As it is kept."""
        return self.store.stories[STORY][0]
