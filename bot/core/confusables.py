"""What characters look like: folds each to the plain letter that a reader takes it for.

Used by `word_filter`. Knows nothing of words: what follows is decided a character at a time, so
that every folded character can be traced to where it came from.
"""

import unicodedata
from collections.abc import Iterator
from functools import lru_cache

# Look-alikes in lower case, as they are after case folding. A letter in upper case goes with its
# lower case even where only one of the two looks Latin, or a word would not equal itself.
_ALIKE = {
    "abvekmhopctyxiijsdqwghl": "авѵекмнорстухіїјѕԁԛԝɡһӏ",  # Cyrillic, and two of IPA
    "abyenikvoptuxwcj": "αβγεηικνορτυχωϲϳ",  # Greek
    "ilodht": "ıłøđħŧ",  # Latin with a stroke, or without its dot
    "aghijlnr": "ɑǥɦɩʝɭɳɾ",
    "abcdefghijklmnopqrstuvwxyz": "ᴀʙᴄᴅᴇꜰɢʜɪᴊᴋʟᴍɴᴏᴘꞯʀꜱᴛᴜᴠᴡxʏᴢ",  # small capitals
    "ounhgqcj": "օսոհցզςյ",  # Armenian, and the final sigma
}
_LOOKS_LIKE = {
    other: plain
    for plains, others in _ALIKE.items()
    for plain, other in zip(plains, others, strict=True)
    if other != plain
} | {"æ": "ae", "œ": "oe", "ς": "o"}

# Letters in boxes and balls that Unicode does not call compatible with letters: first code point.
_ALPHABETS = (0x249C, 0x1F110, 0x1F130, 0x1F150, 0x1F170, 0x1F1E6)
_BOXED = {chr(first + index): chr(ord("a") + index) for first in _ALPHABETS for index in range(26)}

# Marks over and under letters, and vowel points that Hebrew and Arabic can do without. Marks that
# make another letter (of Indic scripts, or the two strokes that make か a が) stay.
_MARKS = (
    (0x0300, 0x036F), (0x0483, 0x0489), (0x0591, 0x05BD), (0x064B, 0x065F), (0x0670, 0x0670),
    (0x1AB0, 0x1AFF), (0x1DC0, 0x1DFF), (0x20D0, 0x20FF), (0xFE20, 0xFE2F),
)  # fmt: skip
_HALFWIDTH_MARKS = "\uff9e\uff9f"
_FILLERS = frozenset("\u115f\u1160\u3164\uffa0\u0640")  # letters by name that show nothing
_SELECTORS = ((0x180B, 0x180F), (0xFE00, 0xFE0F), (0xE0100, 0xE01EF))
_BLANK = "\u2800"  # a pattern of Braille without a dot
_REPLACEMENT = "\ufffd"

# Scripts that put no space between words: Thai to Burmese, Khmer, kana, Han.
_UNSPACED = (
    (0x0E00, 0x0FFF), (0x1000, 0x109F), (0x1780, 0x17FF), (0x3005, 0x3007), (0x3040, 0x30FF),
    (0x31F0, 0x31FF), (0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0xF900, 0xFAFF), (0x20000, 0x3FFFF),
)  # fmt: skip


@lru_cache(8192)
def fold_character(character: str) -> str:
    """What one character is to a reader: none to a few plain ones, in lower case.

    A character that shows nothing becomes nothing, any kind of blank a space; line breaks stay.
    """
    if character.isspace():
        return character if character in "\n\r\t" else " "
    if character == _BLANK:
        return " "
    if is_invisible(character):
        return ""
    if unicodedata.category(character) == "Cs":  # half a character; no text has one
        return _REPLACEMENT
    if character in _BOXED:
        return _BOXED[character]
    return unicodedata.normalize("NFC", "".join(_plain(character)))


@lru_cache(8192)
def soft_fold_character(character: str) -> str:
    """The character in its ordinary form (fullwidth, bold or circled become plain), case kept."""
    if is_invisible(character):
        return ""
    if unicodedata.category(character) == "Cs":
        return _REPLACEMENT
    return unicodedata.normalize("NFKC", character)


def is_invisible(character: str) -> bool:
    """Whether a character shows nothing and takes no room: joiners, selectors, controls."""
    if character in "\t\n\r" or character.isspace():
        return False
    if character in _FILLERS or _in(ord(character), _SELECTORS):
        return True
    return unicodedata.category(character) in {"Cf", "Cc"}


def with_mark(letter: str, mark: str) -> str | None:
    """The one letter that a letter and a mark after it make, such as ハ and ゙; None: they do not."""
    if unicodedata.category(mark) != "Mn":
        return None
    both = unicodedata.normalize("NFC", letter + mark)
    return both if len(both) == 1 else None


def hangs_on(character: str) -> bool:
    """Whether a character belongs to the one before it: a mark, or something that shows nothing."""
    return (
        is_invisible(character)
        or unicodedata.category(character) in {"Mn", "Me"}
        or character in _HALFWIDTH_MARKS
    )


def joins(character: str) -> bool:
    """Whether a word goes on with it: a letter or digit of a script that spaces its words."""
    if character.isascii():
        return character.isalnum()
    is_part = character.isalnum() or unicodedata.category(character) in {"Mn", "Mc"}
    return is_part and not _in(ord(character), _UNSPACED)


def _plain(character: str) -> Iterator[str]:
    lower = unicodedata.normalize("NFKD", character).casefold()
    for part in unicodedata.normalize("NFKD", lower):
        if part.isspace():
            yield " "
        elif not _in(ord(part), _MARKS) and not is_invisible(part):
            yield _LOOKS_LIKE.get(part, part)


def _in(code: int, ranges: tuple[tuple[int, int], ...]) -> bool:
    return code >= ranges[0][0] and any(first <= code <= last for first, last in ranges)
