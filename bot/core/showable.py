"""Characters that harm what stands around them: controls, floods of marks, turned lines.

`prompts` and the worker's texts are cleaned by it, `markdown` closes what a line leaves open.
Bidirectional text: https://www.unicode.org/reports/tr9
"""

import re
import unicodedata

# Marks and invisible characters in a row. More than any script or emoji needs (a flag of a part of
# a country has seven) would be drawn over the lines above and below.
MAX_HANGING = 8

# All controls but tab and line feed; and the overrides, which show a text backwards and have no
# use in prose of any script.
_NEVER_SHOWN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202d\u202e]")
_LINE_ENDS = re.compile("[\u2028\u2029]")
_HANGING = ("Mn", "Me", "Cf")
_INVISIBLE = ("Cf", "Cc", "Cn", "Cs")

_EMBEDS, _POP_EMBED = "\u202a\u202b\u202d\u202e", "\u202c"
_ISOLATES, _POP_ISOLATE = "\u2066\u2067\u2068", "\u2069"
_TURNS = re.compile(f"[{_EMBEDS}{_ISOLATES}]")
_LINES = re.compile("([\n\u2028\u2029])")


def without_controls(text: str) -> str:
    """The text without characters that cannot be shown; harmless to apply piece by piece."""
    return _LINE_ENDS.sub("\n", _NEVER_SHOWN.sub("", text))


def showable(text: str, after: str = "") -> str:
    """The text without controls, and without what is more than `MAX_HANGING` of marks in a row.

    Args:
        text: what is to be shown.
        after: what stands before it already; so a text can be cleaned piece by piece.
    """
    text = without_controls(text)
    if text.isascii():
        return text
    n_hanging = 0
    for character in reversed(after[-MAX_HANGING:]):
        if unicodedata.category(character) not in _HANGING:
            break
        n_hanging += 1
    kept: list[str] = []
    for character in text:
        n_hanging = n_hanging + 1 if unicodedata.category(character) in _HANGING else 0
        if n_hanging <= MAX_HANGING:
            kept.append(character)
    return "".join(kept)


def has_visible(text: str) -> bool:
    """Whether anything is to be seen: neither white space nor format characters alone."""
    return any(not one.isspace() and unicodedata.category(one) not in _INVISIBLE for one in text)


def closed(text: str) -> str:
    """The text with every turn of direction ended on the line where it began.

    So nothing in it can turn what stands after it. Adds to line ends only; applied again, adds
    nothing.
    """
    if not _TURNS.search(text):
        return text
    # With the separators: every second one.
    pieces = _LINES.split(text)
    return "".join(
        piece + _closing(piece) if index % 2 == 0 else piece for index, piece in enumerate(pieces)
    )


def _closing(line: str) -> str:
    """What ends the turns that a line leaves open; isolates first, which end what is in them."""
    embeds = isolates = 0
    for character in line:
        if character in _EMBEDS:
            embeds += 1
        elif character in _ISOLATES:
            isolates += 1
        elif character == _POP_EMBED:
            embeds = max(0, embeds - 1)
        elif character == _POP_ISOLATE:
            isolates = max(0, isolates - 1)
    return _POP_ISOLATE * isolates + _POP_EMBED * embeds
