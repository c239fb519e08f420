"""What a server used, day by day, as one picture. Called by `services.usage`, in a thread."""

from collections.abc import Sequence
from typing import Any

from bot.core.usage import DayUsage
from bot.language import number, percent, tr
from bot.plots.letters import legible
from bot.plots.look import (
    BACKGROUND,
    BLUE,
    ORANGE,
    days_below,
    legend,
    new_figure,
    stacked,
    style,
    to_png,
)
from bot.plots.xray_fonts import Catalogue

_HEIGHT_IN = 9.6
_FEW_DAYS = 31


def draw_usage(days: Sequence[DayUsage], *, fonts: Catalogue | None = None) -> bytes:
    """Texts, tokens, waits and refusals of each day; a PNG of at most some 100 kB.

    Args:
        days: at least one; all in a row.
        fonts: where letters come from; None = from this machine.
    """
    with legible(fonts):
        return _drawn(days, fonts)


def _drawn(days: Sequence[DayUsage], fonts: Catalogue | None) -> bytes:
    figure = new_figure(_HEIGHT_IN)
    panels: Any = figure.subplots(4, 1, sharex=True)
    counts = [day.counts for day in days]
    _bars(panels[0], tr("Texts"), [(tr("asked"), [one.jobs for one in counts], 0)])
    _bars(
        panels[1],
        tr("Tokens"),
        [
            (tr("written"), [one.tokens_written for one in counts], 0),
            (tr("read"), [one.tokens_read for one in counts], 1),
        ],
    )
    _waits(panels[2], days)
    _bars(
        panels[3],
        tr("Refused"),
        [
            (tr("limit"), [one.refused_limit for one in counts], 0),
            (tr("queue"), [one.refused_queue for one in counts], 1),
            (tr("other"), [one.refused_other for one in counts], 2),
        ],
    )
    days_below(panels[3], [day.day for day in days])
    return to_png(figure, fonts)


def _bars(axes: Any, title: str, series: Sequence[tuple[str, Sequence[float], int]]) -> None:
    total = sum(sum(heights) for _, heights, _ in series)
    style(axes, tr("{name}: {value}", name=title, value=number(total)))
    stacked(axes, series)
    if len(series) > 1:
        legend(axes)


def _waits(axes: Any, days: Sequence[DayUsage]) -> None:
    """Two lines with marks; a day without texts is a gap."""
    style(axes, tr("Wait, s"))
    highest = 0.0
    for share, name, color, mark, dash in (
        (0.95, tr("{share} within", share=percent(0.95)), ORANGE, "^", "--"),
        (0.5, tr("half within"), BLUE, "o", "-"),
    ):
        waits = [day.counts.wait_s(share) for day in days]
        highest = max(highest, *(wait or 0.0 for wait in waits))
        axes.plot(
            range(len(days)),
            [float("nan") if wait is None else wait for wait in waits],
            color=color,
            marker=mark,
            markersize=9 if len(days) <= _FEW_DAYS else 4,
            markeredgecolor=BACKGROUND,
            linestyle=dash,
            linewidth=2.5 if len(days) <= _FEW_DAYS else 1.5,
            label=name,
        )
    axes.set_ylim(0, max(1.0, highest * 1.15))
    legend(axes)
