"""An X-ray in words: under its picture, for those who don't see it, and in full.

Says how predictable a text is to a model, and never who wrote it. Used by the worker; pure.
"""

from collections.abc import Sequence

from bot.core.markdown import MAX_MESSAGE, cut, escape, length
from bot.core.xray import MIN_TELLING_TOKENS, Band, Cell, Colors, Surprise, XrayReport
from bot.language import listed, mark, number, tr, tr_n
from bot.language import percent as whole_percent

MAX_ALT = 1024  # what Discord takes as a picture's description
MAX_TEXT_PARTS = 4  # messages; with an answer to a click, Discord allows five at user installs
_MARKS = ("", "¹", "²", "³")
_CELL_SHOWN = 24  # characters of a surprise; longer ones are cut
_BAND_NAMES = {
    # Translators: a word is among the model's 10 first guesses; so are the next two
    Colors.RANK: (mark("top 10"), mark("top 100"), mark("top 1,000"), mark("the rest")),
    Colors.BITS: (
        mark("under 2 bits"),
        mark("under 5 bits"),
        mark("under 10 bits"),
        mark("10 bits or more"),
    ),
}
_CONTROL_PICTURES = {"\n": "↵", "\t": "⇥"}


def band_name(band: Band, colors: Colors) -> str:
    """What a band is called in a legend."""
    return tr(_BAND_NAMES[colors][band])


def percent(share: float) -> str:
    """A share as people read it."""
    if 0 < share < 0.005:
        return tr("under {share}", share=whole_percent(0.01))
    return whole_percent(share)


def headline(report: XrayReport, model: str) -> str:
    """The numbers in one sentence, as plain text.

    Args:
        report: what was found.
        model: its name and quantization.
    """
    return tr(
        "To {model}, this text has a perplexity of {perplexity} and takes {bits} bits a character.",
        model=model,
        perplexity=_number(report.perplexity),
        bits=_number(report.bits_per_character),
    )


def numbers(report: XrayReport) -> str:
    """The numbers alone, short enough for a picture's line."""
    return tr_n(
        "perplexity {perplexity} · {bits} bits a character · {n} token",
        "perplexity {perplexity} · {bits} bits a character · {n} tokens",
        report.n_tokens,
        perplexity=_number(report.perplexity),
        bits=_number(report.bits_per_character),
    )


def notes(report: XrayReport) -> tuple[str, ...]:
    """What one should know before one believes the numbers, as plain sentences."""
    found: list[str] = []
    if report.is_too_short:
        found.append(
            tr(
                "With fewer than {least} tokens, the numbers can't tell much.",
                least=number(MIN_TELLING_TOKENS),
            )
        )
    if report.n_left_out:
        found.append(
            tr_n(
                "The last character of the text was not looked at.",
                "The last {n} characters of the text were not looked at.",
                report.n_left_out,
            )
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
    title = tr("X-ray")
    small_print = tr("It tells how predictable a text is to this model, not who wrote it.")
    last = " · ".join((escape(small_print), *own_notes))
    return f"**{escape(title)}**\n" + escape(" ".join(sentences)) + "\n-# " + last


def alt_text(report: XrayReport, model: str, colors: Colors) -> str:
    """What the picture shows, for those who don't see it; at most `MAX_ALT` UTF-16 units."""
    sentences = [
        tr("The text with each token colored by how likely the model found it."),
        headline(report, model),
        *notes(report),
        tr("Shares: {shares}.", shares=_all_shares(report, colors)),
        tr("Greatest surprises:"),
    ]
    said = " ".join(sentences)
    for what, expected in surprise_lines(report):
        more = " " + tr("{surprise}; {expected}.", surprise=what, expected=expected)
        if length(said) + length(more) <= MAX_ALT:
            said += more
    while length(said) > MAX_ALT:
        said = said[:-2] + "…"
    return said


def text_parts(report: XrayReport, model: str, colors: Colors) -> tuple[str, ...]:
    """The whole picture as text, in messages of at most 2,000 characters of Discord's markdown."""
    summary = [headline(report, model), *notes(report), ""]
    summary += [_share_line(band, colors, report.shares(colors)[band]) for band in Band]
    summary += ["", tr("Greatest surprises, with what the model expected there:")]
    summary += [
        f"{place}. " + tr("{surprise}; {expected}", surprise=what, expected=expected)
        for place, (what, expected) in enumerate(surprise_lines(report), start=1)
    ]
    summary += ["", tr("The text; each piece of a higher band has its band's mark:"), ""]
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
    note = "\n-# " + tr("The rest of the text is left out here; the picture's numbers count it.")
    last = cut("".join(shown[MAX_TEXT_PARTS - 1 :]), [MAX_MESSAGE - length(note)])[0]
    kept = [*shown[: MAX_TEXT_PARTS - 1], last]
    return (*(escape(piece) for piece in kept[:-1]), escape(kept[-1]) + note)


def _share_line(band: Band, colors: Colors, share: float) -> str:
    name, said = band_name(band, colors), percent(share)
    if not band:
        return tr("{band}: {share}", band=name, share=said)
    return tr("{band} ({mark}): {share}", band=name, mark=_MARKS[band], share=said)


def _all_shares(report: XrayReport, colors: Colors) -> str:
    shares = report.shares(colors)
    return listed(
        tr("{band} {share}", band=band_name(band, colors), share=percent(shares[band]))
        for band in Band
    )


def _what(surprise: Surprise) -> str:
    cell = surprise.cell
    place = f"{one_line(surprise.before)}[{shown_piece(cell.text)}]"
    return tr("{place} ({guess})", place=place, guess=guess_said(cell))


def guess_said(cell: Cell) -> str:
    """How unlikely a scored piece was, and which of the model's guesses."""
    return tr(
        "{bits} bits, guess {guess}",
        bits=_number(cell.bits or 0.0),
        guess=number((cell.rank or 0) + 1),
    )


def expected_said(surprise: Surprise) -> str:
    """What the model expected there, as plain text."""
    if not surprise.cell.expected:
        return tr("nothing else was looked at there")
    named = listed(
        tr("“{token}” {share}", token=shown_piece(one.text), share=percent(one.probability))
        for one in surprise.cell.expected
    )
    return tr("expected: {tokens}", tokens=named)


def _number(value: float) -> str:
    """Three digits that count, without an exponent."""
    if value >= 100:
        return number(value, 0)
    return number(value, 1) if value >= 10 else number(value, 2)
