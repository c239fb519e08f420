"""A comparison as a picture: what a smaller file costs. matplotlib, an extra, is imported late."""

import importlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bot.errors import SettingError
from bot.evaluation.results import Compared, Comparison

_SUFFIXES = (".svg", ".png")
_MARKS = "osD^vP*X<>"
# Told apart by everybody, color-blind or not: Okabe and Ito (2008), without the light yellow.
_COLORS = ("#0072B2", "#E69F00", "#009E73", "#D55E00", "#CC79A7", "#56B4E9", "#000000")
_SMALLEST_KL = 1e-9  # what is drawn for 0, which a log scale has no place for


def check_plot(path: Path) -> None:
    """Refuses what could not be drawn, before any work is done.

    Raises:
        SettingError: the file's name ends in another format.
    """
    origin = "the command line"
    if path.suffix.lower() not in _SUFFIXES:
        raise SettingError("--plot", str(path), origin, "must end in .svg or .png")


def draw(comparison: Comparison, path: Path) -> None:
    """File size against perplexity, and against the distance from the best.

    Raises:
        OSError: the file can't be written.
    """
    figure: Any = importlib.import_module("matplotlib.figure").Figure(
        figsize=(10, 4.5), layout="constrained"
    )
    perplexities, distances = figure.subplots(1, 2)
    _points(perplexities, comparison, lambda one: one.guesses.perplexity)
    _points(distances, comparison, _distance)
    figure.legend(*perplexities.get_legend_handles_labels(), loc="outside right center")
    note = " (vocabularies differ)" if comparison.n_vocabularies > 1 else ""
    _name_axes(perplexities, f"perplexity{note}")
    _name_axes(distances, "mean KL(best ‖ model), nats")
    if any(one.likeness for one in comparison.models):
        distances.set_yscale("log")
    else:
        distances.set_yticks([])
        distances.text(0.5, 0.5, "no two models\nof one vocabulary", ha="center", va="center",
                       transform=distances.transAxes)  # fmt: skip
    text = comparison.text
    figure.suptitle(f"{text.name} ({text.n_bytes} bytes), {comparison.engine}")
    figure.savefig(path, dpi=120)


def _points(
    axes: Any, comparison: Comparison, height_of: Callable[[Compared], float | None]
) -> None:
    """A mark and a color for each model, the same in both halves."""
    for index, one in enumerate(comparison.models):
        height = height_of(one)
        if height is not None:
            axes.plot(
                [one.candidate.file_bytes / 1e6],
                [height],
                _MARKS[index % len(_MARKS)],
                color=_COLORS[index % len(_COLORS)],
                markersize=8,
                label=one.label.replace("$", r"\$"),  # in a name it would begin a formula
            )


def _distance(one: Compared) -> float | None:
    return max(one.likeness.kl_nats, _SMALLEST_KL) if one.likeness else None


def _name_axes(axes: Any, name: str) -> None:
    axes.set_xlabel("file size, MB")
    axes.set_ylabel(name)
    axes.margins(0.25)
    axes.grid(alpha=0.3)
