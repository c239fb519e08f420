"""Probabilities of given tokens: of those that were drawn, and of a text that is scored."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt


def log_probability(logits: npt.NDArray[np.float32], token: int) -> float:
    """The log of one token's probability before any parameter is applied.

    Args:
        logits: shape [n_vocab].
        token: id.
    """
    row = logits.astype(np.float64)
    highest = row.max()
    return float(row[token] - highest - np.log(np.exp(row - highest).sum()))


def score_rows(
    logits: npt.NDArray[np.float32], targets: Sequence[int]
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]]:
    """Log-probability and rank of each row's target.

    Args:
        logits: shape [n, n_vocab].
        targets: n ids.

    Returns:
        Natural logs and ranks (0 = the likeliest), shapes [n].
    """
    rows = logits.astype(np.float64)
    chosen = rows[np.arange(len(targets)), np.asarray(targets)]
    highest = rows.max(axis=1)
    totals = highest + np.log(np.exp(rows - highest[:, None]).sum(axis=1))
    return chosen - totals, (rows > chosen[:, None]).sum(axis=1)
