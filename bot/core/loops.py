"""Whether a text has fallen into a loop, as a small GPT-2 does. Asked by `worker/generation`."""

from collections.abc import Sequence

_WINDOW = 64  # tokens that are looked at
_GRAM = 4
_MIN_REPEATS = 4  # how often one n-gram is said again
_MIN_LOOP_TOKENS = 16  # so short a repetition ("ha ha ha", a row of dashes) may be meant


def tokens_before_loop(tokens: Sequence[int]) -> int | None:
    """Where to cut a text that has fallen into a loop: after the loop's first repeat.

    Two signs of a loop, both among the newest 64 tokens: the newest 4-gram stands there at least
    five times, or the end is one period said again four times or more, over at least 16 tokens
    (a single token, or a few).

    Args:
        tokens: of the text so far.

    Returns:
        How many tokens to keep: up to the loop's first occurrence and at most one repeat of it;
        or None where there is no loop.
    """
    window = list(tokens[-_WINDOW:])
    before = len(tokens) - len(window)
    kept = _kept_of_period(window)
    if kept is None:
        kept = _kept_of_gram(window)
    return None if kept is None else before + kept


def _kept_of_period(window: list[int]) -> int | None:
    """For an end that is one period again and again."""
    for period in range(1, len(window) // (_MIN_REPEATS + 1) + 1):
        start = len(window) - period
        while start > 0 and window[start - 1] == window[start - 1 + period]:
            start -= 1
        length = len(window) - start
        if length >= max(_MIN_LOOP_TOKENS, period * (_MIN_REPEATS + 1)):
            return start + 2 * period
    return None


def _kept_of_gram(window: list[int]) -> int | None:
    """For a newest 4-gram that came again and again, with other tokens in between."""
    gram = window[-_GRAM:]
    starts = [
        start for start in range(len(window) - _GRAM + 1) if window[start : start + _GRAM] == gram
    ]
    apart = [start for n, start in enumerate(starts) if n == 0 or start - starts[n - 1] >= _GRAM]
    if len(apart) <= _MIN_REPEATS:
        return None
    return apart[1] + _GRAM
