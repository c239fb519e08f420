"""Tasks that GPT-2 does by writing, as dialogues: summary, translation, questions (§3.5 to §3.8).

The same for `/lab` and for `bardling evaluate`.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from bot.core.sampling import SamplingParams
from bot.core.sentences import first_sentences
from bot.lab.api import GREEDY, Dialogue, LabModel, WriteAsk, Written, write
from bot.lab.prompts import (
    ANSWER_TOKENS,
    SUMMARY_HINT,
    SUMMARY_SENTENCES,
    SUMMARY_TOKENS,
    SUMMARY_TOP_K,
    TRANSLATION_TOKENS,
    Pair,
    dialogue_prompt,
    question_prompt,
    translation_prompt,
)

_PAPERS_SUMMARY = SamplingParams(
    temperature=1.0, top_k=SUMMARY_TOP_K, repetition_penalty=1.0, logprobs=True
)


@dataclass(frozen=True, slots=True)
class WrittenAnswer:
    """What a model answered.

    Attributes:
        text: of the answer, without blanks around it.
        logprob: natural log of the probability of all its tokens.
        n_tokens: how many those were.
        n_cut: tokens of the question that the window left no room for.
    """

    text: str
    logprob: float
    n_tokens: int
    n_cut: int = 0

    @property
    def probability(self) -> float:
        """Of the whole answer, 0 to 1."""
        return math.exp(self.logprob)

    @property
    def mean_probability(self) -> float:
        """Of a token, by the geometric mean."""
        return math.exp(self.logprob / self.n_tokens) if self.n_tokens else 0.0


def summarize(
    model: LabModel, article: str, *, seeds: Sequence[int], hint: bool = True
) -> Dialogue[list[WrittenAnswer]]:
    """Three sentences after `TL;DR:`, once for each seed; of a long article, the beginning."""
    after = model.vocabulary.encode(SUMMARY_HINT) if hint else []
    n_new = min(SUMMARY_TOKENS, model.n_ctx // 2)
    room = model.n_ctx - n_new - len(after)
    tokens = model.vocabulary.encode(article.strip())
    prompt = (*tokens[:room], *after)
    asks = [
        WriteAsk(tokens=prompt, max_new_tokens=n_new, sampling=replace(_PAPERS_SUMMARY, seed=seed))
        for seed in seeds
    ]
    texts = yield from write(asks)
    n_cut = max(0, len(tokens) - room)
    return [
        replace(_answer(one, n_cut), text=" ".join(first_sentences(one.text, SUMMARY_SENTENCES)))
        for one in texts
    ]


def translate(
    model: LabModel, text: str, language: str, *, to_english: bool, n_pairs: int = 5
) -> Dialogue[WrittenAnswer]:
    """The first sentence after `text =`, greedily; pairs are left out until all fits."""
    prompt = _fitting(
        model,
        lambda kept: translation_prompt(text, language, to_english=to_english, n_pairs=kept),
        n_pairs,
        TRANSLATION_TOKENS,
    )
    answer = yield from _line(model, prompt, TRANSLATION_TOKENS, stop=("\n",))
    return replace(answer, text=" ".join(first_sentences(answer.text, 1)))


def ask(
    model: LabModel, question: str, *, n_pairs: int = 7, stop: Sequence[str] = ("\n",)
) -> Dialogue[WrittenAnswer]:
    """An answer after example questions, greedily."""
    prompt = _fitting(
        model, lambda kept: question_prompt(question, n_pairs=kept), n_pairs, ANSWER_TOKENS
    )
    return (yield from _line(model, prompt, ANSWER_TOKENS, stop=stop))


def read(
    model: LabModel, passage: str, turns: Sequence[Pair], question: str, *, separator: str = "\n"
) -> Dialogue[WrittenAnswer]:
    """An answer about a passage, greedily, after what was asked and answered before.

    Where all of it is too long, the oldest turns go first, then the end of the passage.
    """
    encode = model.vocabulary.encode
    room = model.n_ctx - ANSWER_TOKENS
    for first in range(len(turns) + 1):
        kept = turns[first:]
        prompt = dialogue_prompt(passage, kept, question, separator=separator)
        if len(encode(prompt)) <= room:
            return (yield from _line(model, prompt, ANSWER_TOKENS, stop=("\n", "Q:")))
    asked = encode("\n\n" + dialogue_prompt("", (), question))
    tokens = encode(passage.strip())
    kept_tokens = tokens[: max(0, room - len(asked))]
    return (
        yield from _tokens(
            model,
            (*kept_tokens, *asked),
            ANSWER_TOKENS,
            stop=("\n", "Q:"),
            n_cut=len(tokens) - len(kept_tokens),
        )
    )


def _fitting(model: LabModel, prompt: Callable[[int], str], n_pairs: int, n_new: int) -> str:
    """A prompt with as many example pairs as the window has room for."""
    for kept in range(n_pairs, 0, -1):
        if len(model.vocabulary.encode(prompt(kept))) + n_new <= model.n_ctx:
            return prompt(kept)
    return prompt(0)


def _line(
    model: LabModel, prompt: str, n_new: int, *, stop: Sequence[str]
) -> Dialogue[WrittenAnswer]:
    return (yield from _tokens(model, tuple(model.vocabulary.encode(prompt)), n_new, stop=stop))


def _tokens(
    model: LabModel, prompt: tuple[int, ...], n_new: int, *, stop: Sequence[str], n_cut: int = 0
) -> Dialogue[WrittenAnswer]:
    n_new = min(n_new, model.n_ctx // 2)
    room = model.n_ctx - n_new
    sampling = replace(GREEDY, stop=tuple(stop), logprobs=True)
    kept = prompt[-room:]
    [found] = yield from write([WriteAsk(tokens=kept, max_new_tokens=n_new, sampling=sampling)])
    return _answer(found, n_cut + len(prompt) - len(kept))


def _answer(found: Written, n_cut: int) -> WrittenAnswer:
    return WrittenAnswer(
        text=found.text.strip(), logprob=math.fsum(found.logprobs),
        n_tokens=len(found.logprobs), n_cut=n_cut,
    )  # fmt: skip
