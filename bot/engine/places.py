"""The places of an engine: who computes where, and what is kept there for the next text.

A place keeps what was computed until another sequence needs it. Used by `sequences` and
`scoring_run`; the rules of choice are in `prefixes`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bot.core.models import ModelShape
from bot.engine.api import EngineInfo
from bot.engine.prefixes import Record

Rows = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Chunk:
    """The next tokens of one sequence to compute; a pass has one chunk of a place at most.

    Attributes:
        place: the sequence's.
        tokens: ids.
        start: position of the first one.
        wanted: for which of them logits are needed: "none", "last" or "all".
    """

    place: int
    tokens: Sequence[int]
    start: int
    wanted: str


class Places:
    """Gives places to sequences and computes there.

    Args:
        info: what the engine can do.
        compute: see `SequenceEngine._compute`.
        truncate: see `SequenceEngine._truncate`.
        copy: see `SequenceEngine._copy`.
    """

    def __init__(
        self,
        info: EngineInfo,
        *,
        compute: Callable[[Sequence[Chunk]], Rows],
        truncate: Callable[[int, int], None],
        copy: Callable[[int, int, int], bool],
    ) -> None:
        self._n_places = info.max_sequences
        self._record = Record(info.max_sequences, info.n_ctx)
        self._compute, self._truncate, self._copy = compute, truncate, copy

    @property
    def n_free(self) -> int:
        """How many `take` can give."""
        return self._record.n_free

    def take(self, tokens: Sequence[int]) -> tuple[int, int]:
        """Gives away a place.

        Args:
            tokens: those that need no logits, so that what was computed of them may be reused.

        Returns:
            The place, and how many of the tokens are computed there; it holds nothing else.

        Raises:
            ValueError: all places are taken.
        """
        if not self.n_free:
            raise ValueError(f"all {self._n_places} places are taken")
        choice = self._record.choose(tokens)
        if choice.source is not None:
            if self._copied(choice.source, choice.place, choice.n_reused):
                self._record.take(choice.place)
                return choice.place, choice.n_reused
            choice = self._record.choose(tokens, may_copy=False)
        self._keep(choice.place, choice.n_reused)
        self._record.take(choice.place)
        return choice.place, choice.n_reused

    def reuse_more(self, place: int, tokens: Sequence[int]) -> int:
        """Copies what others have computed of the tokens since, where that is worth it.

        Args:
            place: taken, and nothing was computed there by its owner yet.
            tokens: those that need no logits.

        Returns:
            How many of the tokens are computed now.
        """
        choice = self._record.longer(place, tokens)
        if choice is not None and choice.source is not None:
            self._copied(choice.source, place, choice.n_reused)
        return self._record.length(place)

    def compute(self, chunks: Sequence[Chunk]) -> Rows:
        """Computes chunks in one pass; see `SequenceEngine._compute`.

        Raises:
            RuntimeError: the model failed; the places of the chunks hold nothing now.
        """
        try:
            rows = self._compute(chunks)
        except Exception:
            for chunk in chunks:
                self.empty(chunk.place)
            raise
        for chunk in chunks:
            self._record.write(chunk.place, chunk.start, chunk.tokens)
        return rows

    def release(self, place: int) -> None:
        """Takes a place back; what is computed there stays."""
        self._record.release(place)

    def empty(self, place: int) -> None:
        """Drops what is computed at a place, whatever state the engine has it in."""
        self._record.truncate(place, 0)
        self._truncate(place, 0)

    def forget(self) -> None:
        """Drops what is computed at free places."""
        for place in self._record.free:
            self._keep(place, 0)

    def _keep(self, place: int, n_tokens: int) -> None:
        if self._record.length(place) > n_tokens:
            self._record.truncate(place, n_tokens)
            self._truncate(place, n_tokens)

    def _copied(self, source: int, target: int, n_tokens: int) -> bool:
        if not self._copy(source, target, n_tokens):
            return False
        self._record.copy(source, target, n_tokens)
        return True


def kv_bytes(shape: ModelShape, *, n_places: int, bytes_per_number: int) -> int:
    """Bytes of keys and values: two rows of the model's width a layer and position."""
    return 2 * n_places * shape.n_ctx * shape.n_layer * shape.n_embd * bytes_per_number
