"""A story's main line as plain text."""

from collections.abc import Sequence

from bot.stories.export.lines import credit_line, main_line, spoken_words
from bot.stories.passages import Kind, Passage
from bot.stories.story import Story


def export(story: Story, passages: Sequence[Passage]) -> str:
    """Title, text, and who wrote it.

    Args:
        story: whose main line it is.
        passages: its whole tree.
    """
    parts = [story.title, "=" * min(60, max(3, len(story.title))), ""]
    line = main_line(story, passages)
    parts += [f"{_line(one)}\n" for one in line]
    return "\n".join((*parts, "--", credit_line(line), ""))


def _line(passage: Passage) -> str:
    text = spoken_words(passage)
    if passage.kind in {Kind.SAY, Kind.DO} and passage.author:
        return f"> {passage.author}: {text}"
    return text
