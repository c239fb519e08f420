"""Scores a text a chunk at a time, with others' steps in between. Called by the worker's loop.

`scoring.score_long` gives the same numbers in one call.
"""

from collections.abc import Iterator, Sequence
from typing import Protocol

import numpy as np
import numpy.typing as npt

from bot.engine.api import EngineInfo, Scores
from bot.engine.scoring import Window, joined, score_rows, windows


class LogitsSource(Protocol):
    """The part of an engine that this needs."""

    @property
    def info(self) -> EngineInfo:
        """What the engine can do."""
        ...

    def logits(self, tokens: Sequence[int]) -> Iterator[npt.NDArray[np.float32]]:
        """See `Engine.logits`."""
        ...


def score_pieces(
    engine: LogitsSource,
    tokens: Sequence[int],
    *,
    bos: int | None = None,
    n_alternatives: int = 0,
    stride: int | None = None,
) -> Iterator[Scores]:
    """Computes one chunk of at most `max_chunk_tokens` each time it is asked for more.

    Args:
        engine: needs a free place from the first chunk on, until this is exhausted or dropped.
        tokens: of the text, any number of them.
        bos: an id put before the text, so that its first token is scored as well; or None.
        n_alternatives: likeliest tokens to name at each position.
        stride: of the windows of a text longer than `n_ctx` (`scoring.windows`); None = half of
            `n_ctx`, so that a token there has at least so many before it, and costs twice.

    Yields:
        The scores that came out of each chunk, in order; of some chunks none. Together those of
        every token after the first (with `bos`: of every token).

    Raises:
        ValueError: like `Engine.add`.
        RuntimeError: like `Engine.step`.
    """
    text = [*tokens] if bos is None else [bos, *tokens]
    n_ctx = engine.info.n_ctx
    for window in windows(len(text), n_ctx=n_ctx, stride=stride or n_ctx // 2):
        yield from _window_pieces(engine, text, window, n_alternatives)


def _window_pieces(
    engine: LogitsSource, text: Sequence[int], window: Window, n_alternatives: int
) -> Iterator[Scores]:
    at = window.begin  # the token after which the next row comes
    for rows in engine.logits(text[window.begin : window.end - 1]):
        end = at + len(rows)
        first = max(at, window.scored_from - 1)
        if first < end:
            yield score_rows(rows[first - at :], text[first + 1 : end + 1], n_alternatives)
        else:
            yield joined([], n_alternatives)
        at = end
