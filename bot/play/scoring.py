"""How guesses are scored: by proper rules, under which it pays to say what one believes.

Log score: I. J. Good, Rational Decisions, 1952. Brier score: G. W. Brier, Verification of
Forecasts Expressed in Terms of Probability, 1950.
"""

import math
from collections.abc import Iterable, Sequence

FLOOR = 0.01  # the least that is bet on anything: nobody loses without end
POINTS_PER_BIT = 50
_SMALLEST_SHARE = 1e-6  # of a model that gives an option next to nothing


def shares(bets: Sequence[float]) -> tuple[float, ...]:
    """Bets as probabilities: each at least `FLOOR`, all together 1.

    Args:
        bets: not negative, at least one of them above 0; as many as there are options, at most 50.
    """
    total = math.fsum(bets)
    free = 1 - FLOOR * len(bets)
    return tuple(FLOOR + free * bet / total for bet in bets)


def softmax(logprobs: Sequence[float]) -> tuple[float, ...]:
    """A model's probabilities of some options, given that it is one of them."""
    most = max(logprobs)
    weights = [max(math.exp(one - most), _SMALLEST_SHARE) for one in logprobs]
    total = math.fsum(weights)
    return tuple(weight / total for weight in weights)


def bits(share: float) -> float:
    """How surprising it is that something came true which had this probability."""
    return -math.log2(share)


def payout(share: float, n_options: int) -> int:
    """Points for a bet: 50 for each bit that it knew more than chance, less where it knew less."""
    return round(POINTS_PER_BIT * (math.log2(n_options) - bits(share)))


def brier(confidence: float, came_true: bool) -> float:
    """Squared distance between a probability and what happened: 0 is perfect, 0.25 a coin's."""
    return (confidence - came_true) ** 2


def mean(values: Iterable[float]) -> float | None:
    """The mean, or None of nothing."""
    found = list(values)
    return math.fsum(found) / len(found) if found else None
