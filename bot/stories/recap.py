"""What happened so far, as an extract: sentences of the story itself, chosen by their words.

Sentences whose words stand in many other sentences tell most of the story (a centroid, as in
Radev et al. 2000); beginning and end are always there. No model is asked, and nothing is made up.
"""

import itertools
import re
from collections import Counter
from collections.abc import Sequence

from bot.stories.passages import Passage

MAX_CHARACTERS = 1500
_MAX_SENTENCES = 12
_SENTENCE = re.compile(r"[^.!?…。！？\n]+[.!?…。！？]*[\"”’»)」』]*")
_WORD = re.compile(r"[^\W\d_]{3,}")
_SPARE_SCRIPTS = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")  # a letter says a word
_FEWEST_WORDS = 3
_LONGEST = 280


def extract(path: Sequence[Passage]) -> str:
    """A short version of a path, in its own words.

    Args:
        path: the oldest passage first; not empty.

    Returns:
        At most `MAX_CHARACTERS` characters; sentences that are not neighbors are apart by "…".
    """
    sentences = [
        clean
        for passage in path
        for found in _SENTENCE.findall(passage.text)
        if (clean := " ".join(found.split())) and len(clean) <= _LONGEST
    ]
    if not sentences:
        return " ".join(path[-1].text.split())[-MAX_CHARACTERS:]
    chosen = sorted(_chosen(sentences))
    parts = [sentences[chosen[0]]]
    for before, place in itertools.pairwise(chosen):
        parts.append(("" if place == before + 1 else "… ") + sentences[place])
    return " ".join(parts)


def _chosen(sentences: Sequence[str]) -> set[int]:
    """Places of the sentences that are kept."""
    words = [_words(one) for one in sentences]
    counts = Counter(word for found in words for word in set(found))
    order = sorted(range(len(sentences)), key=lambda place: (-_score(words[place], counts), place))
    kept: set[int] = set()
    room = MAX_CHARACTERS
    for place in (0, len(sentences) - 1, *order):
        length = len(sentences[place]) + len(" … ")
        if place not in kept and length <= room and len(kept) < _MAX_SENTENCES:
            kept.add(place)
            room -= length
    return kept


def _words(sentence: str) -> list[str]:
    spare = _SPARE_SCRIPTS.findall(sentence)
    return spare or [word.casefold() for word in _WORD.findall(sentence)]


def _score(words: Sequence[str], counts: Counter[str]) -> float:
    """How much of the story's common words a sentence has, for its length."""
    if len(words) < _FEWEST_WORDS:
        return 0.0
    return sum(counts[word] - 1 for word in set(words)) / (len(words) + 5)
