"""How good a model's guesses are, and how near to another's. Pure; all in float64 and nats."""

import math

import numpy as np
import numpy.typing as npt

Logits = npt.NDArray[np.float32]
Numbers = npt.NDArray[np.float64]

_LARGEST_EXPONENT = 700.0  # e to more is no float any more


def log_softmax(logits: Logits) -> Numbers:
    """Logs of the probabilities that rows of logits mean; shape [n, n_vocab]."""
    rows = logits.astype(np.float64)
    rows -= rows.max(axis=1, keepdims=True)
    return rows - np.log(np.exp(rows).sum(axis=1, keepdims=True))


def kl_divergence(best: Logits, other: Logits) -> Numbers:
    """What is lost where one model's guesses stand for another's: KL(best ‖ other) of each row.

    Args:
        best: shape [n, n_vocab].
        other: the same shape.

    Returns:
        Nats, shape [n]; 0 where both rows mean the same.
    """
    expected, found = log_softmax(best), log_softmax(other)
    divergence: Numbers = (np.exp(expected) * (expected - found)).sum(axis=1)
    return np.maximum(divergence, 0)  # never below 0 but by rounding


def agreements(best: Logits, other: Logits) -> npt.NDArray[np.bool_]:
    """Whether both find the same token the likeliest, for each row; shape [n]."""
    return best.argmax(axis=1) == other.argmax(axis=1)


def perplexity(logprobs: Numbers) -> float:
    """Between how many equally likely tokens the model was in doubt, on average.

    Args:
        logprobs: natural logs of what it gave each token of a text, at least one.
    """
    return math.exp(min(-float(logprobs.mean()), _LARGEST_EXPONENT))


def bits_per_byte(logprobs: Numbers, bytes_per_token: float) -> float:
    """The size of a text that is packed with the model; tokens of any vocabulary compare.

    Args:
        logprobs: as for `perplexity`.
        bytes_per_token: of the text, on average.
    """
    return -float(logprobs.mean()) / math.log(2) / bytes_per_token
