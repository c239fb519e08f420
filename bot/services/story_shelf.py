"""Stories to read: exported, drawn as a map, told in short. Part of `stories`; called by cogs.

What leaves here went through the server's word filter, as all that the bot shows.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from bot.core.markdown import MAX_MESSAGE, escape, shortened
from bot.core.replies import Picture
from bot.errors import StoryError
from bot.language import listed, tr
from bot.services.story_hands import Hand
from bot.services.story_tools import Drawn, StoryTools
from bot.stories.moves import Near
from bot.stories.passages import Passage
from bot.stories.show import Mask
from bot.stories.story import LoreEntry, Story

MAX_EXPORT_BYTES = 9_000_000  # Discord takes 10 MiB
_MAX_DESCRIPTION = 1024  # characters of a picture's
_MAX_FILE_NAME = 40


class Look(Protocol):
    """`StoriesService.look`."""

    def __call__(self, story_id: str, hand: Hand) -> Awaitable[tuple[Story, Near]]:
        """A story with its newest passages."""
        ...


@dataclass(frozen=True, slots=True)
class ExportFile:
    """An exported story."""

    name: str
    data: bytes


class StoryShelf:
    """Whole stories.

    Args:
        look: gives a story to those who may see it.
        all_passages: gives its whole tree.
        mask: what hides the words that a server does not want to read.
        tools: draws and exports.
    """

    def __init__(
        self,
        look: Look,
        all_passages: Callable[[str], Awaitable[list[Passage]]],
        mask: Callable[[int | None], Awaitable[Mask]],
        tools: StoryTools,
    ) -> None:
        self._look = look
        self._all_passages = all_passages
        self._mask = mask
        self._tools = tools
        self._drawing = asyncio.Lock()  # pictures take a core for a second: one at a time

    async def export(self, story_id: str, ending: str, hand: Hand) -> ExportFile:
        """A story as a file.

        Args:
            story_id: which one.
            ending: what kind of file: md, txt, html or json.
            hand: for whom.

        Raises:
            StoryError: there is no such story or kind, or it is too long.
            QueueDownError: the store can't be reached.
        """
        export = self._tools.exports.get(ending)
        if export is None:
            kinds = listed(self._tools.exports)
            raise StoryError(
                tr("There is no such kind of file; choose one of {kinds}.", kinds=kinds)
            )
        story, passages = await self._whole(story_id, hand)
        async with self._drawing:
            text = await asyncio.to_thread(export, story, passages)
        data = text.encode(errors="replace")
        if len(data) > MAX_EXPORT_BYTES:
            raise StoryError(
                tr("This story is too long for one file here; ask the host for it instead.")
            )
        return ExportFile(f"{_file_name(story.title)}.{ending}", data)

    async def map(self, story_id: str, hand: Hand) -> Picture:
        """The tree as a picture; else as `export`."""
        story, passages = await self._whole(story_id, hand)
        if not passages:
            raise StoryError(tr("There is nothing on the map yet: the story has no words."))
        async with self._drawing:
            drawn = await asyncio.to_thread(self._tools.draw_map, story, passages)
        return _picture(drawn, "story-map.png")

    async def context(self, story_id: str, hand: Hand) -> Picture:
        """What the model read at its last turn, as a picture; else as `export`."""
        story, _ = await self._look(story_id, hand)
        if story.context is None:
            raise StoryError(tr("The model has not written in this story yet."))
        shown = _masked_story(story, await self._mask(story.guild_id))
        async with self._drawing:
            drawn = await asyncio.to_thread(self._tools.draw_context, shown)
        return _picture(drawn, "story-context.png")

    async def recap(self, story_id: str, hand: Hand) -> str:
        """The story so far in a message; else as `export`."""
        story, passages = await self._whole(story_id, hand)
        near = Near(passages={one.number: one for one in passages})
        path = near.path(story.head)
        if not path:
            raise StoryError(tr("There is nothing to tell yet: the story has no words."))
        text = await asyncio.to_thread(self._tools.recap, path)
        return shortened(escape(text), MAX_MESSAGE)

    async def _whole(self, story_id: str, hand: Hand) -> tuple[Story, Sequence[Passage]]:
        """With what the server's filter finds hidden."""
        story, _ = await self._look(story_id, hand)
        passages = await self._all_passages(story_id)
        mask = await self._mask(story.guild_id)
        masked = [replace(one, text=mask(one.text), author=mask(one.author)) for one in passages]
        return _masked_story(story, mask), masked


def _masked_story(story: Story, mask: Mask) -> Story:
    return replace(
        story,
        title=mask(story.title),
        memory=mask(story.memory),
        note=mask(story.note),
        players=tuple(replace(one, name=mask(one.name)) for one in story.players),
        lore=tuple(
            LoreEntry(keys=tuple(mask(key) for key in entry.keys), text=mask(entry.text))
            for entry in story.lore
        ),
    )


def _picture(drawn: Drawn, name: str) -> Picture:
    return Picture(png=drawn.png, name=name, description=drawn.description[:_MAX_DESCRIPTION])


def _file_name(title: str) -> str:
    """Letters and digits of any script, so that no system chokes on it."""
    kept = "".join(one if one.isalnum() else "-" for one in title.casefold())
    return "-".join(part for part in kept.split("-") if part)[:_MAX_FILE_NAME] or "story"
