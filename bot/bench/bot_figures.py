"""What `bardling bench bot` measures, as figures and as a table. Pure."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """How one reply went; seconds on one clock.

    Attributes:
        asked_s: when the command was typed.
        first_s: when the first text was to be seen.
        final_s: when the finished text was.
        edits_s: each moment from the first text to the finished one at which the reply changed.
    """

    asked_s: float
    first_s: float
    final_s: float
    edits_s: tuple[float, ...]

    @property
    def longest_gap_s(self) -> float:
        """The longest time for which a growing reply stood still; 0 if it was finished at once."""
        pairs = zip(self.edits_s, self.edits_s[1:], strict=False)
        return max((after - before for before, after in pairs), default=0.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class LoopFigures:
    """The worker's event loop, as its log has it; milliseconds."""

    p50_ms: float
    p99_ms: float
    longest_ms: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """What so many commands at once had to wait.

    Attributes:
        engine: what wrote.
        waiting: commands at once.
        rounds: how often.
        first_p50_s, first_p99_s: from the command to the first text.
        final_p50_s, final_p99_s: from the command to the finished text.
        longest_gap_s: the longest time for which any growing reply stood still.
        edits: changes of all replies.
        loop: the worker's event loop, where its log tells.
        missing: replies that were not finished when the time was over.
    """

    engine: str
    waiting: int
    rounds: int
    first_p50_s: float
    first_p99_s: float
    final_p50_s: float
    final_p99_s: float
    longest_gap_s: float
    edits: int
    loop: LoopFigures | None
    missing: int = 0


def row_of(
    engine: str,
    waiting: int,
    rounds: int,
    shown: Sequence[Shown],
    loop: LoopFigures | None,
    missing: int = 0,
) -> Row:
    """The figures of some replies."""
    firsts = [one.first_s - one.asked_s for one in shown]
    finals = [one.final_s - one.asked_s for one in shown]
    return Row(
        engine=engine,
        waiting=waiting,
        rounds=rounds,
        first_p50_s=quantile(firsts, 0.5),
        first_p99_s=quantile(firsts, 0.99),
        final_p50_s=quantile(finals, 0.5),
        final_p99_s=quantile(finals, 0.99),
        longest_gap_s=max((one.longest_gap_s for one in shown), default=math.nan),
        edits=sum(len(one.edits_s) for one in shown),
        loop=loop,
        missing=missing,
    )


def quantile(values: Iterable[float], share: float) -> float:
    """The smallest value that so large a share does not exceed; not a number without values."""
    ordered = sorted(values)
    if not ordered:
        return math.nan
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def table(rows: Sequence[Row]) -> str:
    """A line for each row."""
    head = (
        f"{'engine':12}{'at once':>8}{'rounds':>7}{'first text p50':>16}{'p99':>9}"
        f"{'finished p50':>14}{'p99':>9}{'longest gap':>13}{'loop lag p50':>14}{'p99':>9}"
    )
    return "\n".join([head, *map(_line, rows)])


def _line(row: Row) -> str:
    lag = ("unknown", "") if row.loop is None else map(_ms, (row.loop.p50_ms, row.loop.p99_ms))
    lag_p50, lag_p99 = lag
    missing = f"  {row.missing} not finished" if row.missing else ""
    return (
        f"{row.engine:12}{row.waiting:8}{row.rounds:7}{_s(row.first_p50_s):>16}"
        f"{_s(row.first_p99_s):>9}{_s(row.final_p50_s):>14}{_s(row.final_p99_s):>9}"
        f"{_s(row.longest_gap_s):>13}{lag_p50:>14}{lag_p99:>9}{missing}"
    )


def _s(seconds: float) -> str:
    return "none" if math.isnan(seconds) else f"{seconds:.2f} s"


def _ms(milliseconds: float) -> str:
    return f"{milliseconds:.1f} ms"
