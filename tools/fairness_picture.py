"""Draws docs/fairness.svg: what a server's flood does to the others, with and without fair shares.

    python tools/fairness_picture.py docs/fairness.svg

A simulation on the queue's own scheduling tree: four servers ask now and then, a fifth one puts
200 texts in the third minute. The same requests are served twice, by fair shares and first come
first served.
"""

import heapq
import random
import sys
from collections import deque
from collections.abc import Callable
from pathlib import Path

from matplotlib.figure import Figure

from bot.jobqueue.fair_tree import Entry, FairTree

_SLOTS = 4
_TOKENS_PER_S = 50.0  # of one slot
_LENGTH_S = 900.0
_FLOOD_AT_S, _FLOOD = 180.0, 200
_COST = 150  # tokens of a text
_QUIET, _LOUD = "#0072B2", "#D55E00"  # Okabe and Ito (2008)

Arrivals = list[tuple[float, Entry]]


def _arrivals() -> Arrivals:
    rng = random.Random(3)
    found: Arrivals = []
    for server in range(4):
        at_s = rng.uniform(0, 10)
        while at_s < _LENGTH_S:
            found.append((at_s, _entry(len(found), f"g{server}")))
            at_s += rng.expovariate(1 / 12)
    found += [(_FLOOD_AT_S + n * 0.2, _entry(len(found) + n, "loud")) for n in range(_FLOOD)]
    return sorted(found, key=lambda one: one[0])


def _entry(number: int, tenant: str) -> Entry:
    return Entry(number, str(number), "i", tenant, number % 7, _COST)


def _serve(
    arrivals: Arrivals,
    add: Callable[[Entry], None],
    serve: Callable[[], Entry | None],
    end: Callable[[Entry], None],
) -> list[tuple[float, float, str]]:
    """When each text was asked for, how long it waited, and whose it was."""
    coming, running = deque(arrivals), list[tuple[float, int, Entry]]()
    came_at_s = {entry.job_id: at_s for at_s, entry in arrivals}
    waits: list[tuple[float, float, str]] = []
    while coming or running:
        if coming and (not running or coming[0][0] <= running[0][0]):
            clock, entry = coming.popleft()
            add(entry)
        else:
            clock, _, entry = heapq.heappop(running)
            end(entry)
        while len(running) < _SLOTS and (entry := serve()):
            at_s = came_at_s[entry.job_id]
            waits.append((at_s, clock - at_s, entry.tenant))
            heapq.heappush(running, (clock + entry.cost / _TOKENS_PER_S, entry.sequence, entry))
    return waits


def main(path: Path) -> None:
    """Serves the same requests twice and draws the waits."""
    arrivals, tree, line = _arrivals(), FairTree(), deque[Entry]()
    runs = {
        "first come, first served": _serve(
            arrivals, line.append, lambda: line.popleft() if line else None, lambda _entry: None
        ),
        "fair shares": _serve(
            arrivals, tree.add, tree.serve_next, lambda entry: tree.end(entry, unused=0)
        ),
    }
    figure = Figure(figsize=(9, 3.8), layout="constrained", facecolor="white")
    panels = figure.subplots(1, 2, sharey=True)
    for axes, (title, waits) in zip(panels, runs.items(), strict=True):
        for is_loud, color, mark, name in (
            (True, _LOUD, "x", f"the server that asks for {_FLOOD} texts at once"),
            (False, _QUIET, "o", "the four other servers"),
        ):
            points = [(at / 60, wait) for at, wait, who in waits if (who == "loud") == is_loud]
            axes.scatter(*zip(*points, strict=True), s=12, color=color, marker=mark, label=name)
        axes.set_title(title)
        axes.set_xlabel("asked at minute")
        axes.grid(alpha=0.3)
    panels[0].set_ylabel("seconds until it starts")
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=2)
    figure.savefig(path, metadata={"Date": None})


if __name__ == "__main__":
    main(Path(sys.argv[1]))
