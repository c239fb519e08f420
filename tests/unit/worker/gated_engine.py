"""A scripted engine whose steps wait until a test lets them go on; it notes what it was asked."""

import asyncio
import threading
from collections.abc import Mapping, Sequence
from typing import Any

from bot.core.sampling import SamplingParams
from bot.engine.api import Progress
from bot.engine.scripted import ScriptedEngine

PATIENCE_S = 10.0


class GatedEngine(ScriptedEngine):
    """Each step waits at a gate, in the engine's thread, until `let` opens it for one.

    Attributes:
        calls: ("add", id), ("remove", id) and ("step", plan), in order.
        is_open: whether steps wait no more.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(**({"n_vocab": 300} | options))
        self.calls: list[tuple[str, Any]] = []
        self.is_open = False
        self._arrived = threading.Semaphore(0)
        self._may_go = threading.Semaphore(0)

    @property
    def plans(self) -> list[dict[int, int]]:
        """Of the steps so far."""
        return [what for name, what in self.calls if name == "step"]

    async def at_gate(self) -> dict[int, int]:
        """Waits for the next step; its plan."""
        assert await asyncio.to_thread(self._arrived.acquire, timeout=PATIENCE_S)
        return self.plans[-1]

    def let(self) -> None:
        """One step goes on."""
        self._may_go.release()

    def open(self) -> None:
        """No step waits any more."""
        self.is_open = True
        self._may_go.release()

    def add(self, sequence_id: int, tokens: Sequence[int], sampling: SamplingParams) -> int:
        self.calls.append(("add", sequence_id))
        return super().add(sequence_id, tokens, sampling)

    def remove(self, sequence_id: int) -> None:
        self.calls.append(("remove", sequence_id))
        super().remove(sequence_id)

    def step(self, plan: Mapping[int, int]) -> list[Progress]:
        self.calls.append(("step", dict(plan)))
        self._arrived.release()
        if not self.is_open:
            assert self._may_go.acquire(timeout=PATIENCE_S)
        return super().step(plan)
