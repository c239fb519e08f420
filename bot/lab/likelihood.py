"""How likely whole texts are: perplexity by any unit, bits, and windows over long texts (§3.1)."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bot.lab.api import Dialogue, LabModel, ScoreAsk, score

_LARGEST_EXPONENT = 700.0  # e to more is no float any more


@dataclass(frozen=True, slots=True, kw_only=True)
class Likelihood:
    """What a text cost a model.

    Attributes:
        nll: nats, over all tokens that were scored.
        n_scored: how many those were.
        n_tokens: of the text.
        n_words: by blanks, counted on the text as it was before any de-tokenizing.
        n_bytes: in UTF-8, likewise.
        n_characters: likewise.
    """

    nll: float
    n_scored: int
    n_tokens: int
    n_words: int
    n_bytes: int
    n_characters: int

    def perplexity(self, n_units: int) -> float:
        """e to the nats per unit: `n_scored` for tokens, `n_words` for words (openai/gpt-2#78)."""
        return math.exp(min(self.nll / max(1, n_units), _LARGEST_EXPONENT))

    @property
    def bits_per_byte(self) -> float:
        """How many bits the model would pack a byte into."""
        return self.nll / math.log(2) / max(1, self.n_bytes)

    @property
    def bits_per_character(self) -> float:
        """The same by characters."""
        return self.nll / math.log(2) / max(1, self.n_characters)


def likelihood(
    model: LabModel, text: str, *, original: str | None = None, stride: int | None = None
) -> Dialogue[Likelihood]:
    """Scores a text of any length.

    Args:
        model: scores it.
        text: as the model reads it.
        original: as units are counted, where that is another form of it.
        stride: tokens between windows; None = half the model's window.
    """
    tokens = model.vocabulary.encode(text)
    counted = text if original is None else original
    whole = (*model.before, *tokens)
    asks = list(window_asks(whole, n_ctx=model.n_ctx, stride=stride or model.n_ctx // 2))
    found = yield from score(asks)
    logprobs = [logprob for one in found for logprob in one.logprobs]
    return Likelihood(
        nll=-math.fsum(logprobs),
        n_scored=len(logprobs),
        n_tokens=len(tokens),
        n_words=len(counted.split()),
        n_bytes=len(counted.encode()),
        n_characters=len(counted),
    )


def window_asks(tokens: Sequence[int], *, n_ctx: int, stride: int) -> Iterator[ScoreAsk]:
    """Windows over tokens: the first scores all but its first, later ones their last `stride`.

    A stride of the whole window makes windows that don't overlap but for the one token that each
    needs before it.

    Raises:
        ValueError: the stride is not 1 to `n_ctx`.
    """
    if not 1 <= stride <= n_ctx:
        raise ValueError(f"a stride is 1 to {n_ctx} tokens, not {stride}")
    step = min(stride, n_ctx - 1)  # a window's first token has nothing before it
    begin, scored = 0, 1
    while scored < len(tokens):
        end = min(begin + n_ctx, len(tokens))
        yield ScoreAsk(tokens=tuple(tokens[begin:end]), start=scored - begin)
        begin, scored = begin + step, end
