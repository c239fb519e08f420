"""Where each piece of a text stands in a picture: lines that wrap at words, in both directions.

Pure geometry, used by `xray`: it asks for widths and draws nothing. Directions are a simple form
of the Unicode bidirectional algorithm (https://unicode.org/reports/tr9): one level of nesting,
and a piece has one direction.
"""

import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from bot.plots.xray_fonts import ZERO_WIDTH_JOINER

NEWLINE = "↵"
_TAB = "⇥"
# Letters that join with what stands before them only.
_NOT_JOINING = frozenset("ءآأؤإاةدذرزوىٱٲٳٵٶٷڈډڊڋڌڍڎڏڐڑڒړڔڕږڗژڙۀۃۄۅۆۇۈۉۊۋۍۏےۓە")
_RIGHT = ("R", "AL")

Measure = Callable[[str, bool], float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """A piece of one line.

    Attributes:
        owner: index of what it is a piece of.
        text: its characters.
        ends_line: whether a new line begins behind it.
        is_rtl: whether it is read from right to left.
        joined: as `text`, but with marks that make its letters join with their neighbors.
    """

    owner: int
    text: str
    ends_line: bool = False
    is_rtl: bool = False
    joined: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """A piece and its place.

    Attributes:
        piece: what.
        line: index of its line.
        left: pixels from the left margin.
        width: pixels.
    """

    piece: Piece
    line: int
    left: float
    width: float


def place(
    texts: Iterable[str], measure: Measure, *, line_px: float, pad_px: float = 0.0
) -> Iterator[list[Placed]]:
    """Breaks texts that follow each other into lines.

    Args:
        texts: of the owners, in order; together they are what is read.
        measure: gives the width of a text, for a direction.
        line_px: how wide a line is; a single character may be wider.
        pad_px: what each piece takes beside its letters.

    Yields:
        The pieces of each line, from left to right. Their texts are those of the owners, but for
        line ends and tabs, which can be seen.
    """
    number = 0
    for paragraph in _paragraphs(texts):
        is_rtl = _direction("".join(piece.text for piece in paragraph)) is True
        pieces = _joined(_directed(paragraph, is_rtl))
        for line in _lines(pieces, measure, line_px, pad_px):
            yield _arranged(line, number, measure, line_px, pad_px, is_rtl=is_rtl)
            number += 1


def _paragraphs(texts: Iterable[str]) -> Iterator[list[Piece]]:
    """What stands between two line ends."""
    found: list[Piece] = []
    for owner, text in enumerate(texts):
        rest = text.replace("\t", _TAB)
        while "\n" in rest:
            before, _, rest = rest.partition("\n")
            yield [*found, Piece(owner=owner, text=before + NEWLINE, ends_line=True)]
            found = []
        if rest:
            found.append(Piece(owner=owner, text=rest))
    if found:
        yield found


def _directed(pieces: Sequence[Piece], is_rtl: bool) -> list[Piece]:
    """What has no direction takes that of both its neighbors, or of the paragraph."""
    own = [_direction(piece.text) for piece in pieces]
    before: list[bool] = []
    for direction in own:
        last = before[-1] if before else is_rtl
        before.append(last if direction is None else direction)
    after: list[bool] = []
    for direction in reversed(own):
        last = after[-1] if after else is_rtl
        after.append(last if direction is None else direction)
    return [
        replace(piece, is_rtl=left if left == right else is_rtl)
        for piece, left, right in zip(pieces, before, reversed(after), strict=True)
    ]


def _joined(pieces: Sequence[Piece]) -> list[Piece]:
    """Arabic letters join also where two pieces meet."""
    found: list[Piece] = []
    for index, piece in enumerate(pieces):
        before = pieces[index - 1].text if index else ""
        after = pieces[index + 1].text if index + 1 < len(pieces) else ""
        joined = piece.text
        if _joins(before, piece.text):
            joined = ZERO_WIDTH_JOINER + joined
        if _joins(piece.text, after):
            joined += ZERO_WIDTH_JOINER
        found.append(replace(piece, joined=joined))
    return found


def _joins(before: str, after: str) -> bool:
    last = next((one for one in reversed(before) if unicodedata.category(one) != "Mn"), "")
    if not last or not after or last in _NOT_JOINING:
        return False
    return all(
        unicodedata.bidirectional(one) == "AL" and unicodedata.category(one) == "Lo"
        for one in (last, after[0])
    )


def _lines(
    pieces: Sequence[Piece], measure: Measure, line_px: float, pad_px: float
) -> Iterator[list[Piece]]:
    line: list[Piece] = []
    used_px = 0.0
    for word in _words(pieces):
        width = sum(measure(piece.joined, piece.is_rtl) + pad_px for piece in word)
        if line and used_px + width > line_px:
            yield line
            line, used_px = [], 0.0
        if width <= line_px:
            line += word
            used_px += width
            continue
        for piece in _broken(word, measure, line_px - pad_px):
            width = measure(piece.joined, piece.is_rtl) + pad_px
            if line and used_px + width > line_px:
                yield line
                line, used_px = [], 0.0
            line.append(piece)
            used_px += width
    if line:
        yield line


def _words(pieces: Sequence[Piece]) -> Iterator[list[Piece]]:
    """Pieces between which no line ends."""
    word: list[Piece] = []
    for piece in pieces:
        if word and _may_break(word[-1].text, piece.text):
            yield word
            word = []
        word.append(piece)
    if word:
        yield word


def _may_break(before: str, after: str) -> bool:
    if before[-1].isspace() or after[0].isspace():
        return True
    return any(unicodedata.east_asian_width(one) in "WF" for one in (before[-1], after[0]))


def _broken(word: Sequence[Piece], measure: Measure, line_px: float) -> Iterator[Piece]:
    """Pieces of a word that is longer than a line, none of them longer than that."""
    for piece in word:
        if measure(piece.joined, piece.is_rtl) <= line_px:
            yield piece
            continue
        rest = piece.text
        while rest:
            count = _fitting(rest, measure, line_px, piece.is_rtl)
            text, rest = rest[:count], rest[count:]
            yield replace(piece, text=text, joined=text)


def _fitting(text: str, measure: Measure, line_px: float, is_rtl: bool) -> int:
    """How many characters fit into a line; at least one."""
    low, high = 1, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        if measure(text[:middle], is_rtl) <= line_px:
            low = middle
        else:
            high = middle - 1
    return low


def _arranged(
    line: Sequence[Piece], number: int, measure: Measure, line_px: float, pad_px: float, *,
    is_rtl: bool,
) -> list[Placed]:  # fmt: skip
    """A line's pieces from left to right; a paragraph of the other direction ends at the right."""
    ordered = _reversed_runs(line, lambda piece: piece.is_rtl)
    if is_rtl:
        ordered = _reversed_runs(list(reversed(line)), lambda piece: not piece.is_rtl)
    ordered = _reversed_runs(ordered, lambda piece: piece.is_rtl and _is_number(piece.text))
    widths = [measure(piece.joined, piece.is_rtl) + pad_px for piece in ordered]
    left = max(0.0, line_px - sum(widths)) if is_rtl else 0.0
    placed: list[Placed] = []
    for piece, width in zip(ordered, widths, strict=True):
        placed.append(Placed(piece=piece, line=number, left=left, width=width))
        left += width
    return placed


def _reversed_runs(pieces: Sequence[Piece], is_of_run: Callable[[Piece], bool]) -> list[Piece]:
    """The pieces, with neighbors that belong to a run in the opposite order."""
    found: list[Piece] = []
    run: list[Piece] = []
    for piece in pieces:
        if is_of_run(piece):
            run.append(piece)
            continue
        found += [*reversed(run), piece]
        run = []
    return [*found, *reversed(run)]


def _is_number(text: str) -> bool:
    return bool(text) and all(unicodedata.bidirectional(one) in ("EN", "AN") for one in text)


def _direction(text: str) -> bool | None:
    """Whether its first letter is read from right to left; None where it has none."""
    for character in text:
        kind = unicodedata.bidirectional(character)
        if kind == "L" and character not in (NEWLINE, _TAB):
            return False
        if kind in _RIGHT:
            return True
    return None
