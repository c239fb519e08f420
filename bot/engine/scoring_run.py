"""Scores several texts in common passes, and what they have in common once. Called by `sequences`.

Texts are taken in the order of their tokens, so that those which begin alike follow each other:
the second finds in a place what the first has computed there, and waits until it has.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from bot.engine.api import EngineInfo, ScoreRequest, Scores
from bot.engine.places import Chunk, Places
from bot.engine.prefixes import WORTH_A_COPY, common_prefix
from bot.engine.scoring import joined, part_of, score_rows

_LOOKED_AT = 4  # texts for each place that are looked at when one gets free


@dataclass(slots=True, kw_only=True)
class Task:
    """One request.

    Attributes:
        tokens: of the text.
        start: the first one whose score is asked for.
        n_alternatives: see `ScoreRequest`.
        own_start: the first one that it scores itself; those before were scored by the task
            before it, whose text begins with the same ones.
        place: where it is computed; -1 = nowhere yet.
        computed: tokens computed.
        parts: scores of its own tokens so far.
    """

    tokens: list[int]
    start: int
    n_alternatives: int
    own_start: int
    place: int = -1
    computed: int = 0
    parts: list[Scores] = field(default_factory=list[Scores])

    @property
    def n_inputs(self) -> int:
        """Tokens to compute: what comes after the last one is nobody's question."""
        return len(self.tokens) - 1

    @property
    def n_prefix(self) -> int:
        """Tokens whose logits nobody needs."""
        return self.own_start - 1


def score_requests(
    requests: Sequence[ScoreRequest], places: Places, info: EngineInfo
) -> list[Scores]:
    """Scores of all requests, in their order; see `Engine.score_batch`.

    Args:
        requests: checked.
        places: of the engine; those that are free are used.
        info: of the engine.
    """
    order = sorted(
        range(len(requests)), key=lambda one: (list(requests[one].tokens), requests[one].start)
    )
    tasks = planned([requests[one] for one in order])
    _Run(places, info).run([task for task in tasks if task.own_start < len(task.tokens)])
    found = dict(zip(order, _collected(tasks), strict=True))
    return [found[index] for index in range(len(requests))]


def planned(requests: Sequence[ScoreRequest]) -> list[Task]:
    """What each request has to score itself.

    Args:
        requests: sorted by their tokens, so that none has more in common with one than the
            request before it.
    """
    tasks = [
        Task(
            tokens=list(request.tokens),
            start=request.start,
            own_start=request.start,
            n_alternatives=request.n_alternatives,
        )
        for request in requests
    ]
    for before, task in pairwise(tasks):
        knows_all = before.start <= task.start and before.n_alternatives == task.n_alternatives
        if knows_all:
            task.own_start = max(task.start, common_prefix(before.tokens, task.tokens))
    return tasks


def _collected(tasks: Sequence[Task]) -> list[Scores]:
    """Each task's scores: those of the one before, as far as it relied on them, then its own."""
    found: list[Scores] = []
    for index, task in enumerate(tasks):
        parts = task.parts
        if task.own_start > task.start:
            offset = tasks[index - 1].start
            parts = [part_of(found[-1], task.start - offset, task.own_start - offset), *parts]
        found.append(joined(parts, task.n_alternatives))
    return found


class _Run:
    """Tasks under way.

    Args:
        places: where they are computed.
        info: the engine's limits.
    """

    def __init__(self, places: Places, info: EngineInfo) -> None:
        self._places = places
        self._info = info
        self._waiting: list[Task] = []
        self._running: list[Task] = []

    def run(self, tasks: Sequence[Task]) -> None:
        """Computes all tasks.

        Raises:
            ValueError: no place is free.
            RuntimeError: the model failed.
        """
        self._waiting = list(tasks)
        try:
            while self._waiting or self._running:
                self._admit()
                self._pass()
        except Exception:
            for task in self._running:
                self._places.empty(task.place)
            raise
        finally:
            for task in self._running:
                self._places.release(task.place)

    def _admit(self) -> None:
        for task in self._waiting[: _LOOKED_AT * self._info.max_sequences]:
            if self._running and not self._places.n_free:
                return
            if not any(_is_ahead(other, task) for other in self._running):
                task.place, task.computed = self._places.take(task.tokens[: task.n_prefix])
                self._waiting.remove(task)
                self._running.append(task)

    def _pass(self) -> None:
        """Computes the next tokens of as many as fit, and scores what came out."""
        chunks = self._chunks()
        rows, row = self._places.compute(list(chunks.values())), 0
        for index, chunk in chunks.items():
            task = self._running[index]
            task.computed += len(chunk.tokens)
            if chunk.wanted == "all":
                end = row + len(chunk.tokens)
                targets = task.tokens[chunk.start + 1 : task.computed + 1]
                task.parts.append(score_rows(rows[row:end], targets, task.n_alternatives))
                row = end
        done = [task for task in self._running if task.computed == task.n_inputs]
        self._running = [task for task in self._running if task.computed < task.n_inputs]
        for task in done:
            self._places.release(task.place)

    def _chunks(self) -> dict[int, Chunk]:
        """The next pass: a chunk for each running task that fits, by its index."""
        tokens_left = self._info.max_batch_tokens
        rows_left = self._info.max_chunk_tokens  # a row is as wide as the vocabulary
        chunks: dict[int, Chunk] = {}
        for index, task in enumerate(self._running):
            is_prefix = task.computed < task.n_prefix
            left = (task.n_prefix if is_prefix else task.n_inputs) - task.computed
            count = min(left, self._info.max_chunk_tokens, tokens_left)
            if not is_prefix:
                count = min(count, rows_left)
                rows_left -= count
            if count:
                end = task.computed + count
                chunks[index] = Chunk(
                    task.place,
                    task.tokens[task.computed : end],
                    task.computed,
                    "none" if is_prefix else "all",
                )
            tokens_left -= count
        return chunks


def _is_ahead(other: Task, task: Task) -> bool:
    """Whether a running task will compute a prefix of this one, and has not yet."""
    shared = min(common_prefix(other.tokens, task.tokens), task.n_prefix, other.n_inputs)
    return shared >= WORTH_A_COPY and other.computed < shared
