"""The picture of an X-ray: each piece in its band's color, marks, directions, bounds."""

import io
import unicodedata
from itertools import pairwise
from pathlib import Path

import pytest
from fontTools.fontBuilder import FontBuilder
from fontTools.pens.ttGlyphPen import TTGlyphPen
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, features

from bot.core.xray import Band, Colors, Expected, TokenScore, XrayReport, make_report
from bot.plots.look import BACKGROUND, TEXT
from bot.plots.xray import (
    LOOKS,
    MAX_HEIGHT_PX,
    WIDTH_PX,
    Box,
    contrast,
    draw_xray,
    plan_xray,
    render,
)
from bot.plots.xray_fonts import Catalogue, Faces, system_fonts

RANKS = (0, 50, 500, 5000)  # one of each band
HEBREW = ("פעם", " אחת", " היה", " מלך")


def report_of(*pieces: str, ranks: tuple[int, ...] = RANKS, n_left_out: int = 0) -> XrayReport:
    """Pieces of a text, their ranks in turn."""
    expected = (Expected(text=" the", probability=0.3),)
    tokens = [
        TokenScore(
            piece=piece.encode(), bits=index % 13, rank=ranks[index % len(ranks)], expected=expected
        )
        for index, piece in enumerate(pieces)
    ]
    return make_report(tokens, n_left_out=n_left_out)


def boxes_of(report: XrayReport, colors: Colors = Colors.RANK) -> list[Box]:
    """Where the cells stand."""
    sheet = plan_xray(report, model="gpt2 q8_0", colors=colors)
    return [box for box in sheet.boxes if box.cell >= 0]


def opened(png: bytes) -> Image.Image:
    return Image.open(io.BytesIO(png)).convert("RGB")


def color(text: str) -> tuple[int, ...]:
    return tuple(bytes.fromhex(text[1:]))


@pytest.mark.parametrize("colors", list(Colors))
def test_each_piece_has_the_color_of_its_band(colors: Colors):
    """At the corner of its box, where no letter is; beside it is background."""
    report = report_of(*(f" word{n}" for n in range(60)), "\n", "end")
    sheet = plan_xray(report, model="gpt2 q8_0", colors=colors)
    picture = opened(render(sheet))

    boxes = [box for box in sheet.boxes if box.cell >= 0]
    assert set(range(62)) == {box.cell for box in boxes}
    for box in boxes:
        band = report.cells[box.cell].band(colors)
        assert band is not None
        assert color(LOOKS[band].fill or "") == picture.getpixel((box.left, box.top))
        assert color(BACKGROUND) == picture.getpixel((box.right + 1, box.top))
        assert color(BACKGROUND) == picture.getpixel((box.left, box.bottom + 2))


def test_letters_read_on_their_color():
    """4.5 to 1, as WCAG asks for; the picture's own words as well."""
    assert contrast(TEXT, BACKGROUND) >= 4.5
    for look in LOOKS.values():
        assert contrast(look.ink, look.fill or BACKGROUND) >= 4.5
    assert 21 == contrast("#000000", "#FFFFFF") == contrast("#FFFFFF", "#000000")


def test_bands_differ_also_without_colors():
    """Each is clearly lighter than the one before."""
    fills = [look.fill or "" for look in LOOKS.values()]

    for darker, lighter in pairwise(fills):
        assert contrast(darker, lighter) >= 1.8
        assert contrast("#FFFFFF", darker) > contrast("#FFFFFF", lighter)


def test_bands_differ_by_their_lines():
    """Drawn in one color, a blank piece of each band looks different under the letters."""
    seen: set[bytes] = set()
    for band, rank in zip(Band, RANKS, strict=True):
        report = report_of(" " * 12, "x", ranks=(rank, 0))
        sheet = plan_xray(report, model="m", colors=Colors.RANK)
        box = next(box for box in sheet.boxes if box.cell == 0)
        area = (box.left, box.top, box.right + 1, box.bottom + 1)
        cut = opened(render(sheet)).crop(area)
        fill = color(LOOKS[band].fill or "")
        data = cut.tobytes()
        seen.add(bytes(tuple(data[at : at + 3]) != fill for at in range(0, len(data), 3)))

    assert 4 == len(seen)


def test_lines_wrap_at_words():
    """No piece leaves the picture, and a word's pieces stay together."""
    boxes = boxes_of(report_of(*[" Bard", "ling"] * 60))

    assert all(28 <= box.left < box.right < WIDTH_PX - 28 + 1 for box in boxes)
    tops = {box.cell: box.top for box in boxes}
    assert all(tops[cell] == tops[cell + 1] for cell in range(0, 120, 2))
    assert len(set(tops.values())) > 1


def test_word_longer_than_a_line_is_broken():
    """Also a single piece, which then has several boxes; none of its letters is lost."""
    boxes = boxes_of(report_of("x" * 300, "y"))

    assert all(box.right <= WIDTH_PX - 28 for box in boxes)
    assert "x" * 300 == "".join(box.piece.text for box in boxes if box.cell == 0)


def test_line_ends_are_seen():
    """Each ends its line, and has a mark in its own color."""
    boxes = boxes_of(report_of("a", "\n\n", "b"))

    assert ["a", "↵", "↵", "b"] == [box.piece.text for box in boxes]
    assert [0, 1, 1, 2] == [box.cell for box in boxes]
    assert boxes[0].top == boxes[1].top < boxes[2].top < boxes[3].top


def test_text_from_right_to_left_is_laid_out_so():
    """The first word stands at the right end, later ones to its left."""
    boxes = {box.cell: box for box in boxes_of(report_of(*HEBREW))}

    lefts = [boxes[cell].left for cell in range(4)]
    assert lefts == sorted(lefts, reverse=True)
    assert boxes[0].right >= WIDTH_PX - 28 - 4


def test_words_of_the_other_direction_keep_it():
    """Hebrew in English, with a number; English in Hebrew."""
    inside = {box.cell: box.left for box in boxes_of(report_of("Say ", *HEBREW[:2], " now"))}
    assert [0, 2, 1, 3] == sorted(inside, key=inside.__getitem__)

    around = {box.cell: box.left for box in boxes_of(report_of(HEBREW[0], " big", " fox", "!"))}
    assert [3, 1, 2, 0] == sorted(around, key=around.__getitem__)

    number = {box.cell: box.left for box in boxes_of(report_of("פעם ", "1", "2", " מלך"))}
    assert [3, 1, 2, 0] == sorted(number, key=number.__getitem__)


@pytest.mark.skipif(not features.check("raqm"), reason="no shaping in this build of Pillow")
def test_arabic_letters_join_across_pieces():
    """A letter that goes on in the next piece is written as in the middle of a word."""
    alone = {box.cell: box for box in boxes_of(report_of("ب", " ", "ب"))}
    joined = {box.cell: box for box in boxes_of(report_of("ب", "ب"))}
    not_joining = {box.cell: box for box in boxes_of(report_of("د", "ب"))}

    assert joined[0].right - joined[0].left < alone[0].right - alone[0].left
    widths = [box.right - box.left for box in (not_joining[1], alone[2])]
    assert abs(widths[0] - widths[1]) <= 1  # of rounding


def test_text_too_long_for_the_picture_is_cut_with_a_note():
    """Its numbers still count everything."""
    report = report_of(*[" word"] * 4096)
    sheet = plan_xray(report, model="gpt2", colors=Colors.RANK)
    said = " ".join(box.piece.text for box in sheet.boxes if box.cell < 0)

    assert sheet.height <= MAX_HEIGHT_PX
    assert max(box.cell for box in sheet.boxes) < 4095
    assert "4,096  tokens" in said
    assert "has  no  room  here" in said


def test_a_window_of_text_is_shown_whole():
    """1,024 tokens of English, in a file far below Discord's bound."""
    report = report_of(*[" word", " of", " something", ","] * 256)
    sheet = plan_xray(report, model="gpt2", colors=Colors.RANK)

    assert set(range(1024)) <= {box.cell for box in sheet.boxes}
    assert len(render(sheet)) < 8_000_000


@settings(max_examples=25, deadline=None)
@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]), min_size=1), min_size=1))
def test_any_text_makes_a_picture(pieces: list[str]):
    """Within its bounds, every piece with at least one box, and all letters in them."""
    report = report_of(*pieces)
    sheet = plan_xray(report, model="gpt2", colors=Colors.BITS)
    picture = opened(render(sheet))

    assert (WIDTH_PX, sheet.height) == picture.size
    assert sheet.height <= MAX_HEIGHT_PX
    written = ["".join(box.piece.text for box in sheet.boxes if box.cell == index)
               for index in range(len(report.cells))]  # fmt: skip
    for cell, shown in zip(report.cells, written, strict=True):
        expected = cell.text.replace("\n", "↵").replace("\t", "⇥")
        assert sorted(expected) == sorted(shown)


def test_no_character_breaks_the_drawing():
    """Each of Unicode's, alone and between letters; some end a paragraph, some turn it around."""
    faces = Faces(12, system_fonts())
    image = Image.new("RGB", (60, 30))
    for code in (*range(0x0, 0xD800), *range(0xE000, 0x2_0000, 3), *range(0xE_0000, 0xE_0200)):
        if unicodedata.category(chr(code)) not in ("Lo", "Cn", "Co"):  # all alike
            for is_rtl in (False, True):
                assert faces.width(f"a{chr(code)}b", is_rtl=is_rtl) > 0
            faces.draw(image, 1, 20, chr(code), "#FFFFFF")


def test_equal_reports_are_equal_pictures():
    """So that another attempt of a job posts the same file."""
    first, second = (
        draw_xray(report_of("Once", " upon"), model="gpt2", colors=Colors.RANK) for _ in range(2)
    )
    assert first == second


def font_with(path: Path, character: str, *, width: int) -> str:
    """A font with one glyph: a black square."""
    pen = TTGlyphPen(None)
    pen.moveTo((0, 0))
    for point in ((0, 800), (800, 800), (800, 0)):
        pen.lineTo(point)
    pen.closePath()
    builder = FontBuilder(1000, isTTF=True)
    builder.setupGlyphOrder([".notdef", "square"])
    builder.setupCharacterMap({ord(character): "square"})
    builder.setupGlyf({".notdef": TTGlyphPen(None).glyph(), "square": pen.glyph()})
    builder.setupHorizontalMetrics({".notdef": (500, 0), "square": (width, 0)})
    builder.setupHorizontalHeader(ascent=800, descent=-200)
    builder.setupNameTable({"familyName": "Square", "styleName": "Regular"})
    builder.setupOS2()
    builder.setupPost()
    builder.save(path)
    return str(path)


def shipped() -> str:
    found = system_fonts().font_for("x")
    assert found
    return found.path


def test_other_fonts_are_used_where_the_first_has_no_glyph(tmp_path: Path):
    """Read only then; a broken one is passed over."""
    (tmp_path / "broken.ttf").write_bytes(b"no font")
    asked: list[str] = []

    def others() -> list[str]:
        asked.append("yes")
        return [str(tmp_path / "broken.ttf"), font_with(tmp_path / "s.ttf", "狐", width=700)]

    fonts = Catalogue([shipped()], others)
    faces = Faces(50, fonts)
    assert faces.width("fox") > 0
    assert [] == asked

    assert 35 == faces.width("狐")
    assert 35 + faces.width("fox") == faces.width("狐fox")
    assert ["yes"] == asked


def test_character_without_any_font_is_shown_as_its_code():
    """In a box, wider the longer the code; never an empty box."""
    faces = Faces(60, Catalogue([shipped()], list))
    pictures: list[bytes] = []
    for character in "狐狸\U00013000":
        image = Image.new("RGB", (200, 100), "black")
        faces.draw(image, 10, 70, character, "#FFFFFF")
        pictures.append(image.tobytes())

    assert 3 == len(set(pictures))
    assert faces.width("狐") == faces.width("狸") < faces.width("\U00013000")


def test_invisible_characters_alone_are_shown_as_their_codes():
    """Among others they take no room where no font knows them."""
    faces = Faces(40, Catalogue([shipped()], list))

    assert faces.width("\u200b") > 20
    assert unicodedata.category("\u2066") == "Cf"
    assert faces.width("a\U000e0041") == faces.width("a")
