"""How well long texts are predicted (§3.1, Table 3): WikiText-2 and -103, Penn Treebank, 1BW in
perplexity, enwik8 and text8 in bits.

The paper scales nats by the ratio of tokens to the set's own words before exponentiation
(openai/gpt-2#78); its windows, the end of lines and the joining of words are not published, so the
usual readings are printed side by side, all from the same passes.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bot.lab.api import Dialogue, LabModel, ScoreAsk, score
from bot.lab.data import DataFile, only
from bot.lab.detokenizers import Detok, detokenize
from bot.lab.intervals import Estimate, exponential, ratio, scaled
from bot.lab.published import Cell
from bot.lab.tasks.api import Bos, Figure, Loaded, Result, TaskOptions, TextMetrics, in_order

_LAST_BYTES = 5_000_000  # enwik8 and text8: the usual test part


@dataclass(frozen=True, slots=True)
class Windowed:
    """A window of a long text.

    Attributes:
        tokens: in it, the first of which is not scored.
        n_new: those at its end that no window before has scored; 0 = none.
        is_disjoint: whether it is also one of the windows that do not overlap.
    """

    tokens: tuple[int, ...]
    n_new: int
    is_disjoint: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Stream:
    """A task on one long text.

    Attributes:
        unit: what the paper counts by: "word", "byte" or "character".
    """

    name: str
    about: str
    wants: str
    cell: Cell
    unit: str
    detok: Detok
    bos: Bos = Bos.YES

    def load(self, files: tuple[DataFile, ...], model: LabModel, options: TaskOptions) -> Loaded:
        """See `Task.load`."""
        [file] = only(files, 1, f"{self.name} is one file")
        original = self._part(file, options)
        joined = detokenize(original, options.detok or self.detok)
        tokens = model.vocabulary.encode(joined.text)
        if len(tokens) < 2:
            raise file.broken(None, "it is too short: there is no second token to guess")
        notes = (
            f"{len(tokens):,} tokens, {len(original.split()):,} words, "
            f"{len(original.encode()):,} bytes; windows of {model.n_ctx}",
        )
        if joined.n_left:
            notes += (
                f"{joined.n_left:,} of {joined.n_lines:,} lines stay as they are: joined, they "
                "would not come back the same",
            )
        facts = {
            "tokens": len(tokens),
            "words": len(original.split()),
            "lines": original.count("\n"),
            "bytes": len(original.encode()),
            "characters": len(original),
        }
        whole = (*model.before, *tokens)
        return Loaded(list(windows(whole, model.n_ctx, options.stride)), facts, notes)

    def ask(self, item: Windowed, model: LabModel, options: TaskOptions) -> Dialogue[Result]:
        """See `Task.ask`: one pass."""
        [scored] = yield from score([ScoreAsk(tokens=item.tokens)])
        n = len(scored.logprobs)
        return {
            "nll_new": -math.fsum(scored.logprobs[n - item.n_new :]) if item.n_new else 0.0,
            "n_new": item.n_new,
            "nll_all": -math.fsum(scored.logprobs) if item.is_disjoint else 0.0,
            "n_all": n if item.is_disjoint else 0,
        }

    def figures(
        self,
        loaded: Loaded,
        results: Mapping[int, Result],
        options: TaskOptions,
        metrics: TextMetrics,
    ) -> list[Figure]:
        """See `Task.figures`."""
        found, facts = in_order(results), loaded.facts
        figures: list[Figure] = []
        strides = {f"stride {options.stride}": "new", "windows apart": "all"}
        for words, key in strides.items():
            nats = ratio([one[f"nll_{key}"] for one in found], [one[f"n_{key}"] for one in found])
            n = sum(one[f"n_{key}"] for one in found)
            if n:
                figures += self._of(nats, facts, n, words, is_papers=key == "new")
        return figures

    def _of(
        self, nats: Estimate, facts: Mapping[str, float], n: int, words: str, *, is_papers: bool
    ) -> list[Figure]:
        """One stride by all units.

        Args:
            nats: per token.
            facts: of the set.
            n: tokens scored.
            words: which stride.
            is_papers: whether this stride is the one to set beside the paper.
        """
        if self.unit != "word":
            count = facts["bytes" if self.unit == "byte" else "characters"]
            bits = scaled(nats, facts["tokens"] / count / math.log(2))
            return [
                Figure(
                    name=f"bits per {self.unit}, {words}", estimate=bits,
                    unit=f"bits/{self.unit}", n=n, cell=self.cell, is_papers_reading=is_papers,
                )
            ]  # fmt: skip
        units = {
            "per word, line ends counted": facts["words"] + facts["lines"],
            "per word": facts["words"],
            "per token": facts["tokens"],
        }
        kinds = {"per word": f"{self.name}_word", "per token": f"{self.name}_token"}
        return [
            Figure(
                name=f"perplexity {unit}, {words}",
                estimate=exponential(scaled(nats, facts["tokens"] / count)),
                unit="perplexity", n=n, cell=self.cell, reproduction=kinds.get(unit, ""),
                is_papers_reading=is_papers and unit == "per word, line ends counted",
            )
            for unit, count in units.items() if count
        ]  # fmt: skip

    def _part(self, file: DataFile, options: TaskOptions) -> str:
        usual = 0 if self.unit == "word" else _LAST_BYTES
        n_bytes = usual if options.last_bytes is None else options.last_bytes
        if not n_bytes:
            return file.text
        # A character that the cut goes through is left out.
        return file.text.encode()[-n_bytes:].decode(errors="ignore")


def windows(tokens: Sequence[int], n_ctx: int, stride: int) -> list[Windowed]:
    """Windows over a text, one each `stride` tokens, and which of them do not overlap.

    Where the stride divides the window, those apart are among the others, up to the last one.

    Raises:
        ValueError: the stride is not 1 to `n_ctx`.
    """
    if not 1 <= stride <= n_ctx:
        raise ValueError(f"a stride is 1 to {n_ctx} tokens, not {stride}")
    step = min(stride, n_ctx - 1)  # a window's first token has nothing before it
    apart = n_ctx - 1  # one token in common, so that each is scored once
    found: list[Windowed] = []
    begin, scored = 0, 1
    while scored < len(tokens):
        end = min(begin + n_ctx, len(tokens))
        is_apart = step == apart
        found.append(Windowed(tuple(tokens[begin:end]), end - scored, is_apart))
        begin, scored = begin + step, end
    if step != apart:
        found += [
            Windowed(tuple(tokens[start : start + n_ctx]), 0, True)
            for start in range(0, len(tokens) - 1, apart)
        ]
    return found


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence that is scored by itself: ids, and its words as the set counts them."""

    tokens: tuple[int, ...]
    n_words: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Sentences:
    """A task on sentences in no order, each scored by itself (1BW)."""

    name: str = "1bw"
    about: str = "One Billion Word (§3.1): perplexity of shuffled sentences"
    wants: str = "a held-out file, news.en.heldout-00000-of-00050: a sentence a line"
    detok: Detok = Detok.PTB
    bos: Bos = Bos.BOTH

    def load(self, files: tuple[DataFile, ...], model: LabModel, options: TaskOptions) -> Loaded:
        """See `Task.load`."""
        [file] = only(files, 1, "1BW is one file")
        rules = options.detok or self.detok
        n_left = 0
        items: list[Sentence] = []
        for _, line in file.lines():
            joined = detokenize(line, rules)
            n_left += joined.n_left
            room = model.n_ctx - len(model.before)
            tokens = tuple(model.vocabulary.encode(joined.text + "\n")[:room])
            items.append(Sentence(tokens, len(line.split())))
        notes = (f"{n_left:,} of {len(items):,} lines stay as they are",) if n_left else ()
        return Loaded(items, notes=notes)

    def ask(self, item: Sentence, model: LabModel, options: TaskOptions) -> Dialogue[Result]:
        """See `Task.ask`: one pass; the line's end is scored as the end of the sentence."""
        tokens = (*model.before, *item.tokens)
        if len(tokens) < 2:
            return {"nll": 0.0, "tokens": 0, "words": 0}
        [scored] = yield from score([ScoreAsk(tokens=tokens)])
        n = len(scored.logprobs)
        return {"nll": -math.fsum(scored.logprobs), "tokens": n, "words": item.n_words}

    def figures(
        self,
        loaded: Loaded,
        results: Mapping[int, Result],
        options: TaskOptions,
        metrics: TextMetrics,
    ) -> list[Figure]:
        """See `Task.figures`."""
        found = in_order(results)
        units = {
            "per word, line ends counted": [one["words"] + bool(one["tokens"]) for one in found],
            "per word": [one["words"] for one in found],
            "per token": [one["tokens"] for one in found],
        }
        return [
            Figure(
                name=f"perplexity {unit}",
                estimate=exponential(ratio([one["nll"] for one in found], counts)),
                unit="perplexity", n=len(found), cell=Cell.ONE_BILLION,
                reproduction="1bw" if unit == "per token" else "",
                is_papers_reading=unit == "per word, line ends counted",
            )
            for unit, counts in units.items()
        ]  # fmt: skip


LONG_TEXTS = (
    Stream(
        name="wikitext2", about="WikiText-2 (§3.1): perplexity", cell=Cell.WIKITEXT2, unit="word",
        wants="wiki.test.tokens of WikiText-2 (or wiki.test.raw with --detok none)",
        detok=Detok.WIKITEXT,
    ),
    Stream(
        name="wikitext103", about="WikiText-103 (§3.1): perplexity", cell=Cell.WIKITEXT103,
        wants="wiki.test.tokens of WikiText-103 (or wiki.test.raw with --detok none)",
        unit="word", detok=Detok.WIKITEXT,
    ),
    Stream(
        name="ptb", about="Penn Treebank (§3.1): perplexity", cell=Cell.PTB, unit="word",
        wants="ptb.test.txt in Mikolov's edition", detok=Detok.PTB,
    ),
    Stream(
        name="enwik8", about="enwik8 (§3.1): bits per byte", cell=Cell.ENWIK8, unit="byte",
        wants="the file enwik8; its last 5 MB are scored", detok=Detok.NONE,
    ),
    Stream(
        name="text8", about="text8 (§3.1): bits per character", cell=Cell.TEXT8,
        wants="the file text8; its last 5 MB are scored", unit="character", detok=Detok.NONE,
    ),
    Sentences(),
)  # fmt: skip
