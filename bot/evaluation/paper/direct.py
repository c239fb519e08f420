"""Answers what tasks ask by an engine in this process, as many texts at once as it has places."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from bot.engine.api import Engine, EngineInfo, ScoreRequest, Scores
from bot.lab.api import Answer, Ask, ScoreAsk, Scored, WriteAsk, Written
from bot.model.tokenizers.api import Tokenizer


@dataclass(slots=True)
class _Text:
    """A text that is being written.

    Attributes:
        index: of its ask.
        computed: known tokens that the engine has computed.
        drawn: tokens that came.
    """

    index: int
    ask: WriteAsk
    computed: int
    drawn: list[int] = field(default_factory=list[int])
    logprobs: list[float] = field(default_factory=list[float])

    @property
    def n_waiting(self) -> int:
        """Known tokens that are not computed yet."""
        return len(self.ask.tokens) + len(self.drawn) - self.computed


class DirectAnswers:
    """Called with asks, it gives their answers.

    Args:
        engine: with all its places free.
        tokenizer: of its model.
        end_of_text_id: ends a text, or None.
    """

    def __init__(self, engine: Engine, tokenizer: Tokenizer, end_of_text_id: int | None) -> None:
        self._engine = engine
        self._tokenizer = tokenizer
        self._end_of_text_id = end_of_text_id

    def __call__(self, asks: Sequence[Ask]) -> list[Answer]:
        """The answers, in the order of the asks; raises like `Engine.step`."""
        answers: dict[int, Answer] = {}
        scores = [(index, ask) for index, ask in enumerate(asks) if isinstance(ask, ScoreAsk)]
        requests = [
            ScoreRequest(tokens=ask.tokens, start=ask.start, n_alternatives=ask.n_alternatives)
            for _, ask in scores
        ]
        for (index, _), found in zip(scores, self._engine.score_batch(requests), strict=True):
            answers[index] = as_answer(found)
        writes = [(index, ask) for index, ask in enumerate(asks) if isinstance(ask, WriteAsk)]
        answers.update(self._write(writes))
        return [answers[index] for index in range(len(asks))]

    def _write(self, asks: Sequence[tuple[int, WriteAsk]]) -> Iterator[tuple[int, Written]]:
        # Those that begin alike follow each other, so that what they have in common is reused.
        waiting = sorted(asks, key=lambda one: one[1].tokens, reverse=True)
        writing: dict[int, _Text] = {}
        info = self._engine.info
        while waiting or writing:
            while waiting and len(writing) < info.max_sequences:
                index, ask = waiting.pop()
                computed = self._engine.add(index, ask.tokens, ask.sampling)
                writing[index] = _Text(index, ask, computed)
            for step in self._engine.step(plan(list(writing.values()), info)):
                text = writing[step.sequence_id]
                text.computed = step.computed
                if step.token is None:
                    continue
                text.drawn.append(step.token)
                text.logprobs.append(step.logprob or 0.0)
                written = self._finished(text)
                if written is not None:
                    del writing[text.index]
                    self._engine.remove(text.index)
                    yield text.index, written

    def _finished(self, text: _Text) -> Written | None:
        """The text, if its newest token ended it."""
        if text.drawn[-1] == self._end_of_text_id:
            return self._cut(text, len(text.drawn) - 1)
        whole = self._tokenizer.decode(text.drawn)
        is_stopped = any(stop in whole for stop in text.ask.sampling.stop)
        if is_stopped or len(text.drawn) >= text.ask.max_new_tokens:
            return self._cut(text, len(text.drawn))
        return None

    def _cut(self, text: _Text, n_tokens: int) -> Written:
        whole = self._tokenizer.decode(text.drawn[:n_tokens])
        ends = [whole.find(stop) for stop in text.ask.sampling.stop]
        found = [end for end in ends if end >= 0]
        return Written(
            text=whole[: min(found)] if found else whole,
            tokens=tuple(text.drawn), logprobs=tuple(text.logprobs),
        )  # fmt: skip


def plan(texts: Sequence[_Text], info: EngineInfo) -> dict[int, int]:
    """Tokens to compute of each text: one of those that only write, the rest for prompts."""
    planned: dict[int, int] = {}
    room = info.max_batch_tokens
    for text in sorted(texts, key=lambda text: text.n_waiting):
        size = min(text.n_waiting, info.max_chunk_tokens, room)
        if size > 0:
            planned[text.index] = size
            room -= size
    return planned


def as_answer(scores: Scores) -> Scored:
    """An engine's scores as an answer."""
    return Scored(
        logprobs=tuple(scores.logprobs.tolist()),
        ranks=tuple(scores.ranks.tolist()),
        alternatives=tuple(map(tuple, scores.alternatives.tolist())),
        alternative_logprobs=tuple(map(tuple, scores.alternative_logprobs.tolist())),
    )
