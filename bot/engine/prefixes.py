"""Which place a sequence gets, and what of it is computed already. Pure; called by `places`.

What a model computed of some tokens serves every text that begins with the same ones, since no
position looks ahead (arXiv:2309.06180 shares such prefixes by blocks; here a place is one piece).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

# So many tokens more make a copy worth its while, and a match worth the rest of what a place held.
WORTH_A_COPY = 16
_NOTHING = -1  # no token's id


def common_prefix(first: Sequence[int], second: Sequence[int]) -> int:
    """With how many equal tokens two texts begin.

    By halves, as comparing slices is far quicker than comparing tokens.
    """
    equal, end = 0, min(len(first), len(second))
    if first[:end] == second[:end]:
        return end
    while end - equal > 1:  # the first difference lies in [equal, end)
        middle = (equal + end) // 2
        if first[equal:middle] == second[equal:middle]:
            equal = middle
        else:
            end = middle
    return equal


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """Where a sequence goes.

    Attributes:
        place: a free one.
        n_reused: positions that need not be computed.
        source: the place to copy them from; None = they are at `place` already.
    """

    place: int
    n_reused: int
    source: int | None = None


class Record:
    """What is computed at each place, and which places are free.

    Args:
        n_places: places there are.
        n_ctx: positions of each.
    """

    def __init__(self, n_places: int, n_ctx: int) -> None:
        # One matrix, so that a text is compared with all places at once: 32 places of 1,024
        # tokens take some 0.15 ms.
        self._tokens = np.full((n_places, n_ctx), _NOTHING, dtype=np.int32)
        self._lengths = [0] * n_places
        self._last_used = [0] * n_places
        self._free = set(range(n_places))
        self._clock = 0

    @property
    def n_free(self) -> int:
        """Places that nobody has."""
        return len(self._free)

    @property
    def free(self) -> list[int]:
        """Their numbers."""
        return sorted(self._free)

    def length(self, place: int) -> int:
        """Positions computed at a place."""
        return self._lengths[place]

    def choose(self, tokens: Sequence[int], *, may_copy: bool = True) -> Choice:
        """The best free place for tokens; nothing changes yet.

        A free place that holds much of them is taken as it is. Where another one, free or not,
        holds more by a margin, that is copied to the free place that is missed least. Else that
        one is taken for itself: what it happens to share costs nothing.

        Args:
            tokens: those that may be reused.
            may_copy: whether the engine can.
        """
        shared = self._shared(tokens)
        useful = [place for place in self._free if self._is_useful(place, shared[place])]
        # Of places that share as much, the one that loses least, then the one used last.
        best = max(
            useful, key=lambda one: (shared[one], -self._lengths[one], self._last_used[one]),
            default=None,
        )  # fmt: skip
        at_best = 0 if best is None else shared[best]
        source = max(range(len(shared)), key=shared.__getitem__)
        if may_copy and shared[source] >= at_best + WORTH_A_COPY:
            target = self._least_missed()
            if shared[source] >= shared[target] + WORTH_A_COPY:
                return Choice(place=target, n_reused=shared[source], source=source)
            return Choice(place=target, n_reused=shared[target])
        place = self._least_missed() if best is None else best
        return Choice(place=place, n_reused=shared[place])

    def longer(self, place: int, tokens: Sequence[int]) -> Choice | None:
        """Another place that holds more of the tokens than this one does, by a margin.

        Args:
            place: holds nothing but the first of these tokens.
            tokens: those that may be reused.
        """
        shared = self._shared(tokens)
        source = max(range(len(shared)), key=shared.__getitem__)
        if shared[source] < self._lengths[place] + WORTH_A_COPY:
            return None
        return Choice(place=place, n_reused=shared[source], source=source)

    def take(self, place: int) -> None:
        """Somebody has a free place now."""
        self._free.remove(place)

    def release(self, place: int) -> None:
        """Nobody has it any longer; what is computed there stays."""
        self._free.add(place)
        self._clock += 1
        self._last_used[place] = self._clock

    def write(self, place: int, start: int, tokens: Sequence[int]) -> None:
        """Tokens were computed, from a position on."""
        end = start + len(tokens)
        self._tokens[place, start:end] = tokens
        self._lengths[place] = end

    def truncate(self, place: int, n_tokens: int) -> None:
        """Only the first positions are left."""
        self._tokens[place, n_tokens:] = _NOTHING
        self._lengths[place] = n_tokens

    def copy(self, source: int, target: int, n_tokens: int) -> None:
        """A place holds the first positions of another, and nothing else."""
        self._tokens[target, :n_tokens] = self._tokens[source, :n_tokens]
        self.truncate(target, n_tokens)

    def _shared(self, tokens: Sequence[int]) -> list[int]:
        """With how many of the tokens each place begins."""
        if not tokens:
            return [0] * len(self._lengths)
        differs: npt.NDArray[np.bool_] = self._tokens[:, : len(tokens)] != np.asarray(
            tokens, np.int32
        )
        firsts = np.where(differs.any(axis=1), differs.argmax(axis=1), len(tokens))
        return [int(first) for first in firsts]

    def _is_useful(self, place: int, n_shared: int) -> bool:
        """Whether what is shared is worth the rest, which goes."""
        return n_shared >= WORTH_A_COPY or 0 < n_shared == self._lengths[place]

    def _least_missed(self) -> int:
        """An empty free place, else the one not used for longest, of those the shortest."""
        return min(
            self._free,
            key=lambda one: (
                self._lengths[one] > 0, self._last_used[one], self._lengths[one], one
            ),
        )  # fmt: skip
