"""Where each passage stands on a story's map: rows like lines of text, branches below each other.

Pure geometry. A passage's column and row follow from its depth; in a row, the main line is on top,
and each branch has a lane of its own. Where a row would have more lanes than anybody could read,
branches are left out and counted.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from bot.stories.passages import Passage

COLUMNS = 20
_FEW_COLUMNS = 10  # of a story that is so short that it fits into one row of them
MAX_LANES = 14  # of one row


@dataclass(frozen=True, slots=True)
class Spot:
    """Where a passage stands."""

    row: int
    column: int
    lane: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """A whole map.

    Attributes:
        spots: by number; of the passages that are shown.
        left_out: by number of the passage that they follow, how many are not, their branches
            included.
        lanes: of each row.
        main: the numbers on the way to where the story stands.
        columns: of each row.
    """

    spots: Mapping[int, Spot]
    left_out: Mapping[int, int]
    lanes: Sequence[int]
    main: frozenset[int]
    columns: int


@dataclass(slots=True)
class _Rows:
    """Which columns of which lanes are taken."""

    taken: dict[tuple[int, int], set[int]] = field(default_factory=dict[tuple[int, int], set[int]])

    def is_free(self, spot: Spot) -> bool:
        return spot.column not in self.taken.get((spot.row, spot.lane), set())

    def is_free_from(self, row: int, lane: int, column: int) -> bool:
        return all(one < column for one in self.taken.get((row, lane), set()))

    def take(self, spot: Spot) -> None:
        self.taken.setdefault((spot.row, spot.lane), set()).add(spot.column)


def lay_out(passages: Sequence[Passage], head: int) -> Layout:
    """The map of a tree.

    Args:
        passages: all of them, in the order of their numbers.
        head: where the story stands.
    """
    by_number = {one.number: one for one in passages}
    children: dict[int, list[int]] = {}
    for one in passages:
        children.setdefault(one.parent, []).append(one.number)
    main: set[int] = set()
    while head in by_number:
        main.add(head)
        head = by_number[head].parent
    columns = _FEW_COLUMNS if _depth(children) <= _FEW_COLUMNS else COLUMNS
    spots, left_out = _walk(children, main, columns)
    n_rows = 1 + max((spot.row for spot in spots.values()), default=0)
    lanes = [1] * n_rows
    for spot in spots.values():
        lanes[spot.row] = max(lanes[spot.row], spot.lane + 1)
    return Layout(
        spots=spots, left_out=left_out, lanes=lanes, main=frozenset(main), columns=columns
    )


def _walk(
    children: Mapping[int, Sequence[int]], main: set[int], columns: int
) -> tuple[dict[int, Spot], dict[int, int]]:
    """Depth first, the main line before all others, so that it gets the uppermost lane."""
    rows, spots = _Rows(), dict[int, Spot]()
    left_out: dict[int, int] = {}
    stack = [(number, 0, 0) for number in _reversed_ways(children, 0, main)]
    while stack:
        number, parent, depth = stack.pop()
        place = divmod(depth, columns)
        spot = _spot(rows, place, spots.get(parent), is_main=number in main)
        if spot is None:
            left_out[parent] = left_out.get(parent, 0) + _size(children, number)
            continue
        rows.take(spot)
        spots[number] = spot
        stack += [(child, number, depth + 1) for child in _reversed_ways(children, number, main)]
    return spots, left_out


def _reversed_ways(children: Mapping[int, Sequence[int]], number: int, main: set[int]) -> list[int]:
    """A stack's order: the main way is taken from it first."""
    return sorted(children.get(number, ()), key=lambda one: (one in main, -one))


def _spot(
    rows: _Rows, place: tuple[int, int], parent: Spot | None, *, is_main: bool
) -> Spot | None:
    row, column = place
    if is_main:
        return Spot(row, column, 0)
    if parent is not None and parent.row == row and parent.lane:
        beside = Spot(row, column, parent.lane)
        if rows.is_free(beside):
            return beside
    for lane in range(1, MAX_LANES):
        if rows.is_free_from(row, lane, column):
            return Spot(row, column, lane)
    return None


def _size(children: Mapping[int, Sequence[int]], number: int) -> int:
    """How many passages hang on one, itself included."""
    count, stack = 0, [number]
    while stack:
        count += 1
        stack += children.get(stack.pop(), ())
    return count


def _depth(children: Mapping[int, Sequence[int]]) -> int:
    """Passages on the longest way."""
    depth, level = 0, list(children.get(0, ()))
    while level:
        depth += 1
        level = [child for number in level for child in children.get(number, ())]
    return depth
