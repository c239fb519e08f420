"""Pictures in languages whose letters matplotlib's own font does not have."""

import warnings
from pathlib import Path

import pytest
from fontTools.fontBuilder import FontBuilder
from fontTools.pens.ttGlyphPen import TTGlyphPen

from bot.core.xray import Colors
from bot.language import speaking
from bot.plots.simulation import draw_simulation
from bot.plots.usage import draw_usage
from bot.plots.xray import plan_xray
from bot.plots.xray_fonts import Catalogue
from tests.catalogues import only_catalogues, po
from tests.unit.plots.test_xray_picture import report_of, shipped
from tests.unit.plots.usage_days import days_of_use, simulation

JAPANESE = po(
    {"Texts": "日本語", "Requests": "日本語", "asked": "語", "X-ray by {model}": "{model} 日本語"}
)


@pytest.fixture(autouse=True)
def catalogues(tmp_path: Path):
    """What these pictures say."""
    with only_catalogues(tmp_path, ja=JAPANESE):
        yield


def squares_for(path: Path, characters: str) -> str:
    """A font in which each of these is a black square."""
    pen = TTGlyphPen(None)
    pen.moveTo((0, 0))
    for point in ((0, 800), (800, 800), (800, 0)):
        pen.lineTo(point)
    pen.closePath()
    builder = FontBuilder(1000, isTTF=True)
    builder.setupGlyphOrder([".notdef", "square"])
    builder.setupCharacterMap(dict.fromkeys(map(ord, characters), "square"))
    builder.setupGlyf({".notdef": TTGlyphPen(None).glyph(), "square": pen.glyph()})
    builder.setupHorizontalMetrics({".notdef": (500, 0), "square": (900, 0)})
    builder.setupHorizontalHeader(ascent=800, descent=-200)
    builder.setupNameTable({"familyName": "Squares for letters", "styleName": "Regular"})
    builder.setupOS2()
    builder.setupPost()
    builder.save(path)
    return str(path)


def fonts(tmp_path: Path, characters: str) -> Catalogue:
    """As on a machine that has one font beside the shipped one, or none."""
    installed = [squares_for(tmp_path / "squares.ttf", characters)] if characters else []
    return Catalogue([shipped()], lambda: installed)


def drawn(fonts: Catalogue) -> list[bytes]:
    """Both plots; a letter that no font has is an error."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return [
            draw_usage(days_of_use(7), fonts=fonts),
            draw_simulation(simulation(), fonts=fonts),
        ]


def test_plots_are_in_the_language_where_a_font_has_its_letters(tmp_path: Path):
    """Titles, legends and dates, each letter drawn by some font."""
    english = drawn(fonts(tmp_path, ""))
    with speaking("ja"):
        pictures = drawn(fonts(tmp_path, "あア日本語月"))

    assert all(ours != theirs for ours, theirs in zip(pictures, english, strict=True))


@pytest.mark.parametrize("characters", ["", "あア"])
def test_plots_are_english_where_no_font_has_the_letters(tmp_path: Path, characters: str):
    """Empty boxes would say nothing to anybody."""
    english = drawn(fonts(tmp_path, ""))
    with speaking("ja"):
        assert english == drawn(fonts(tmp_path, characters))


@pytest.mark.parametrize(("characters", "said"), [("あア日本語月", "日"), ("", "X-ray")])
def test_words_around_an_xray_are_in_the_language_where_they_can_be_read(
    tmp_path: Path, characters: str, said: str
):
    """The text itself is what it is."""
    with speaking("ja"):
        sheet = plan_xray(
            report_of("Once", " upon"),
            model="gpt2",
            colors=Colors.RANK,
            fonts=fonts(tmp_path, characters),
        )

    ours = "".join(box.piece.text for box in sheet.boxes if box.cell < 0)
    assert said in ours
    assert "Once upon" == "".join(box.piece.text for box in sheet.boxes if box.cell >= 0)
