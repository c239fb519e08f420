"""Finds each row's likeliest tokens without looking at the whole vocabulary more than once.

The vocabulary is seen as blocks of ids. The j-th largest of a row's block maxima is a lower bound
of its j-th largest logit, so only blocks whose maximum reaches it can hold the j likeliest tokens.
Tokens whose logits are changed ("touched") are taken out and put in again with their new values,
so the matrix itself is never copied.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain, repeat

import numpy as np
import numpy.typing as npt

from bot.engine.sampling.sampler import Touched

Floats = npt.NDArray[np.float64]
Ids = npt.NDArray[np.int64]
Logits = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Matrix:
    """Some rows of logits, and the largest logit of each block of ids.

    Attributes:
        logits: shape [n_all, n_vocab]; the engine's own memory, never changed.
        places: where the n rows stand in it, shape [n].
        maxima: shape [n, n_blocks]; the last block may be shorter.
        block: how many ids a block has.
    """

    logits: Logits
    places: Ids
    maxima: Logits
    block: int

    @classmethod
    def of(cls, logits: Logits) -> "Matrix":
        """Looks at each logit once.

        Raises:
            RuntimeError: one is not a number or plus infinity, or a row has minus infinity only.
        """
        n_vocab = logits.shape[1]
        # Balances the number of blocks with their size: 128 for 50,257 ids, 4 for 64.
        block = 1 << max(0, int(0.6 * n_vocab**0.5).bit_length() - 1)
        starts = np.arange(0, n_vocab, block, dtype=np.int64)
        maxima = np.maximum.reduceat(logits, starts, axis=1)
        if not np.isfinite(maxima.max(axis=1)).all():  # a maximum with NaN is NaN
            raise RuntimeError("the model computed a number that is not finite")
        return cls(logits, np.arange(len(logits)), maxima, block)

    def rows(self, which: Sequence[int]) -> "Matrix":
        """Some of the rows; logits are not copied."""
        chosen = np.asarray(which)
        return Matrix(self.logits, self.places[chosen], self.maxima[chosen], self.block)

    def row(self, index: int) -> Logits:
        """One row's logits, shape [n_vocab]."""
        return self.logits[self.places[index]]

    @property
    def n_vocab(self) -> int:
        """How many ids there are."""
        return self.logits.shape[1]

    @property
    def n_blocks(self) -> int:
        """How many blocks a row has."""
        return self.maxima.shape[1]


@dataclass(frozen=True, slots=True)
class Changes:
    """The touched tokens of several rows, one after another.

    Attributes:
        rows: each one's row, ascending, shape [n_touched].
        ids: shape [n_touched]; none twice in a row.
        raws: their logits as they were, shape [n_touched].
        values: their logits as they count, shape [n_touched].
        counts: how many each row has, shape [n].
    """

    rows: Ids
    ids: Ids
    raws: Floats
    values: Floats
    counts: Ids

    def row(self, row: int) -> "Changes":
        """Those of one row, as row 0."""
        end = int(self.counts[: row + 1].sum())
        part = slice(end - int(self.counts[row]), end)
        return Changes(
            np.zeros(part.stop - part.start, dtype=np.int64),
            self.ids[part],
            self.raws[part],
            self.values[part],
            self.counts[row : row + 1],
        )


def change(matrix: Matrix, touched: Sequence[Touched], penalties: Sequence[float]) -> Changes:
    """Works out the new logits of touched tokens; ids beyond the vocabulary are left out.

    Args:
        matrix: of n rows.
        touched: of the same rows.
        penalties: the n rows' repetition penalties.
    """
    counts = np.array([len(one.ids) for one in touched], dtype=np.int64)
    n_touched = int(counts.sum())
    rows = np.repeat(np.arange(len(touched)), counts)
    ids = np.fromiter(chain.from_iterable(one.ids for one in touched), np.int64, n_touched)
    # Each row's penalized tokens come first, then those that are only shifted or banned.
    n_penalized = [(one.n_penalized, len(one.ids) - one.n_penalized) for one in touched]
    factors = np.repeat([(penalty, 1.0) for penalty in penalties], np.ravel(n_penalized))
    shifts = None
    if any(one.shifts for one in touched):
        in_order = chain.from_iterable(one.shifts or repeat(0.0, len(one.ids)) for one in touched)
        shifts = np.fromiter(in_order, np.float64, n_touched)
    if n_touched and ids.max() >= matrix.n_vocab:
        known = ids < matrix.n_vocab
        rows, ids, factors = rows[known], ids[known], factors[known]
        shifts = None if shifts is None else shifts[known]
        counts = np.bincount(rows, minlength=len(touched))
    raws = matrix.logits[matrix.places[rows], ids].astype(np.float64)
    # Makes recent tokens less likely, whatever the sign of their logit (CTRL, section 4.1).
    values = np.where(raws > 0, raws / factors, raws * factors)
    if shifts is not None:
        values += shifts
    return Changes(rows, ids, raws, values, counts)


def likeliest(matrix: Matrix, changes: Changes, ks: Ids) -> tuple[Ids, Floats]:
    """Each row's k likeliest tokens and more: all those that are as likely as some bound.

    Args:
        matrix: of n rows.
        changes: of the same rows.
        ks: the n rows' k, at least 1; where the vocabulary has fewer, all are found.

    Returns:
        Ids and logits as they count, shapes [n, n_candidates]: likeliest first, of equal ones the
        lowest id first. Shorter rows are filled with id 0 and minus infinity.
    """
    bounds = _bounds(matrix, changes, ks)
    rows, ids, values = _gather(matrix, changes, bounds)
    kept = changes.values >= bounds[changes.rows]
    rows = np.concatenate([rows, changes.rows[kept]])
    ids = np.concatenate([ids, changes.ids[kept]])
    values = np.concatenate([values, changes.values[kept]])
    order = np.argsort(rows * matrix.n_vocab + ids)  # no two are equal
    rows, ids, values = rows[order], ids[order], values[order]
    counts = np.bincount(rows, minlength=len(ks))
    columns = np.arange(len(rows)) - np.repeat(np.cumsum(counts) - counts, counts)
    shape = (len(ks), int(counts.max()))
    id_matrix, value_matrix = np.zeros(shape, np.int64), np.full(shape, -np.inf)
    id_matrix[rows, columns] = ids
    value_matrix[rows, columns] = values
    by_value = np.argsort(-value_matrix, axis=1, kind="stable")
    return (
        np.take_along_axis(id_matrix, by_value, axis=1),
        np.take_along_axis(value_matrix, by_value, axis=1),
    )


def _bounds(matrix: Matrix, changes: Changes, ks: Ids) -> Logits:
    """For each row a number that at least k tokens reach which are not touched.

    Minus infinity where there are fewer. What counts among the k likeliest of all then reaches
    it too, touched or not.
    """
    n_blocks = matrix.n_blocks
    bounds = np.full(len(ks), -np.inf, dtype=np.float32)
    by_blocks = ks + changes.counts <= n_blocks
    if by_blocks.any():
        found = _block_bounds(matrix, changes, ks)
        bounds[by_blocks] = found[by_blocks]
    for row in np.flatnonzero(~by_blocks).tolist():
        logits = matrix.row(row)
        rank = int(ks[row] + changes.counts[row])
        if rank < len(logits):
            at = len(logits) - rank
            bounds[row] = np.partition(logits, at)[at]
    return bounds


def _block_bounds(matrix: Matrix, changes: Changes, ks: Ids) -> Logits:
    """The bounds that block maxima give; right where there are at least as many blocks as needed.

    At least j tokens reach the j-th largest maximum. From j = k on, j grows by the touched ones
    among them until k others are left.
    """
    rows = np.arange(len(ks))
    ascending = np.sort(matrix.maxima, axis=1)
    ranks = ks
    while True:
        bounds = ascending[rows, np.maximum(matrix.n_blocks - ranks, 0)]
        in_the_way = changes.raws >= bounds[changes.rows]
        needed = ks + np.bincount(changes.rows[in_the_way], minlength=len(ks))
        if (needed <= ranks).all():
            return bounds
        ranks = np.maximum(ranks, needed)


def _gather(matrix: Matrix, changes: Changes, bounds: Logits) -> tuple[Ids, Ids, Floats]:
    """Rows, ids and logits of all tokens that reach their row's bound and are not touched."""
    n_vocab, block = matrix.n_vocab, matrix.block
    # `flatnonzero` is several times faster than `nonzero` of two dimensions.
    rows, blocks = np.divmod(np.flatnonzero(matrix.maxima >= bounds[:, None]), matrix.n_blocks)
    starts = np.minimum(blocks * block, n_vocab - block)  # the last one overlaps that before it
    windows = np.lib.stride_tricks.sliding_window_view(matrix.logits, block, axis=1)
    found = windows[matrix.places[rows], starts]
    found[blocks == matrix.n_blocks - 1, : matrix.n_blocks * block - n_vocab] = np.nan
    places = np.full(matrix.maxima.shape, -1)
    places[rows, blocks] = np.arange(len(rows))
    touched_at = places[changes.rows, changes.ids // block]
    seen = touched_at >= 0
    touched_at, touched_ids = touched_at[seen], changes.ids[seen]
    found[touched_at, touched_ids - starts[touched_at]] = np.nan  # reaches no bound
    at, columns = np.divmod(np.flatnonzero(found >= bounds[rows, None]), block)
    return rows[at], starts[at] + columns, found[at, columns].astype(np.float64)
