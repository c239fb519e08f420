"""A comparison as a table for people and as JSON for programs. Called by `compare`'s command."""

import os
import platform
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from bot import __version__
from bot.evaluation.results import Compared, Comparison

_HEAD = (
    "model",
    "file MB",
    "perplexity",
    "bits/byte",
    "KL nats",
    "agreement",
    "memory MB",
    "read t/s",
    "write t/s",
)
_NOT_COMPARED = "–"


def table(comparison: Comparison) -> str:
    """Aligned columns with what they mean below."""
    rows = [_HEAD, *(_cells(one, comparison) for one in comparison.models)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEAD))]
    lines = [_line(row, widths) for row in rows]
    return "\n".join([_title(comparison), "", *lines, "", *_legend(comparison)])


def as_json(comparison: Comparison) -> dict[str, Any]:
    """All figures, with what they were taken on."""
    text = comparison.text
    return {
        "bardling": __version__,
        "python": platform.python_version(),
        "cores": os.cpu_count(),
        "engine": comparison.engine,
        "window": comparison.window,
        "text": {"name": text.name, "bytes": text.n_bytes, "sha256": text.sha256},
        "models": [_figures(one) for one in comparison.models],
    }


def _title(comparison: Comparison) -> str:
    text = comparison.text
    counts = sorted({one.guesses.n_guessed for one in comparison.models})
    guessed = str(counts[0]) if len(counts) == 1 else f"{counts[0]} to {counts[-1]}"
    return (
        f"{text.name}: {text.n_bytes} bytes, SHA-256 {text.sha256[:12]}…; {guessed} tokens "
        f"guessed in windows of {comparison.window}; {comparison.engine}"
    )


def _cells(one: Compared, comparison: Comparison) -> tuple[str, ...]:
    guesses, likeness = one.guesses, one.likeness
    has_others = len([other for other in comparison.models if _are_alike(one, other)]) > 1
    alone = "best" if has_others else _NOT_COMPARED
    return (
        one.label,
        f"{one.candidate.file_bytes / 1e6:.1f}",
        f"{guesses.perplexity:.3f}",
        f"{guesses.bits_per_byte:.4f}",
        f"{likeness.kl_nats:.5f}" if likeness else alone,
        f"{likeness.agreement:.1%}" if likeness else alone,
        f"{guesses.memory_bytes / 1e6:.0f}",
        f"{guesses.read_tokens_per_s:.0f}",
        f"{guesses.write_tokens_per_s:.0f}",
    )


def _are_alike(one: Compared, other: Compared) -> bool:
    return one.vocabulary == other.vocabulary


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    """The name to the left, figures to the right."""
    first, *others = zip(cells, widths, strict=True)
    figures = (cell.rjust(width) for cell, width in others)
    return "  ".join([first[0].ljust(first[1]), *figures])


def _legend(comparison: Comparison) -> list[str]:
    lines = [
        "KL nats: mean KL(best ‖ model). Agreement: share of guesses with equal likeliest token.",
        "The best: most bits per weight where all of a vocabulary have one shape, else the lowest",
        "perplexity. Memory: the most that a process with the model had resident while it read and",
        "wrote one text; Python and the engine are in it. t/s: tokens per second, one text alone.",
    ]
    if comparison.n_vocabularies > 1:
        lines += ["Vocabularies differ: compare their bits/byte; perplexities do not compare."]
    return lines


def _figures(one: Compared) -> dict[str, Any]:
    candidate = one.candidate
    return {
        "label": one.label,
        "file": candidate.path.name,
        "quantization": candidate.info.quantization,
        "shape": asdict(candidate.info.shape),
        "file_bytes": candidate.file_bytes,
        "file_bits_per_weight": candidate.file_bits_per_weight,
        "vocabulary": one.vocabulary,
        "is_best": one.is_best,
        **asdict(one.guesses),
        "kl_nats": one.likeness.kl_nats if one.likeness else None,
        "agreement": one.likeness.agreement if one.likeness else None,
    }
