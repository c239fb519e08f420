"""Loads stories, plays moves by the rules and saves them: all or nothing, and never blindly.

Used by `stories`. A story is saved under the revision that it was loaded at; where somebody else
saved meanwhile, the move is decided anew.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass, replace

import structlog

from bot.core.jobs import END_STATES
from bot.errors import ConflictError, StoryError
from bot.language import tr
from bot.services.pools import Pools
from bot.services.story_hands import numbers_in, unknown_story
from bot.state.stories_api import Loaded, Saved, StoriesStore
from bot.stories.moves import Actor, Move, Near, Step, WritingFailed
from bot.stories.story import Story

TRIES = 5
_UNPUT_S = 60.0  # a job is put within seconds after its move was saved

_log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Taken:
    """A move that was saved, or that changed nothing."""

    before: Loaded
    step: Step
    near: Near


class StorySaves:
    """Takes moves.

    Args:
        store: where stories are.
        pools: say what became of a job.
        play: the rules of all modes.
        clock: gives Unix time in seconds.
    """

    def __init__(
        self,
        store: StoriesStore,
        pools: Pools,
        play: Callable[[Story, Move, Actor, Near], Step],
        clock: Callable[[], float],
    ) -> None:
        self._store = store
        self._pools = pools
        self._play = play
        self._clock = clock

    def nobody(self, source: str) -> Actor:
        """Nobody's move: of the clock, or of Discord."""
        return Actor(user_id=0, name="", source=source, at_s=self._clock(), is_moderator=True)

    async def loaded(self, story_id: str, numbers: Collection[int] = ()) -> Loaded:
        """With what rules and the living message need beside the path."""
        loaded = await self._store.load(story_id, numbers=numbers)
        if loaded is not None:
            story = loaded.story
            options = story.vote.options if story.vote else ()
            more = {*numbers, *options, *story.redo[-1:]}
            if more - loaded.near.passages.keys() - set(numbers):
                loaded = await self._store.load(story_id, numbers=more)
        if loaded is None:
            raise unknown_story()
        return loaded

    async def take(
        self,
        story_id: str,
        move: Move,
        actor: Actor,
        judge: Callable[[Story], None],
        message_id: int,
    ) -> Taken:
        """Load, play, save; anew where somebody else saved meanwhile."""
        for _ in range(TRIES):
            loaded = await self.loaded(story_id, numbers_in(move))
            judge(loaded.story)
            start = await self._without_dead_turn(loaded, move)
            step = self._play(start.story, move, actor, _with(loaded.near, start))
            step = replace(step, passages=(*start.passages, *step.passages))
            if step.wanted is not None and not message_id:
                step = self._unwritten(step, actor, loaded.near)
            near = _with(loaded.near, step)
            if step.story is loaded.story:
                return Taken(loaded, step, near)
            if message_id and step.story is not start.story:
                step = replace(step, story=replace(step.story, message_id=message_id))
            saved = await self._store.save(step.story, step.passages, revision=loaded.revision)
            if saved is Saved.DONE:
                return Taken(loaded, step, near)
            if saved is Saved.OCCUPIED:
                raise occupied()
            if saved is Saved.GONE:
                raise unknown_story()
        raise ConflictError(
            tr("Others were faster than you just now; please look at the story, and try again.")
        )

    async def _without_dead_turn(self, loaded: Loaded, move: Move) -> Step:
        """The story, with a turn of the model taken back that ended without a text."""
        story, pending = loaded.story, loaded.story.pending
        if pending is None or isinstance(move, WritingFailed):
            return Step(story=story)
        if not await self._is_over(pending.job_id, pending.since_s):
            return Step(story=story)
        _log.info("turn taken back", story_id=story.id, job_id=pending.job_id)
        failed = WritingFailed(job_id=pending.job_id)
        return self._play(story, failed, self.nobody(f"{pending.job_id}-over"), loaded.near)

    async def _is_over(self, job_id: str, since_s: float) -> bool:
        """Whether a job ended, or was never put."""
        queue = await self._pools.find(job_id)
        if queue is None:
            return self._clock() - since_s > _UNPUT_S
        return await queue.state(job_id) in END_STATES

    def _unwritten(self, step: Step, actor: Actor, near: Near) -> Step:
        """Where there is no answer to write to, the model waits until somebody asks it to go on."""
        pending = step.story.pending
        if pending is None:
            return replace(step, wanted=None)
        nobody = self.nobody(f"{actor.source}-later")
        failed = WritingFailed(job_id=pending.job_id)
        after = self._play(step.story, failed, nobody, _with(near, step))
        return replace(
            step,
            story=after.story,
            passages=(*step.passages, *after.passages),
            wanted=None,
            shown=after.shown or step.shown,
        )


def occupied() -> StoryError:
    return StoryError(
        tr("Another story is played in this channel; end it first, or begin yours elsewhere.")
    )


def _with(near: Near, step: Step) -> Near:
    """Near passages with those that a step made."""
    if not step.passages:
        return near
    return Near(passages={**near.passages, **{one.number: one for one in step.passages}})
