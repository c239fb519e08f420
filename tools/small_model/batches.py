"""Endless weighted batches of tokens, and the held-out windows for the validation loss.

Called by ``tools.small_model.training``. Holds all tokens in memory; draws by a seed.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import torch

from tools.small_model.documents import weight_of

Encoded = list[int]
IGNORED = -100


@dataclass(slots=True, kw_only=True)
class Source:
    """The encoded documents of one source, read in a new order each time round."""

    name: str
    documents: Sequence[Encoded]
    end_id: int
    random: random.Random
    tokens_drawn: int = 0
    _rest: Encoded = field(default_factory=list)
    _order: list[int] = field(default_factory=list)

    @property
    def token_count(self) -> int:
        """Tokens of one time round, with one end mark a document."""
        return sum(map(len, self.documents)) + len(self.documents)

    def draw(self, length: int) -> Encoded:
        """The next ``length`` tokens of the stream ``<end> story <end> story …``."""
        while len(self._rest) < length:
            if not self._order:
                self._order = self.random.sample(range(len(self.documents)), len(self.documents))
            self._rest += [self.end_id, *self.documents[self._order.pop()]]
        drawn, self._rest = self._rest[:length], self._rest[length:]
        self.tokens_drawn += length
        return drawn


@dataclass(slots=True, kw_only=True)
class Mixture:
    """Draws each row of a batch from one source, in proportion to its size times its weight."""

    sources: Sequence[Source]
    weights: Mapping[str, float]
    random: random.Random

    def shares(self) -> list[float]:
        """The share of rows that each source gets."""
        sizes = [
            source.token_count * weight_of(source.name, self.weights) for source in self.sources
        ]
        return [size / sum(sizes) for size in sizes]

    def batches(self, *, rows: int, context: int) -> Iterator[torch.Tensor]:
        """Batches of shape (rows, context + 1), for ever."""
        shares = self.shares()
        while True:
            chosen = self.random.choices(self.sources, shares, k=rows)
            yield torch.tensor([source.draw(context + 1) for source in chosen])


def windows(
    documents: Sequence[Encoded], *, end_id: int, context: int
) -> list[tuple[Encoded, Encoded]]:
    """Inputs and targets that cover every token of every document exactly once as a target."""
    pairs: list[tuple[Encoded, Encoded]] = []
    for document in documents:
        stream = [end_id, *document]
        for start in range(0, len(document), context):
            stop = min(start + context, len(document))
            pairs.append((stream[start:stop], stream[start + 1 : stop + 1]))
    return pairs


def padded(
    pairs: Sequence[tuple[Encoded, Encoded]], *, end_id: int
) -> tuple[torch.Tensor, torch.Tensor]:
    """Inputs and targets, each of shape (rows, longest); padding targets are ignored."""
    longest = max(len(inputs) for inputs, _ in pairs)
    inputs = [row + [end_id] * (longest - len(row)) for row, _ in pairs]
    targets = [row + [IGNORED] * (longest - len(row)) for _, row in pairs]
    return torch.tensor(inputs), torch.tensor(targets)
