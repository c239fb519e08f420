"""GPT-2's weaknesses in a story, and what is done about them. Used by the worker.

The model loops, ends in mid-sentence, says nothing at all, or goes on with a player's line. Most
of that ends a text early, by stop strings and the guard against loops; what is left is judged
here, and written again with another seed where it is of no use.
"""

import re
from collections.abc import Sequence
from dataclasses import replace
from enum import StrEnum

from bot.core.sampling import MAX_SEED, SamplingParams
from bot.core.sentences import last_sentence_end
from bot.core.showable import has_visible
from bot.stories.story import Mode

MAX_TRIES = 3  # of one turn, the first included
_SEED_STEP = 1000  # candidates lie one seed apart
_RESCUE_NGRAM = 4  # no four tokens twice: a hard stop on loops
_FEWEST_LETTERS = 8  # shorter answers say nothing
_MARK = "\n>"  # how a player's line begins in an adventure
_CLOSERS = "\"'”’»)]"


class Weakness(StrEnum):
    """Why a text is of no use."""

    EMPTY = "empty"  # there is nothing, or next to nothing
    LOOP = "loop"  # nearly all of it is repetition
    SPEAKS_FOR_PLAYER = "speaks for a player"  # it begins with a player's line


def stop_strings(mode: Mode, names: Sequence[str]) -> tuple[str, ...]:
    """What ends the model's text: where the next player's line would begin."""
    if mode is Mode.FREE or mode is Mode.BRANCHES:
        return ()
    marks = [f"\n{name}:" for name in names]
    return (_MARK, *marks) if mode is Mode.ADVENTURE else tuple(marks)


def trimmed(text: str, mode: Mode, names: Sequence[str]) -> str:
    """The model's words as they go into the story.

    Ends before the next player's line, and at the last whole sentence if there is one; blanks at
    the end go, because GPT-2's tokens begin with theirs.
    """
    for mark in stop_strings(mode, names):
        text = text.partition(mark)[0]
    text = text.rstrip()
    if text.endswith(_sentence_ends(text)):
        return text
    end = last_sentence_end(text)
    return text if end is None else text[:end].rstrip()


def weakness(
    text: str, mode: Mode, names: Sequence[str], *, is_loop: bool = False
) -> Weakness | None:
    """Why a trimmed text is of no use, or None where it will do.

    Args:
        text: as `trimmed` gives it.
        mode: which game.
        names: of its players.
        is_loop: whether the guard against loops ended it.
    """
    letters = sum(character.isalnum() for character in text)
    if is_loop and letters < 4 * _FEWEST_LETTERS:
        return Weakness.LOOP
    if mode is not Mode.FREE and _is_players(text, names):
        return Weakness.SPEAKS_FOR_PLAYER
    if not has_visible(text) or (letters < _FEWEST_LETTERS and not _says_enough(text)):
        return Weakness.EMPTY
    return None


def try_again(sampling: SamplingParams, n_tried: int, found: Weakness) -> SamplingParams:
    """How the next try is drawn: with a seed of its own, and against loops with a harder guard.

    Args:
        sampling: of the first try.
        n_tried: how often it was tried, from 1.
        found: what was wrong with the last one.
    """
    seed = (sampling.seed + _SEED_STEP * n_tried) % (MAX_SEED + 1)
    if found is Weakness.LOOP:
        return replace(sampling, seed=seed, no_repeat_ngram=_RESCUE_NGRAM)
    return replace(sampling, seed=seed)


def _is_players(text: str, names: Sequence[str]) -> bool:
    """Whether it begins as a player's line does."""
    line = text.lstrip()
    return line.startswith(">") or any(line.startswith(f"{name}:") for name in names)


def _says_enough(text: str) -> bool:
    """Short scripts say much in a few characters: three letters beyond ASCII will do."""
    return len(re.findall(r"[^\W\d_]", re.sub(r"[\x00-\x7f]", "", text))) >= 3


def _sentence_ends(text: str) -> tuple[str, ...]:
    """What a whole sentence may end in; a closing mark counts after one of these."""
    ends = (".", "!", "?", "…", "。", "！", "？")
    return ends if not text or text[-1] not in _CLOSERS else tuple(end + text[-1] for end in ends)
