"""Tasks of writing: summaries of CNN/Daily Mail (§3.6) and translations of WMT 14 (§3.7)."""

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from bot.core.sentences import first_sentences
from bot.lab.answers import summarize, translate
from bot.lab.api import Dialogue, LabModel
from bot.lab.data import DataFile, only
from bot.lab.detokenizers import Detok
from bot.lab.intervals import mean
from bot.lab.prompts import SUMMARY_SENTENCES
from bot.lab.published import Cell
from bot.lab.tasks.api import (
    Bos,
    Figure,
    Loaded,
    Result,
    TaskOptions,
    TextMetrics,
    percent,
)

_HIGHLIGHT = "@highlight"
_TAGGED = re.compile(r"<t>(.*?)</t>")
_ROUGES = {"rouge1": "ROUGE-1", "rouge2": "ROUGE-2", "rougeLsum": "ROUGE-L"}
_HINTED = {"rouge1": Cell.ROUGE_1, "rouge2": Cell.ROUGE_2, "rougeLsum": Cell.ROUGE_L}
_PLAIN = {
    "rouge1": Cell.ROUGE_1_PLAIN,
    "rouge2": Cell.ROUGE_2_PLAIN,
    "rougeLsum": Cell.ROUGE_L_PLAIN,
}


@dataclass(frozen=True, slots=True)
class Article:
    """An article and its highlights, a sentence a line."""

    text: str
    reference: str


class CnnDailyMail:
    """Summaries after `TL;DR:`, beside two that need no model and check how we count."""

    name = "cnndm"
    about = "CNN and Daily Mail (§3.6): summaries, by ROUGE"
    wants = "a folder of .story files, or two files: articles, and summaries in <t> … </t>, by line"
    bos = Bos.NO
    detok = Detok.NONE

    def load(self, files: tuple[DataFile, ...], model: LabModel, options: TaskOptions) -> Loaded:
        """See `Task.load`."""
        if all(file.name.endswith(".story") for file in files):
            return Loaded([_story(file) for file in files])
        articles, summaries = only(files, 2, self.wants)
        pairs = list(_pairs(articles, summaries))
        return Loaded([_tagged(summaries, number, *pair) for number, pair in pairs])

    def ask(self, item: Article, model: LabModel, options: TaskOptions) -> Dialogue[Result]:
        """See `Task.ask`: all seeds at once."""
        seeds = [options.seed + index for index in range(options.seeds)]
        texts = yield from summarize(model, item.text, seeds=seeds, hint=options.hint)
        return {"summaries": [_by_lines(one.text) for one in texts]}

    def figures(
        self,
        loaded: Loaded,
        results: Mapping[int, Result],
        options: TaskOptions,
        metrics: TextMetrics,
    ) -> list[Figure]:
        """See `Task.figures`: the mean over seeds; then Lede-3 and Random-3."""
        asked: list[Article] = [loaded.items[index] for index in sorted(results)]
        references = [one.reference for one in asked]
        by_seed = [
            metrics.rouge([results[index]["summaries"][seed] for index in sorted(results)],
                          references)
            for seed in range(options.seeds)
        ]  # fmt: skip
        words = "TL;DR:" if options.hint else "no hint"
        cells = _HINTED if options.hint else _PLAIN
        figures = [
            _rouge(f"{label}, {words}", _means([one[key] for one in by_seed]), cells[key])
            for key, label in _ROUGES.items()
        ]
        for name, extract in (("Lede-3", _lede), ("Random-3", _random)):
            scores = metrics.rouge([extract(one.text) for one in asked], references)
            figures += [
                _rouge(f"{label}, {name} (no model)", scores[key], None, is_papers=False)
                for key, label in _ROUGES.items()
            ]
        return figures


@dataclass(frozen=True, slots=True, kw_only=True)
class Wmt14:
    """A direction of translation; the first sentence that is written counts."""

    name: str
    about: str
    wants: str
    cell: Cell
    to_english: bool
    bos: Bos = Bos.NO
    detok: Detok = Detok.NONE

    def load(self, files: tuple[DataFile, ...], model: LabModel, options: TaskOptions) -> Loaded:
        """See `Task.load`."""
        sources, references = only(files, 2, self.wants)
        return Loaded([pair for _, pair in _pairs(sources, references)])

    def ask(self, item: tuple[str, str], model: LabModel, options: TaskOptions) -> Dialogue[Result]:
        """See `Task.ask`."""
        answer = yield from translate(
            model, item[0], "fr", to_english=self.to_english, n_pairs=options.pairs
        )
        return {"text": answer.text}

    def figures(
        self,
        loaded: Loaded,
        results: Mapping[int, Result],
        options: TaskOptions,
        metrics: TextMetrics,
    ) -> list[Figure]:
        """See `Task.figures`."""
        indexes = sorted(results)
        estimate, signature = metrics.bleu(
            [results[index]["text"] for index in indexes],
            [loaded.items[index][1] for index in indexes],
        )
        return [
            Figure(
                name=f"BLEU ({signature})", estimate=estimate, unit="BLEU", n=len(indexes),
                cell=self.cell,
            )
        ]  # fmt: skip


WMT14 = (
    Wmt14(
        name="wmt14-enfr", about="WMT 14, English to French (§3.7): BLEU", cell=Cell.EN_FR,
        wants="two files with a sentence a line: newstest2014 in English, then in French",
        to_english=False,
    ),
    Wmt14(
        name="wmt14-fren", about="WMT 14, French to English (§3.7): BLEU", cell=Cell.FR_EN,
        wants="two files with a sentence a line: newstest2014 in French, then in English",
        to_english=True,
    ),
)  # fmt: skip


def _story(file: DataFile) -> Article:
    body, *highlights = file.text.split(_HIGHLIGHT)
    lines = [" ".join(one.split()) for one in highlights]
    if not body.strip() or not any(lines):
        raise file.broken(None, f"a story is an article, then {_HIGHLIGHT}s")
    return Article(body.strip(), "\n".join(line for line in lines if line))


def _tagged(file: DataFile, number: int, article: str, summary: str) -> Article:
    sentences = [" ".join(one.split()) for one in _TAGGED.findall(summary)]
    if not any(sentences):
        raise file.broken(number, "a summary is sentences in <t> … </t>")
    return Article(article, "\n".join(sentences))


def _pairs(first: DataFile, second: DataFile) -> Iterator[tuple[int, tuple[str, str]]]:
    """Lines of two files that go together, with their number."""
    lefts, rights = list(first.lines()), list(second.lines())
    for (number, left), (other, right) in zip(lefts, rights, strict=False):
        if number != other:
            broken, line = (second, number) if other > number else (first, other)
            raise broken.broken(line, "it is empty, and the other file's line is not")
        yield number, (left.strip(), right.strip())
    if len(lefts) != len(rights):
        shorter = min((first, second), key=lambda file: sum(1 for _ in file.lines()))
        last = min(len(lefts), len(rights))
        raise shorter.broken(None, f"it ends after {last} lines, and the other file goes on")


def _by_lines(text: str) -> str:
    """A sentence a line, as ROUGE-L of whole summaries wants it."""
    return "\n".join(first_sentences(text, SUMMARY_SENTENCES))


def _lede(article: str) -> str:
    return _by_lines(article)


def _random(article: str) -> str:
    """Three sentences, drawn by a hash of the article: the same ones each time."""
    sentences = first_sentences(article, len(article))
    picked = sorted(range(len(sentences)), key=lambda index: _draw(f"{index} {article}"))
    return "\n".join(sentences[index] for index in sorted(picked[:SUMMARY_SENTENCES]))


def _draw(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()


def _means(rows: Sequence[Sequence[float]]) -> list[float]:
    """The mean of each column."""
    return [sum(column) / len(column) for column in zip(*rows, strict=True)]


def _rouge(
    name: str, scores: Sequence[float], cell: Cell | None, *, is_papers: bool = True
) -> Figure:
    estimate = percent(mean(scores))
    return Figure(
        name=name, estimate=estimate, unit="ROUGE", n=len(scores), cell=cell,
        is_papers_reading=is_papers,
    )  # fmt: skip
