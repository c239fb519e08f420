"""Texts that are being scored between the steps of others: a chunk of one of them after each step.

Owned by `engine_loop`, which runs the turns in the engine's thread. Knows nothing of jobs.
"""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from bot.engine.api import Engine, Scores
from bot.engine.score_pieces import score_pieces
from bot.engine.scoring import joined


@dataclass(slots=True, kw_only=True, eq=False)
class _Scoring:
    """A text that is being scored.

    Attributes:
        pieces: computes a chunk each time it is asked, in the engine's thread.
        answer: told when all is there, or why not.
        found: what came out so far.
        has_place: whether it has begun.
    """

    pieces: Iterator[Scores]
    answer: asyncio.Future[None]
    found: list[Scores] = field(default_factory=list[Scores])
    has_place: bool = False


@dataclass(slots=True, kw_only=True)
class ScoringTurn:
    """What the engine's thread has to do in one turn, and what came of it.

    Attributes:
        dropped: whose places get free.
        scoring: of which a chunk is computed, or None.
        scores: that chunk's; None where there was none left.
        failure: why not, or None.
    """

    dropped: list[_Scoring]
    scoring: _Scoring | None
    scores: Scores | None = None
    failure: Exception | None = None

    def drop(self) -> None:
        """Frees places; in the engine's thread, before others take theirs."""
        for scoring in self.dropped:
            scoring.pieces = iter(())  # with its last reference the old one gives its place back

    def compute(self) -> None:
        """Computes a chunk; in the engine's thread."""
        if self.scoring is None:
            return
        try:
            self.scores = next(self.scoring.pieces, None)
        except Exception as error:
            self.failure = error


class Scorings:
    """All of one engine. Called from the event loop.

    Args:
        engine: computes them, in its own thread.
        on_work: called when there is something to do.
        failed_by: makes what a text's owner is told of a failure of the engine.
    """

    def __init__(
        self,
        engine: Engine,
        *,
        on_work: Callable[[], None],
        failed_by: Callable[[Exception], Exception],
    ) -> None:
        self._engine = engine
        self._on_work = on_work
        self._failed_by = failed_by
        self._waiting: list[_Scoring] = []  # the one whose turn it is first
        self._dropped: list[_Scoring] = []

    @property
    def n_places(self) -> int:
        """Places in the engine that they have."""
        return sum(scoring.has_place for scoring in self._waiting)

    @property
    def has_work(self) -> bool:
        """Whether there is anything to compute or to free."""
        return bool(self._waiting or self._dropped)

    async def score(self, tokens: Sequence[int], *, bos: int | None, n_alternatives: int) -> Scores:
        """See `EngineLoop.score`."""
        scoring = _Scoring(
            pieces=score_pieces(self._engine, tokens, bos=bos, n_alternatives=n_alternatives),
            answer=asyncio.get_running_loop().create_future(),
        )
        self._waiting.append(scoring)
        self._on_work()
        try:
            await scoring.answer
        finally:
            if scoring in self._waiting:  # cancelled
                self._waiting.remove(scoring)
                self._dropped.append(scoring)
                self._on_work()
        return joined(scoring.found, n_alternatives)

    def next_turn(self, n_free: int) -> ScoringTurn:
        """What the next turn has to do.

        Args:
            n_free: places that no sequence has. Where they have all of them, the next text waits
                until one of them is free.
        """
        dropped, self._dropped = self._dropped, []
        may_begin = self.n_places < n_free
        able = (scoring for scoring in self._waiting if scoring.has_place or may_begin)
        scoring = next(able, None)
        if scoring is not None:
            scoring.has_place = True
        return ScoringTurn(dropped=dropped, scoring=scoring)

    def record(self, turn: ScoringTurn) -> None:
        """Tells the text what became of it; one that was cancelled meanwhile hears nothing."""
        scoring = turn.scoring
        if scoring is None or scoring not in self._waiting or scoring.answer.done():
            return
        self._waiting.remove(scoring)
        if isinstance(turn.failure, ValueError):
            scoring.answer.set_exception(turn.failure)
        elif turn.failure is not None:
            scoring.answer.set_exception(self._failed_by(turn.failure))
        elif turn.scores is None:
            scoring.answer.set_result(None)
        else:
            scoring.found.append(turn.scores)
            self._waiting.append(scoring)  # behind the others
