"""What happens to stories without anybody's move: time, stopped jobs, deleted channels, bans.

Part of `stories`; called by its clock and by cogs that listen to Discord.
"""

from collections.abc import Callable

import structlog

from bot.errors import StoryError
from bot.services.story_hands import Played
from bot.services.story_looks import StoryLooks
from bot.services.story_saves import StorySaves
from bot.state.stories_api import StoriesStore
from bot.stories.moves import Actor, Leave, Move, Pause, Tick, WritingFailed
from bot.stories.story import Status

_log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)


class StoryEvents:
    """Moves of nobody; what a rule does not take is let be.

    Args:
        store: where stories are.
        saves: takes the moves.
        looks: renders what comes of them.
        clock: gives Unix time in seconds.
    """

    def __init__(
        self,
        store: StoriesStore,
        saves: StorySaves,
        looks: StoryLooks,
        clock: Callable[[], float],
    ) -> None:
        self._store = store
        self._saves = saves
        self._looks = looks
        self._clock = clock

    async def tick(self, story_id: str) -> Played | None:
        """Time went by: a turn passes or a vote closes, if it is due; None where nothing changed.

        Raises:
            StoryError: the story is gone.
            QueueDownError: the store can't be reached.
        """
        loaded = await self._saves.loaded(story_id)
        due_at_s = loaded.story.due_at_s
        if due_at_s is None or due_at_s > self._clock():
            return None
        source = f"tick-{story_id}-{int(due_at_s)}"  # of two clocks one makes it
        return await self._quietly(story_id, Tick(), self._saves.nobody(source))

    async def stopped(self, channel_id: int, job_id: str) -> Played | None:
        """A job was stopped in line; if a story waited for it, it goes on without."""
        story_id = await self._store.in_channel(channel_id)
        if story_id is None:
            return None
        pending = (await self._saves.loaded(story_id)).story.pending
        if pending is None or pending.job_id != job_id:
            return None
        move = WritingFailed(job_id=job_id)
        return await self._quietly(story_id, move, self._saves.nobody(f"{job_id}-stopped"))

    async def channel_gone(self, channel_id: int) -> None:
        """A channel was deleted: its story waits, and can be loaded elsewhere."""
        story_id = await self._store.in_channel(channel_id)
        if story_id is not None:
            await self._quietly(story_id, Pause(), self._saves.nobody(f"gone-{channel_id}"))

    async def member_gone(self, guild_id: int, user_id: int) -> list[Played]:
        """A member left or was banned: their turns pass to others at once."""
        gone: list[Played] = []
        for one in await self._store.of_guild(guild_id):
            if one.status == Status.ENDED:
                continue
            loaded = await self._saves.loaded(one.story_id)
            if loaded.story.player(user_id) is None:
                continue
            source = f"left-{user_id}-{loaded.revision}"
            actor = Actor(user_id=user_id, name="", source=source, at_s=self._clock())
            played = await self._quietly(one.story_id, Leave(), actor)
            gone += [played] if played is not None else []
        return gone

    async def due(self, *, limit: int = 20) -> list[str]:
        """Stories where something is due, each given to one caller for a while."""
        return await self._store.claim_due(limit=limit)

    async def _quietly(self, story_id: str, move: Move, actor: Actor) -> Played | None:
        """A move that no person waits for; None where the rules take it not, or nothing changed."""
        try:
            taken = await self._saves.take(story_id, move, actor, lambda _story: None, 0)
        except StoryError as error:
            _log.info("move not taken", story_id=story_id, reason=str(error))
            return None
        return None if taken.step.story is taken.before.story else await self._looks.played(taken)
