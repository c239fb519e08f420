"""The house player's detector: simple, stated, and often wrong.

A text that the model finds likelier for its length than the others is taken for the model's. That
is the oldest detector of GPT-2's samples (arXiv 1908.09203, section 5.1: about 80 % right at its
best), and it says nothing about who wrote a text: only about how predictable it is to this model.
"""

import math
from collections.abc import Sequence

_STEEPNESS = 1.5  # how sure it gets with each standard deviation
_LEAST = 0.05  # it is never certain


def suspicions(texts: Sequence[str], logprobs: Sequence[float]) -> tuple[float, ...]:
    """Of each text, how sure the house is that the model wrote it, 0 to 1.

    Args:
        texts: none of them empty.
        logprobs: natural logarithm of each one's probability.
    """
    per_character = [logprob / len(text) for text, logprob in zip(texts, logprobs, strict=True)]
    mean = math.fsum(per_character) / len(per_character)
    spread = math.sqrt(math.fsum((one - mean) ** 2 for one in per_character) / len(per_character))
    if spread == 0 or not math.isfinite(spread):
        return (0.5,) * len(texts)
    return tuple(_sure((one - mean) / spread) for one in per_character)


def _sure(deviations: float) -> float:
    share = 1 / (1 + math.exp(-_STEEPNESS * deviations))
    return min(max(share, _LEAST), 1 - _LEAST)
