"""What a task of the paper asks a model, and what it answers.

A task's protocol is a *dialogue*: a generator that yields what it asks, is sent the answers, and
returns what came out. Whoever runs it decides how the model is reached: a worker beside other
texts, an evaluation in large batches, a test with a model that is known by heart.
"""

from collections.abc import Generator, Sequence
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

from bot.core.sampling import SamplingParams

T = TypeVar("T")

GREEDY = SamplingParams(temperature=0.0, repetition_penalty=1.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreAsk:
    """How likely is each of `tokens[start:]`, given all before it?

    Attributes:
        tokens: ids, at most the model's window.
        start: 1 to `len(tokens)`; what nothing stands before can't be scored.
        n_alternatives: how many of the likeliest tokens to name at each of those positions.
    """

    tokens: tuple[int, ...]
    start: int = 1
    n_alternatives: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteAsk:
    """How does the model go on?

    Attributes:
        tokens: ids that it goes on from; with `max_new_tokens` at most the model's window.
        max_new_tokens: at most so many are written.
        sampling: how they are drawn; its `stop` strings end the text and are no part of it.
    """

    tokens: tuple[int, ...]
    max_new_tokens: int
    sampling: SamplingParams = GREEDY


Ask = ScoreAsk | WriteAsk


@dataclass(frozen=True, slots=True, kw_only=True)
class Scored:
    """The answer to a ScoreAsk; n = tokens that were scored.

    Attributes:
        logprobs: natural logs, n of them.
        ranks: of each token among all, 0 = the likeliest.
        alternatives: the likeliest ids at each position, the likeliest first.
        alternative_logprobs: their natural logs.
    """

    logprobs: tuple[float, ...]
    ranks: tuple[int, ...]
    alternatives: tuple[tuple[int, ...], ...] = ()
    alternative_logprobs: tuple[tuple[float, ...], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """The answer to a WriteAsk.

    Attributes:
        text: what was written, up to what ended it.
        tokens: ids that were drawn, those included that were cut off by a stop string.
        logprobs: of each of them under the model itself, whatever the sampling.
    """

    text: str
    tokens: tuple[int, ...]
    logprobs: tuple[float, ...]


Answer = Scored | Written

Dialogue = Generator[Sequence[Ask], Sequence[Answer], T]


class Vocabulary(Protocol):
    """The part of a tokenizer that dialogues need."""

    def encode(self, text: str) -> list[int]:
        """The ids of a text."""
        ...

    def decode(self, ids: Sequence[int]) -> str:
        """The text of ids."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class LabModel:
    """What dialogues know of the model that answers.

    Attributes:
        vocabulary: text to ids and back.
        n_ctx: tokens in its window.
        end_of_text_id: ends a document and so stands before one, or None.
        bos: whether scored texts have it before them; the paper does not say. Without it (or
            where a model has none) a text's first token is not scored.
    """

    vocabulary: Vocabulary = field(repr=False)
    n_ctx: int
    end_of_text_id: int | None
    bos: bool = True

    @property
    def before(self) -> tuple[int, ...]:
        """What stands before a text that is scored."""
        return (self.end_of_text_id,) if self.bos and self.end_of_text_id is not None else ()


def score(asks: Sequence[ScoreAsk]) -> Dialogue[list[Scored]]:
    """Asks for scores; for `yield from` in other dialogues."""
    answers = yield asks
    return [one for one in answers if isinstance(one, Scored)]


def write(asks: Sequence[WriteAsk]) -> Dialogue[list[Written]]:
    """Asks for texts; for `yield from` in other dialogues."""
    answers = yield asks
    return [one for one in answers if isinstance(one, Written)]
