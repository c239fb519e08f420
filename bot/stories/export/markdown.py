"""A story's main line as Markdown."""

import re
from collections.abc import Sequence

from bot.language import tr_n
from bot.stories.export.lines import credit_line, main_line, spoken_words
from bot.stories.passages import Kind, Passage
from bot.stories.story import Story

# What CommonMark takes for markup, in a line or at its beginning: https://spec.commonmark.org.
_MARKS = re.compile(r"([\\`*_\[\]<>&|~#])")
_BEGINS = re.compile(r"^(\s*)([-+=]|\d+(?=[.)]))", re.MULTILINE)


def export(story: Story, passages: Sequence[Passage]) -> str:
    """Title, text with players' words as quotations, and who wrote it.

    Args:
        story: whose main line it is.
        passages: its whole tree.
    """
    line = main_line(story, passages)
    beside = len(passages) - len(line)
    notes = [_escaped(credit_line(line))]
    if beside:
        notes.append(
            tr_n(
                "{n} more passage is in other branches",
                "{n} more passages are in other branches",
                beside,
            )
        )
    text = "\n\n".join(_paragraph(one) for one in line)
    return f"# {_escaped(story.title)}\n\n{text}\n\n---\n\n*{' · '.join(notes)}*\n"


def _paragraph(passage: Passage) -> str:
    text = _escaped(spoken_words(passage))
    if passage.kind not in {Kind.SAY, Kind.DO} or not passage.author:
        return text
    quoted = "\n".join(f"> {line}" for line in text.split("\n"))
    return quoted.replace("> ", f"> **{_escaped(passage.author)}:** ", 1)


def _escaped(text: str) -> str:
    """Text in which nothing is markup."""
    return _BEGINS.sub(r"\1\\\2", _MARKS.sub(r"\\\1", text))
