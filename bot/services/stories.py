"""Story games: every move of every player goes through here, one after the other.

A move is loaded, played by the rules, and saved under the story's revision; where somebody else
saved meanwhile, it is decided anew. Only then the model is asked for. Called by cogs and by the
clock. Knows nothing of Discord's client or Redis.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass, replace

import structlog

from bot.errors import RequestError, StoryError
from bot.language import slash, tr
from bot.services.pools import Pools
from bot.services.servers import ServersService
from bot.services.story_events import StoryEvents
from bot.services.story_hands import (
    Faded,
    Hand,
    Played,
    Seen,
    check_master,
    check_place,
    check_reach,
    typed_in,
)
from bot.services.story_jobs import Turn, story_job
from bot.services.story_looks import StoryLooks
from bot.services.story_saves import TRIES, StorySaves, Taken
from bot.services.story_shelf import StoryShelf
from bot.services.story_starts import StartParts, StoryStarts
from bot.services.story_tools import Plan, StoryTools
from bot.services.texts import TextService
from bot.state.stories_api import Saved, StoriesStore, Summary
from bot.stories.moves import (
    Load,
    Move,
    Near,
    Retry,
    Step,
    Write,
    WritingFailed,
)
from bot.stories.passages import Passage
from bot.stories.show import is_lead
from bot.stories.story import Story

MOST_PER_GUILD = 50

_log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoryParts:
    """What the service works with.

    Attributes:
        store: where stories are.
        texts: puts the jobs.
        servers: what a server's admins decide.
        pools: say what became of a job.
    """

    store: StoriesStore
    texts: TextService
    servers: ServersService
    pools: Pools


class StoriesService:
    """What members do with stories.

    Args:
        parts: store and other services.
        tools: rules, prompts, pictures.
        clock: gives Unix time in seconds.
        new_seed: gives a random seed.
        most_per_guild: stories that a server may keep; in direct messages each user.

    Attributes:
        events: what happens to stories without anybody's move.
        shelf: stories to read: exports, maps, recaps.
    """

    def __init__(
        self,
        parts: StoryParts,
        tools: StoryTools,
        *,
        clock: Callable[[], float],
        new_seed: Callable[[], int],
        most_per_guild: int = MOST_PER_GUILD,
    ) -> None:
        self._parts = parts
        self._tools = tools
        self._saves = StorySaves(parts.store, parts.pools, tools.play, clock)
        self._looks = StoryLooks(parts.servers)
        start_parts = StartParts(
            store=parts.store, servers=parts.servers, looks=self._looks, tools=tools
        )
        self._starts = StoryStarts(start_parts, clock=clock, most=most_per_guild)
        self.events = StoryEvents(parts.store, self._saves, self._looks, clock)
        self.shelf = StoryShelf(self.look, self.all_passages, self.mask, tools)
        self._clock = clock
        self._new_seed = new_seed

    @property
    def tools(self) -> StoryTools:
        """Rules, prompts, pictures."""
        return self._tools

    async def here(self, channel_id: int) -> str:
        """The story that is played in a channel or thread.

        Raises:
            StoryError: none is.
            QueueDownError: the store can't be reached.
        """
        found = await self._parts.store.in_channel(channel_id)
        if found is None:
            raise StoryError(
                tr(
                    "No story is played here; begin one with {start}, or go on with one by {load}.",
                    start=slash("story start"),
                    load=slash("story load"),
                )
            )
        return found

    async def look(
        self, story_id: str, hand: Hand, numbers: Collection[int] = ()
    ) -> tuple[Story, Near]:
        """A story with its newest passages, and those that are named.

        Raises:
            StoryError: there is none, or not for them.
            QueueDownError: the store can't be reached.
        """
        loaded = await self._saves.loaded(story_id, numbers)
        check_reach(loaded.story, hand)
        return loaded.story, loaded.near

    async def move(
        self, story_id: str, move: Move, hand: Hand, *, seen: Seen | None = None
    ) -> Played:
        """Makes a move; saved when this returns.

        Args:
            story_id: in which story.
            move: what is done.
            hand: who does it, and what answer becomes the living message.
            seen: where the story stood when the button was shown; None for a command.

        Raises:
            RequestError: the move is refused, and nothing is left of it.
            ConflictError: others were faster, again and again.
            QueueDownError: the store can't be reached.
        """
        settings = await self._parts.servers.check(hand.asker, typed_in(move))

        def judge(story: Story) -> None:
            check_place(story, hand, move, seen)

        taken = await self._saves.take(
            story_id, move, hand.actor(self._clock()), judge, hand.message_id
        )
        if taken.step.wanted is None:
            return await self._looks.played(taken)
        try:
            turn = Turn(story=taken.step.story, near=taken.near, lead=_lead(move, taken))
            job = story_job(
                turn,
                taken.step.wanted,
                hand.click,
                self._tools.build,
                preset=settings.preset,
                now_s=self._clock(),
                seed=self._new_seed(),
            )
            model = await self._parts.texts.submit(
                job, hand.asker, taken.step.story.model or None, typed=""
            )
        except RequestError as error:
            return await self._refused(taken, move, error)
        return replace(await self._looks.played(taken), model=model)

    async def start(self, plan: Plan, hand: Hand, channel_id: int | None = None) -> Played:
        """Begins a story; see `StoryStarts.start`."""
        return await self._starts.start(plan, hand, channel_id)

    async def check_start(self, plan: Plan, hand: Hand) -> None:
        """Whether one may be begun; see `StoryStarts.check_start`."""
        await self._starts.check_start(plan, hand)

    async def load(self, story_id: str, hand: Hand) -> Played:
        """A story goes on in the place where the hand is; else as `move`."""
        return await self.move(story_id, Load(hand.channel_id), hand)

    async def delete(self, story_id: str, hand: Hand) -> Faded | None:
        """Removes a story and all its text, for the one who began it and for moderators.

        Returns:
            What its living message is to look like, or None where it has none.

        Raises:
            StoryError: there is none, or it is not theirs to delete.
            QueueDownError: the store can't be reached.
        """
        loaded = await self._saves.loaded(story_id)
        check_master(loaded.story, hand)
        await self._parts.store.delete(story_id)
        _log.info("story deleted", story_id=story_id, by=hand.asker.user_id)
        return await self._looks.faded(loaded, 0)

    async def summaries(self, hand: Hand, *, limit: int = 100) -> list[Summary]:
        """The stories of a server; in direct messages one's own. The last changed first.

        Raises:
            QueueDownError: the store can't be reached.
        """
        if hand.asker.guild_id is None:
            return await self._parts.store.of_owner(hand.asker.user_id, limit=limit)
        return await self._parts.store.of_guild(hand.asker.guild_id, limit=limit)

    async def noted_message(self, story_id: str, message_id: int) -> None:
        """A message is the living one from now on.

        Raises:
            StoryError: the story is gone.
            QueueDownError: the store can't be reached.
        """
        for _ in range(TRIES):
            loaded = await self._saves.loaded(story_id)
            if loaded.story.message_id == message_id:
                return
            after = replace(loaded.story, message_id=message_id)
            saved = await self._parts.store.save(after, (), revision=loaded.revision)
            if saved is not Saved.CONFLICT:
                return

    async def shown(self, story_id: str, hand: Hand) -> Played:
        """The living message anew, in the hand's answer; the one of before fades.

        Raises:
            StoryError: there is no such story for them.
            QueueDownError: the store can't be reached.
        """
        loaded = await self._saves.loaded(story_id)
        check_reach(loaded.story, hand)
        if loaded.story.pending is not None:
            raise StoryError(tr("The model is writing; please wait for its text."))
        await self.noted_message(story_id, hand.message_id)
        story = replace(loaded.story, message_id=hand.message_id)
        taken = Taken(loaded, Step(story=story), loaded.near)
        return await self._looks.played(taken)

    async def all_passages(self, story_id: str) -> list[Passage]:
        """The whole tree, in order of numbers; for maps and exports."""
        batches = self._parts.store.passages(story_id)
        return [passage async for batch in batches for passage in batch]

    async def _refused(self, taken: Taken, move: Move, error: RequestError) -> Played:
        """The model's turn is taken back; what a player wrote stays.

        Raises:
            RequestError: the very error, where there is nothing else to show.
        """
        story, job_id = taken.step.story, taken.step.story.pending
        assert job_id is not None
        nobody = self._saves.nobody(f"{job_id.job_id}-refused")
        failed = WritingFailed(job_id=job_id.job_id)
        before_id = taken.before.story.message_id
        try:
            after = await self._saves.take(story.id, failed, nobody, lambda _story: None, 0)
            if not isinstance(move, Write):
                await self.noted_message(story.id, before_id)
        except RequestError as fault:  # the next move finds out that nothing comes
            _log.warning("turn not taken back", story_id=story.id, reason=type(fault).__name__)
            raise error from fault
        if not isinstance(move, Write):
            raise error
        return replace(
            await self._looks.played(Taken(taken.before, after.step, after.near)),
            refusal=error,
        )

    async def mask(self, guild_id: int | None) -> Callable[[str], str]:
        """What hides the words that a server does not want to read."""
        return await self._parts.servers.mask(guild_id)


def _lead(move: Move, taken: Taken) -> tuple[Passage, ...]:
    """The player's words that stand above the model's in the same message."""
    if isinstance(move, Write):
        return tuple(one for one in taken.step.passages if not one.is_the_models)[-1:]
    wanted, old = taken.step.wanted, taken.near.passages.get(taken.before.story.head)
    if isinstance(move, Retry) and wanted is not None and old is not None:
        parent = taken.near.passages.get(wanted.parent)
        if parent is not None and is_lead(taken.step.story, parent, old.source):
            return (parent,)
    return ()
