"""Tasks of choosing: Winograd schemas (§3.4) and the Children's Book Test (§3.2)."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from bot.lab.api import Dialogue, LabModel
from bot.lab.choices import Option, score_options
from bot.lab.data import DataFile, only
from bot.lab.detokenizers import Detok, detokenize
from bot.lab.intervals import share
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

_MASK = "[MASK]"
_SCHEMA_LINES = 4
_DETERMINERS = frozenset(
    ("the", "a", "an", "my", "his", "her", "our", "your", "their", "its", "some", "this", "these")
)
_BLANK = "XXXXX"
_CONTEXT_LINES = 20
_N_OPTIONS = 10
_NUMBERED = re.compile(r"(\d+) (.*)")


@dataclass(frozen=True, slots=True)
class Choice:
    """Options, and which is right."""

    options: tuple[Option, ...]
    right: int


class Winograd:
    """Winograd schemas, scored as Trinh & Le 2018 do: all options of a question, the best wins."""

    name = "winograd"
    about = "Winograd schemas (§3.4): who a pronoun means"
    wants = "wsc273.txt: sentence with [MASK], [MASK], two options, the right one, an empty line"
    bos = Bos.BOTH
    detok = Detok.NONE

    def load(self, files: tuple[DataFile, ...], model: LabModel, options: TaskOptions) -> Loaded:
        """See `Task.load`."""
        [file] = only(files, 1, "the schemas are one file")
        return Loaded([_schema(file, *lines) for lines in _blocks(file, _SCHEMA_LINES)])

    def ask(self, item: Choice, model: LabModel, options: TaskOptions) -> Dialogue[Result]:
        """See `Task.ask`: one pass for each option."""
        scores = yield from score_options(model, item.options)
        return {
            "full": _is_best(item.right, [one.full for one in scores]),
            "partial": _is_best(item.right, [one.partial for one in scores]),
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
        return [
            Figure(
                name=f"accuracy, {kind} scoring",
                estimate=percent(share(sum(one[kind] for one in found), len(found))),
                unit="%", n=len(found), cell=Cell.WINOGRAD, is_papers_reading=kind == "partial",
            )
            for kind in ("partial", "full")
        ]  # fmt: skip


class ChildrensBooks:
    """The Children's Book Test: ten words for a gap in the 21st sentence."""

    name = "cbt"
    about = "Children's Book Test (§3.2): a gap and ten words, common nouns or named entities"
    wants = "cbtest_CN_valid_2000ex.txt or cbtest_NE_valid_2000ex.txt"
    bos = Bos.YES
    detok = Detok.CBT

    def load(self, files: tuple[DataFile, ...], model: LabModel, options: TaskOptions) -> Loaded:
        """See `Task.load`."""
        [file] = only(files, 1, "common nouns and named entities are a file and a table row each")
        rules = options.detok or self.detok
        between = "\n" if options.line_breaks else " "
        items: list[Choice] = []
        context: list[str] = []
        for number, line in file.lines():
            match = _NUMBERED.match(line)
            if match is None:
                raise file.broken(number, "each line begins with its number and a blank")
            if "\t" not in line:
                context.append(match[2].strip())
                continue
            if len(context) != _CONTEXT_LINES:
                reason = f"a question follows {_CONTEXT_LINES} lines, not {len(context)}"
                raise file.broken(number, reason)
            items.append(_question(file, number, between.join(context), match[2], between, rules))
            context = []
        if context or not items:
            raise file.broken(None, "it does not end with a question (a line with tabs)")
        kind = "NE" if "_NE_" in file.name else "CN"
        return Loaded(items, {"is_ne": float(kind == "NE")}, (f"read as {kind}, by its name",))

    def ask(self, item: Choice, model: LabModel, options: TaskOptions) -> Dialogue[Result]:
        """See `Task.ask`: one pass for each word; what is before the gap is computed once."""
        scores = yield from score_options(model, item.options)
        return {
            "right": _is_best(item.right, [one.cloze for one in scores]),
            "is_cut": any(one.n_cut for one in scores),
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
        is_ne = bool(loaded.facts["is_ne"])
        return [
            Figure(
                name=f"accuracy, {'named entities' if is_ne else 'common nouns'}",
                estimate=percent(share(sum(one["right"] for one in found), len(found))),
                unit="%", n=len(found), cell=Cell.CBT_NE if is_ne else Cell.CBT_CN,
                reproduction="cbt_ne" if is_ne else "cbt_cn",
            )
        ]  # fmt: skip


def _is_best(right: int, scores: list[float]) -> bool:
    """Whether one is likelier than each other; an equal one makes it a guess, not an answer."""
    return all(scores[right] > one for index, one in enumerate(scores) if index != right)


def schema_option(sentence: str, option: str) -> Option:
    """A sentence with one of the options in place of its pronoun.

    In mid-sentence an option that begins with an article or the like loses its capital letter.
    """
    before, _, after = sentence.partition(_MASK)
    before = " ".join(before.split())
    option, after = " ".join(option.split()), " ".join(after.split())
    first = option.split(" ", 1)[0]
    if before and not before.endswith((".", "?", "!")) and first.lower() in _DETERMINERS:
        option = option[:1].lower() + option[1:]
    begins_word = after[:1].isalnum() or after[:1] in {'"', "(", "“"}
    return Option(
        before=f"{before} " if before else "", option=option,
        after=f" {after}" if begins_word else after,
    )  # fmt: skip


def _schema(
    file: DataFile,
    sentence: tuple[int, str],
    mask: tuple[int, str],
    options: tuple[int, str],
    answer: tuple[int, str],
) -> Choice:
    if sentence[1].count(_MASK) != 1:
        raise file.broken(sentence[0], f"a sentence has one {_MASK}")
    if mask[1].strip() != _MASK:
        raise file.broken(mask[0], f"here {_MASK} stands alone")
    names = [" ".join(name.split()) for name in options[1].split(",")]
    if len(names) < 2 or not all(names):
        raise file.broken(options[0], "at least two options stand here, with commas between")
    right = " ".join(answer[1].split())
    if right not in names:
        raise file.broken(answer[0], "the right answer is one of the options above")
    tried = tuple(schema_option(sentence[1], name) for name in names)
    return Choice(tried, names.index(right))


def _blocks(file: DataFile, n: int) -> Iterator[list[tuple[int, str]]]:
    """Lines with something in them, n at a time."""
    lines: Iterable[tuple[int, str]] = file.lines()
    block: list[tuple[int, str]] = []
    for line in lines:
        block.append(line)
        if len(block) == n:
            yield block
            block = []
    if block:
        raise file.broken(block[0][0], f"from here, {n} lines belong together; it ends too early")


def _question(
    file: DataFile, number: int, context: str, line: str, between: str, rules: Detok
) -> Choice:
    parts = [part for part in line.split("\t") if part]
    if len(parts) != 3:  # the query, the answer, the words
        raise file.broken(number, "a question is query, answer and words, with tabs between")
    query, answer, words = (part.strip() for part in parts)
    candidates = words.split("|")
    if query.count(_BLANK) != 1 or answer not in candidates:
        raise file.broken(number, f"a query has one {_BLANK}, and its answer is one of the words")
    if len(candidates) != _N_OPTIONS:
        raise file.broken(number, f"there are {_N_OPTIONS} words, not {len(candidates)}")
    whole = detokenize(context + between + query, rules).text
    before, _, after = whole.partition(_BLANK)
    options = tuple(Option(before=before, option=word, after=after) for word in candidates)
    return Choice(options, candidates.index(answer))
