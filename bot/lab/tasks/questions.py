"""Tasks of answering: CoQA (§3.5) and Natural Questions (§3.8)."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from bot.lab.answers import ask, read
from bot.lab.api import Dialogue, LabModel
from bot.lab.data import DataFile, only
from bot.lab.detokenizers import Detok
from bot.lab.intervals import mean, share
from bot.lab.matching import best, best_left_out, exact_match, f1
from bot.lab.prompts import Pair
from bot.lab.published import Cell
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

_CONFIDENT = (1, 10)  # percent of the answers, the most confident ones


@dataclass(frozen=True, slots=True)
class Turn:
    """A question about a story, with what was asked before and the answers that are right."""

    story: str
    before: tuple[Pair, ...]
    question: str
    golds: tuple[str, ...]
    domain: str


class Coqa:
    """Conversations about stories; earlier turns with their gold answers, as the set is meant."""

    name = "coqa"
    about = "CoQA (§3.5): questions about a story, in conversations"
    wants = "coqa-dev-v1.0.json"
    bos = Bos.NO
    detok = Detok.NONE

    def load(self, files: tuple[DataFile, ...], model: LabModel, options: TaskOptions) -> Loaded:
        """See `Task.load`."""
        [file] = only(files, 1, "CoQA is one file")
        try:
            stories = cast("list[dict[str, Any]]", json.loads(file.text)["data"])
            items = [turn for story in stories for turn in _turns(story)]
        except ValueError as error:
            raise file.broken(getattr(error, "lineno", None), "this is no JSON") from error
        except (KeyError, TypeError, IndexError, AttributeError) as error:
            reason = f"it is not in CoQA's form (questions, answers, additional_answers): {error!r}"
            raise file.broken(None, reason) from error
        if not items:
            raise file.broken(None, "there is no question in it")
        return Loaded(items)

    def ask(self, item: Turn, model: LabModel, options: TaskOptions) -> Dialogue[Result]:
        """See `Task.ask`."""
        separator = "\n\n" if options.blank_lines else "\n"
        answer = yield from read(model, item.story, item.before, item.question, separator=separator)
        return {
            "answer": answer.text,
            "f1": best_left_out(f1, answer.text, item.golds),
            "em": best_left_out(exact_match, answer.text, item.golds),
            "domain": item.domain,
        }

    def figures(
        self,
        loaded: Loaded,
        results: Mapping[int, Result],
        options: TaskOptions,
        metrics: TextMetrics,
    ) -> list[Figure]:
        """See `Task.figures`: over all, then for each domain."""
        found = in_order(results)
        figures = [
            _mean("F1", "f1", found, Cell.COQA),
            _mean("exact match", "em", found, None),
        ]
        for domain in sorted({one["domain"] for one in found}):
            some = [one for one in found if one["domain"] == domain]
            figures.append(_mean(f"F1, {domain}", "f1", some, None))
        return figures


class NaturalQuestions:
    """Questions that people asked a search engine, answered from memory."""

    name = "nq"
    about = "Natural Questions (§3.8): factual questions, without any text to look them up in"
    wants = "NQ-open.dev.jsonl"
    bos = Bos.NO
    detok = Detok.NONE

    def load(self, files: tuple[DataFile, ...], model: LabModel, options: TaskOptions) -> Loaded:
        """See `Task.load`."""
        [file] = only(files, 1, "Natural Questions is one file")
        return Loaded([_question(file, number, line) for number, line in file.lines()])

    def ask(
        self, item: tuple[str, list[str]], model: LabModel, options: TaskOptions
    ) -> Dialogue[Result]:
        """See `Task.ask`."""
        question, golds = item
        stop = ("\n", ".", ",") if options.stop_at_punctuation else ("\n",)
        answer = yield from ask(model, question, n_pairs=options.pairs, stop=stop)
        return {
            "answer": answer.text,
            "right": best(exact_match, answer.text, golds),
            "logprob": answer.logprob,
            "mean_probability": answer.mean_probability,
        }

    def figures(
        self,
        loaded: Loaded,
        results: Mapping[int, Result],
        options: TaskOptions,
        metrics: TextMetrics,
    ) -> list[Figure]:
        """See `Task.figures`: all answers, then the most confident ones (calibration)."""
        found = in_order(results)
        figures = [_right("exact match", found, Cell.NQ)]
        for words, key in (("whole answer", "logprob"), ("mean token", "mean_probability")):
            ranked = sorted(found, key=lambda one, key=key: -one[key])
            for part in _CONFIDENT:
                some = ranked[: max(1, len(ranked) * part // 100)]
                cell = Cell.NQ_CONFIDENT if part == 1 and key == "logprob" else None
                name = f"exact match, {part} % most confident by probability of the {words}"
                figures.append(_right(name, some, cell))
        return figures


def _mean(name: str, key: str, found: list[Result], cell: Cell | None) -> Figure:
    estimate = percent(mean([one[key] for one in found]))
    return Figure(name=name, estimate=estimate, unit="%", n=len(found), cell=cell)


def _right(name: str, found: list[Result], cell: Cell | None) -> Figure:
    estimate = percent(share(sum(one["right"] for one in found), len(found)))
    return Figure(name=name, estimate=estimate, unit="%", n=len(found), cell=cell)


def _turns(story: dict[str, Any]) -> list[Turn]:
    questions = [str(one["input_text"]) for one in story["questions"]]
    answers = [str(one["input_text"]) for one in story["answers"]]
    others = [
        [str(one["input_text"]) for one in some]
        for some in dict(story.get("additional_answers", {})).values()
    ]
    if len(questions) != len(answers) or any(len(some) != len(answers) for some in others):
        raise ValueError
    pairs = tuple(zip(questions, answers, strict=True))
    return [
        Turn(
            story=str(story["story"]), before=pairs[:index], question=question,
            golds=(answers[index], *(some[index] for some in others)),
            domain=str(story.get("source", "")),
        )
        for index, question in enumerate(questions)
    ]  # fmt: skip


def _question(file: DataFile, number: int, line: str) -> tuple[str, list[str]]:
    try:
        data = cast("dict[str, Any]", json.loads(line))
        question, golds = data["question"], data["answer"]
    except (ValueError, KeyError, TypeError) as error:
        reason = 'this is no JSON object with "question" and "answer"'
        raise file.broken(number, reason) from error
    is_list = isinstance(golds, list) and all(isinstance(one, str) for one in cast("Any", golds))
    if not isinstance(question, str) or not question.strip() or not is_list or not golds:
        raise file.broken(number, '"question" is a text, "answer" a list of texts')
    asked = question.strip()
    return (asked if asked.endswith("?") else f"{asked}?"), cast("list[str]", golds)
