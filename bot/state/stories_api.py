"""What a store of stories does, whatever it is built on.

Implemented by `redis_stories` and `memory_stories`; used by services, and by the worker, which
adds what the model wrote. A move is read, decided and saved under the story's revision: two at the
same moment can't both be saved on the same state. Nothing here reads a whole tree but `passages`.
"""

from collections.abc import AsyncIterator, Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from bot.stories.moves import Near
from bot.stories.passages import Passage
from bot.stories.story import Story

WINDOW_CHARACTERS = 8000  # of the newest text that a move loads; more than any GPT-2 reads
MAX_STORIES_PER_GUILD = 200  # that are kept; a host may set less


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """A story as a move needs it.

    Attributes:
        story: apart from its text.
        revision: to be handed back to `save`.
        near: the newest passages on its path, and those that were asked for.
    """

    story: Story
    revision: int
    near: Near


class Created(StrEnum):
    """What became of `create`."""

    DONE = "done"  # also where this very story was created before
    OCCUPIED = "occupied"  # another story is played in that channel
    FULL = "full"  # the server (or user) has as many as it may


class Saved(StrEnum):
    """What became of `save`."""

    DONE = "done"
    CONFLICT = "conflict"  # somebody else saved meanwhile: load and decide anew
    OCCUPIED = "occupied"  # another story is played in the channel that it wants
    GONE = "gone"  # there is no such story (any more)


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """A line of `/story list`."""

    story_id: str
    title: str
    mode: str
    status: str
    channel_id: int
    owner_id: int
    n_passages: int
    changed_at_s: float


class StoriesStore(Protocol):
    """Keeps stories for as long as the host says after their last change.

    Every method raises QueueDownError where the store can't be reached.
    """

    async def create(self, story: Story, passages: Sequence[Passage], *, most: int) -> Created:
        """Keeps a new story, and makes it the one that is played in its channel.

        Args:
            story: with its first passages counted.
            passages: all of them, such as an opening or an imported tree.
            most: stories that its server (in direct messages: its owner) may have.
        """
        ...

    async def load(self, story_id: str, *, numbers: Collection[int] = ()) -> Loaded | None:
        """A story with its newest passages; None where there is none.

        Args:
            story_id: which one.
            numbers: further passages to bring along, with their parents; unknown ones are left out.
        """
        ...

    async def save(self, story: Story, passages: Sequence[Passage], *, revision: int) -> Saved:
        """Keeps a story after a move, all of it or nothing.

        Args:
            story: afterwards. ENDED frees its channel; any other status takes it.
            passages: new ones, and options whose voters changed.
            revision: as it was loaded.
        """
        ...

    async def in_channel(self, channel_id: int) -> str | None:
        """The story that is played in a channel or thread, or None."""
        ...

    async def of_guild(self, guild_id: int, *, limit: int = 100) -> list[Summary]:
        """A server's stories, the last changed first."""
        ...

    async def of_owner(self, user_id: int, *, limit: int = 100) -> list[Summary]:
        """The stories that a user began in direct messages, the last changed first."""
        ...

    def passages(self, story_id: str) -> AsyncIterator[list[Passage]]:
        """The whole tree in order of numbers, a batch at a time; for maps and exports."""
        ...

    async def claim_due(self, *, limit: int = 20, lease_s: float = 30.0) -> list[str]:
        """Stories where something is due by now (`Story.due_at_s`), the longest due first.

        Each is given to one caller, and again after `lease_s` unless it was saved.
        """
        ...

    async def delete(self, story_id: str) -> bool:
        """Removes a story and all its text; False where there was none."""
        ...

    async def n_of_author(self, user_id: int) -> int:
        """In how many stories a user plays or has written."""
        ...

    async def forget_author(self, user_id: int) -> int:
        """Takes a user's id and name out of all stories; what they wrote stays, as nobody's.

        Returns:
            How many stories that were.
        """
        ...

    async def forget_guild(self, guild_id: int) -> int:
        """Removes all stories of a server; how many."""
        ...
