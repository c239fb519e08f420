"""The words that a model finds likeliest after a text (LAMBADA, §3.3)."""

import math
from collections.abc import Callable
from dataclasses import dataclass

from bot.lab.api import GREEDY, Dialogue, LabModel, ScoreAsk, WriteAsk, score, write

N_FIRST_TOKENS = 128  # looked at for words that begin with them
_WORD_TOKENS = 6  # that a word is made of at most


@dataclass(frozen=True, slots=True, kw_only=True)
class WordGuess:
    """A word that may come next.

    Attributes:
        word: without the blank before it and marks after it.
        probability: of its tokens, one after the other; 0 to 1.
    """

    word: str
    probability: float


def likeliest_words(
    model: LabModel, passage: str, n: int, *, is_wanted: Callable[[str], bool] = bool
) -> Dialogue[list[WordGuess]]:
    """The likeliest next words, the likeliest first.

    A word is what the model writes from a likely first token up to the next blank or mark,
    greedily; two ways of beginning the same word count together.

    Args:
        model: guesses.
        passage: without its last word; of a long one, the end is read.
        n: how many words, up to `N_FIRST_TOKENS`.
        is_wanted: says of a word whether it may be one of them; see `stop_words`.
    """
    room = model.n_ctx - len(model.before) - _WORD_TOKENS
    context = (*model.before, *model.vocabulary.encode(passage.rstrip())[-room:])
    asked = ScoreAsk(tokens=(*context, 0), start=len(context), n_alternatives=N_FIRST_TOKENS)
    [first] = yield from score([asked])
    starts = list(zip(first.alternatives[0], first.alternative_logprobs[0], strict=True))
    starts = [(token, logprob) for token, logprob in starts if _begins(model, token)][: 2 * n]
    asks = [_completion(context, token) for token, _ in starts]
    texts = yield from write(asks)
    found: dict[str, float] = {}
    for (token, logprob), written in zip(starts, texts, strict=True):
        ids, logprobs = (token, *written.tokens), (logprob, *written.logprobs)
        word, n_used = _first_word(model, ids)
        if word and is_wanted(word):
            found[word] = found.get(word, 0.0) + math.exp(math.fsum(logprobs[:n_used]))
    guesses = [WordGuess(word=word, probability=min(1.0, p)) for word, p in found.items()]
    return sorted(guesses, key=lambda guess: -guess.probability)[:n]


def _completion(context: tuple[int, ...], token: int) -> WriteAsk:
    return WriteAsk(tokens=(*context, token), max_new_tokens=_WORD_TOKENS - 1, sampling=GREEDY)


def _begins(model: LabModel, token: int) -> bool:
    """Whether a token begins a word: a blank, then a letter or a digit."""
    text = model.vocabulary.decode([token])
    return text[:1] == " " and text[1:2].isalnum()


def _first_word(model: LabModel, ids: tuple[int, ...]) -> tuple[str, int]:
    """The word that tokens begin with, and how many of them are in it."""
    word = ""
    for n_used in range(1, len(ids) + 1):
        text = model.vocabulary.decode(ids[:n_used]).removeprefix(" ")
        whole = _up_to_mark(text)
        if whole == word and n_used > 1:
            return word, n_used - 1
        word = whole
        if len(whole) < len(text):
            return word, n_used
    return word, len(ids)


def _up_to_mark(text: str) -> str:
    """Letters, digits and what stands inside words, up to anything else."""
    end = 0
    while end < len(text) and (text[end].isalnum() or text[end] in "'’-"):
        end += 1
    return text[:end].rstrip("'’-")
