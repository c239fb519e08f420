"""Stories in memory: for tests, and wherever one process is all there is."""

from collections.abc import AsyncIterator, Callable, Collection, Sequence
from dataclasses import dataclass, field

from bot.state.stories_api import WINDOW_CHARACTERS, Created, Loaded, Saved, Summary
from bot.state.story_records import owner_of, summary_of, taken_channel
from bot.stories.forgetting import authors_of, passage_without_user, without_user
from bot.stories.moves import Near
from bot.stories.passages import Passage
from bot.stories.story import Story

_BATCH = 200
_AT_LEAST = 3  # passages that a move has before it, however long they are


@dataclass(slots=True)
class _Kept:
    """A story, its tree, and until when it is kept (Unix time)."""

    story: Story
    until_s: float
    revision: int = 1
    tree: dict[int, Passage] = field(default_factory=dict[int, Passage])
    leased_until_s: float = 0.0


class MemoryStories:
    """A StoriesStore without Redis, for one process.

    Args:
        clock: gives Unix time in seconds.
        keep_days: how long a story is kept after its last change.
    """

    def __init__(self, *, clock: Callable[[], float], keep_days: float = 365) -> None:
        self._clock = clock
        self._keep_s = keep_days * 86_400
        self._kept: dict[str, _Kept] = {}

    async def create(self, story: Story, passages: Sequence[Passage], *, most: int) -> Created:
        """Keeps a new story; see `StoriesStore.create`."""
        alive = self._alive()
        if story.id in alive:
            return Created.DONE
        if self._is_occupied(story):
            return Created.OCCUPIED
        if sum(owner_of(one.story) == owner_of(story) for one in alive.values()) >= most:
            return Created.FULL
        tree = {passage.number: passage for passage in passages}
        self._kept[story.id] = _Kept(story, self._clock() + self._keep_s, tree=tree)
        return Created.DONE

    async def load(self, story_id: str, *, numbers: Collection[int] = ()) -> Loaded | None:
        """A story with its newest passages; None where there is none."""
        kept = self._alive().get(story_id)
        if kept is None:
            return None
        found: dict[int, Passage] = {}
        passage = last = kept.tree.get(kept.story.head)
        while passage is not None and last is not None:
            if len(found) >= _AT_LEAST and last.offset - passage.offset >= WINDOW_CHARACTERS:
                break
            found[passage.number] = passage
            passage = kept.tree.get(passage.parent)
        for number in numbers:
            named = kept.tree.get(number)
            pair = (named, kept.tree.get(named.parent)) if named is not None else ()
            found |= {one.number: one for one in pair if one is not None}
        return Loaded(story=kept.story, revision=kept.revision, near=Near(passages=found))

    async def save(self, story: Story, passages: Sequence[Passage], *, revision: int) -> Saved:
        """Keeps a story after a move; see `StoriesStore.save`."""
        kept = self._alive().get(story.id)
        if kept is None:
            return Saved.GONE
        if kept.revision != revision:
            return Saved.CONFLICT
        if self._is_occupied(story):
            return Saved.OCCUPIED
        kept.story, kept.revision = story, revision + 1
        kept.until_s = self._clock() + self._keep_s
        kept.leased_until_s = 0.0
        kept.tree |= {passage.number: passage for passage in passages}
        return Saved.DONE

    async def in_channel(self, channel_id: int) -> str | None:
        """The story that is played in a channel or thread, or None."""
        wanted = str(channel_id)
        there = (
            one.story.id for one in self._alive().values() if taken_channel(one.story) == wanted
        )
        return next(there, None)

    async def of_guild(self, guild_id: int, *, limit: int = 100) -> list[Summary]:
        """A server's stories, the last changed first."""
        return self._list(f"guild:{guild_id}", limit)

    async def of_owner(self, user_id: int, *, limit: int = 100) -> list[Summary]:
        """The stories that a user began in direct messages, the last changed first."""
        return self._list(f"user:{user_id}", limit)

    async def passages(self, story_id: str) -> AsyncIterator[list[Passage]]:
        """The whole tree in order of numbers, a batch at a time."""
        kept = self._alive().get(story_id)
        tree = [] if kept is None else [kept.tree[number] for number in sorted(kept.tree)]
        for start in range(0, len(tree), _BATCH):
            yield tree[start : start + _BATCH]

    async def claim_due(self, *, limit: int = 20, lease_s: float = 30.0) -> list[str]:
        """Stories where something is due by now, each given to one caller."""
        now_s = self._clock()
        due = [
            (kept.story.due_at_s, kept)
            for kept in self._alive().values()
            if kept.story.due_at_s is not None
            and max(kept.story.due_at_s, kept.leased_until_s) <= now_s
        ]
        claimed = [kept for _, kept in sorted(due, key=lambda one: one[0] or 0)[:limit]]
        for kept in claimed:
            kept.leased_until_s = now_s + lease_s
        return [kept.story.id for kept in claimed]

    async def delete(self, story_id: str) -> bool:
        """Removes a story and all its text; False where there was none."""
        return self._alive().pop(story_id, None) is not None

    async def n_of_author(self, user_id: int) -> int:
        """In how many stories a user plays or has written."""
        return len(self._of_author(user_id))

    async def forget_author(self, user_id: int) -> int:
        """Takes a user's id and name out of all stories; how many that were."""
        theirs = self._of_author(user_id)
        for kept in theirs:
            kept.story = without_user(kept.story, user_id)
            kept.revision += 1
            kept.tree = {n: passage_without_user(one, user_id) for n, one in kept.tree.items()}
        return len(theirs)

    async def forget_guild(self, guild_id: int) -> int:
        """Removes all stories of a server; how many."""
        theirs = [one for one, kept in self._alive().items() if kept.story.guild_id == guild_id]
        for one in theirs:
            del self._kept[one]
        return len(theirs)

    def _alive(self) -> dict[str, _Kept]:
        now_s = self._clock()
        self._kept = {one: kept for one, kept in self._kept.items() if kept.until_s > now_s}
        return self._kept

    def _is_occupied(self, story: Story) -> bool:
        wanted = taken_channel(story)
        others = (kept.story for kept in self._alive().values() if kept.story.id != story.id)
        return bool(wanted) and any(taken_channel(other) == wanted for other in others)

    def _of_author(self, user_id: int) -> list[_Kept]:
        alive = self._alive().values()
        return [one for one in alive if user_id in authors_of(one.story, one.tree.values())]

    def _list(self, owner: str, limit: int) -> list[Summary]:
        theirs = [one.story for one in self._alive().values() if owner_of(one.story) == owner]
        theirs.sort(key=lambda story: story.changed_at_s, reverse=True)
        return [summary_of(story) for story in theirs[:limit]]
