"""Quality against size: the paper's curve, and this model on it. matplotlib is imported late."""

import importlib
from pathlib import Path
from typing import Any

from bot.evaluation.paper.evaluate import Evaluation
from bot.evaluation.paper.report import n_parameters
from bot.lab.published import PAPER, PARAMETERS, SIZES, Cell
from bot.lab.tasks.api import Figure

_PAPER = "#555555"
# Told apart by everybody, color-blind or not: Okabe and Ito (2008).
_COLORS = ("#0072B2", "#E69F00", "#009E73", "#D55E00", "#CC79A7", "#56B4E9")
_MARKS = "osD^vP"


def draw(found: Evaluation, path: Path) -> None:
    """A picture with one part for each row of the paper that there are figures for.

    Raises:
        OSError: the file can't be written.
    """
    rows = [(variant, one) for variant, figures in found.variants.items() for one in figures]
    cells = list(dict.fromkeys(figure.cell for _, figure in rows if figure.cell)) or [None]
    figure: Any = importlib.import_module("matplotlib.figure").Figure(
        figsize=(6.5 * len(cells), 4.8), layout="constrained"
    )
    parts = figure.subplots(1, len(cells), squeeze=False)[0]
    size = n_parameters(found.info)
    for axes, cell in zip(parts, cells, strict=True):
        some = [(variant, one) for variant, one in rows if one.cell == cell]
        _draw_part(axes, cell, some, size)
    figure.suptitle(f"{found.task.about}\n{found.info.name} {found.info.quantization}", fontsize=10)
    figure.savefig(path, dpi=120)


def _draw_part(axes: Any, cell: Cell | None, rows: list[tuple[str, Figure]], size: int) -> None:
    if cell is not None:
        known = [
            (count, value, name)
            for count, value, name in zip(PARAMETERS, PAPER[cell], SIZES, strict=True)
            if value is not None
        ]
        axes.plot([one[0] for one in known], [one[1] for one in known], "--x", color=_PAPER,
                  label="paper")  # fmt: skip
        for count, value, name in known:
            axes.annotate(name, (count, value), textcoords="offset points", xytext=(4, 6),
                          color=_PAPER, fontsize=8)  # fmt: skip
    for index, (variant, one) in enumerate(rows):
        value, low, high = one.estimate.value, one.estimate.low, one.estimate.high
        whiskers = None if low is None or high is None else [[value - low], [high - value]]
        axes.errorbar(
            [size], [value], yerr=whiskers, fmt=_MARKS[index % len(_MARKS)], capsize=3,
            color=_COLORS[index % len(_COLORS)], label=f"{one.name} {variant}".strip(),
        )  # fmt: skip
    axes.set_xscale("log")
    axes.set_xlabel("parameters")
    unit = rows[0][1].unit
    axes.set_ylabel(unit)
    if unit == "perplexity":
        axes.set_yscale("log")
    axes.grid(alpha=0.3)
    axes.margins(0.15)
    axes.legend(fontsize=7)
