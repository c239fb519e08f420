"""How likely a text is: rows of logits made into scores, and texts longer than the window.

Called by `scoring_run` and by whoever evaluates a model.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Protocol

import numpy as np
import numpy.typing as npt

from bot.engine.api import EngineInfo, ScoreRequest, Scores

# Numbers looked at together: 20 rows of GPT-2's vocabulary, 8 MB in float64 and as much for what is
# made of them. All rows of a window would be 400 MB.
_BLOCK_NUMBERS = 2**20


class Scorer(Protocol):
    """The part of an engine that scoring needs."""

    @property
    def info(self) -> EngineInfo:
        """What the engine can do."""
        ...

    def score_batch(self, requests: Sequence[ScoreRequest]) -> list[Scores]:
        """See `Engine.score_batch`."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """A part of a long text that is scored by itself.

    Attributes:
        begin: index of its first token.
        end: index behind its last token.
        scored_from: index of the first token whose score counts.
    """

    begin: int
    end: int
    scored_from: int


def score_long(
    engine: Scorer,
    tokens: Sequence[int],
    *,
    stride: int,
    bos: int | None = None,
    n_alternatives: int = 0,
) -> Scores:
    """Scores a text of any length by windows that slide over it.

    The first window scores all of its tokens after the first; each later one begins `stride`
    tokens further on and scores its last `stride` tokens only, so that each of those has at least
    `n_ctx - stride` tokens before it. This is how GPT-2's perplexities are commonly reproduced
    (https://huggingface.co/docs/transformers/perplexity); its paper (section 3.1) gives no stride.

    Cost: about `n_tokens / stride` windows, each computed whole. Nothing is reused between them:
    GPT-2's positions are absolute, so the same token at another position is another computation.
    A stride of 32 costs 16 times what one of 512 does.

    Args:
        engine: needs a free place.
        tokens: of the text, any number of them.
        stride: 1 to `n_ctx - 1` tokens; the smaller, the more context each token has.
        bos: an id put before the text, so that its first token is scored as well; or None.
        n_alternatives: likeliest tokens to name at each position.

    Returns:
        Scores of every token after the first (with `bos`: of every token), each exactly once.

    Raises:
        ValueError: the stride is out of range, or as `Engine.score_batch` raises it.
        RuntimeError: as `Engine.score_batch` raises it.
    """
    text = [*tokens] if bos is None else [bos, *tokens]
    requests = (
        ScoreRequest(
            tokens=text[window.begin : window.end],
            start=window.scored_from - window.begin,
            n_alternatives=n_alternatives,
        )
        for window in windows(len(text), n_ctx=engine.info.n_ctx, stride=stride)
    )
    found: list[Scores] = []
    while some := list(islice(requests, engine.info.max_sequences)):
        found += engine.score_batch(some)
    return joined(found, n_alternatives)


def windows(n_tokens: int, *, n_ctx: int, stride: int) -> Iterator[Window]:
    """The windows that `score_long` scores, in order; none for a text of less than two tokens.

    Raises:
        ValueError: the stride is not 1 to `n_ctx - 1`.
    """
    if not 1 <= stride <= n_ctx - 1:
        raise ValueError(f"a stride is 1 to {n_ctx - 1} tokens, not {stride}")
    begin, scored = 0, 1
    while scored < n_tokens:
        end = min(begin + n_ctx, n_tokens)
        yield Window(begin=begin, end=end, scored_from=scored)
        begin, scored = begin + stride, end


def score_rows(
    rows: npt.NDArray[np.float32], targets: Sequence[int], n_alternatives: int = 0
) -> Scores:
    """What rows of logits say of the tokens that follow.

    Args:
        rows: shape [n, n_vocab]; only read.
        targets: n ids, the token after each row.
        n_alternatives: likeliest tokens to name for each row, 0 to `n_vocab`.

    Raises:
        RuntimeError: a logit is not finite, as a damaged model makes them.
    """
    size = max(1, _BLOCK_NUMBERS // rows.shape[1])
    blocks = [
        _score_block(rows[start : start + size], targets[start : start + size], n_alternatives)
        for start in range(0, len(targets), size)
    ]
    return joined(blocks, n_alternatives)


def joined(parts: Sequence[Scores], n_alternatives: int) -> Scores:
    """Scores one after the other, as those of one text."""
    nothing = Scores(
        logprobs=np.zeros(0),
        ranks=np.zeros(0, dtype=np.int64),
        alternatives=np.zeros((0, n_alternatives), dtype=np.int64),
        alternative_logprobs=np.zeros((0, n_alternatives)),
    )
    parts = [nothing, *parts]
    return Scores(
        logprobs=np.concatenate([part.logprobs for part in parts]),
        ranks=np.concatenate([part.ranks for part in parts]),
        alternatives=np.concatenate([part.alternatives for part in parts]),
        alternative_logprobs=np.concatenate([part.alternative_logprobs for part in parts]),
    )


def part_of(scores: Scores, start: int, end: int) -> Scores:
    """The scores of some of the tokens."""
    return Scores(
        logprobs=scores.logprobs[start:end],
        ranks=scores.ranks[start:end],
        alternatives=scores.alternatives[start:end],
        alternative_logprobs=scores.alternative_logprobs[start:end],
    )


def _score_block(
    rows: npt.NDArray[np.float32], targets: Sequence[int], n_alternatives: int
) -> Scores:
    """All rows at once, the softmax in float64."""
    exact = rows.astype(np.float64)
    highest: npt.NDArray[np.float64] = exact.max(axis=1)
    if not np.isfinite(highest).all():  # also where any one is not a number
        raise RuntimeError("the model computed a number that is not finite")
    chosen: npt.NDArray[np.float64] = exact[np.arange(len(targets)), np.asarray(targets)]
    ranks = (exact > chosen[:, None]).sum(axis=1)
    likeliest = _likeliest(rows, n_alternatives)
    alternatives: npt.NDArray[np.float64] = np.take_along_axis(exact, likeliest, axis=1)
    exact -= highest[:, None]
    totals = highest + np.log(np.exp(exact, out=exact).sum(axis=1))
    return Scores(
        logprobs=chosen - totals,
        ranks=ranks,
        alternatives=likeliest,
        alternative_logprobs=alternatives - totals[:, None],
    )


def _likeliest(rows: npt.NDArray[np.float32], n: int) -> npt.NDArray[np.int64]:
    """The ids of each row's n largest numbers, the largest first; equal ones by id; [n_rows, n]."""
    found = np.zeros((len(rows), n), dtype=np.int64)
    if n == 0:
        return found
    bounds = np.partition(rows, -n, axis=1)[:, -n]
    for index, (row, bound) in enumerate(zip(rows, bounds, strict=True)):
        ids = np.flatnonzero(row >= bound)
        found[index] = ids[np.argsort(-row[ids], kind="stable")][:n]
    return found
