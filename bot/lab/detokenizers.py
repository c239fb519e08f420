"""Data sets come cut into words, GPT-2 read running text: rules that join the words, and back.

openai/gpt-2#78 says "invertible de-tokenizers" and shows none. Here a line is joined only where the
way back gives the very same line again, so nothing about the data is lost; the others stay as they
are, and are counted.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum

_Rule = tuple[re.Pattern[str], str]


class Detok(StrEnum):
    """Which rules."""

    NONE = "none"
    QUOTES = "quotes"  # “ ” made straight, as OpenAI did with LAMBADA (openai/gpt-2#131)
    WIKITEXT = "wikitext"
    PTB = "ptb"  # Penn Treebank; 1BW is cut alike
    CBT = "cbt"  # the Children's Book Test: like the Treebank, with its brackets and quotes


def _rules(*pairs: tuple[str, str]) -> tuple[_Rule, ...]:
    return tuple((re.compile(pattern), to) for pattern, to in pairs)


# A full stop that WikiText leaves at its word: after an initial and some short forms.
_NO_ABBREVIATION = "".join(
    rf"(?<!\b{word})" for word in ("[A-Z]", "No", "St", "Co", "Mr", "Dr", "Jr", "Mrs", "Inc", "Ltd")
)
_WIKITEXT_JOIN = _rules(
    (r" @([-,.])@ ", r"\1"),
    (r" ([.,:;!?%])(?=\s|$)", r"\1"),
    (r"(?<!\S)([(\[]) ", r"\1"),
    (r" ([)\]])(?!\S)", r"\1"),
    (r'(?<!\S)" ([^"\n]*?) "(?!\S)', r'"\1"'),
    (r" ('s|'t|'re|'ve|'m|'ll|'d|n't)(?!\w)", r"\1"),
    (r"(?<=s) '(?=\s)", r"'"),
)
_WIKITEXT_CUT = _rules(
    (r"(?<=s)'(?=\s)", r" '"),
    (r"(?<=[\w>])('s|'t|'re|'ve|'m|'ll|'d)(?!\w)", r" \1"),
    (r'(?<!\S)"(?! )([^"\n]*?)(?<! )"', r'" \1 "'),
    (r"(?<=\S)([)\]])", r" \1"),
    (r"(?<!\S)([(\[])(?=\S)", r"\1 "),
    (r"(?<=[\w>])-(?=[\w<])", r" @-@ "),
    (r"(?<=[\d>])([,.])(?=[\d<])", r" @\1@ "),
    (r"(?<=[^\s.])([,:;!?%]|\.\.\.)(?=\s|$)", r" \1"),
    (rf"(?<=[^\s.]){_NO_ABBREVIATION}(\.)(?=\s|$)", r" \1"),
)
_PTB_JOIN = _rules(
    (r" n't(?!\w)", r"n't"),
    (r" '(?=\w)", r"'"),
    (r"(?<=s) '(?=\s)", r"'"),
    (r" ([.,:;!?%])(?=\s|$)", r"\1"),
    (r"(?<!\S)([$#]) (?=\S)", r"\1"),
)
_PTB_CUT = _rules(
    (r"(?<=\w)n't(?!\w)", r" n't"),
    (r"(?<=[\w.>])'(?=\w)", r" '"),
    (r"(?<=s)'(?=\s)", r" '"),
    (r"(?<=\S)([.,:;!?%])(?=\s|$)", r" \1"),
    (r"(?<!\S)([$#])(?=\S)", r"\1 "),
)
_CBT_JOIN = (
    *_rules(
        (r"(?<!\S)`` ", "“"),
        (r" ''(?!\S)", "”"),
        (r"(?<!\S)` (?=\S)", "‘"),
        (r"(?<!\S)-LRB- ", "("),
        (r" -RRB-(?!\S)", ")"),
        (r"(?<=\S)(n't|'s|'re|'ve|'m|'ll|'d)(?!\S)", r"\1"),
    ),
    *_PTB_JOIN,
)
_CBT_CUT = (
    *_PTB_CUT,
    *_rules((r"“", "`` "), (r"”", " ''"), (r"‘", "` "), (r"\(", "-LRB- "), (r"\)", " -RRB-")),
)
_TABLE: Mapping[Detok, tuple[tuple[_Rule, ...], tuple[_Rule, ...]]] = {
    Detok.WIKITEXT: (_WIKITEXT_JOIN, _WIKITEXT_CUT),
    Detok.PTB: (_PTB_JOIN, _PTB_CUT),
    Detok.CBT: (_CBT_JOIN, _CBT_CUT),
}


@dataclass(frozen=True, slots=True)
class Joined:
    """A text after its rules.

    Attributes:
        text: as the model reads it.
        n_lines: lines with something in them.
        n_left: lines that stayed as they were, as the way back would not have given them again.
    """

    text: str
    n_lines: int
    n_left: int


def detokenize(text: str, rules: Detok) -> Joined:
    """Joins the words of each line."""
    lines = text.split("\n")
    n_lines = sum(bool(line.strip()) for line in lines)
    if rules is Detok.NONE:
        return Joined(text, n_lines, 0)
    if rules is Detok.QUOTES:
        straight = text.replace("“", '"').replace("”", '"')
        return Joined(straight, n_lines, sum("“" in line or "”" in line for line in lines))
    join, cut = (_applying(table) for table in _TABLE[rules])
    joined = [join(line) for line in lines]
    kept = [cut(one) == line for one, line in zip(joined, lines, strict=True)]
    whole = "\n".join(
        one if is_kept else line for one, line, is_kept in zip(joined, lines, kept, strict=True)
    )
    return Joined(whole, n_lines, kept.count(False))


def retokenize(line: str, rules: Detok) -> str:
    """The way back, for one line."""
    return _applying(_TABLE[rules][1])(line) if rules in _TABLE else line


def _applying(rules: tuple[_Rule, ...]) -> Callable[[str], str]:
    def apply(line: str) -> str:
        for pattern, to in rules:
            line = pattern.sub(to, line)
        return line

    return apply
