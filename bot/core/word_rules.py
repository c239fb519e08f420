"""How a filter word becomes an expression that finds it in a folded text with marked edges.

Used by `word_filter`, which folds the text and marks where words may begin and end.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from bot.core.confusables import joins

EDGE = "\x1f"  # stands where a word may begin or end; folding leaves no control character
SEPARATORS = "-._·•*~+=,:;/\\–—‐"
_APOSTROPHES = "'’`´"
_IN_PLACE_OF = {
    "a": "4@", "e": "3", "i": "1!|", "l": "1!|", "o": "0", "s": "5$", "t": "7",
    "0": "o", "1": "il!|", "3": "e", "4": "a@", "5": "s$", "7": "t", "@": "a4", "$": "s5",
}  # fmt: skip
_BLANKS = rf"[\s{re.escape(SEPARATORS)}]"


@dataclass(frozen=True, slots=True)
class WordRule:
    """How one word is found.

    Attributes:
        letters: as an expression, with what may stand for each.
        head: what has to stand before it: nothing, `EDGE`, or `EDGE*` where letters may.
        tail: as `head`, after it.
        has_digits: whether digits alone can be this word.
    """

    letters: str
    head: str
    tail: str
    has_digits: bool


def rule_of(text: str, word: str) -> WordRule:
    """The rule for a word.

    Args:
        text: the folded word, without its stars.
        word: with them.
    """
    head = tail = ""
    if joins(text[0]) or text[0] in _IN_PLACE_OF:
        head = f"{EDGE}*" if word.startswith("*") else EDGE
    if joins(text[-1]) or text[-1] in _IN_PLACE_OF:
        tail = f"{EDGE}*" if word.endswith("*") else EDGE
    return WordRule(_letters(text), head, tail, any(map(str.isdigit, text)))


def expression(head: str, group: Sequence[str], tail: str) -> str:
    """Finds any of a group of words with the same edges; the group 1 is the word."""
    rest = f"[^{EDGE}]*"
    before = f"{EDGE}({rest}" if head.endswith("*") else f"{head}("
    after = f"{rest}){EDGE}" if tail.endswith("*") else f"){tail}"
    return f"{before}(?:{'|'.join(group)}){after}"


def _letters(text: str) -> str:
    parts: list[str] = []
    for piece in re.split(rf"([\s{re.escape(SEPARATORS)}]+)", text):
        if not piece:
            continue
        if piece[0].isspace() or piece[0] in SEPARATORS:
            at_least = 1 if piece.isspace() else 0
            parts.append(f"(?:{EDGE}?{_BLANKS}){{{at_least},3}}")
        else:
            parts += (_drawn_out(letter) for letter in piece)
    if parts and not re.match(rf"[{re.escape(_APOSTROPHES)}]|{_BLANKS}", text[-1]):
        parts[-1] = _drawn_out(text[-1], may_end_sentence=True)
    return f"{EDGE}?".join(parts)


def _drawn_out(letter: str, *, may_end_sentence: bool = False) -> str:
    if letter in _APOSTROPHES:
        return f"{_class(_APOSTROPHES)}?"
    others = _IN_PLACE_OF.get(letter, "")
    if may_end_sentence:  # the `!` after a word is no letter of it
        others = others.replace("!", "").replace("|", "")
    one = _class(letter + others)
    return f"{one}(?:{one}{{2}}{one}*)?"


def _class(characters: str) -> str:
    if len(characters) == 1:
        return re.escape(characters)
    return f"[{''.join(map(re.escape, characters))}]"
