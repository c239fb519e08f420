"""Where two texts depart from each other, in a few words around that place.

Used by `verdicts`, for a copied text, and by `replay`, for one that was made again.
"""

from collections.abc import Callable
from dataclasses import dataclass

from bot.core.markdown import escape
from bot.language import tr

_BEFORE = 40  # characters shown before the place
_AFTER = 40  # and from it on


@dataclass(frozen=True, slots=True)
class Departure:
    """The first difference between two texts.

    Attributes:
        before: what both have just before it.
        here: how the first text goes on; "" where it ends there.
        there: how the second one does.
    """

    before: str
    here: str
    there: str

    def quoted(self, side: str) -> str:
        """One side as Discord shows it, on one line: what is the same, then in bold what is not.

        Args:
            side: `here` or `there`.
        """
        goes_on = f"**{_shown(side)}**" if side.strip() else tr("(it ends here)")
        return f"{_shown(self.before)}{goes_on}"


def departure(
    here: str, there: str, *, counts: Callable[[str], bool] = lambda _character: True
) -> Departure | None:
    """The first difference, or None where there is none.

    Args:
        here: a text.
        there: another one.
        counts: whether a character matters; others may be in one text and not in the other.
    """
    ours, theirs = _counted(here, counts), _counted(there, counts)
    pairs = zip(ours, theirs, strict=False)
    same = next((n for n, (i, k) in enumerate(pairs) if here[i] != there[k]), None)
    if same is None:
        if len(ours) == len(theirs):
            return None
        same = min(len(ours), len(theirs))
    i, k = _at(ours, same, here), _at(theirs, same, there)
    return Departure(
        before=here[max(0, i - _BEFORE) : i],
        here=here[i : i + _AFTER],
        there=there[k : k + _AFTER],
    )


def _counted(text: str, counts: Callable[[str], bool]) -> list[int]:
    """Where the characters are that matter."""
    return [index for index, character in enumerate(text) if counts(character)]


def _at(places: list[int], n: int, text: str) -> int:
    return places[n] if n < len(places) else len(text)


def _shown(text: str) -> str:
    """On one line and harmless."""
    return escape(text.replace("\n", " ⏎ "))
