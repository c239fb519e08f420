"""Lore as people type it: words before a colon, what the model is told after it. Pure."""

from bot.errors import StoryError
from bot.language import tr
from bot.stories.story import MAX_LORE_KEYS, LoreEntry


def lore_of(words: str, text: str) -> LoreEntry:
    """One entry.

    Args:
        words: that pull it in, between commas.
        text: what the model is told then.

    Raises:
        StoryError: there is no word or no text.
    """
    keys = tuple(dict.fromkeys(key for one in words.split(",") if (key := " ".join(one.split()))))
    if not keys or not text.strip():
        raise StoryError(
            tr("A lore entry needs at least one word that pulls it in, and what is told then.")
        )
    return LoreEntry(keys=keys[:MAX_LORE_KEYS], text=text.strip())


def read_lore(lines: str) -> tuple[LoreEntry, ...]:
    """Entries of a form, one a line: "dragon, wyrm: It sleeps under the hill."

    Raises:
        StoryError: a line is no such entry.
    """
    entries: list[LoreEntry] = []
    for line in lines.splitlines():
        if line.strip():
            words, _, text = line.partition(":")
            entries.append(lore_of(words, text))
    return tuple(entries)
