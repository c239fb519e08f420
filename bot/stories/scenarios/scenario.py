"""What a scenario is."""

from dataclasses import dataclass

from bot.stories.story import LoreEntry


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """How a story may begin.

    Attributes:
        name: of the command's choice; lowercase.
        title: of the story; marked for translation.
        description: for lists, at most 100 characters; marked for translation.
        opening: the first text, in English and in the second person.
        memory: what the model is always told.
        note: the author's note.
        lore: entries pulled in by their words.
    """

    name: str
    title: str
    description: str
    opening: str
    memory: str
    note: str = ""
    lore: tuple[LoreEntry, ...] = ()


def paragraphs(*texts: str) -> str:
    """Texts as paragraphs."""
    return "\n\n".join(texts)


def lore(text: str, *keys: str) -> LoreEntry:
    """An entry, and the words that pull it in."""
    return LoreEntry(keys=keys, text=text)
