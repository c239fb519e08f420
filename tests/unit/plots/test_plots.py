"""Pictures: any figures can be drawn, small enough to send, and everybody can read them."""

import struct
import subprocess
import sys
import zlib
from datetime import date
from itertools import combinations

import pytest

from bot.core.usage import Counts, DayUsage
from bot.plots import look
from bot.plots.simulation import draw_simulation
from bot.plots.usage import draw_usage
from tests.unit.plots.usage_days import days_of_use, simulation

MB = 1_000_000


def size_of(png: bytes) -> tuple[int, int]:
    """Width and height in pixels."""
    assert png.startswith(b"\x89PNG\r\n")
    width, height = struct.unpack(">II", png[16:24])
    return width, height


def luminance(color: str) -> float:
    """Relative luminance, as WCAG 2 defines it."""
    parts = [int(color[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """From 1 to 21."""
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("n", [1, 7, 30, 90])
@pytest.mark.parametrize("scale", [1, 10_000_000])
def test_usage_of_any_length_is_drawn(n: int, scale: int):
    """As wide as a phone likes it, and far below what Discord takes."""
    png = draw_usage(days_of_use(n, scale=scale))

    assert (1080, 1440) == size_of(png)
    assert len(png) < MB / 2


@pytest.mark.parametrize("counts", [Counts(), Counts(refused_limit=1), Counts(jobs=1)])
def test_day_with_next_to_nothing_is_drawn(counts: Counts):
    """No wait, no tokens, nothing at all: no warning either."""
    assert draw_usage([DayUsage(date(2026, 11, 25), counts)])


@pytest.mark.parametrize("numbers", [(30, 4, 0.4), (0, 1, 1.0), (9_000_000, 0, 0.0)])
def test_any_simulation_is_drawn(numbers: tuple[int, int, float]):
    """All refused, none refused, all by one member."""
    allowed, refused, top = numbers
    png = draw_simulation(simulation(allowed=allowed, refused=refused, top=top))

    assert (1080, 990) == size_of(png)
    assert len(png) < MB / 2


def test_text_and_colors_stand_out_from_the_background():
    """WCAG 2.2: 4.5 for text, 3 for what is drawn."""
    assert contrast(look.TEXT, look.BACKGROUND) >= 7
    assert all(contrast(color, look.BACKGROUND) >= 4.5 for color in look.COLORS)


def test_background_is_opaque():
    """Discord shows a picture on white or on near-black; ours brings its own."""
    figure = look.new_figure(1)
    png = look.to_png(figure)

    color_type, background = png[25], look.BACKGROUND
    assert 6 == color_type  # with alpha, so look at a pixel
    pixels = _first_row(png)
    assert bytes.fromhex(background[1:]) + b"\xff" == pixels[:4]


def test_series_differ_in_more_than_color():
    """Hatching says the same to who sees no colors; letters are large enough for a phone."""
    assert all(one != other for one, other in combinations(look.HATCHES, 2))
    assert len(look.COLORS) == len(look.HATCHES)
    width_px = size_of(look.to_png(look.new_figure(1)))[0]
    points_on_phone = look.LABEL_PT / 72 * 150 / width_px * 360
    assert points_on_phone >= 10


def test_matplotlib_is_loaded_by_the_first_picture_only():
    """It takes a second and some 50 MB, which a bot that draws nothing should not pay."""
    code = "import sys, bot.services.usage; sys.exit('matplotlib' in sys.modules)"

    assert 0 == subprocess.run([sys.executable, "-c", code], check=False).returncode


def test_numbers_on_axes_are_short():
    """And read as people write them."""
    assert ["0", "7", "1.5k", "20k", "2M", "0.5"] == [
        look.short(number) for number in (0, 7, 1500, 20_000, 2_000_000, 0.5)
    ]


def _first_row(png: bytes) -> bytes:
    """The pixels of the first row; a PNG's filters leave its first pixel as it is."""
    data, at = b"", 8
    while at < len(png):
        length, kind = struct.unpack(">I4s", png[at : at + 8])
        data += png[at + 8 : at + 8 + length] if kind == b"IDAT" else b""
        at += length + 12
    return zlib.decompress(data)[1:]
