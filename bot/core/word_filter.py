"""Finds a server's unwanted words in a text, also where somebody writes them differently.

Pure: `services` refuses prompts by it, the worker masks what the model wrote. What counts:

- A word is found as a whole word: "ass" is not found in "class" (else the people of Scunthorpe
  could not say where they live). `ass*` also finds longer words that begin so, `*ass` those that
  end so, `*ass*` both. Scripts without spaces between words (Chinese, Japanese, Thai) have no
  whole words: there a word is found anywhere.
- Case, look-alikes ("bаd" with a Cyrillic а), accents, invisible characters and letters in boxes
  do not help, nor digits and signs in place of letters ("b4d", "@ss"); but a bare number is never
  a word.
- Letters drawn out at least threefold are found ("baaad"; "baad" is not: "good" is not "god").
- Letters with a dot or dash between some of them are found ("b.a.d", "ba-d"), and letters that all
  stand alone ("b a d"); "the pen is here" has no hidden word in it. A word that is spelled out
  next to other single letters is not found: nobody can tell where it begins.
- A foreign word whose letters all look like those of an unwanted one is found too.

Patterns are regular expressions (RE2), regardless of case, on the text as it is and on the text
with fullwidth and invisible characters made plain.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import pairwise

from bot.core.confusables import (
    fold_character,
    hangs_on,
    is_invisible,
    joins,
    soft_fold_character,
    with_mark,
)
from bot.core.linear_regex import LinearRegex
from bot.core.word_rules import EDGE, SEPARATORS, expression, rule_of
from bot.language import tr, tr_n

MAX_WORDS = 200
MIN_WORD, MAX_WORD = 2, 50
MAX_PATTERNS = 20
MAX_PATTERN = 200
MASK = "▮"

Span = tuple[int, int]  # start and end in the text, as of a slice

_GAP = re.compile(rf"[\s{re.escape(SEPARATORS)}]{{1,3}}")
_TIGHT = re.compile(rf"(?<=[^\W_])[{re.escape(SEPARATORS)}]{{1,2}}(?=[^\W_])")
# A `!` after a letter ends a sentence, unless a letter follows.
_CHUNK = re.compile(r"(?:[^\W_]|[@$]|[!|](?=[^\W_@$]))+|[!|]")
_MIN_RUN = 3  # single letters that stand apart


def clean_word(word: str) -> str:
    """A filter word as it is kept: lower case, single spaces.

    Raises:
        ValueError: it can't be one; the message is a clause for a person.
    """
    kept = " ".join(word.casefold().split())
    if not MIN_WORD <= len(kept) <= MAX_WORD:
        raise ValueError(
            tr("a word has {least} to {most} characters", least=MIN_WORD, most=MAX_WORD)
        )
    bare = kept.removeprefix("*").removesuffix("*")
    if "*" in bare:
        raise ValueError(tr("* goes only at the beginning or the end of a word"))
    if "`" in bare or sum(map(str.isalnum, fold(bare).text)) < MIN_WORD:
        raise ValueError(
            tr_n(
                "a word needs at least {n} letter or digit",
                "a word needs at least {n} letters or digits",
                MIN_WORD,
            )
        )
    return kept


def check_pattern(pattern: str) -> None:
    """Whether a pattern can be used.

    Raises:
        ValueError: it can't; the message is a clause for a person.
    """
    if not 1 <= len(pattern) <= MAX_PATTERN:
        raise ValueError(tr("a pattern has 1 to {most} characters", most=MAX_PATTERN))
    LinearRegex(pattern)


@dataclass(frozen=True, slots=True)
class Folded:
    """A text as a reader takes it, and for each of its characters the index it comes from."""

    text: str
    origin: tuple[int, ...]


def fold(text: str, by: Callable[[str], str] = fold_character) -> Folded:
    """Folds character by character; a mark that makes another letter goes into its letter."""
    pieces: list[str] = []
    origin: list[int] = []
    for index, one in enumerate(text):
        for plain in by(one):
            if pieces and (letter := with_mark(pieces[-1], plain)):
                pieces[-1] = letter
            else:
                pieces.append(plain)
                origin.append(index)
    return Folded("".join(pieces), tuple(origin))


@dataclass(frozen=True, slots=True)
class _Words:
    """Words with the same rules for their edges, as one expression."""

    regex: LinearRegex
    has_digits: bool

    def spans(self, view: Folded) -> Iterable[Span]:
        for start, end in self.regex.spans(view.text, 1):
            if start < end and (self.has_digits or not _is_number(view.text[start:end])):
                yield view.origin[start], view.origin[end - 1] + 1


@dataclass(frozen=True, slots=True)
class WordFilter:
    """What one server does not want to read; empty, it finds nothing.

    Make it by `filter_of`, which checks words and patterns.
    """

    words: tuple[_Words, ...] = ()
    patterns: tuple[LinearRegex, ...] = field(default=())

    def spans(self, text: str) -> tuple[Span, ...]:
        """Where unwanted things stand in the text: in order, apart from each other."""
        found = [*self._words_in(text), *self._patterns_in(text)]
        return _merged(_with_marks(text, span) for span in found)

    def hits(self, text: str) -> bool:
        """Whether there is anything unwanted."""
        return bool(self.spans(text))

    def mask(self, text: str) -> str:
        """The text with a block in place of each unwanted visible character.

        Its length stays, and so does everything that is no visible character.
        """
        pieces: list[str] = []
        done = 0
        for start, end in self.spans(text):
            pieces += text[done:start], "".join(map(_block, text[start:end]))
            done = end
        return "".join((*pieces, text[done:]))

    def _words_in(self, text: str) -> Iterable[Span]:
        if not self.words:
            return
        folded = fold(text)
        views = dict.fromkeys((folded, _without_separators(folded)))
        marked = [_marked(view) for view in views]
        if spelled := _without_spelling(folded):
            marked.append(spelled)
        for words in self.words:
            for view in marked:
                yield from words.spans(view)

    def _patterns_in(self, text: str) -> Iterable[Span]:
        if not self.patterns:
            return
        whole = Folded("".join(map(_no_half, text)), tuple(range(len(text))))
        for view in dict.fromkeys((whole, fold(text, soft_fold_character))):
            for pattern in self.patterns:
                for start, end in pattern.spans(view.text):
                    if start < end:
                        yield view.origin[start], view.origin[end - 1] + 1


@lru_cache(64)
def filter_of(words: tuple[str, ...], patterns: tuple[str, ...]) -> WordFilter:
    """The filter of words (as `clean_word` gives them) and patterns; the last few are kept.

    Raises:
        ValueError: a pattern can't be used, or it is all too much.
    """
    by_rule: dict[tuple[str, str, bool], list[str]] = {}
    for word in words:
        rule = rule_of(fold(word.strip("*")).text.strip(), word)
        by_rule.setdefault((rule.head, rule.tail, rule.has_digits), []).append(rule.letters)
    return WordFilter(
        words=tuple(
            _Words(LinearRegex(expression(head, group, tail), trusted=True), has_digits)
            for (head, tail, has_digits), group in by_rule.items()
        ),
        patterns=tuple(map(LinearRegex, patterns)),
    )


def _is_number(text: str) -> bool:
    """Whether digits stand in it, but no letter."""
    return any(map(str.isdigit, text)) and not any(map(str.isalpha, text))


def _marked(view: Folded, also: frozenset[int] = frozenset()) -> Folded:
    """The text with a mark wherever a word may begin or end (and before `also`)."""
    text = view.text
    inner = [joins(one) for one in text]
    for index, one in enumerate(text):
        if one in "@$" and 0 < index < len(text) - 1:
            inner[index] = inner[index - 1] and inner[index + 1]
    pieces: list[str] = []
    origin: list[int] = []
    for index, one in enumerate(text):
        if index == 0 or index in also or not (inner[index - 1] and inner[index]):
            pieces.append(EDGE)
            origin.append(view.origin[index])
        pieces.append(one)
        origin.append(view.origin[index])
    last = origin[-1] if origin else 0
    return Folded("".join((*pieces, EDGE)), (*origin, last))


def _without_separators(view: Folded) -> Folded:
    """The text with "b.a.d" made "bad"."""
    dropped = {i for gap in _TIGHT.finditer(view.text) for i in range(*gap.span())}
    return _without(view, dropped)


def _without_spelling(view: Folded) -> Folded | None:
    """The text with "b a d" made "bad", marked; None where nothing is spelled out."""
    dropped: set[int] = set()
    also: set[int] = set()
    for run in _runs(view.text):
        for before, after in pairwise(run):
            dropped.update(range(before.end(), after.start()))
        if len(run) > _MIN_RUN and run[0][0] in {"a", "i"}:  # "a b a d": a word of its own
            also.add(run[1].start())
    if not dropped:
        return None
    kept = [index for index in range(len(view.text)) if index not in dropped]
    marks = frozenset(place for place, index in enumerate(kept) if index in also)
    return _marked(_without(view, dropped), marks)


def _runs(text: str) -> list[list[re.Match[str]]]:
    """Letters that stand alone, one after the other."""
    runs: list[list[re.Match[str]]] = [[]]
    for chunk in _CHUNK.finditer(text):
        is_single = len(set(chunk[0])) == 1
        last = runs[-1][-1] if runs[-1] else None
        if last and not (is_single and _GAP.fullmatch(text, last.end(), chunk.start())):
            runs.append([])
        if is_single:
            runs[-1].append(chunk)
    return [run for run in runs if len(run) >= _MIN_RUN]


def _without(view: Folded, dropped: set[int]) -> Folded:
    kept = [index for index in range(len(view.text)) if index not in dropped]
    return Folded(
        "".join(view.text[index] for index in kept), tuple(view.origin[index] for index in kept)
    )


def _with_marks(text: str, span: Span) -> Span:
    """The span with the marks and invisible characters that follow its last letter."""
    start, end = span
    while end < len(text) and hangs_on(text[end]):
        end += 1
    return start, end


def _merged(spans: Iterable[Span]) -> tuple[Span, ...]:
    merged: list[Span] = []
    for start, end in sorted(spans):
        if merged and start < merged[-1][1]:
            merged[-1] = merged[-1][0], max(end, merged[-1][1])
        else:
            merged.append((start, end))
    return tuple(merged)


def _block(character: str) -> str:
    return character if character.isspace() or is_invisible(character) else MASK


def _no_half(character: str) -> str:
    return "\ufffd" if "\ud800" <= character <= "\udfff" else character
