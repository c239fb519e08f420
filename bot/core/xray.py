"""How predictable a text is to a model: what scores of its tokens say of its characters.

Pure: the worker makes a report of the engine's scores, `plots.xray` draws it, `xray_words` says
it. A report tells of a text and a model, and of nobody who may have written it.
"""

import math
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import IntEnum, StrEnum

MAX_XRAY_TOKENS = 4096  # of a longer text, the rest is not looked at
MIN_TELLING_TOKENS = 50  # fewer say little, however they were scored
N_EXPECTED = 3  # tokens named at each surprise
N_SURPRISES = 5
_MOST_TOKENS = 16  # of one piece: what people see as one letter is rarely longer
_ZERO_WIDTH_JOINER = "\u200d"
_CONTEXT = 18  # characters shown before a surprise

_RANKS = (10, 100, 1000)  # a band ends before its rank
_BITS = (2.0, 5.0, 10.0)  # a band ends before so many bits


class Band(IntEnum):
    """How surprising a piece of text was, from least to most."""

    LOW = 0  # among the model's first 10 guesses; or under 2 bits
    MILD = 1  # among the first 100; or under 5 bits
    HIGH = 2  # among the first 1,000; or under 10 bits
    TOP = 3  # the rest


class Colors(StrEnum):
    """What the colors of a picture stand for; each name is stored in jobs."""

    RANK = "rank"  # which of the model's guesses it was
    BITS = "bits"  # how unlikely it was


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """A token that the model found likelier than the one that came.

    Attributes:
        text: of the token; U+FFFD where it is a part of a character.
        probability: 0 to 1.
    """

    text: str
    probability: float


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenScore:
    """One token as the model read it.

    Attributes:
        piece: its bytes; those of all tokens make up the text in UTF-8.
        bits: how unlikely it was, given all before it; None where nobody asked.
        rank: how many tokens the model found likelier; None likewise.
        expected: the likeliest ones there, the likeliest first.
    """

    piece: bytes
    bits: float | None = None
    rank: int | None = None
    expected: tuple[Expected, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """A piece of the text with one color: a token, or those that share a letter or emoji.

    Attributes:
        text: at least one character.
        start: index of its first character in the text.
        bits: of its tokens together; None where one was not scored.
        rank: of the least expected of its tokens; None likewise.
        n_tokens: at least 1.
        expected: at its first token.
    """

    text: str
    start: int
    bits: float | None
    rank: int | None
    n_tokens: int = 1
    expected: tuple[Expected, ...] = ()

    @property
    def end(self) -> int:
        """Index behind its last character."""
        return self.start + len(self.text)

    def band(self, colors: Colors = Colors.RANK) -> Band | None:
        """How surprising it was; None where it was not scored."""
        if self.rank is None or self.bits is None:
            return None
        return band_of_rank(self.rank) if colors is Colors.RANK else band_of_bits(self.bits)


@dataclass(frozen=True, slots=True, kw_only=True)
class Surprise:
    """A place where the text went on in a way that the model did not expect.

    Attributes:
        cell: what came.
        before: the end of what stands before it; begins with "…" where there is more.
    """

    cell: Cell
    before: str


@dataclass(frozen=True, slots=True, kw_only=True)
class XrayReport:
    """What was found.

    Attributes:
        text: what was looked at.
        cells: its pieces, in order; together they are the text.
        n_tokens: how many tokens were scored, at least 1.
        bits: of all of them.
        n_left_out: characters after the text that were not looked at.
        rank_shares: of the scored tokens in each band of ranks; they sum to 1.
        bits_shares: in each band of bits; likewise.
        surprises: the greatest ones, the greatest first.
    """

    text: str
    cells: tuple[Cell, ...]
    n_tokens: int
    bits: float
    n_left_out: int
    rank_shares: tuple[float, ...]
    bits_shares: tuple[float, ...]
    surprises: tuple[Surprise, ...]

    @property
    def perplexity(self) -> float:
        """Of a token; as many equally likely tokens would have been as hard to guess."""
        return math.exp2(min(1000.0, self.bits / self.n_tokens))

    @property
    def bits_per_character(self) -> float:
        """Of the scored text."""
        return self.bits / max(1, sum(len(cell.text) for cell in self._scored()))

    @property
    def bits_per_byte(self) -> float:
        """Of the scored text in UTF-8: the one number that compares tokenizers and scripts."""
        return self.bits / max(1, sum(len(cell.text.encode()) for cell in self._scored()))

    @property
    def is_too_short(self) -> bool:
        """Whether so few tokens can't tell much."""
        return self.n_tokens < MIN_TELLING_TOKENS

    def shares(self, colors: Colors) -> tuple[float, ...]:
        """The share of each band."""
        return self.rank_shares if colors is Colors.RANK else self.bits_shares

    def _scored(self) -> Iterator[Cell]:
        return (cell for cell in self.cells if cell.bits is not None)


def band_of_rank(rank: int) -> Band:
    """The band of a rank (0 = the likeliest)."""
    return Band(sum(rank >= bound for bound in _RANKS))


def band_of_bits(bits: float) -> Band:
    """The band of a piece that was so unlikely."""
    return Band(sum(bits >= bound for bound in _BITS))


def make_report(tokens: Sequence[TokenScore], *, n_left_out: int = 0) -> XrayReport:
    """Puts the scores of a text's tokens together.

    Args:
        tokens: of the text, in order; no byte of theirs is missing from the text.
        n_left_out: characters after them that were not looked at.

    Raises:
        ValueError: none of the tokens was scored.
    """
    scored = [token for token in tokens if token.bits is not None and token.rank is not None]
    if not scored:
        raise ValueError("no token was scored")
    cells = tuple(_cells(tokens))
    text = "".join(cell.text for cell in cells)
    return XrayReport(
        text=text,
        cells=cells,
        n_tokens=len(scored),
        bits=math.fsum(token.bits or 0.0 for token in scored),
        n_left_out=n_left_out,
        rank_shares=_shares([band_of_rank(token.rank or 0) for token in scored]),
        bits_shares=_shares([band_of_bits(token.bits or 0.0) for token in scored]),
        surprises=_surprises(text, cells),
    )


def masked(report: XrayReport, hide: Callable[[str], str]) -> XrayReport:
    """The report with unwanted words hidden: in the text, and in what the model expected.

    Args:
        report: of the text.
        hide: gives a text as it may be shown, no shorter and no longer.

    Raises:
        ValueError: it changed the text's length.
    """
    shown = hide(report.text)
    if len(shown) != len(report.text):
        raise ValueError(f"{len(shown)} characters in place of {len(report.text)}")
    cells = tuple(replace(cell, text=shown[cell.start : cell.end]) for cell in report.cells)
    surprises = tuple(
        replace(one, cell=replace(one.cell, expected=_hidden(one.cell.expected, hide)))
        for one in _surprises(shown, cells)
    )
    return replace(report, text=shown, cells=cells, surprises=surprises)


def _hidden(expected: Sequence[Expected], hide: Callable[[str], str]) -> tuple[Expected, ...]:
    return tuple(replace(one, text=hide(one.text)) for one in expected)


def _cells(tokens: Sequence[TokenScore]) -> Iterator[Cell]:
    """Tokens, with those together that split what people see as one character."""
    held: list[TokenScore] = []
    text, start = "", 0
    for group, piece in _whole_characters(tokens):
        if text and not (_goes_on(text, piece) and len(held) + len(group) <= _MOST_TOKENS):
            yield _cell(held, text, start)
            start += len(text)
            held, text = [], ""
        held += group
        text += piece
    if text:
        yield _cell(held, text, start)


def _whole_characters(tokens: Sequence[TokenScore]) -> Iterator[tuple[list[TokenScore], str]]:
    """Tokens and their text, those that split a character together; U+FFFD for what is broken."""
    held: list[TokenScore] = []
    for index, token in enumerate(tokens):
        held.append(token)
        data = b"".join(one.piece for one in held)
        if index == len(tokens) - 1 or (data and _is_whole(data)):
            yield held, data.decode(errors="replace")
            held = []


def _goes_on(before: str, after: str) -> bool:
    """Whether people see no border between the two: accents, and what emoji are made of."""
    if not after:
        return True
    if before[-1].isspace():
        return False
    return (
        before[-1] == _ZERO_WIDTH_JOINER
        or unicodedata.category(after[0]) in ("Mn", "Me", "Mc")
        or after[0] == _ZERO_WIDTH_JOINER
        or "\U0001f3fb" <= after[0] <= "\U0001f3ff"  # skin tones
        or (_is_half_flag(before[-1]) and _is_half_flag(after[0]) and len(before.strip()) == 1)
    )


def _is_half_flag(character: str) -> bool:
    return "\U0001f1e6" <= character <= "\U0001f1ff"


def _is_whole(data: bytes) -> bool:
    """Whether no character goes on behind the bytes."""
    for back in range(1, min(4, len(data)) + 1):
        byte = data[-back]
        if byte & 0b1100_0000 != 0b1000_0000:  # the newest character begins here
            wanted = 1 + (byte >= 0xC0) + (byte >= 0xE0) + (byte >= 0xF0)
            return back >= wanted
    return True  # no character has so many bytes: broken, and nothing mends it


def _cell(tokens: Sequence[TokenScore], text: str, start: int) -> Cell:
    bits = [token.bits for token in tokens if token.bits is not None]
    ranks = [token.rank for token in tokens if token.rank is not None]
    is_scored = len(bits) == len(ranks) == len(tokens)
    return Cell(
        text=text,
        start=start,
        bits=math.fsum(bits) if is_scored else None,
        rank=max(ranks) if is_scored else None,
        n_tokens=len(tokens),
        expected=tokens[0].expected,
    )


def _shares(bands: Sequence[Band]) -> tuple[float, ...]:
    return tuple(sum(one is band for one in bands) / len(bands) for band in Band)


def _surprises(text: str, cells: Sequence[Cell]) -> tuple[Surprise, ...]:
    """The pieces with the most bits; of equal ones the first. Nothing that was expected most."""
    found = [cell for cell in cells if cell.rank and cell.bits is not None]
    found.sort(key=lambda cell: (-(cell.bits or 0.0), cell.start))
    return tuple(
        Surprise(cell=cell, before=_before(text, cell.start)) for cell in found[:N_SURPRISES]
    )


def _before(text: str, start: int) -> str:
    first = max(0, start - _CONTEXT)
    return ("…" if first else "") + text[first:start]
