"""Runs dialogues, many side by side, so that a model answers what they ask in large batches."""

from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from bot.lab.api import Answer, Ask, Dialogue

T = TypeVar("T")
K = TypeVar("K")

Answering = Callable[[Sequence[Ask]], Sequence[Answer]]


def run_one(dialogue: Dialogue[T], answer: Answering) -> T:
    """One dialogue to its end."""
    [(_, result)] = run_all([((), dialogue)], answer, width=1)
    return result


@dataclass(slots=True)
class _Active(Generic[K, T]):
    """A dialogue that waits for answers."""

    key: K
    dialogue: Generator[Sequence[Ask], Sequence[Answer], T]
    asks: Sequence[Ask]


def run_all(
    dialogues: Iterable[tuple[K, Dialogue[T]]], answer: Answering, *, width: int
) -> Iterator[tuple[K, T]]:
    """Results of dialogues as they end, with their keys.

    Args:
        dialogues: taken one after the other, as earlier ones end.
        answer: gives the answers to some asks, in their order.
        width: how many run side by side, at least 1.
    """
    waiting = iter(dialogues)
    active: list[_Active[K, T]] = []
    while True:
        while len(active) < width and (entry := next(waiting, None)) is not None:
            key, dialogue = entry
            going, result = _advance(_Active(key, dialogue, ()), None)
            if going is not None:
                active.append(going)
            else:
                yield key, result
        if not active:
            return
        answers = list(answer([ask for one in active for ask in one.asks]))
        still: list[_Active[K, T]] = []
        for one in active:
            given, answers = answers[: len(one.asks)], answers[len(one.asks) :]
            going, result = _advance(one, given)
            if going is not None:
                still.append(going)
            else:
                yield one.key, result
        active = still


def _advance(
    one: _Active[K, T], answers: Sequence[Answer] | None
) -> tuple[_Active[K, T] | None, Any]:
    """A dialogue up to what it asks next; or None, and what it returned."""
    try:
        asks = one.dialogue.send(answers) if answers is not None else next(one.dialogue)
    except StopIteration as end:
        return None, end.value
    return _Active(one.key, one.dialogue, asks), None
