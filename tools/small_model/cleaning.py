"""Turns raw files of several shapes into plain paragraphs, without headings or legal text.

Called by ``tools.small_model.corpus``. Pure functions on strings; never touches a file.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

END_OF_TEXT = "<|endoftext|>"
_PLAIN = str.maketrans({
    "“": '"', "”": '"', "„": '"', "‘": "'", "’": "'", "`": "'", "´": "'",
    "\u00a0": " ", "\u200b": None, "\ufeff": None, "\u00ad": None,
    "–": "-", "…": "...", "\r": None, "\t": " ",
})  # fmt: skip
# UTF-8 punctuation that somebody once read as Windows-1252; some story files are full of it.
_MISREAD = re.compile("â€(?:[œ™˜“”¦\x9d])?")
_MISREAD_MEANT = {"â€™": "'", "â€˜": "'", "â€“": "-", "â€”": "—", "â€¦": "..."}
_START = re.compile(r"\*\*\* ?START OF TH.*?\*\*\*", re.S)
_END = re.compile(r"\*\*\* ?END OF TH|^End of (?:the )?Project Gutenberg", re.M)
_ASIDE = re.compile(r"\[(?:[^\[\]]{0,600})\]|\(\d{1,2}\)")
_EMPHASIS = re.compile(r"(?<![A-Za-z0-9])_([^_\n]{1,400})_(?![A-Za-z0-9])|\*{1,3}([^*\n]+)\*{1,3}")
_HEADING = re.compile(r"^#+ *(.*)$", re.M)
_NUMBERED = re.compile(r"^\d{1,3}\. +(?=\S)")
_SENTENCE_END = re.compile(r"[.!?][\"')]*$|[,;:\-—][\"')]*$")
_CREDIT = re.compile(r"^\* (License|Text|Translation|Translated By|Adaptation): *(.*)$", re.M)
_CREDIT_START = re.compile(r"^\* License:", re.M)


@dataclass(frozen=True, slots=True, kw_only=True)
class Attribution:
    """Who wrote an openly licensed story; what CC BY asks to be named."""

    title: str
    authors: str
    source: str
    license: str


def plain_characters(text: str) -> str:
    """The text with straight quotes, plain spaces and an em dash for every ``--``."""
    meant = _MISREAD.sub(lambda match: _MISREAD_MEANT.get(match[0], '"'), text)
    return re.sub(r" ?-{2,} ?", "—", meant.translate(_PLAIN))


def strip_gutenberg(text: str) -> str:
    """What stands between the Project Gutenberg start and end marks, or the whole text."""
    start = _START.search(text)
    text = text[start.end() :] if start else text
    end = _END.search(text)
    return text[: end.start()] if end else text


def unwrap(block: str) -> str:
    """One paragraph on one line, without Markdown emphasis, asides or verse numbers."""
    line = " ".join(block.split())
    line = _NUMBERED.sub("", _ASIDE.sub("", line))
    line = _EMPHASIS.sub(lambda match: match[1] or match[2], line)
    return re.sub(r" +", " ", line).strip()


def is_prose(paragraph: str) -> bool:
    """Whether a paragraph reads like a sentence, not like a heading, table or credit."""
    letters = sum(map(str.isalpha, paragraph))
    lower = sum(map(str.islower, paragraph))
    has_odd = any(ord(char) > 0x2FF and char not in "—" for char in paragraph)
    return (
        bool(_SENTENCE_END.search(paragraph))
        and letters >= 0.6 * len(paragraph)
        and lower >= 0.6 * letters
        and not has_odd
        and "gutenberg" not in paragraph.lower()
        and "http" not in paragraph
        and "transcriber" not in paragraph.lower()
    )


def prose(text: str) -> str:
    """All prose paragraphs of a text, a blank line between them."""
    blocks = (unwrap(block) for block in re.split(r"\n\s*\n", text))
    return "\n\n".join(block for block in blocks if is_prose(block))


def _is_plain_heading(block: str, contents: frozenset[str]) -> bool:
    """A short block in capitals, or one that the table of contents lists."""
    line = unwrap(block)
    if not line or len(line) > 90:
        return False
    letters = [char for char in line if char.isalpha()]
    shouted = len(letters) > 3 and all(map(str.isupper, letters)) and line[-1] not in "\"!'"
    return shouted or line.rstrip(".").casefold() in contents


def split_plain_book(text: str) -> list[str]:
    """The stories of a plain-text book, split where a heading stands alone."""
    text = strip_gutenberg(plain_characters(text))
    lines = [line.strip() for line in text.split("\n") if re.match(r" {4,}\S", line)]
    contents = frozenset(line.rstrip(".").casefold() for line in lines if len(line) < 70)
    sections: list[list[str]] = [[]]
    for block in re.split(r"\n\s*\n", text):
        if _is_plain_heading(block, contents):
            sections.append([])
        else:
            sections[-1].append(block)
    return [prose("\n\n".join(section)) for section in sections]


def split_markdown_book(text: str) -> list[str]:
    """The chapters of a Markdown book, split at its headings."""
    parts = _HEADING.split(plain_characters(text))
    return [prose(chapter) for chapter in parts[0::2]]


def read_storybook(text: str, *, source: str) -> tuple[str, Attribution | None]:
    """A picture-book file's story and its credits.

    Args:
        text: ``# title``, pages that each begin with ``##``, then a ``* License:`` list.
        source: the folder it came from.

    Returns:
        The story with a paragraph a page part, and its attribution when the file has one.
    """
    at = _CREDIT_START.search(text)
    body, credits_text = (text[: at.start()], text[at.start() :]) if at else (text, "")
    title = _HEADING.search(body)
    pages = re.split(r"^##[ ]*$", body, flags=re.M)[1:]
    story = prose(plain_characters("\n\n".join(pages)))
    fields = {name: value.strip(" []") for name, value in _CREDIT.findall(credits_text)}
    if not fields:
        return story, None
    authors = fields.get("Text", "unknown")
    for key in ("Translation", "Translated By", "Adaptation"):
        if fields.get(key):
            authors += f"; {key.lower()}: {fields[key]}"
    name = title[1].strip() if title else "untitled"
    credit = Attribution(title=name, authors=authors, source=source, license=fields["License"])
    return story, credit


def tidy_story(text: str) -> str:
    """A short modern story: plain characters, each line its own paragraph."""
    lines = (" ".join(line.split()) for line in plain_characters(text).split("\n"))
    return "\n\n".join(line for line in lines if line)


def split_marked(text: str) -> list[str]:
    """Stories divided by ``<|endoftext|>``; the last may be cut off, so it is left out."""
    return [tidy_story(part) for part in text.split(END_OF_TEXT)[:-1]]


_OPENING = re.compile(
    r"once\b|one \w*\s?(?:day|night|morning|evening|time)\b|there (?:was|were|once|lived)\b"
    r"|long ago\b|a long time\b|in an? \w+"
)
_DAY_BREAK = re.compile(r"the end\W*$")


def split_lower_cased(text: str, names: frozenset[str]) -> list[str]:
    """Stories of a lower-cased file, where a single line break may start the next story.

    A line that follows without a blank line starts a story when it opens like one, or when it
    begins with a name that the story before it never used.
    """
    stories: list[list[str]] = [[]]
    for block in re.split(r"\n\s*\n", plain_characters(text)):
        for index, raw in enumerate(block.split("\n")):
            line = " ".join(raw.split())
            if index and _starts_story(line, stories[-1], names):
                stories.append([])
            if line:
                stories[-1].append(line)
    # The file is an excerpt: its last story may be cut off.
    return ["\n\n".join(story) for story in stories[:-1]]


def _starts_story(line: str, story: list[str], names: frozenset[str]) -> bool:
    before = " ".join(story)
    if _OPENING.match(line) or _DAY_BREAK.search(before):
        return True
    first = re.match(r"[a-z]+", line)
    return bool(first and first[0] in names and not re.search(rf"\b{first[0]}\b", before))
