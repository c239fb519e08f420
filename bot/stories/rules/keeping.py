"""What writers keep beside the text: memory, note, lore, and how the game is played."""

from dataclasses import replace

from bot.core.jobs import MAX_CANDIDATES
from bot.core.showable import showable
from bot.errors import OptionError, StoryError
from bot.language import number, option, tr
from bot.stories.moves import Actor, AddLore, Note, Remember, RemoveLore, Settings, Step
from bot.stories.rules.common import check_master, check_player
from bot.stories.story import (
    MAX_LORE,
    MAX_LORE_CHARACTERS,
    MAX_LORE_KEYS,
    MAX_MEMORY_CHARACTERS,
    MAX_NOTE_CHARACTERS,
    MAX_TITLE_CHARACTERS,
    LoreEntry,
    Story,
)

MAX_NOTE_DEPTH = 20
BOUNDS = {
    "length": (20, 300),
    "turn_s": (30, 7 * 86_400),
    "every": (1, 20),
    "vote_s": (20, 7 * 86_400),
    "quorum": (1, 1000),
    "n_options": (2, MAX_CANDIDATES),
}
_OF_PLAYERS = frozenset({"title", "preset", "length"})  # the rest is for who rules


def play(
    story: Story, move: Remember | Note | AddLore | RemoveLore | Settings, actor: Actor
) -> Step:
    """One of these moves; see `dispatch.play`."""
    check_player(story, actor)
    match move:
        case Remember(text=text):
            return Step(story=replace(story, memory=cleaned(text, MAX_MEMORY_CHARACTERS)))
        case Note(text=text, depth=depth):
            check_bounds("depth", depth, 0, MAX_NOTE_DEPTH)
            note = " ".join(cleaned(text, MAX_NOTE_CHARACTERS).split()).replace("]", ")")
            return Step(story=replace(story, note=note, note_depth=depth))
        case AddLore(entry=entry):
            return Step(story=with_lore(story, entry))
        case RemoveLore(key=key):
            return _without_lore(story, key)
        case Settings():
            return _set(story, move, actor)


def cleaned(text: str, most: int) -> str:
    """What was typed, as it can be shown and encoded.

    Raises:
        StoryError: it is too long.
    """
    text = showable(text.encode(errors="replace").decode()).strip()
    if len(text) > most:
        raise StoryError(tr("That is too long: {most} characters are the most.", most=number(most)))
    return text


def check_bounds(name: str, value: int, low: int, high: int) -> None:
    """Raises OptionError where a number is out of its bounds."""
    if not low <= value <= high:
        raise OptionError(
            tr(
                "This can't be done: {name} must be from {low} to {high}.",
                name=option(name),
                low=number(low),
                high=number(high),
            )
        )


def title_of(text: str) -> str:
    """A title as it is kept: one line.

    Raises:
        StoryError: it is empty or too long.
    """
    title = " ".join(cleaned(text, MAX_TITLE_CHARACTERS).split())
    if not title:
        raise StoryError(tr("A story needs a title; write a few words."))
    return title


def with_lore(story: Story, entry: LoreEntry) -> Story:
    """With an entry; one with the same first key is replaced.

    Raises:
        StoryError: it has no key or text, or there is no room.
    """
    keys = tuple(dict.fromkeys(key for one in entry.keys if (key := cleaned(one, 50))))
    text = " ".join(cleaned(entry.text, MAX_LORE_CHARACTERS).split())
    if not keys or not text:
        raise StoryError(tr("An entry needs at least one word that it comes with, and a text."))
    if len(keys) > MAX_LORE_KEYS:
        raise StoryError(tr("{most} words for an entry are the most.", most=number(MAX_LORE_KEYS)))
    first = keys[0].casefold()
    others = tuple(one for one in story.lore if one.keys[0].casefold() != first)
    if len(others) >= MAX_LORE:
        raise StoryError(
            tr("There are {most} entries already; remove one first.", most=number(MAX_LORE))
        )
    return replace(story, lore=(*others, LoreEntry(keys=keys, text=text)))


def _without_lore(story: Story, key: str) -> Step:
    wanted = key.strip().casefold()
    left = tuple(
        one for one in story.lore if wanted not in {known.casefold() for known in one.keys}
    )
    if len(left) == len(story.lore):
        raise StoryError(tr("There is no entry with this word."))
    return Step(story=replace(story, lore=left))


def _set(story: Story, move: Settings, actor: Actor) -> Step:
    changes = {
        name: value
        for name in Settings.__dataclass_fields__
        if (value := getattr(move, name)) is not None
    }
    if changes.keys() - _OF_PLAYERS:
        check_master(story, actor)
    for name, (low, high) in BOUNDS.items():
        if name in changes:
            check_bounds(name, changes[name], low, high)
    if "title" in changes:
        changes["title"] = title_of(changes["title"])
    if all(getattr(story, name) == value for name, value in changes.items()):
        return Step(story=story)
    return Step(story=replace(story, **changes))
