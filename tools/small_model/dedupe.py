"""Drops documents that mostly repeat earlier ones, and holds out a validation split.

Called by ``tools/train_small.py`` on cleaned documents. Pure: touches no file and no clock.
"""

from __future__ import annotations

import random
import re
import zlib
from collections.abc import Iterable, Sequence

from tools.small_model.documents import Document

_WORD = re.compile(r"[a-z]+")
_SHINGLE_WORDS = 8
_KEEP_ONE_IN = 4


def shingles(text: str) -> set[int]:
    """Hashes of a fixed quarter of the text's 8-word runs, blind to case and punctuation."""
    words = _WORD.findall(text.lower())
    if len(words) < _SHINGLE_WORDS:
        return {zlib.crc32(" ".join(words).encode())}
    runs = range(len(words) - _SHINGLE_WORDS + 1)
    hashes = {zlib.crc32(" ".join(words[i : i + _SHINGLE_WORDS]).encode()) for i in runs}
    # A quarter is plenty to see an overlap; crc32 keeps the choice the same in every run.
    return {value for value in hashes if value % _KEEP_ONE_IN == 0} or hashes


def without_near_duplicates(
    documents: Iterable[Document], *, max_overlap: float = 0.3
) -> list[Document]:
    """Keeps each document unless too much of it was in the documents kept before it.

    Args:
        documents: the best copy of a text first.
        max_overlap: the share of a document's shingles that may have been seen already.

    Returns:
        The documents kept, in their order.
    """
    seen: set[int] = set()
    kept: list[Document] = []
    for document in documents:
        own = shingles(document.text)
        if len(own & seen) <= max_overlap * len(own):
            seen |= own
            kept.append(document)
    return kept


def split_off_validation(
    documents: Sequence[Document], *, share: float, seed: int
) -> tuple[list[Document], list[Document]]:
    """Splits whole documents, the same share from each source, into training and validation."""
    held_out: set[int] = set()
    for source in sorted({document.source for document in documents}):
        members = [i for i, document in enumerate(documents) if document.source == source]
        random.Random(f"{seed}:{source}").shuffle(members)
        held_out.update(members[: round(len(members) * share)])
    train = [document for i, document in enumerate(documents) if i not in held_out]
    validation = [document for i, document in enumerate(documents) if i in held_out]
    return train, validation
