"""Runs the engine: step after step in one thread of its own, never in the event loop.

The worker's jobs add and remove sequences and are told of each token; `scheduler` decides what a
step computes. Knows nothing of jobs, texts or Discord.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial

from bot.core.sampling import SamplingParams
from bot.engine.api import Engine, EngineInfo, Progress, Scores
from bot.engine.prefixes import common_prefix
from bot.errors import BrokenEngineError
from bot.worker.scheduler import WORTH_WAITING, SequenceState, StepCost, plan_step
from bot.worker.scorings import Scorings, ScoringTurn

# More than a queue's attempts of one job, so that one bad text alone can't end a worker.
MAX_FAILURES = 5


class SequenceFailedError(Exception):
    """A text can't go on: a step with it failed, or nobody could take its token; see its cause.

    Another try may go well.
    """


@dataclass(slots=True, kw_only=True)
class Seat:
    """A sequence in the loop, and what is told of it, also after its end.

    Attributes:
        sequence_id: what `remove` takes.
        is_alone: whether all its tokens were computed for it, in steps that computed nothing else.
    """

    sequence_id: int
    is_alone: bool = True


@dataclass(slots=True, kw_only=True)
class _Entry:
    """A sequence in the engine, or on its way there."""

    seat: Seat
    state: SequenceState
    tokens: Sequence[int]
    sampling: SamplingParams
    on_token: Callable[[int], None]
    on_failure: Callable[[Exception], None]
    added: bool = False


@dataclass(slots=True, kw_only=True)
class _Turn:
    """What the engine's thread did in one turn.

    Attributes:
        scoring: what it did for texts that are scored.
        reused: tokens that need not be computed, of each sequence that was added.
        refused: why others were not.
        plan: of the step; empty if there was none.
        progress: what the step did.
        failure: why it failed, or None.
        step_s: how long it took.
    """

    scoring: ScoringTurn
    reused: dict[int, int] = field(default_factory=dict[int, int])
    refused: dict[int, Exception] = field(default_factory=dict[int, Exception])
    plan: dict[int, int] = field(default_factory=dict[int, int])
    progress: list[Progress] = field(default_factory=list[Progress])
    failure: Exception | None = None
    step_s: float = 0.0


class EngineLoop:
    """The one owner of an engine. All its methods are called from the event loop.

    What the scheduler knows of a sequence is touched by one side at a time: by the engine's
    thread during a turn, by the event loop between two.

    Args:
        engine: called by one thread alone.
        clock: times the steps; seconds.
    """

    def __init__(self, engine: Engine, *, clock: Callable[[], float] = time.perf_counter) -> None:
        self._engine = engine
        self._clock = clock
        self.info: EngineInfo = engine.info
        self._entries: dict[int, _Entry] = {}
        self._leaving: list[int] = []
        self._scorings = Scorings(engine, on_work=self._begin_work, failed_by=_failed_by)
        self._last_id = 0
        self._n_steps = 0
        self._n_failures = 0  # in a row
        self._cost = StepCost()
        self._work = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()

    def add(
        self,
        tokens: Sequence[int],
        sampling: SamplingParams,
        *,
        on_token: Callable[[int], None],
        on_failure: Callable[[Exception], None],
    ) -> Seat:
        """Takes a sequence in; where all places are taken, it waits for one.

        Args:
            tokens: of the prompt.
            sampling: how its tokens are drawn.
            on_token: called with each token drawn, until `remove`.
            on_failure: called once, with a ValueError if the engine refuses the sequence and a
                SequenceFailedError if it fails later; the sequence is gone then.
        """
        self._last_id += 1
        shared = {
            sequence_id: n_shared
            for sequence_id, entry in self._entries.items()
            if (n_shared := common_prefix(entry.tokens, tokens)) >= WORTH_WAITING
        }
        entry = self._entries[self._last_id] = _Entry(
            seat=Seat(sequence_id=self._last_id),
            state=SequenceState(sequence_id=self._last_id, known=len(tokens), shared=shared),
            tokens=tokens,
            sampling=sampling,
            on_token=on_token,
            on_failure=on_failure,
        )
        self._begin_work()
        return entry.seat

    def remove(self, sequence_id: int) -> None:
        """Frees a sequence's place before the next step; unknown ids are ignored."""
        entry = self._entries.pop(sequence_id, None)
        if entry is not None and entry.added:
            self._leaving.append(sequence_id)
            self._begin_work()

    async def score(
        self, tokens: Sequence[int], *, bos: int | None = None, n_alternatives: int = 0
    ) -> Scores:
        """Scores a text of any length between the steps of others, a chunk after each.

        It takes a place in the engine until it is over or cancelled.

        Args:
            tokens: of the text.
            bos: an id put before it, so that its first token is scored as well; or None.
            n_alternatives: likeliest tokens to name at each position.

        Raises:
            ValueError: the engine refuses the text.
            SequenceFailedError: it failed; another try may go well.
        """
        return await self._scorings.score(tokens, bos=bos, n_alternatives=n_alternatives)

    async def wait_idle(self) -> None:
        """Waits until nothing is left to compute and every place that was given back is free."""
        await self._idle.wait()

    async def run(self) -> None:
        """Steps as long as there is something to compute, for ever; ends by cancellation.

        Raises:
            BrokenEngineError: several steps in a row failed. Those whose last step that was have
                been told; the others wait for nothing.
        """
        loop = asyncio.get_running_loop()
        with ThreadPoolExecutor(1, thread_name_prefix="engine") as thread:
            while True:
                await self._work.wait()
                leaving, self._leaving = self._leaving, []
                entries = list(self._entries.values())
                has_work = leaving or self._scorings.has_work
                if not has_work and not any(_has_work(entry) for entry in entries):
                    self._work.clear()
                    self._idle.set()
                    continue
                joining = self._admit(entries)
                entries = [entry for entry in entries if entry.added]
                n_free = self.info.max_sequences - len(entries)
                turn = _Turn(scoring=self._scorings.next_turn(n_free))
                work = partial(self._take_turn, turn, leaving, joining, entries)
                try:
                    await loop.run_in_executor(thread, work)
                except asyncio.CancelledError:
                    self._engine.abort()  # or the end of the executor would wait for the step
                    raise
                self._record(turn)

    def _admit(self, entries: Sequence[_Entry]) -> list[_Entry]:
        """Those that get a place now, first come first served."""
        n_taken = sum(entry.added for entry in entries) + self._scorings.n_places
        n_free = self.info.max_sequences - n_taken
        joining = [entry for entry in entries if not entry.added][: max(0, n_free)]
        for entry in joining:
            entry.added = True
        return joining

    def _begin_work(self) -> None:
        self._work.set()
        self._idle.clear()

    def _take_turn(
        self, turn: _Turn, leaving: list[int], joining: list[_Entry], entries: list[_Entry]
    ) -> None:
        """Runs in the engine's thread. Plans only after `add` has said what is computed already."""
        for sequence_id in leaving:
            self._engine.remove(sequence_id)
        turn.scoring.drop()
        for entry in joining:
            sequence_id = entry.state.sequence_id
            try:
                n_reused = self._engine.add(sequence_id, entry.tokens, entry.sampling)
            except Exception as error:
                turn.refused[sequence_id] = error
            else:
                entry.state.computed = turn.reused[sequence_id] = n_reused
        states = [entry.state for entry in entries if entry.state.sequence_id not in turn.refused]
        turn.plan = plan_step(states, self.info, self._cost)
        if turn.plan:
            self._step(turn)
        turn.scoring.compute()

    def _step(self, turn: _Turn) -> None:
        """Runs in the engine's thread."""
        began_s = self._clock()
        try:
            turn.progress = self._engine.step(turn.plan)
        except Exception as error:
            # Whatever it was: these sequences can't go on, all others can.
            turn.failure = error
            for sequence_id in turn.plan:
                self._engine.remove(sequence_id)
        turn.step_s = self._clock() - began_s

    def _record(self, turn: _Turn) -> None:
        """Tells each text what became of it; those removed meanwhile hear nothing."""
        self._record_scores(turn.scoring)
        for sequence_id, error in turn.refused.items():
            self._fail(sequence_id, error)
        for sequence_id, n_reused in turn.reused.items():
            if entry := self._entries.get(sequence_id):
                entry.seat.is_alone = n_reused == 0
        if not turn.plan:
            return
        self._n_steps += 1
        if turn.failure is not None:
            self._record_failure(turn.plan, turn.failure)
            return
        self._n_failures = 0
        self._cost = self._cost.after(sum(turn.plan.values()), turn.step_s)
        for progress in turn.progress:
            if entry := self._entries.get(progress.sequence_id):
                self._advance(entry, progress, turn.plan)

    def _record_scores(self, turn: ScoringTurn) -> None:
        self._scorings.record(turn)
        if turn.scores is not None:
            self._n_failures = 0
        elif turn.failure is not None and not isinstance(turn.failure, ValueError):
            self._count_failure(turn.failure)

    def _record_failure(self, plan: dict[int, int], failure: Exception) -> None:
        for sequence_id in plan:
            self._fail(sequence_id, _failed_by(failure))
        self._count_failure(failure)

    def _count_failure(self, failure: Exception) -> None:
        self._n_failures += 1
        if self._n_failures >= MAX_FAILURES:
            raise BrokenEngineError(self.info.name, self._n_failures, str(failure)) from failure

    def _fail(self, sequence_id: int, error: Exception) -> None:
        """The engine has no such sequence any more."""
        entry = self._entries.pop(sequence_id, None)
        if entry is not None:
            entry.on_failure(error)

    def _advance(self, entry: _Entry, progress: Progress, plan: dict[int, int]) -> None:
        state, seat = entry.state, entry.seat
        # Where it is not as planned, the engine has copied what others had computed.
        is_as_planned = progress.computed == state.computed + plan[state.sequence_id]
        seat.is_alone = seat.is_alone and len(plan) == 1 and is_as_planned
        state.computed = progress.computed
        state.last_step = self._n_steps
        if progress.token is not None:
            state.known += 1
            self._tell(entry, progress.token)

    def _tell(self, entry: _Entry, token: int) -> None:
        """Hands a token on; where that fails, only this sequence ends."""
        try:
            entry.on_token(token)
        except Exception as error:
            self.remove(entry.state.sequence_id)
            entry.on_failure(_failed_by(error))


def _failed_by(cause: Exception) -> SequenceFailedError:
    error = SequenceFailedError(str(cause))
    error.__cause__ = cause
    return error


def _has_work(entry: _Entry) -> bool:
    return not entry.added or entry.state.remaining > 0
