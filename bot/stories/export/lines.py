"""What the exports have in common: the main line, who wrote what, how many branches there are."""

from collections.abc import Sequence

from bot.language import tr, tr_n
from bot.stories.moves import Near
from bot.stories.passages import Kind, Passage
from bot.stories.story import Story


def main_line(story: Story, passages: Sequence[Passage]) -> list[Passage]:
    """From the beginning to where the story stands."""
    return Near(passages={one.number: one for one in passages}).path(story.head)


def authors(passages: Sequence[Passage]) -> list[str]:
    """The names of all people, in the order in which they first wrote."""
    return list(dict.fromkeys(one.author for one in passages if one.author))


def credit_line(passages: Sequence[Passage]) -> str:
    """Who wrote it, the machine included."""
    names = ", ".join(authors(passages))
    count = sum(one.is_the_models for one in passages)
    machine = tr_n("{n} passage is machine-written", "{n} passages are machine-written", count)
    if not names:
        return machine
    return tr("Written by {names}; {machine}", names=names, machine=machine)


def spoken_words(passage: Passage) -> str:
    """A passage's words as one reads them."""
    text = passage.text.strip()
    if passage.kind is Kind.SAY and not text.startswith(('"', "“", "«", "„")):
        return f"“{text}”"
    return text
