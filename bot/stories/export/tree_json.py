"""A story's whole tree as JSON, and back: the format that `docs/stories.md` describes.

It holds no ids of people or servers: only the names that stand in the story.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeGuard, cast

from bot.core.showable import has_visible
from bot.errors import RequestError, StoryError
from bot.language import number, tr
from bot.stories.frame import player_name
from bot.stories.moves import Actor
from bot.stories.passages import NO_PASSAGE, THE_MODEL, Kind, Passage
from bot.stories.rules.common import offset_after
from bot.stories.rules.keeping import cleaned, title_of, with_lore
from bot.stories.rules.start import Outset, Place, begin
from bot.stories.story import (
    MAX_LORE,
    MAX_MEMORY_CHARACTERS,
    MAX_NAME_CHARACTERS,
    MAX_NOTE_CHARACTERS,
    LoreEntry,
    Mode,
    Story,
)

FORMAT = "bardling-story"
FORMAT_VERSION = 1
MAX_PASSAGES = 10_000
MAX_TEXT = 4000  # of one passage
SOMEBODY = 1  # an author of an imported passage, until it is known who imports it
_MAX_DEPTH = 20  # of the author's note


def export(story: Story, passages: Sequence[Passage]) -> str:
    """The whole tree.

    Args:
        story: apart from its text.
        passages: all of them.
    """
    data = {
        "format": FORMAT,
        "version": FORMAT_VERSION,
        "title": story.title,
        "mode": story.mode.value,
        "head": story.head,
        "memory": story.memory,
        "note": {"text": story.note, "depth": story.note_depth},
        "lore": [{"keys": list(one.keys), "text": one.text} for one in story.lore],
        "passages": [_written(one) for one in passages],
    }
    return json.dumps(data, ensure_ascii=False, indent=1) + "\n"


def _written(passage: Passage) -> dict[str, Any]:
    data: dict[str, Any] = {
        "number": passage.number,
        "parent": passage.parent,
        "kind": passage.kind.value,
        "text": passage.text,
        "at_s": round(passage.at_s),
    }
    if passage.author:
        data["author"] = passage.author
    if passage.is_the_models:
        data |= {"receipt": passage.receipt, "settings": dict(passage.settings)}
    if passage.voters:
        data["votes"] = len(passage.voters)
    return data


def read(text: str) -> tuple[Story, list[Passage]]:
    """An exported tree, everything in it checked.

    Returns:
        A story that nobody plays yet, and its passages.

    Raises:
        StoryError: it is no such file, or a part of it is not as it should be; says which.
    """
    try:
        data: object = json.loads(text)
    except (ValueError, RecursionError):
        sentence = tr("This file is no JSON; export a story to get one that I can read.")
        raise StoryError(sentence) from None
    if not _is_object(data) or data.get("format") != FORMAT:
        raise StoryError(tr("This file is no story that I exported; I can't read others."))
    if data.get("version") != FORMAT_VERSION:
        raise StoryError(tr("This story was exported by a newer program; I can't read it."))
    return _read(data)


def _read(data: Mapping[str, Any]) -> tuple[Story, list[Passage]]:
    try:
        mode = Mode(data.get("mode", Mode.FREE.value))
    except (ValueError, TypeError):
        raise _wrong("mode") from None
    owner = Actor(user_id=SOMEBODY, name="", source="import", at_s=0.0)
    title = _text(data, "title", 80)
    try:
        outset = Outset(
            title=title_of(title),
            memory=cleaned(_text(data, "memory", MAX_MEMORY_CHARACTERS), MAX_MEMORY_CHARACTERS),
        )
        story, _ = begin("0", mode, Place(guild_id=None, channel_id=0), owner, outset)
        for entry in _lore(data):
            story = with_lore(story, entry)
    except RequestError as error:
        raise StoryError(tr("This file can't be used: {reason}", reason=error)) from error
    passages = _passages(story, data.get("passages"))
    head = data.get("head", NO_PASSAGE)
    if not _is_whole(head) or not 0 <= head <= len(passages) or bool(head) != bool(passages):
        raise _wrong("head")
    note: object = data.get("note", {"text": ""})
    if not _is_object(note):
        raise _wrong("note")
    depth = note.get("depth", 3)
    if not _is_whole(depth) or not 0 <= depth <= _MAX_DEPTH:
        raise _wrong("note")
    story = replace(
        story,
        head=head,
        n_passages=len(passages),
        note=" ".join(_text(note, "text", MAX_NOTE_CHARACTERS).split()),
        note_depth=depth,
    )
    return story, passages


def _passages(story: Story, found: object) -> list[Passage]:
    """In order: each hangs on one before it."""
    if not isinstance(found, list):
        raise _wrong("passages")
    entries = cast("list[object]", found)
    if len(entries) > MAX_PASSAGES:
        raise StoryError(
            tr("This story has too many passages; {most} are the most.", most=number(MAX_PASSAGES))
        )
    passages: list[Passage] = []
    for place, entry in enumerate(entries, 1):
        passages.append(_passage(story, entry, place, passages))
    return passages


def _passage(story: Story, entry: object, place: int, before: Sequence[Passage]) -> Passage:
    if not _is_object(entry) or entry.get("number") != place:
        raise _wrong_passage(place)
    parent, at_s, text = entry.get("parent"), entry.get("at_s", 0), entry.get("text")
    if not _is_whole(parent) or not 0 <= parent < place or not _is_whole(at_s):
        raise _wrong_passage(place)
    if not isinstance(text, str) or not has_visible(text) or len(text) > MAX_TEXT:
        raise _wrong_passage(place)
    try:
        kind = Kind(entry.get("kind"))
    except ValueError:
        raise _wrong_passage(place) from None
    is_the_models = kind in {Kind.MODEL, Kind.OPTION}
    author = "" if is_the_models else _name(entry, place)
    return Passage(
        number=place,
        parent=parent,
        kind=kind,
        author_id=SOMEBODY if author else THE_MODEL,
        author=author,
        text=text.encode(errors="replace").decode(),
        at_s=float(at_s),
        offset=offset_after(story, before[parent - 1] if parent else None),
        source="import",
    )


def _name(entry: Mapping[str, Any], place: int) -> str:
    name = entry.get("author", "")
    if not isinstance(name, str) or len(name) > MAX_NAME_CHARACTERS:
        raise _wrong_passage(place)
    return player_name(name, (), place) if name else ""


def _lore(data: Mapping[str, Any]) -> list[LoreEntry]:
    found = data.get("lore", [])
    if not isinstance(found, list):
        raise _wrong("lore")
    entries: list[LoreEntry] = []
    for entry in cast("list[object]", found)[: MAX_LORE + 1]:
        if not _is_object(entry):
            raise _wrong("lore")
        keys = entry.get("keys")
        if not isinstance(keys, list):
            raise _wrong("lore")
        names = cast("list[object]", keys)
        words = tuple(one for one in names if isinstance(one, str))
        if len(words) != len(names):
            raise _wrong("lore")
        entries.append(LoreEntry(keys=words, text=_text(entry, "text", 10_000)))
    return entries


def _text(data: Mapping[str, Any], name: str, most: int) -> str:
    found = data.get(name, "")
    if not isinstance(found, str) or len(found) > most:
        raise _wrong(name)
    return found


def _is_object(value: object) -> TypeGuard[Mapping[str, Any]]:
    return isinstance(value, dict)


def _is_whole(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool)


def _wrong(name: str) -> StoryError:
    return StoryError(tr("This file can't be used: its {part} is not as it should be.", part=name))


def _wrong_passage(place: int) -> StoryError:
    return StoryError(
        tr("This file can't be used: passage {number} is not as it should be.",
           number=number(place))
    )  # fmt: skip
