"""Gives lower-cased stories their capitals back: sentence starts, "i", and names.

Called by ``tools.small_model.corpus`` for texts that hold no capitals. Names are learned from
properly cased stories and from "named x" in the story itself. Pure; never reads a file.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable

_INNER_WORD = re.compile(r"(?<=[a-z,;] )[A-Za-z][a-z]+\b")
_NAMED = re.compile(r"\b(?:named|called|name (?:is|was)) ([a-z]{2,})\b")
_TITLED = re.compile(r"\b(?:mr|mrs|miss|ms|dr)\.? ([a-z]{2,})\b")
_FIRST_PERSON = re.compile(r"\bi\b(?!\.[a-z])")
_TITLE = re.compile(r"\b(?:mr|mrs|ms|dr)\b(?=\.? [A-Za-z])")
_SENTENCE_START = re.compile(r'(?:^|[.!?]\s+|\n\s*)["(]?([a-z])')
# A quotation opens after white space (or at the start); it closes before it.
_QUOTE_OPENING = re.compile(r'(?:^|(?<=\s))"([a-z])')
_AFTER_QUOTE = re.compile(r'(?<=[.!?]") (?=([a-z]+)(?: ([a-z]+))?)([a-z])')
_PARENT = re.compile(r"(?:\b([a-z]+)('s)? )?\b(mom|mommy|mum|mummy|dad|daddy|grandma|grandpa)\b")
_BEFORE_COMMON = frozenset({
    "a", "an", "the", "my", "your", "his", "her", "their", "our", "its", "every", "another",
    "little", "old", "and", "or", "with", "kind"
})  # fmt: skip
_SPEECH = frozenset({
    "said", "says", "asked", "asks", "replied", "cried", "shouted", "yelled", "whispered",
    "called", "answered", "exclaimed", "added", "thought", "screamed", "laughed", "sang",
    "begged", "suggested", "explained", "agreed", "told"
})  # fmt: skip
_PRONOUNS = frozenset({"he", "she", "they", "it", "i", "we"})
_NEVER_NAMES = frozenset({
    "the", "and", "it", "he", "she", "they", "his", "her", "their", "not", "one", "two",
    "after", "so", "when", "then", "but", "that", "this", "mom", "mommy", "mum", "mummy",
    "dad", "daddy", "grandma", "grandpa", "in", "on", "for", "to"
})  # fmt: skip


def learn_names(cased_texts: Iterable[str], *, min_count: int = 2) -> frozenset[str]:
    """Words that stand with a capital inside sentences more often than without, lower-cased."""
    upper: Counter[str] = Counter()
    lower: Counter[str] = Counter()
    for text in cased_texts:
        for word in _INNER_WORD.findall(text):
            (upper if word[0].isupper() else lower)[word.lower()] += 1
    return frozenset(
        word
        for word, count in upper.items()
        if count >= min_count and count > 2 * lower[word] and word not in _NEVER_NAMES
    )


def learn_common_words(cased_texts: Iterable[str]) -> frozenset[str]:
    """Words seen without a capital inside sentences at least twice."""
    lower: Counter[str] = Counter()
    for text in cased_texts:
        lower.update(word for word in _INNER_WORD.findall(text) if word.islower())
    return frozenset(word for word, count in lower.items() if count >= 2)


def is_lower_cased(text: str) -> bool:
    """Whether a text is long enough to judge and yet holds next to no capitals."""
    capitals = sum(map(str.isupper, text))
    return len(text) > 200 and capitals < len(text) / 2000


def _capital(match: re.Match[str]) -> str:
    return match[0][:-1] + match[0][-1].upper()


def _after_quote(match: re.Match[str]) -> str:
    first, second, letter = match[1], match[2], match[3]
    goes_on = first in _SPEECH or (second in _SPEECH and first in _PRONOUNS)
    return f" {letter if goes_on else letter.upper()}"


def _parent(match: re.Match[str]) -> str:
    before, possessive, word = match[1], match[2], match[3]
    if possessive or before in _BEFORE_COMMON:
        return match[0]
    return match[0][: -len(word)] + word.capitalize()


def recase(text: str, *, names: frozenset[str], common: frozenset[str]) -> str:
    """One lower-cased story with capitals.

    Args:
        text: a story without capitals; straight quotation marks.
        names: words that are always names.
        common: everyday words, which a "named x" in this story does not turn into names.

    Returns:
        The story with capitals at sentence starts, in "I", titles and names.
    """
    introduced = {*_NAMED.findall(text), *_TITLED.findall(text)} - common - _NEVER_NAMES
    known = names | introduced
    text = re.sub(r"\b[a-z]+\b", lambda m: m[0].capitalize() if m[0] in known else m[0], text)
    text = re.sub(r"(?<=')(?:S|T|Ll|Re|Ve|M|D)\b", lambda m: m[0].lower(), text)
    text = _TITLE.sub(lambda m: m[0].capitalize(), text)
    text = _AFTER_QUOTE.sub(_after_quote, text)
    text = _PARENT.sub(_parent, text)
    text = _QUOTE_OPENING.sub(_capital, text)
    text = _SENTENCE_START.sub(_capital, text)
    return _FIRST_PERSON.sub("I", text)
