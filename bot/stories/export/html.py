"""A story as one HTML page that needs nothing else: the branches can be clicked through.

All text goes through `textContent`, and the data stand in the page as JSON in which nothing can
end the script; so no words of a story can become markup.
"""

import html
import json
from collections.abc import Sequence
from importlib.resources import files

from bot.language import spoken, tr
from bot.stories.export.lines import credit_line, main_line, spoken_words
from bot.stories.passages import Kind, Passage
from bot.stories.story import Story


def export(story: Story, passages: Sequence[Passage]) -> str:
    """The page.

    Args:
        story: apart from its text.
        passages: its whole tree.
    """
    page = (files("bot.stories.export") / "page.html").read_text(encoding="utf-8")
    words = {
        "ways": tr("ways to go on from here"),
        "machine": tr("machine-written"),
        "votes": tr("votes"),
        "main": tr("Back to the main line"),
        "passage": tr("passage"),
    }
    data = {
        "head": story.head,
        "words": words,
        "passages": [_entry(one) for one in passages],
    }
    credit = credit_line(main_line(story, passages))
    parts = {
        "LANGUAGE": spoken(),
        "TITLE": html.escape(_whole(story.title)),
        "CREDIT": html.escape(_whole(credit)),
        "DATA": _in_script(data),
    }
    for name, value in parts.items():
        page = page.replace(f"__{name}__", value, 1)
    return page


def _entry(passage: Passage) -> dict[str, object]:
    return {
        "n": passage.number,
        "p": passage.parent,
        "a": _whole(passage.author),
        "m": passage.is_the_models,
        "q": passage.kind in {Kind.SAY, Kind.DO},
        "v": len(passage.voters),
        "t": _whole(spoken_words(passage)),
    }


def _in_script(data: object) -> str:
    """JSON that can stand in a script: `<` would be able to end it."""
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


def _whole(text: str) -> str:
    """Without halves of characters, which no file can hold."""
    return text.encode(errors="replace").decode()
