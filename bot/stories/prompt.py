"""What the model reads at its turn: memory, lore, the author's note, and the story's newest text.

Put together by services, without a tokenizer, as more text than fits; `cut_to_fit` is the worker's
part, which knows how many tokens a text has. So each attempt of a job reads the same.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bot.stories.frame import framed, story_text
from bot.stories.passages import Passage
from bot.stories.story import LoreEntry, Story
from bot.stories.task import StoryTask

# Of the newest text, in which lore is looked for: about as much as players still have in mind.
_LORE_SEEN_IN = 1500
_LORE_CHARACTERS = 1200  # of all entries together, so that they leave the story its room
_NOTE = "[Author's note: {note}]"
_SMALLEST_STEP = 32  # characters; where not even that fits, tokens are cut
_LONGEST_WORD = 40  # within which a word's border is looked for; some scripts have none


@dataclass(frozen=True, slots=True, kw_only=True)
class StoryPrompt:
    """A prompt with room to be cut.

    Attributes:
        prompt: the story's newest text, the author's note in it.
        pinned: memory and lore, which always stay; "" or ends in an empty line.
        task: what a worker has to know beside it.
    """

    prompt: str
    pinned: str
    task: StoryTask


def build(story: Story, path: Sequence[Passage], lead: Sequence[Passage]) -> StoryPrompt:
    """The prompt of a story's next passage.

    Args:
        story: as it stands.
        path: its newest passages, the oldest first, the head last; at least one.
        lead: those of them that were made at this turn and are shown above the model's words.
    """
    text = story_text(path, story)
    lore = lore_hits(story.lore, text)
    memory = f"{story.memory}\n" if story.memory else ""
    told = "".join(f"{entry.text}\n" for entry in lore)
    note = _NOTE.format(note=story.note) if story.note else ""
    is_party = len(story.players) > 1
    shown = "".join(framed(one, story.mode, is_party) for one in lead).strip()
    task = StoryTask(
        story_id=story.id,
        mode=story.mode,
        names=tuple(player.name for player in story.players),
        lead=shown,
        offset=path[0].offset,
        memory=len(memory),
        lore=len(told),
        note=note,
        lore_keys=tuple(entry.keys[0] for entry in lore),
    )
    pinned = f"{memory}{told}\n" if memory or told else ""
    return StoryPrompt(prompt=with_note(text, note, story.note_depth), pinned=pinned, task=task)


def lore_hits(lore: Sequence[LoreEntry], text: str) -> list[LoreEntry]:
    """The entries of which a word stands in the newest text, whole ones, as many as have room."""
    seen = text[-_LORE_SEEN_IN:].casefold()
    found: list[LoreEntry] = []
    room = _LORE_CHARACTERS
    for entry in lore:
        if len(entry.text) <= room and any(_has_word(seen, key.casefold()) for key in entry.keys):
            found.append(entry)
            room -= len(entry.text)
    return found


def with_note(text: str, note: str, depth: int) -> str:
    """The text with the note on a line of its own, `depth` lines before the end."""
    if not note:
        return text
    lines = text.split("\n")
    filled = [place for place, line in enumerate(lines) if line.strip()]
    if depth <= 0 or not filled:
        return f"{text.rstrip()}\n{note}\n"
    place = filled[max(0, len(filled) - depth)]
    return "\n".join((*lines[:place], note, *lines[place:]))


def cut_to_fit(prompt: str, offset: int, step: int, fits: Callable[[str], bool]) -> str:
    """The longest end of a prompt that fits and begins at one of the places that stay the same.

    Those places are the first words after each multiple of `step` characters of the whole story.
    So a story that grows a little goes on from the same beginning for several turns, and the
    engine has computed most of it already. Where none of them fits, the steps are halved.

    Args:
        prompt: not empty.
        offset: characters of the story before it.
        step: about a quarter of what the model reads.
        fits: whether a text leaves room for the answer; true of each end of one that fits.

    Returns:
        The prompt itself where it fits; else an end of it, which may still be too long where no
        word's border helped.
    """
    if fits(prompt):
        return prompt
    while step >= _SMALLEST_STEP:
        first = step - offset % step
        places = list(range(first, len(prompt), step))
        if found := _first_that_fits(prompt, places, fits):
            return found
        step //= 2
    return prompt[-_SMALLEST_STEP:]


def _first_that_fits(prompt: str, places: Sequence[int], fits: Callable[[str], bool]) -> str:
    """By halves: later ends are shorter. "" where none fits."""
    low, high = 0, len(places)
    while low < high:
        middle = (low + high) // 2
        if fits(_from_word(prompt, places[middle])):
            high = middle
        else:
            low = middle + 1
    return _from_word(prompt, places[low]) if low < len(places) else ""


def _from_word(prompt: str, place: int) -> str:
    """From the first word that begins at a place or a little later."""
    space = re.compile(r"\s").search(prompt, place - 1 if place else 0, place + _LONGEST_WORD)
    start = space.start() if space else place
    return prompt[start:].lstrip("\n") or prompt[place:]


def _has_word(text: str, word: str) -> bool:
    """Whether a word stands in a text by itself; in scripts without spaces, anywhere."""
    if not word.strip():
        return False
    if not word.isascii() and not word[:1].isupper() and not _has_case(word):
        return word in text
    return re.search(rf"(?<!\w){re.escape(word)}(?!\w)", text) is not None


def _has_case(word: str) -> bool:
    """Whether its script knows capital letters: then it knows spaces, too."""
    return word.lower() != word.upper()
