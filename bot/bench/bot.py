"""`bardling bench bot`: how long members wait for their text, through real processes.

Called by `__main__`. A local Discord in this process, an embedded Redis, the bot and a worker as
processes of their own. So many members type `/complete` at the same moment; measured is what they
see. All share one machine, so the figures are those of a small host with everything on it.
"""

import asyncio
import json
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bot.bench.bot_figures import Row, Shown, row_of, table
from bot.bench.bot_stack import Stack, WorkerSpec, loop_figures, open_stack
from bot.core.replies import UNFINISHED_MARK
from bot.settings import Settings

if TYPE_CHECKING:
    from bot.local.handles import Interaction, Member
    from bot.local.states import MessageState

_PROMPT = "Once upon a time there was a dragon who could not sleep"
_SETTLE_S = 0.3  # between rounds


@dataclass(frozen=True, slots=True, kw_only=True)
class BotOptions:
    """What the command line says.

    Attributes:
        engines: what writes, each in turn; "scripted" has a slot for every text, the others as
            many as a worker has by default.
        waiting: commands at once, each measured.
        length: tokens of each text.
        samples: commands for each row, about: few at once are asked more often.
        budget_s: no round begins after this, and none goes on for longer.
        json_out: a file for all figures, or None.
    """

    engines: tuple[str, ...] = ("auto", "scripted")
    waiting: tuple[int, ...] = (1, 10, 100)
    length: int = 100
    samples: int = 20
    budget_s: float = 300.0
    json_out: Path | None = None


def main(options: BotOptions, settings: Settings) -> int:
    """Measures and prints; returns the exit code: 1 where a reply was not finished."""
    rows = asyncio.run(_measure(options, settings))
    print(table(rows))
    if options.json_out is not None:
        data = {"length": options.length, "rows": [asdict(row) for row in rows]}
        options.json_out.write_text(json.dumps(data, indent=2) + "\n", encoding="utf-8")
    return int(any(row.missing for row in rows))


async def _measure(options: BotOptions, settings: Settings) -> list[Row]:
    until_s = time.monotonic() + options.budget_s
    rows: list[Row] = []
    with tempfile.TemporaryDirectory(prefix="bardling-bench-bot-") as folder:
        async with open_stack(Path(folder), settings.home) as stack:
            members = [stack.discord.add_member(f"Member {n}") for n in range(max(options.waiting))]
            for engine in options.engines:
                for waiting in options.waiting:
                    if time.monotonic() > until_s:
                        return rows
                    spec = WorkerSpec(
                        engine=engine,
                        model=settings.model,
                        slots=waiting if engine == "scripted" else settings.slots,
                        threads=settings.threads,
                    )
                    bench = _Bench(stack, options, members[:waiting], until_s)
                    rows.append(await bench.row(spec))
    return rows


class _Bench:
    """One row: a worker, and rounds of commands."""

    def __init__(
        self, stack: Stack, options: BotOptions, members: "Sequence[Member]", until_s: float
    ) -> None:
        self._stack = stack
        self._options = options
        self._members = members
        self._until_s = until_s
        self._shown: list[Shown] = []
        self._missing = 0

    async def row(self, spec: WorkerSpec) -> Row:
        n = len(self._members)
        log = self._stack.folder / f"worker-{spec.engine}-{n}.log"
        rounds = 0
        async with self._stack.worker(spec, log):
            while rounds == 0 or (rounds * n < self._options.samples and self._has_time()):
                await self._round(seed=rounds * n)
                rounds += 1
                await asyncio.sleep(_SETTLE_S)
        return row_of(spec.engine, n, rounds, self._shown, loop_figures(log), self._missing)

    def _has_time(self) -> bool:
        return time.monotonic() < self._until_s

    async def _round(self, seed: int) -> None:
        """All members ask at once; waits until each has its text."""
        discord = self._stack.discord
        discord.recorder.states.clear()
        asked: list[tuple[float, Interaction]] = []
        for index, member in enumerate(self._members):
            options = {"prompt": _PROMPT, "length": self._options.length, "seed": seed + index}
            typed_s = time.monotonic()
            asked.append(
                (typed_s, await discord.slash(member, discord.general, "complete", options))
            )
        left = {interaction.id: (typed_s, interaction) for typed_s, interaction in asked}
        while left and self._has_time():
            states = _by_message(list(discord.recorder.states))
            for key, (typed_s, interaction) in list(left.items()):
                shown = _shown(typed_s, states.get(interaction.reply_id or 0, []))
                if shown is not None:
                    self._shown.append(shown)
                    del left[key]
            await asyncio.sleep(0.2)
        self._missing += len(left)


def _by_message(states: "Sequence[MessageState]") -> "dict[int, list[MessageState]]":
    found: dict[int, list[MessageState]] = {}
    for state in states:
        found.setdefault(state.id, []).append(state)
    return found


def _shown(asked_s: float, states: "Sequence[MessageState]") -> Shown | None:
    """How a reply went; None while it is not finished."""
    texts = [state for state in states if state.content.startswith("**")]
    if not texts or UNFINISHED_MARK in texts[-1].content or "\n-# " not in texts[-1].content:
        return None
    return Shown(
        asked_s=asked_s,
        first_s=texts[0].at_s,
        final_s=texts[-1].at_s,
        edits_s=tuple(state.at_s for state in texts),
    )
