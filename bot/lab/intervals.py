"""95 % intervals of what was measured on a sample of items."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

_Z = 1.959963984540054  # the normal distribution's 97.5 % point


@dataclass(frozen=True, slots=True)
class Estimate:
    """A measured value and where the true one lies with 95 % confidence; None = not known."""

    value: float
    low: float | None = None
    high: float | None = None


def share(n_right: float, n: int) -> Estimate:
    """A share of right answers, 0 to 1, by Wilson (1927), which also holds near 0 and 1."""
    if n == 0:
        return Estimate(0.0)
    p = n_right / n
    width = _Z**2 / n
    center = (p + width / 2) / (1 + width)
    half = _Z / (1 + width) * math.sqrt(p * (1 - p) / n + width / (4 * n))
    return Estimate(p, max(0.0, center - half), min(1.0, center + half))


def mean(values: Sequence[float]) -> Estimate:
    """A mean of scores, by the normal approximation."""
    return ratio(values, [1.0] * len(values))


def ratio(numerators: Sequence[float], denominators: Sequence[float]) -> Estimate:
    """The sum of some over the sum of others, items being what was sampled (delta method).

    Cochran, Sampling Techniques (1977), section 6.4: nats and tokens of a passage go together, so
    that it is passages that vary, not tokens.
    """
    n, total = len(numerators), math.fsum(denominators)
    if n == 0 or total == 0:
        return Estimate(0.0)
    value = math.fsum(numerators) / total
    if n == 1:
        return Estimate(value)
    pairs = zip(numerators, denominators, strict=True)
    squares = math.fsum((above - value * below) ** 2 for above, below in pairs)
    half = _Z * math.sqrt(squares * n / (n - 1)) / total
    return Estimate(value, value - half, value + half)


def scaled(estimate: Estimate, factor: float) -> Estimate:
    """The same in another unit."""
    low, high = estimate.low, estimate.high
    return Estimate(
        estimate.value * factor,
        None if low is None else low * factor,
        None if high is None else high * factor,
    )


def exponential(estimate: Estimate) -> Estimate:
    """Of nats per unit, the perplexity."""
    low, high = estimate.low, estimate.high
    return Estimate(
        exp(estimate.value), None if low is None else exp(low), None if high is None else exp(high)
    )


def exp(nats: float) -> float:
    """e to the nats, or infinity where that is no float any more."""
    return math.exp(nats) if nats < 709 else math.inf
