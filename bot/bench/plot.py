"""The engine benchmark as a picture: tokens a second and first token against streams.

matplotlib, an extra, is imported late.
"""

import importlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bot.bench.report import Report, Row

_MARKS = "osD^vP*X<>ph"
# Told apart by everybody, color-blind or not: Okabe and Ito (2008), without the light yellow.
_COLORS = ("#0072B2", "#E69F00", "#009E73", "#D55E00", "#CC79A7", "#56B4E9", "#000000")
_OUR_WIDTH, _PEER_WIDTH = 3.0, 1.2


def draw(report: Report, path: Path) -> None:
    """Two panels on white: a line with marks for each contender, ours thick.

    Raises:
        OSError: the file can't be written.
    """
    figure: Any = importlib.import_module("matplotlib.figure").Figure(
        figsize=(11, 5), layout="constrained", facecolor="white"
    )
    speeds, firsts = figure.subplots(1, 2)
    _lines(speeds, report, lambda row: row.tokens_per_s and row.tokens_per_s.median)
    _lines(firsts, report, lambda row: row.first_token_s and row.first_token_s.median * 1000)
    _name_axes(speeds, report, "new tokens a second, all streams")
    _name_axes(firsts, report, "time to first token, ms (median)")
    firsts.set_yscale("log")
    figure.legend(*speeds.get_legend_handles_labels(), loc="outside right center", fontsize=8)
    figure.suptitle(report.title.replace("$", r"\$"), fontsize=10)
    figure.savefig(path, dpi=120)


def _lines(axes: Any, report: Report, height_of: Callable[[Row], float | None]) -> None:
    """Each contender's mark, color and width are the same in both panels."""
    labels = list(dict.fromkeys(row.label for row in report.rows if row.tokens_per_s))
    for index, label in enumerate(labels):
        rows = sorted(
            (row for row in report.rows if row.label == label and row.tokens_per_s),
            key=lambda row: row.streams,
        )
        axes.plot(
            [row.streams for row in rows],
            [height_of(row) for row in rows],
            marker=_MARKS[index % len(_MARKS)],
            color=_COLORS[index % len(_COLORS)],
            linewidth=_OUR_WIDTH if rows[0].is_ours else _PEER_WIDTH,
            linestyle="-" if rows[0].is_ours else "--",
            label=label.replace("$", r"\$"),  # in a name it would begin a formula
        )


def _name_axes(axes: Any, report: Report, name: str) -> None:
    counts = sorted({row.streams for row in report.rows})
    axes.set_xscale("log", base=2)
    axes.set_xticks(counts, [str(count) for count in counts])
    axes.minorticks_off()
    axes.set_xlabel("streams at once")
    axes.set_ylabel(name)
    axes.grid(alpha=0.3)
