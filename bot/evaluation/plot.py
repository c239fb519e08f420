"""A comparison as a picture: what a smaller file costs. matplotlib, an extra, is imported late."""

import importlib
import importlib.util
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bot.errors import SettingError
from bot.evaluation.results import Compared, Comparison

_SUFFIXES = (".svg", ".png")
_MARKERS = "osD^v"  # one for each vocabulary
_SMALLEST_KL = 1e-9  # what is drawn for 0, which a log scale has no place for


def check_plot(path: Path) -> None:
    """Refuses what could not be drawn, before any work is done.

    Raises:
        SettingError: matplotlib is not installed, or the file's name ends in another format.
    """
    origin = "the command line"
    if path.suffix.lower() not in _SUFFIXES:
        raise SettingError("--plot", str(path), origin, "must end in .svg or .png")
    if importlib.util.find_spec("matplotlib") is None:
        reason = (
            "matplotlib, which draws it, is not installed; pip install 'bardling[plot]' adds it"
        )
        raise SettingError("--plot", str(path), origin, reason)


def draw(comparison: Comparison, path: Path) -> None:
    """File size against perplexity, and against the distance from the best.

    Raises:
        OSError: the file can't be written.
    """
    figure: Any = importlib.import_module("matplotlib.figure").Figure(
        figsize=(10, 4.5), layout="constrained"
    )
    perplexities, distances = figure.subplots(1, 2)
    _points(perplexities, [(one, one.guesses.perplexity) for one in comparison.models])
    likened = [(one, one.likeness.kl_nats) for one in comparison.models if one.likeness]
    _points(distances, [(one, max(kl_nats, _SMALLEST_KL)) for one, kl_nats in likened])
    note = " (vocabularies differ)" if comparison.n_vocabularies > 1 else ""
    _name_axes(perplexities, f"perplexity{note}")
    _name_axes(distances, "mean KL(best ‖ model), nats")
    if likened:
        distances.set_yscale("log")
    else:
        distances.set_yticks([])
        distances.text(0.5, 0.5, "no two models\nof one vocabulary", ha="center", va="center",
                       transform=distances.transAxes)  # fmt: skip
    text = comparison.text
    figure.suptitle(f"{text.name} ({text.n_bytes} bytes), {comparison.engine}")
    figure.savefig(path, dpi=120)


def _points(axes: Any, points: Sequence[tuple[Compared, float]]) -> None:
    """Labels stand in turn above to the right and below to the left, so that few of them meet."""
    by_size = sorted(points, key=lambda point: point[0].candidate.file_bytes)
    for index, (one, height) in enumerate(by_size):
        megabytes = one.candidate.file_bytes / 1e6
        axes.plot([megabytes], [height], _MARKERS[one.vocabulary % len(_MARKERS)], color="C0")
        is_below = index % 2 == 1
        is_left = is_below or 0 < index == len(by_size) - 1
        axes.annotate(
            one.label.replace("$", r"\$"),  # in a name it would begin a formula
            (megabytes, height),
            xytext=(-6 if is_left else 6, -12 if is_below else 5),
            textcoords="offset points",
            ha="right" if is_left else "left",
            size=8,
        )


def _name_axes(axes: Any, name: str) -> None:
    axes.set_xlabel("file size, MB")
    axes.set_ylabel(name)
    axes.margins(0.25)
    axes.grid(alpha=0.3)
