"""Runs the engine: step after step in one thread of its own, never in the event loop.

The worker's jobs add and remove sequences and are told of each token; `scheduler` decides what a
step computes. Knows nothing of jobs, texts or Discord.
"""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from bot.core.sampling import SamplingParams
from bot.engine.api import Engine, EngineInfo, Progress
from bot.worker.scheduler import SequenceState, plan_step


@dataclass(slots=True, kw_only=True)
class _Entry:
    """A sequence in the engine, or on its way there."""

    state: SequenceState
    tokens: Sequence[int]
    sampling: SamplingParams
    on_token: Callable[[int], None]
    on_failure: Callable[[Exception], None]
    added: bool = False


@dataclass(slots=True, kw_only=True)
class _Turn:
    """What the engine's thread did in one turn."""

    refused: dict[int, Exception]
    progress: list[Progress]
    failure: Exception | None


class EngineLoop:
    """The one owner of an engine. All its methods are called from the event loop."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.info: EngineInfo = engine.info
        self._entries: dict[int, _Entry] = {}
        self._leaving: list[int] = []
        self._last_id = 0
        self._n_steps = 0
        self._work = asyncio.Event()

    def add(
        self,
        tokens: Sequence[int],
        sampling: SamplingParams,
        *,
        on_token: Callable[[int], None],
        on_failure: Callable[[Exception], None],
    ) -> int:
        """Takes a sequence in and returns its id.

        Args:
            tokens: of the prompt.
            sampling: how its tokens are drawn.
            on_token: called with each token drawn, until `remove`.
            on_failure: called once if the engine refuses the sequence or fails; it is gone then.
        """
        self._last_id += 1
        self._entries[self._last_id] = _Entry(
            state=SequenceState(sequence_id=self._last_id, known=len(tokens)),
            tokens=tokens,
            sampling=sampling,
            on_token=on_token,
            on_failure=on_failure,
        )
        self._work.set()
        return self._last_id

    def remove(self, sequence_id: int) -> None:
        """Frees a sequence's place before the next step; unknown ids are ignored."""
        entry = self._entries.pop(sequence_id, None)
        if entry is not None and entry.added:
            self._leaving.append(sequence_id)
            self._work.set()

    async def run(self) -> None:
        """Steps as long as there is something to compute, for ever; ends by cancellation."""
        loop = asyncio.get_running_loop()
        with ThreadPoolExecutor(1, thread_name_prefix="engine") as thread:
            while True:
                await self._work.wait()
                leaving, self._leaving = self._leaving, []
                joining = [entry for entry in self._entries.values() if not entry.added]
                plan = plan_step((entry.state for entry in self._entries.values()), self.info)
                if not plan and not leaving:
                    self._work.clear()
                    continue
                for entry in joining:
                    entry.added = True
                self._n_steps += 1
                try:
                    turn = await loop.run_in_executor(thread, self._turn, leaving, joining, plan)
                except asyncio.CancelledError:
                    self._engine.abort()  # or the end of the executor would wait for the step
                    raise
                self._record(plan, turn)

    def _turn(self, leaving: list[int], joining: list[_Entry], plan: dict[int, int]) -> _Turn:
        """Runs in the engine's thread."""
        for sequence_id in leaving:
            self._engine.remove(sequence_id)
        refused: dict[int, Exception] = {}
        for entry in joining:
            sequence_id = entry.state.sequence_id
            try:
                n_reused = self._engine.add(sequence_id, entry.tokens, entry.sampling)
            except Exception as error:
                refused[sequence_id] = error
                continue
            entry.state.computed = n_reused  # the loop waits for this turn and looks afterwards
            if sequence_id in plan:
                plan[sequence_id] = min(plan[sequence_id], entry.state.remaining)
        plan = {sequence_id: n for sequence_id, n in plan.items() if sequence_id not in refused}
        try:
            progress = self._engine.step(plan) if plan else []
        except Exception as error:
            # Whatever it was: these sequences can't go on, all others can.
            for sequence_id in plan:
                self._engine.remove(sequence_id)
            return _Turn(refused=refused, progress=[], failure=error)
        return _Turn(refused=refused, progress=progress, failure=None)

    def _record(self, plan: dict[int, int], turn: _Turn) -> None:
        """Tells each sequence what became of it; those removed meanwhile hear nothing."""
        failed = dict(turn.refused)
        if turn.failure is not None:
            failed |= {
                sequence_id: turn.failure for sequence_id in plan if sequence_id not in failed
            }
        for sequence_id, error in failed.items():
            entry = self._entries.pop(sequence_id, None)
            if entry is not None:
                entry.on_failure(error)
        for progress in turn.progress:
            entry = self._entries.get(progress.sequence_id)
            if entry is None:
                continue
            entry.state.computed = progress.computed
            entry.state.last_step = self._n_steps
            if progress.token is not None:
                entry.state.known += 1
                self._tell(entry, progress.token)

    def _tell(self, entry: _Entry, token: int) -> None:
        """Hands a token on; where that fails, only this sequence ends."""
        try:
            entry.on_token(token)
        except Exception as error:
            self.remove(entry.state.sequence_id)
            entry.on_failure(error)
