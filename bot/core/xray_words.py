"""An X-ray in words: under its picture, for those who don't see it, and in full.

Says how predictable a text is to a model, and never who wrote it. Used by the worker; pure.
"""

from collections.abc import Sequence

from bot.core.markdown import MAX_MESSAGE, cut, escape, length
from bot.core.xray import MIN_TELLING_TOKENS, Band, Cell, Colors, Surprise, XrayReport

MAX_ALT = 1024  # what Discord takes as a picture's description
MAX_TEXT_PARTS = 4  # messages; with an answer to a click, Discord allows five at user installs
_MARKS = ("", "¹", "²", "³")
_CELL_SHOWN = 24  # characters of a surprise; longer ones are cut
_BAND_NAMES = {
    Colors.RANK: ("top 10", "top 100", "top 1,000", "the rest"),
    Colors.BITS: ("under 2 bits", "under 5 bits", "under 10 bits", "10 bits or more"),
}
_CONTROL_PICTURES = {"\n": "↵", "\t": "⇥"}


def band_name(band: Band, colors: Colors) -> str:
    """What a band is called in a legend."""
    return _BAND_NAMES[colors][band]


def percent(share: float) -> str:
    """A share as people read it."""
    if 0 < share < 0.005:
        return "under 1 %"
    return f"{share * 100:.0f} %"


def headline(report: XrayReport, model: str) -> str:
    """The numbers in one sentence, as plain text.

    Args:
        report: what was found.
        model: its name and quantization.
    """
    return (
        f"To {model}, this text has a perplexity of {_number(report.perplexity)} and takes "
        f"{_number(report.bits_per_character)} bits a character."
    )


def numbers(report: XrayReport) -> str:
    """The numbers alone, short enough for a picture's line."""
    return (
        f"perplexity {_number(report.perplexity)} · {_number(report.bits_per_character)} bits a "
        f"character · {_counted(report.n_tokens, 'token')}"
    )


def notes(report: XrayReport) -> tuple[str, ...]:
    """What one should know before one believes the numbers, as plain sentences."""
    found: list[str] = []
    if report.is_too_short:
        found.append(f"With fewer than {MIN_TELLING_TOKENS} tokens, the numbers can't tell much.")
    if report.n_left_out:
        found.append(
            f"The last {_counted(report.n_left_out, 'character')} of the text were not looked at."
        )
    return tuple(found)


def surprise_lines(report: XrayReport) -> list[tuple[str, str]]:
    """The greatest surprises as plain text: what came, and what the model expected there."""
    return [(_what(surprise), expected_said(surprise)) for surprise in report.surprises]


def one_line(text: str) -> str:
    """The text with line ends and tabs that can be seen."""
    for control, picture in _CONTROL_PICTURES.items():
        text = text.replace(control, picture)
    return text


def shown_piece(text: str) -> str:
    """A piece of text on one line, its line ends and tabs visible, cut where it is long."""
    text = one_line(text)
    return text if len(text) <= _CELL_SHOWN else text[: _CELL_SHOWN - 1] + "…"


def content(report: XrayReport, model: str, own_notes: Sequence[str] = ()) -> str:
    """The message with the picture; at most 2,000 characters.

    Args:
        report: what was found.
        model: its name and quantization.
        own_notes: what else the asker is to know, in Discord's markdown.
    """
    sentences = (headline(report, model), *notes(report))
    small_print = "It tells how predictable a text is to this model, not who wrote it."
    last = " · ".join((escape(small_print), *own_notes))
    return "**X-ray**\n" + escape(" ".join(sentences)) + "\n-# " + last


def alt_text(report: XrayReport, model: str, colors: Colors) -> str:
    """What the picture shows, for those who don't see it; at most `MAX_ALT` UTF-16 units."""
    sentences = [
        "The text with each token colored by how likely the model found it.",
        headline(report, model),
        *notes(report),
        f"Shares: {_all_shares(report, colors)}.",
        "Greatest surprises:",
    ]
    said = " ".join(sentences)
    for what, expected in surprise_lines(report):
        more = f" {what}; {expected}."
        if length(said) + length(more) <= MAX_ALT:
            said += more
    while length(said) > MAX_ALT:
        said = said[:-2] + "…"
    return said


def text_parts(report: XrayReport, model: str, colors: Colors) -> tuple[str, ...]:
    """The whole picture as text, in messages of at most 2,000 characters of Discord's markdown."""
    summary = [headline(report, model), *notes(report), ""]
    summary += [
        f"{band_name(band, colors)}{_mark_said(band)}: {percent(report.shares(colors)[band])}"
        for band in Band
    ]
    summary += ["", "Greatest surprises, with what the model expected there:"]
    summary += [
        f"{number}. {what}; {expected}"
        for number, (what, expected) in enumerate(surprise_lines(report), start=1)
    ]
    summary += ["", "The text; each piece of a higher band has its band's mark:", ""]
    whole = "\n".join(summary) + marked_text(report.cells, colors)
    return _bounded(cut(whole, [MAX_MESSAGE]))


def marked_text(cells: Sequence[Cell], colors: Colors) -> str:
    """The text with a small number behind each piece that was not among the least surprising."""
    return "".join(_marked(cell, cell.band(colors)) for cell in cells)


def _marked(cell: Cell, band: Band | None) -> str:
    """The mark stands before the white space that a piece ends with."""
    if not band:
        return cell.text
    body = cell.text.rstrip()
    if not body:
        return cell.text
    return body + _MARKS[band] + cell.text[len(body) :]


def _bounded(pieces: Sequence[str]) -> tuple[str, ...]:
    shown = [piece for piece in pieces if piece.strip()]
    if len(shown) <= MAX_TEXT_PARTS:
        return tuple(escape(piece) for piece in shown)
    note = "\n-# The rest of the text is left out here; the picture's numbers count it."
    last = cut("".join(shown[MAX_TEXT_PARTS - 1 :]), [MAX_MESSAGE - length(note)])[0]
    kept = [*shown[: MAX_TEXT_PARTS - 1], last]
    return (*(escape(piece) for piece in kept[:-1]), escape(kept[-1]) + note)


def _mark_said(band: Band) -> str:
    return f" ({_MARKS[band]})" if band else ""


def _all_shares(report: XrayReport, colors: Colors) -> str:
    shares = report.shares(colors)
    return ", ".join(f"{band_name(band, colors)} {percent(shares[band])}" for band in Band)


def _what(surprise: Surprise) -> str:
    cell = surprise.cell
    return f"{one_line(surprise.before)}[{shown_piece(cell.text)}] ({guess_said(cell)})"


def guess_said(cell: Cell) -> str:
    """How unlikely a scored piece was, and which of the model's guesses."""
    return f"{_number(cell.bits or 0.0)} bits, guess {(cell.rank or 0) + 1:,}"


def expected_said(surprise: Surprise) -> str:
    """What the model expected there, as plain text."""
    named = ", ".join(
        f"“{shown_piece(one.text)}” {percent(one.probability)}" for one in surprise.cell.expected
    )
    return f"expected: {named}" if named else "nothing else was looked at there"


def _number(value: float) -> str:
    """Three digits that count, without an exponent."""
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def _counted(count: int, unit: str) -> str:
    return f"{count:,} {unit}" if count == 1 else f"{count:,} {unit}s"
