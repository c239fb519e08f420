"""Makes a text show in Discord exactly as it is, and cuts it into messages. Used by `replies`.

Markup: https://support.discord.com/hc/en-us/articles/210298617. Discord takes a backslash before
any punctuation mark away and shows the mark itself.
"""

import re
import unicodedata
from collections.abc import Sequence

from bot.core.showable import closed

MAX_MESSAGE = 2000  # what Discord takes; counted in UTF-16 units, the strictest way to count

# A line begins after any of these; white space before its mark makes no difference.
_BEGIN = r"(?:^|(?<=[\u2028\u2029]))"
_BLANK = r"(?:[^\S\n]|\ufeff)*"
_MARKUP = re.compile(
    rf"""
    (?P<url>https?://[A-Za-z0-9][A-Za-z0-9._~:/?\#@!$&'()*+,;=%-]+)  # Discord takes it as one word
    | [\\*_~`|<>\[\]]                     # emphasis, code, spoilers, mentions, links behind a text
    | {_BEGIN}(?P<indent>{_BLANK})(?P<mark>[#+-])       # headings, lists, small print
    | {_BEGIN}(?P<number>{_BLANK}\d+)(?P<point>[.)])   # numbered lists
    """,
    re.MULTILINE | re.VERBOSE,
)
_HALVES = re.compile("[\ud800-\udfff]")
_ESCAPED = re.compile(r"\\([^0-9A-Za-z\s])")

# Where a message may end, best first: after a paragraph, a line, a sentence, a word.
_ENDS = (
    re.compile(r"\n\n"),
    re.compile(r"\n"),
    re.compile(r"[.!?…。！？][\"'”’)]*(?:\s|(?<=[。！？]))"),
    re.compile(r"\s"),
)
_SMALLEST_SHARE = 2  # a nicer end may cost half of a message, no more

_ZERO_WIDTH_JOINER = "\u200d"
_LONGEST_CLUSTER = 40  # characters; a longer "letter" is no writing of anybody and may be cut


def escape(text: str) -> str:
    """The text with a backslash before everything Discord would take for markup.

    Halves of characters, which nothing can send, become U+FFFD; a line that turns the direction
    of writing ends by turning it back (see `showable.closed`). Addresses keep their underscores
    and tildes: Discord would show the backslash, and open another page.
    """
    return closed(_MARKUP.sub(_escaped, _HALVES.sub("\ufffd", text)))


def _escaped(match: re.Match[str]) -> str:
    if match["url"]:
        return match["url"].replace("*", r"\*")
    if match["mark"]:
        return f"{match['indent']}\\{match['mark']}"
    if match["point"]:
        return f"{match['number']}\\{match['point']}"
    return "\\" + match[0]


def unescape(text: str) -> str:
    """What Discord shows of an escaped text: the text itself."""
    return _ESCAPED.sub(r"\1", text)


def length(text: str) -> int:
    """UTF-16 units: an emoji counts two."""
    if text.isascii():
        return len(text)
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def cut(text: str, budgets: Sequence[int]) -> list[str]:
    """Cuts a text into pieces that are short enough once escaped.

    Args:
        text: any text.
        budgets: how long each escaped piece may be; the last one holds for all that follow.

    Returns:
        Pieces whose concatenation is the text; none for an empty text.
    """
    pieces: list[str] = []
    while text:
        budget = budgets[min(len(pieces), len(budgets) - 1)]
        end = _piece_end(text, budget)
        pieces.append(text[:end])
        text = text[end:]
    return pieces


def newest(text: str, budget: int) -> str:
    """The end of a text that is short enough once escaped, a cut marked by an ellipsis."""
    if length(escape(text)) <= budget:
        return text
    low, high = 0, len(text)
    while low < high:  # the earliest start whose escaped rest fits
        middle = (low + high) // 2
        if length(escape("…" + text[middle:])) <= budget:
            high = middle
        else:
            low = middle + 1
    longest = min(low + _LONGEST_CLUSTER, len(text))
    nicer = (
        start
        for start in range(low, longest)
        # Within an address, less text may be a longer one: it is no address any more.
        if _may_cut(text, start) and length(escape("…" + text[start:])) <= budget
    )
    return "…" + text[next(nicer, low) :]


def shortened(shown: str, budget: int) -> str:
    """An escaped text cut at its end to fit; no letter and no backslash's pair is cut in two.

    Args:
        shown: as `escape` makes it.
        budget: UTF-16 units of the result.
    """
    if length(closed(shown)) <= budget:
        return closed(shown)
    low, high = 0, len(shown)
    while low < high:  # the most that fits
        middle = (low + high + 1) // 2
        if length(closed(shown[:middle])) <= budget:
            low = middle
        else:
            high = middle - 1
    earliest = max(0, low - _LONGEST_CLUSTER)
    nicer = (end for end in range(low, earliest, -1) if _may_cut(shown, end))
    end = next(nicer, low)
    n_backslashes = end - len(shown[:end].rstrip("\\"))
    return closed(shown[: end - n_backslashes % 2])


def _piece_end(text: str, budget: int) -> int:
    """How many characters go into the next piece: all, or up to the best end that fits."""
    fitting = _longest_fitting(text, budget)
    if fitting == len(text):
        return fitting
    for pattern in _ENDS:
        ends = [match.end() for match in pattern.finditer(text, 0, fitting)]
        if ends and ends[-1] * _SMALLEST_SHARE >= fitting:
            return ends[-1]
    earliest = max(0, fitting - _LONGEST_CLUSTER)
    nicer = (end for end in range(fitting, earliest, -1) if _may_cut(text, end))
    return next(nicer, fitting)


def _longest_fitting(text: str, budget: int) -> int:
    """The most characters whose escaped form fits; escaping never shortens, so bisection works."""
    low, high = 1, min(len(text), max(1, budget))
    while low < high:
        middle = (low + high + 1) // 2
        if length(escape(text[:middle])) <= budget:
            low = middle
        else:
            high = middle - 1
    return low


def _may_cut(text: str, index: int) -> bool:
    """Whether a person would see a border before this character: not inside an emoji or letter."""
    before, after = text[index - 1], text[index]
    return index == 0 or not (
        unicodedata.category(after) in ("Mn", "Me", "Mc", "Cf")
        or before == _ZERO_WIDTH_JOINER
        or "\U0001f3fb" <= after <= "\U0001f3ff"  # skin tones
        or "\U0001f1e6" <= after <= "\U0001f1ff"  # the second half of a flag, maybe
    )
