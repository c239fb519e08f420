"""How a story begins."""

from collections.abc import Sequence
from dataclasses import dataclass

from bot.core.showable import has_visible
from bot.language import tr
from bot.stories.moves import Actor, Near
from bot.stories.passages import NO_PASSAGE, THE_MODEL, Kind, Passage
from bot.stories.rules.common import Words, clean_words, joined, with_passage
from bot.stories.rules.keeping import cleaned, title_of, with_lore
from bot.stories.story import (
    MAX_MEMORY_CHARACTERS,
    MAX_NOTE_CHARACTERS,
    LoreEntry,
    Mode,
    Story,
)

_TITLE_LENGTH = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a story is played, and in which language one speaks around it."""

    guild_id: int | None
    channel_id: int
    language: str = "en"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outset:
    """What a story begins with.

    Attributes:
        title: as shown; "" = the first words of the opening.
        opening: its first text, or "".
        is_typed: whether its owner wrote the opening; else it is nobody's.
        memory: what the model is always told.
        note: the author's note.
        lore: entries pulled in by their words.
    """

    title: str
    opening: str = ""
    is_typed: bool = True
    memory: str = ""
    note: str = ""
    lore: Sequence[LoreEntry] = ()


def begin(
    story_id: str, mode: Mode, place: Place, owner: Actor, outset: Outset
) -> tuple[Story, tuple[Passage, ...]]:
    """A new story, whose owner is its first player.

    Raises:
        StoryError: a text is too long.
        PromptError: the opening can't be used.
    """
    story = Story(
        id=story_id,
        mode=mode,
        guild_id=place.guild_id,
        channel_id=place.channel_id,
        owner_id=owner.user_id,
        title=title_of(outset.title) if outset.title.strip() else _title(outset.opening),
        language=place.language,
        created_at_s=owner.at_s,
        changed_at_s=owner.at_s,
        memory=cleaned(outset.memory, MAX_MEMORY_CHARACTERS),
        note=" ".join(cleaned(outset.note, MAX_NOTE_CHARACTERS).split()),
    )
    story = joined(story, owner)
    for entry in outset.lore:
        story = with_lore(story, entry)
    if not has_visible(outset.opening):
        return story.having_made(owner.source, owner.at_s), ()
    words = Words(
        kind=Kind.OPENING,
        text=clean_words(outset.opening),
        author_id=owner.user_id if outset.is_typed else THE_MODEL,
        author=story.players[0].name if outset.is_typed else "",
        source=owner.source,
        at_s=owner.at_s,
    )
    story, passage = with_passage(story, Near(passages={}), words, parent=NO_PASSAGE)
    return story.having_made(owner.source, owner.at_s), (passage,)


def _title(opening: str) -> str:
    """The first words of a text, cut between two of them."""
    words = " ".join(opening.split()).split(" ")
    title = ""
    for word in words:
        if len(title) + len(word) >= _TITLE_LENGTH:
            break
        title = f"{title} {word}".strip()
    title = title.rstrip(".,;:!?…\"'”")
    return title if has_visible(title) else tr("A story without a title")
