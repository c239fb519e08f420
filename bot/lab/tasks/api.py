"""What a task of `bardling evaluate` is: items read from files, a dialogue for each, figures.

Whoever runs one keeps the results of its items as JSON, so that it can go on after a break.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol

from bot.lab.api import Dialogue, LabModel
from bot.lab.data import DataFile
from bot.lab.detokenizers import Detok
from bot.lab.intervals import Estimate, scaled
from bot.lab.published import Cell

Result = dict[str, Any]


class Bos(StrEnum):
    """Whether scored texts have the end-of-text token before them; the paper does not say."""

    YES = "yes"
    NO = "no"
    BOTH = "both"  # reported side by side


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskOptions:
    """The choices of protocol. None = the task's own default, the paper's reading.

    Attributes:
        bos: see `Bos`.
        detok: how words are joined.
        stride: tokens between the windows over a long text.
        last_bytes: of a text file, the end that is scored; 0 = all (enwik8, text8).
        newline_before: LAMBADA: a line break before each passage, as in openai/gpt-2#131.
        line_breaks: CBT: whether the lines of the passage keep their line breaks.
        blank_lines: CoQA: a blank line between turns, as lm-evaluation-harness has it.
        hint: CNN/DM: whether `TL;DR:` is put after the article.
        seeds: CNN/DM: how many times each article is summarized, each with its own seed.
        seed: the first of them.
        pairs: example pairs before a translation or a question.
        stop_at_punctuation: NQ: an answer ends at "." and ",", too, as in lm-evaluation-harness.
    """

    bos: Bos | None = None
    detok: Detok | None = None
    stride: int = 512
    last_bytes: int | None = None
    newline_before: bool = False
    line_breaks: bool = False
    blank_lines: bool = False
    hint: bool = True
    seeds: int = 3
    seed: int = 1
    pairs: int = 5
    stop_at_punctuation: bool = False


@dataclass(frozen=True, slots=True)
class Loaded:
    """A data set, read.

    Attributes:
        items: what is asked one after the other; what they are, the task knows.
        facts: counts that figures need.
        notes: what a reader of the figures should know of the data.
    """

    items: Sequence[Any] = field(repr=False)
    facts: Mapping[str, float] = field(default_factory=dict[str, float])
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One measured number.

    Attributes:
        name: which protocol, in words.
        estimate: the number, with its 95 % interval.
        unit: "%", "perplexity", "bits/byte" …
        n: items it was taken on.
        cell: the paper's row that it is set beside, or None.
        reproduction: key in `published.REPRODUCTIONS`, or "".
        is_papers_reading: whether this protocol is the one that the paper's words fit best.
    """

    name: str
    estimate: Estimate
    unit: str
    n: int
    cell: Cell | None = None
    reproduction: str = ""
    is_papers_reading: bool = True


class TextMetrics(Protocol):
    """Scores of texts against references, by the libraries that made those scores a standard."""

    def rouge(self, texts: Sequence[str], references: Sequence[str]) -> Mapping[str, list[float]]:
        """F1 of each text for "rouge1", "rouge2" and "rougeLsum", 0 to 1; sentences by lines."""
        ...

    def bleu(self, texts: Sequence[str], references: Sequence[str]) -> tuple[Estimate, str]:
        """Corpus BLEU, 0 to 100, and the signature of how it was counted."""
        ...


class Task(Protocol):
    """A task."""

    @property
    def name(self) -> str:
        """On the command line."""
        ...

    @property
    def about(self) -> str:
        """One line on what it is, with the paper's section."""
        ...

    @property
    def wants(self) -> str:
        """Which files it reads."""
        ...

    @property
    def bos(self) -> Bos:
        """By default; of tasks that write, NO."""
        ...

    @property
    def detok(self) -> Detok:
        """By default."""
        ...

    def load(self, files: tuple[DataFile, ...], model: LabModel, options: TaskOptions) -> Loaded:
        """Reads a data set.

        Raises:
            DataFileError: it is not in the published form.
        """
        ...

    def ask(self, item: Any, model: LabModel, options: TaskOptions) -> Dialogue[Result]:
        """What one item asks of the model; the result is JSON."""
        ...

    def figures(
        self,
        loaded: Loaded,
        results: Mapping[int, Result],
        options: TaskOptions,
        metrics: TextMetrics,
    ) -> list[Figure]:
        """What came of the items that were asked, by their index; at least one was."""
        ...


def in_order(results: Mapping[int, Result]) -> list[Result]:
    """Results by their items' order."""
    return [results[index] for index in sorted(results)]


def percent(estimate: Estimate) -> Estimate:
    """A share as a percentage."""
    return scaled(estimate, 100)
