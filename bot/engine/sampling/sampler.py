"""One request's state while it is drawn for: its random stream and which tokens it changes.

Made by the engine for each sequence; read by `batch`.
"""

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

import numpy as np

from bot.core.banned import completions
from bot.core.sampling import BAN_BIAS, SamplingParams


class Strictness(IntEnum):
    """Which bans hold; each one down is for a row where the one above leaves nothing to draw."""

    NONE = 0  # any token may be drawn, even suppressed ones
    SUPPRESSED = 1  # banned tokens may
    BANS = 2  # those that make an n-gram repeat may
    ALL = 3


@dataclass(frozen=True, slots=True)
class Touched:
    """The tokens of one row whose logits are changed.

    Attributes:
        ids: each once; those that the repetition penalty is for come first.
        n_penalized: how many of them these are.
        shifts: what is added to each one's logit, minus infinity for a ban; empty for nothing.
    """

    ids: list[int]
    n_penalized: int
    shifts: list[float]


class Sampler:
    """Draws the tokens of one request.

    Args:
        params: how to draw.
        suppressed_ids: tokens that are never drawn.
    """

    def __init__(self, params: SamplingParams, suppressed_ids: Sequence[int] = ()) -> None:
        self.params = params
        self._random = np.random.Generator(np.random.PCG64(params.seed))
        suppressed = dict.fromkeys(suppressed_ids, -math.inf)
        bias = dict(params.logit_bias)
        mild = {token: value for token, value in bias.items() if value > BAN_BIAS}
        banned = dict.fromkeys(bias.keys() - mild.keys(), -math.inf)
        self._endings: dict[int, list[tuple[int, ...]]] = defaultdict(list)
        for sequence in params.banned_tokens:
            if len(sequence) == 1:
                banned[sequence[0]] = -math.inf
            else:
                self._endings[sequence[-2]].append(sequence)
        without_bans = mild | suppressed
        self._fixed = {
            Strictness.NONE: mild,
            Strictness.SUPPRESSED: without_bans,
            Strictness.BANS: without_bans | banned,
            Strictness.ALL: without_bans | banned,
        }

    def next_uniform(self) -> float:
        """The next number of the request's stream, from 0 to below 1; one for each token."""
        return self._random.random()

    def touched(self, known: Sequence[int], strictness: Strictness) -> Touched:
        """The tokens whose logits are changed after the tokens `known`."""
        params = self.params
        recent: set[int] = set()
        if params.repetition_penalty > 1 and params.repetition_window and not self._is_openai:
            recent = set(known[-params.repetition_window :])
        shifts = self._shifts(known, strictness)
        if not shifts:
            return Touched(list(recent), len(recent), [])
        ids = [*recent, *(token for token in shifts if token not in recent)]
        return Touched(ids, len(recent), [shifts.get(token, 0.0) for token in ids])

    @property
    def _is_openai(self) -> bool:
        return self.params.openai_semantics

    def _shifts(self, known: Sequence[int], strictness: Strictness) -> dict[int, float]:
        banned: set[int] = set()
        if strictness >= Strictness.BANS and self._endings and known:
            for sequence in self._endings.get(known[-1], ()):
                if tuple(known[1 - len(sequence) :]) == sequence[:-1]:
                    banned.add(sequence[-1])
        n = self.params.no_repeat_ngram
        if strictness >= Strictness.ALL and n and not self._is_openai:
            banned |= completions(known, n)
        fixed = self._fixed[strictness]
        return fixed | dict.fromkeys(banned, -math.inf) if banned else fixed
