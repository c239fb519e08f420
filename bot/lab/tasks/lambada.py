"""LAMBADA (§3.3): the last word of a passage that needs all of it to be guessed.

Whether the paper counted words or last tokens, and which words its filter left out, the public
record disputes; all readings are taken from the same passes and printed side by side.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from bot.lab.api import Dialogue, LabModel, ScoreAsk, Scored, WriteAsk, score, write
from bot.lab.data import DataFile, only
from bot.lab.detokenizers import Detok, detokenize
from bot.lab.intervals import exponential, ratio, share
from bot.lab.published import Cell
from bot.lab.stop_words import is_stop_word
from bot.lab.tasks.api import (
    Bos,
    Figure,
    Loaded,
    Result,
    TaskOptions,
    TextMetrics,
    in_order,
    percent,
)

_N_CANDIDATES = 128  # first tokens among which the filter looks for one that is no stop word
_WORD_TOKENS = 6  # written to see which word a token begins


@dataclass(frozen=True, slots=True)
class Passage:
    """A passage without its last word, and that word with the blank before it."""

    context: str
    target: str


class Lambada:
    """The task."""

    name = "lambada"
    about = "the last word of a passage (§3.3): accuracy and perplexity"
    wants = 'lambada_test.jsonl (OpenAI\'s form: {"text": …}) or the plain test file, a line each'
    bos = Bos.BOTH
    detok = Detok.NONE

    def load(self, files: tuple[DataFile, ...], model: LabModel, options: TaskOptions) -> Loaded:
        """See `Task.load`."""
        [file] = only(files, 1, "LAMBADA is one file")
        passages = [_passage(file, number, line, options) for number, line in file.lines()]
        n_several = sum(len(model.vocabulary.encode(one.target)) > 1 for one in passages)
        note = f"{n_several / len(passages):.1%} of the words are several tokens to this model"
        return Loaded(passages, notes=(note,))

    def ask(self, item: Passage, model: LabModel, options: TaskOptions) -> Dialogue[Result]:
        """See `Task.ask`: one pass, and rarely one more."""
        target = model.vocabulary.encode(item.target)
        room = model.n_ctx - len(model.before) - len(target) - 1
        context = (*model.before, *model.vocabulary.encode(item.context)[-room:])
        # One token more than the word, so that what the model would write after it is seen.
        asked = ScoreAsk(
            tokens=(*context, *target, target[-1]), start=max(1, len(context)),
            n_alternatives=_N_CANDIDATES,
        )  # fmt: skip
        [scored] = yield from score([asked])
        logprobs = scored.logprobs[: len(target)]
        ranks = scored.ranks[: len(target)]
        is_filtered_right = yield from _is_right_filtered(item, model, context, target, scored)
        return {
            "nll_word": -sum(logprobs),
            "nll_last": -logprobs[-1],
            "word": not any(ranks),
            "last": ranks[-1] == 0,
            "filtered": is_filtered_right,
        }

    def figures(
        self,
        loaded: Loaded,
        results: Mapping[int, Result],
        options: TaskOptions,
        metrics: TextMetrics,
    ) -> list[Figure]:
        """See `Task.figures`."""
        found = in_order(results)
        n = len(found)

        def accuracy(key: str) -> Any:
            return percent(share(sum(one[key] for one in found), n))

        def perplexity(key: str) -> Any:
            return exponential(ratio([one[key] for one in found], [1.0] * n))

        return [
            Figure(
                name="accuracy, whole word, stop words filtered", estimate=accuracy("filtered"),
                unit="%", n=n, cell=Cell.LAMBADA_ACC, reproduction="lambada_filtered",
            ),
            Figure(
                name="accuracy, whole word", estimate=accuracy("word"), unit="%", n=n,
                cell=Cell.LAMBADA_ACC_UNFILTERED, reproduction="lambada_word",
                is_papers_reading=False,
            ),
            Figure(
                name="accuracy, last token", estimate=accuracy("last"), unit="%", n=n,
                cell=Cell.LAMBADA_ACC, reproduction="lambada_last", is_papers_reading=False,
            ),
            Figure(
                name="perplexity, whole word", estimate=perplexity("nll_word"),
                unit="perplexity", n=n, cell=Cell.LAMBADA_PPL, reproduction="lambada_ppl_word",
            ),
            Figure(
                name="perplexity, last token", estimate=perplexity("nll_last"),
                unit="perplexity", n=n, cell=Cell.LAMBADA_PPL, reproduction="lambada_ppl_last",
                is_papers_reading=False,
            ),
        ]  # fmt: skip


def _passage(file: DataFile, number: int, line: str, options: TaskOptions) -> Passage:
    text = line
    if line.lstrip().startswith("{"):
        try:
            found = cast("dict[str, Any]", json.loads(line))["text"]
        except (ValueError, KeyError) as error:
            raise file.broken(number, 'this is no JSON object with a "text"') from error
        if not isinstance(found, str):
            raise file.broken(number, 'its "text" is no text')
        text = found
    joined = detokenize(text.strip(), options.detok or Detok.NONE).text
    parts = joined.rsplit(None, 1)
    if len(parts) < 2:
        raise file.broken(number, "a passage has at least two words")
    before = "\n" if options.newline_before else ""
    return Passage(before + parts[0].rstrip(), f" {parts[1]}")


def _is_right_filtered(
    item: Passage, model: LabModel, context: tuple[int, ...], target: list[int], scored: Scored
) -> Dialogue[bool]:
    """Whether the likeliest word that is no stop word is the one; compared in lower case."""
    first = _first_candidate(model, scored)
    if first is None:
        return False
    if first == target[0]:
        goes_on = not any(scored.ranks[1 : len(target)])
        if not goes_on:
            return False
        after = model.vocabulary.decode([scored.alternatives[len(target)][0]])
        return not after[:1].isalnum()  # else the model would have written a longer word
    begun = model.vocabulary.decode([first]).lower()
    if not item.target.lower().startswith(begun):
        return False
    # The same letters by other tokens: only writing it out can tell.
    tokens = (*context, first)[-(model.n_ctx - _WORD_TOKENS) :]
    [written] = yield from write([WriteAsk(tokens=tokens, max_new_tokens=_WORD_TOKENS - 1)])
    words = (begun + written.text.lower()).split()
    return bool(words) and words[0].rstrip(".,;:!?\"'”’") == item.target.strip().lower()


def _first_candidate(model: LabModel, scored: Scored) -> int | None:
    for token in scored.alternatives[0]:
        text = model.vocabulary.decode([token]).strip()
        if any(map(str.isalnum, text)) and not is_stop_word(text):
            return token
    return None
