"""An evaluation as a table for people and as JSON for programs."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from math import prod
from typing import Any

from bot import __version__
from bot.core.models import ModelInfo
from bot.evaluation.paper.evaluate import Evaluation
from bot.lab.published import BASELINES, PAPER, REPRODUCTIONS, SIZES, nearest_size
from bot.lab.tasks.api import Figure, TaskOptions
from bot.model.tensors import tensor_specs

_NONE = "–"
_USED: Mapping[str, tuple[str, ...]] = {
    "lambada": ("bos", "detok", "newline_before"),
    "cbt": ("bos", "detok", "line_breaks"),
    "winograd": ("bos",),
    "1bw": ("bos", "detok"),
    "coqa": ("blank_lines",),
    "cnndm": ("hint", "seeds", "seed"),
    "wmt14-enfr": ("pairs",),
    "wmt14-fren": ("pairs",),
    "nq": ("pairs", "stop_at_punctuation"),
}
_STREAM = ("bos", "detok", "stride", "last_bytes")


def n_parameters(info: ModelInfo) -> int:
    """Weights of a model, counted by its shape."""
    return sum(prod(spec.shape) for spec in tensor_specs(info.shape))


def table(found: Evaluation) -> str:
    """Aligned columns, with what they mean below."""
    size = nearest_size(n_parameters(found.info))
    head = ("", "this model", "95 %", *_size_names(size), "others")
    notes: list[str] = []
    rows = [head, *(_cells(*row, notes) for row in _rows(found))]
    widths = [max(len(row[column]) for row in rows) for column in range(len(head))]
    lines = [_line(row, widths) for row in rows]
    return "\n".join([*_title(found), "", *lines, "", *_legend(found, notes)])


def as_json(found: Evaluation) -> dict[str, Any]:
    """All figures, with all that they depend on."""
    info = found.info
    return {
        "bardling": __version__,
        "task": found.task.name,
        "model": {
            "name": info.name, "quantization": info.quantization, "sha256": info.sha256,
            "parameters": n_parameters(info), "window": info.shape.n_ctx,
        },
        "engine": found.engine,
        "data": {"files": list(found.data_names[:20]), "sha256": found.data_sha256},
        "options": used_options(found.task.name, found.options),
        "items": found.n_items,
        "evaluated": found.n_done,
        "notes": list(found.notes),
        "figures": [
            {
                "name": figure.name, "variant": variant, "unit": figure.unit, "n": figure.n,
                **asdict(figure.estimate), "paper": _paper(figure),
                "reproductions": REPRODUCTIONS.get(figure.reproduction, ""),
                "is_papers_reading": figure.is_papers_reading,
            }
            for variant, figure in _rows(found)
        ],
    }  # fmt: skip


def used_options(task: str, options: TaskOptions) -> dict[str, Any]:
    """The choices of protocol that this task heeds."""
    return {name: getattr(options, name) for name in _USED.get(task, _STREAM)}


def _rows(found: Evaluation) -> list[tuple[str, Figure]]:
    return [(variant, one) for variant, figures in found.variants.items() for one in figures]


def _paper(figure: Figure) -> dict[str, float | None] | None:
    if figure.cell is None:
        return None
    return dict(zip(SIZES, PAPER[figure.cell], strict=True))


def _title(found: Evaluation) -> list[str]:
    info, names = found.info, ", ".join(found.data_names[:2])
    more = f" and {len(found.data_names) - 2} more" if len(found.data_names) > 2 else ""
    options = used_options(found.task.name, found.options)
    chosen = ", ".join(
        f"{name.replace('_', ' ')} {_word(value)}" for name, value in options.items()
    )
    n = f"{found.n_done:,}" if found.n_done == found.n_items else (
        f"the first {found.n_done:,} of {found.n_items:,}"
    )  # fmt: skip
    return [
        found.task.about,
        f"{info.name} {info.quantization} (SHA-256 {info.sha256[:12]}…) on {found.engine}",
        f"{names}{more} (SHA-256 {found.data_sha256[:12]}…): {n} items",
        f"protocol: {chosen}",
        *found.notes,
    ]


def _word(value: object) -> str:
    if value is None:
        return "as usual"
    return {True: "yes", False: "no"}.get(value, str(value)) if isinstance(value, bool) else (
        f"{value}"
    )  # fmt: skip


def _size_names(size: int | None) -> list[str]:
    """The paper's columns; the one of this model's size is marked."""
    return [f"▸{name}" if index == size else name for index, name in enumerate(SIZES)]


def _cells(variant: str, figure: Figure, notes: list[str]) -> tuple[str, ...]:
    estimate = figure.estimate
    name = f"{figure.name}, {variant}" if variant else figure.name
    is_known = estimate.low is not None and estimate.high is not None
    paper = PAPER[figure.cell] if figure.cell else (None,) * len(SIZES)
    others = ""
    if reproductions := REPRODUCTIONS.get(figure.reproduction):
        if reproductions not in notes:
            notes.append(reproductions)
        others = f"[{notes.index(reproductions) + 1}]"
    return (
        f"{'* ' if figure.is_papers_reading and figure.cell else '  '}{name}",
        number(estimate.value),
        f"{number(estimate.low or 0)} to {number(estimate.high or 0)}" if is_known else _NONE,
        *(_NONE if cell is None else f"{cell:g}" for cell in paper),
        others,
    )


def number(value: float) -> str:
    """Four digits, or more where the number is large."""
    if value >= 1000:
        return f"{value:,.0f}"
    return f"{value:.3g}" if 0 < value < 0.1 else f"{value:.2f}"


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    first, *others = zip(cells, widths, strict=True)
    figures = (cell.rjust(width) for cell, width in others)
    return "  ".join([first[0].ljust(first[1]), *figures]).rstrip()


def _legend(found: Evaluation, notes: Sequence[str]) -> list[str]:
    units = sorted({figure.unit for _, figure in _rows(found)})
    lines = [
        f"In {' and '.join(units)}. 124M to 1558M: the paper's table (Radford et al. 2019).",
        "* the reading that fits the paper's words best; OpenAI never published its code, so a",
        "  difference of some percent says nothing about the weights.",
    ]
    lines += [f"[{index}] {note}" for index, note in enumerate(notes, 1)]
    lines += [f"{one.name}: {one.value}" for one in BASELINES.get(found.task.name, ())]
    return lines
