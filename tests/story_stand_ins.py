"""Stories for tests of what is around their rules: a store that can be told to conflict, and rules
that are as small as they can be. The real ones have suites of their own.
"""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from bot.core.jobs import Job
from bot.core.replies import Picture
from bot.errors import QueueDownError
from bot.services.story_toolbox import story_tools
from bot.services.story_tools import StoryTools
from bot.state.memory_stories import MemoryStories
from bot.state.stories_api import Created, Loaded, Saved
from bot.stories.passages import Passage
from bot.stories.story import (
    LoreEntry,
    Story,
)
from bot.stories.task import StoryTask


class FaultyStories(MemoryStories):
    """Stories in memory, behind a connection that can fail; `between` runs once, before a save.

    Attributes:
        between: what others do between a load and the save that follows it.
        saves: how many went through.
        is_down: whether the store can't be reached.
        cut_after_save: whether the next save is made, and its answer gets lost.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        super().__init__(clock=clock)
        self.between: Callable[[], Awaitable[object]] | None = None
        self.saves = 0
        self.is_down = False
        self.cut_after_save = False

    @property
    def stories(self) -> dict[str, tuple[Story, int]]:
        """What is kept: stories and their revisions."""
        return {one: (kept.story, kept.revision) for one, kept in self._kept.items()}

    def put(self, story: Story, revision: int) -> None:
        """Changes a story by hand."""
        self._kept[story.id].story, self._kept[story.id].revision = story, revision

    def _check(self) -> None:
        if self.is_down:
            raise QueueDownError("The store can't be reached.")

    async def create(self, story: Story, passages: Sequence[Passage], *, most: int) -> Created:
        self._check()
        return await super().create(story, passages, most=most)

    async def load(self, story_id: str, *, numbers: Collection[int] = ()) -> Loaded | None:
        self._check()
        return await super().load(story_id, numbers=numbers)

    async def in_channel(self, channel_id: int) -> str | None:
        self._check()
        return await super().in_channel(channel_id)

    async def claim_due(self, *, limit: int = 20, lease_s: float = 30.0) -> list[str]:
        self._check()
        return await super().claim_due(limit=limit, lease_s=lease_s)

    async def save(self, story: Story, passages: Sequence[Passage], *, revision: int) -> Saved:
        self._check()
        if self.between is not None:
            meanwhile, self.between = self.between, None
            await meanwhile()
        saved = await super().save(story, passages, revision=revision)
        self.saves += saved is Saved.DONE
        if self.cut_after_save:
            self.cut_after_save = False
            raise QueueDownError("The connection was cut.")
        return saved


@dataclass(frozen=True, kw_only=True)
class StandInScenario:
    """As `stories.scenarios.Scenario`."""

    title: str
    description: str
    opening: str = "It was dark."
    memory: str = "You are an owl."
    note: str = "Quiet."
    lore: tuple[LoreEntry, ...] = (LoreEntry(keys=("owl",), text="Owls see in the dark."),)


SCENARIOS: Mapping[str, StandInScenario] = {
    "owl": StandInScenario(title="The owl", description="A night in the wood"),
    "sea": StandInScenario(title="The sea", description="A ship, and no wind"),
}


def _drawn(story: Story, passages: Sequence[Passage] = ()) -> Picture:
    description = f"{story.title}: {len(passages)}"
    return Picture(png=b"\x89PNG", name="x.png", description=description)


def tools_of_tests(**changes: Any) -> StoryTools:
    """The real tools, with pictures that take no time and scenarios that fit into a test."""
    tools = replace(story_tools(), draw_map=_drawn, draw_context=_drawn, scenarios=SCENARIOS)
    return replace(tools, **changes)


@dataclass
class ChannelEdits:
    """What a clock's channels were made to look like; `fault` is raised in place of an edit."""

    edits: list[tuple[int, int, Any]] = field(default_factory=list[tuple[int, int, Any]])
    fault: Exception | None = None

    async def edit(self, channel_id: int, message_id: int, message: Any, *, tries: int = 5) -> int:
        del tries
        if self.fault is not None:
            raise self.fault
        self.edits.append((channel_id, message_id, message))
        return message_id


def task_of(job: Job) -> StoryTask:
    """What a story's job carries."""
    return StoryTask.from_json(job.task)
