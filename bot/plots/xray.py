"""An X-ray as a picture: a text with each piece colored, and below it the numbers.

The worker calls it in a thread. It is 1080 pixels wide, for phones, on a background of its own,
which reads the same in Discord's dark and light themes. The colors get lighter from band to band,
so that everybody tells them apart, color-blind or not and also without any color; lines under the
text say the same once more.
"""

import io
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import islice

from PIL import Image, ImageDraw

from bot.core.xray import Band, Colors, XrayReport
from bot.core.xray_words import (
    band_name,
    expected_said,
    guess_said,
    notes,
    numbers,
    one_line,
    percent,
    shown_piece,
)
from bot.language import tr
from bot.plots.letters import legible
from bot.plots.look import BACKGROUND, GRID, TEXT
from bot.plots.xray_fonts import Catalogue, Faces, system_fonts
from bot.plots.xray_layout import Piece, place

WIDTH_PX = 1080
MAX_HEIGHT_PX = 8000
_BELOW_PX = 1900  # what stands below the text takes less, whatever the text
_MARGIN_PX = 28
_LINE_PX = WIDTH_PX - 2 * _MARGIN_PX
_ROW_GAP_PX = 8
_MARK_PX = 12  # under the letters, for the lines
_PAD_PX = 3  # between a piece's letters and its ends, one of them the gap to the next
_SMALL_PX = 31
_SIZES = ((300, 46), (1200, 38))  # characters, pixels of their letters
_LEAST_PX = 33
_QUIET = "#B9BBC2"
_WORDS = re.compile(r"\s+|\S+\s*")


@dataclass(frozen=True, slots=True)
class Look:
    """The colors of a piece of text; `fill` None = only an outline."""

    fill: str | None
    ink: str


LOOKS = {
    Band.LOW: Look("#2B2F3A", TEXT),
    Band.MILD: Look("#2F6DB5", "#FFFFFF"),
    Band.HIGH: Look("#E69F00", BACKGROUND),
    Band.TOP: Look("#F7EE9A", BACKGROUND),
}
NOT_SCORED = Look(None, TEXT)


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """A piece of text in the picture.

    Attributes:
        cell: index of the report's cell, or -1 for words of ours.
        piece: what is written.
        band: of the cell; None where it was not scored, or is no cell.
        look: its colors.
        left, top, right, bottom: pixels; the right and bottom ones belong to it.
        baseline: pixels.
        faces: draw its letters.
        is_framed: whether it has a box around it.
    """

    cell: int
    piece: Piece
    band: Band | None
    look: Look
    left: int
    top: int
    right: int
    bottom: int
    baseline: int
    faces: Faces
    is_framed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class _Span:
    """A text to be placed, in one look."""

    text: str
    look: Look = NOT_SCORED
    band: Band | None = None
    cell: int = -1
    is_framed: bool = False


@dataclass(slots=True, kw_only=True)
class Sheet:
    """A picture that is planned from top to bottom.

    Attributes:
        boxes: what is on it.
        height: pixels used so far.
    """

    boxes: list[Box] = field(default_factory=list[Box])
    height: int = _MARGIN_PX

    def flow(
        self, spans: Iterable[_Span], faces: Faces, *, is_framed: bool = False,
        left: int = _MARGIN_PX, width: int = _LINE_PX, max_lines: int | None = None,
    ) -> bool:  # fmt: skip
        """Adds lines of text below what is there.

        Returns:
            Whether all of it found room.
        """
        listed = list(spans)
        pad = 2 * _PAD_PX if is_framed else 0
        step = faces.ascent + faces.descent + (_MARK_PX + _ROW_GAP_PX if is_framed else 6)
        lines = place(
            (span.text for span in listed),
            lambda text, is_rtl: faces.width(text, is_rtl=is_rtl),
            line_px=width,
            pad_px=pad,
        )
        for line in islice(lines, max_lines):
            for placed in line:
                span = listed[placed.piece.owner]
                self.boxes.append(
                    Box(
                        cell=span.cell,
                        piece=placed.piece,
                        band=span.band,
                        look=span.look,
                        left=round(left + placed.left),
                        top=self.height,
                        right=round(left + placed.left + placed.width) - 2,
                        bottom=self.height + step - _ROW_GAP_PX - 1,
                        baseline=self.height + faces.ascent,
                        faces=faces,
                        is_framed=span.is_framed,
                    )
                )
            self.height += step
        return next(lines, None) is None

    def say(self, text: str, faces: Faces, *, ink: str = TEXT, space: int = 0) -> None:
        """Adds a paragraph of ours, after some pixels of space."""
        self.height += space
        self.flow(_plain(text, ink), faces)


def draw_xray(
    report: XrayReport, *, model: str, colors: Colors, fonts: Catalogue | None = None
) -> bytes:
    """The picture of a report, a PNG; equal reports give equal bytes.

    Args:
        report: what was found.
        model: its name and quantization.
        colors: what the colors stand for.
        fonts: where letters come from; None = from this machine.
    """
    return render(plan_xray(report, model=model, colors=colors, fonts=fonts))


def plan_xray(
    report: XrayReport, *, model: str, colors: Colors, fonts: Catalogue | None = None
) -> Sheet:
    """Where everything stands in the picture of a report; see `draw_xray`."""
    with legible(fonts):
        return _planned(report, model, colors, fonts or system_fonts())


def _planned(report: XrayReport, model: str, colors: Colors, fonts: Catalogue) -> Sheet:
    small, sheet = Faces(_SMALL_PX, fonts), Sheet()
    sheet.say(tr("X-ray by {model}", model=model), small, ink=_QUIET)
    sheet.height += 10
    _add_text(sheet, report, colors, fonts, small)
    _add_legend(sheet, report, colors, small)
    sheet.say(numbers(report), small, space=14)
    for note in notes(report):
        sheet.say(note, small, space=6)
    if report.surprises:
        sheet.say(tr("Greatest surprises:"), small, space=14)
    for number, surprise in enumerate(report.surprises, start=1):
        sheet.height += 10
        band = surprise.cell.band(colors)
        what = _Span(
            text=shown_piece(surprise.cell.text),
            look=NOT_SCORED if band is None else LOOKS[band],
            band=band,
            is_framed=True,
        )
        spans = [
            *_plain(f"{number}. {one_line(surprise.before)}", TEXT),
            what,
            *_plain(f"  {guess_said(surprise.cell)}", TEXT),
        ]
        sheet.flow(spans, small, is_framed=True)
        sheet.say(expected_said(surprise), small, ink=_QUIET)
    sheet.height += _MARGIN_PX
    return sheet


def _add_text(
    sheet: Sheet, report: XrayReport, colors: Colors, fonts: Catalogue, small: Faces
) -> None:
    sizes = (px for limit, px in _SIZES if len(report.text) <= limit)
    faces = Faces(next(sizes, _LEAST_PX), fonts)
    step = faces.ascent + faces.descent + _MARK_PX + _ROW_GAP_PX
    spans: list[_Span] = []
    for index, cell in enumerate(report.cells):
        band = cell.band(colors)
        look = NOT_SCORED if band is None else LOOKS[band]
        spans.append(_Span(text=cell.text, look=look, band=band, cell=index, is_framed=True))
    max_lines = (MAX_HEIGHT_PX - _BELOW_PX) // step
    if not sheet.flow(spans, faces, is_framed=True, max_lines=max_lines):
        rest = tr("The rest of the text is counted below, but has no room here.")
        sheet.say(rest, small, space=6)


def _add_legend(sheet: Sheet, report: XrayReport, colors: Colors, small: Faces) -> None:
    """The bands, two in a row."""
    sheet.height += 16
    column = _LINE_PX // 2
    top = bottom = sheet.height
    for band in Band:
        sheet.height = top
        share = percent(report.shares(colors)[band])
        named = tr("{name}: {value}", name=band_name(band, colors), value=share)
        sample = _Span(text=" abc ", look=LOOKS[band], band=band, is_framed=True)
        left = _MARGIN_PX + column * (band % 2)
        said = _plain(f" {named}", TEXT)
        sheet.flow([sample, *said], small, is_framed=True, left=left, width=column)
        bottom = max(bottom, sheet.height)
        if band % 2:
            top = bottom
    sheet.height = bottom


def render(sheet: Sheet) -> bytes:
    """Draws a sheet; a PNG."""
    image = Image.new("RGB", (WIDTH_PX, sheet.height), BACKGROUND)
    pen = ImageDraw.Draw(image)
    for box in sheet.boxes:
        inset = _PAD_PX if box.is_framed else 0
        if box.is_framed:
            area = (box.left, box.top, box.right, box.bottom)
            pen.rectangle(area, fill=box.look.fill, outline=box.look.fill or GRID)
            _underline(pen, box)
        box.faces.draw(
            image, box.left + inset, box.baseline, box.piece.joined or box.piece.text,
            box.look.ink, is_rtl=box.piece.is_rtl,
        )  # fmt: skip
    file = io.BytesIO()
    image.save(file, format="png", compress_level=2)
    return file.getvalue()


def _underline(pen: ImageDraw.ImageDraw, box: Box) -> None:
    """One line, two lines, a zigzag: the bands without their colors."""
    left, right, low = box.left + 3, box.right - 3, box.bottom - 3
    ink = box.look.ink
    if box.band is Band.MILD or box.band is Band.HIGH:
        pen.line((left, low, right, low), fill=ink, width=2)
    if box.band is Band.HIGH:
        pen.line((left, low - 5, right, low - 5), fill=ink, width=2)
    if box.band is Band.TOP:
        corners = [(x, low - 7 * (step % 2)) for step, x in enumerate(range(left, right + 1, 6))]
        pen.line(corners or [(left, low), (right, low)], fill=ink, width=2)


def _plain(text: str, ink: str) -> list[_Span]:
    look = Look(None, ink)
    return [_Span(text=word, look=look) for word in _WORDS.findall(text)]


def contrast(first: str, second: str) -> float:
    """How well one color reads on the other, 1 to 21, as WCAG 2 computes it."""
    dark, light = sorted((_luminance(first), _luminance(second)))
    return (light + 0.05) / (dark + 0.05)


def _luminance(color: str) -> float:
    shares = [int(color[start : start + 2], 16) / 255 for start in (1, 3, 5)]
    linear = [one / 12.92 if one <= 0.04045 else ((one + 0.055) / 1.055) ** 2.4 for one in shares]
    return sum(weight * one for weight, one in zip((0.2126, 0.7152, 0.0722), linear, strict=True))
