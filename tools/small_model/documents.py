"""What one training text is, and which family its source belongs to.

Used by every module of ``tools.small_model``. Imports nothing beyond the standard library.
"""

from __future__ import annotations

import fnmatch
from collections.abc import Mapping
from dataclasses import dataclass

SIMPLE_SOURCES = ("tinystories*", "storybooks*")
# How often a token of a source is drawn, against one of a source that isn't named here: a tiny
# model reads best when it mostly sees short, plain sentences.
DEFAULT_WEIGHTS = {"tinystories*": 8.0, "storybooks*": 8.0, "gitenberg": 3.0, "lcats*": 3.0,
                   "aesop": 3.0}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """One cleaned story or chapter and the folder it came from."""

    source: str
    text: str


def family_of(source: str) -> str:
    """``simple`` for plain modern stories, ``classic`` for everything else."""
    is_simple = any(fnmatch.fnmatch(source, pattern) for pattern in SIMPLE_SOURCES)
    return "simple" if is_simple else "classic"


def weight_of(source: str, weights: Mapping[str, float]) -> float:
    """The weight of the first pattern that fits, else 1."""
    for pattern, weight in weights.items():
        if fnmatch.fnmatch(source, pattern):
            return weight
    return 1.0
