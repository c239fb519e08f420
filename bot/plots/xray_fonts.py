"""Fonts for any text: whichever on this machine has a glyph, else the code point in a small box.

Used by `xray`, in threads. DejaVu Sans, which matplotlib ships, comes first, so that most texts
look the same on every machine.
"""

import bisect
import importlib
import io
import threading
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import groupby
from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw, ImageFont, features

ZERO_WIDTH_JOINER = "\u200d"
_JOINED_AFTER = (ZERO_WIDTH_JOINER, "\ufe0f", "\ufe0e")
_SKIN_TONES = range(0x1F3FB, 0x1F400)
_EMOJI_PX = 109  # the one size of the bitmap fonts for emoji
_LATER = ("bold", "italic", "oblique", "condensed", "narrow", "light", "thin", "black", "serif")
_NEVER_DRAWN = ("Cc", "Cs", "Zl", "Zp")  # controls and ends of paragraphs: shaping fails on them
_HEX_SHARE = 0.42  # of the size: digits of a code point, in two rows


@dataclass(frozen=True, slots=True)
class FontFile:
    """A font and what it has glyphs for.

    Attributes:
        path: of the file.
        starts: first code points of ranges that it covers, ascending.
        ends: their last ones.
        is_bitmap: whether it has colored pictures of one size only.
    """

    path: str
    starts: tuple[int, ...]
    ends: tuple[int, ...]
    is_bitmap: bool

    def has(self, character: str) -> bool:
        """Whether it has a glyph."""
        place = bisect.bisect_right(self.starts, ord(character)) - 1
        return place >= 0 and ord(character) <= self.ends[place]


class Catalogue:
    """Finds a font for each character. Safe for threads.

    Args:
        first: fonts that are asked first.
        others: gives further ones; called once a character is not in those.
    """

    def __init__(self, first: Iterable[str], others: Callable[[], Iterable[str]]) -> None:
        self._lock = threading.Lock()
        self._known: list[FontFile] = []
        self._unread = list(first)
        self._others: Callable[[], Iterable[str]] | None = others
        self._found: dict[str, FontFile | None] = {}

    def font_for(self, character: str) -> FontFile | None:
        """The first font that has it; None where none does."""
        with self._lock:
            if character not in self._found:
                self._found[character] = self._search(character)
            return self._found[character]

    def _search(self, character: str) -> FontFile | None:
        for font in self._known:
            if font.has(character):
                return font
        while True:
            while self._unread:
                font = _read(self._unread.pop(0))
                if font is not None:
                    self._known.append(font)
                    if font.has(character):
                        return font
            if (others := self._others) is None:
                return None
            self._unread, self._others = sorted(others(), key=_order), None


@cache
def system_fonts() -> Catalogue:
    """DejaVu Sans, then what is installed. Read once in a process, as far as it is needed."""
    matplotlib: Any = importlib.import_module("matplotlib")
    shipped = Path(matplotlib.get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf"

    def installed() -> list[str]:
        manager: Any = importlib.import_module("matplotlib.font_manager")
        return list(manager.findSystemFonts())

    return Catalogue([str(shipped)], installed)


class Faces:
    """Measures and draws text at one size. For one thread.

    Args:
        size_px: of the letters.
        fonts: where they come from.
    """

    def __init__(self, size_px: int, fonts: Catalogue) -> None:
        self.size_px = size_px
        self._fonts = fonts
        self._loaded: dict[str, ImageFont.FreeTypeFont] = {}
        self._widths: dict[tuple[str, bool], float] = {}
        self.shapes = features.check("raqm")  # else letters stand as they are, one by one
        first = fonts.font_for("x")
        assert first is not None, "the font that matplotlib ships"
        self.ascent, self.descent = self._load(first).getmetrics()
        self._digits = ImageFont.truetype(first.path, max(8, round(size_px * _HEX_SHARE)))

    def width(self, text: str, *, is_rtl: bool = False) -> float:
        """Pixels that a line of text takes."""
        key = (text, is_rtl)
        if key not in self._widths:
            self._widths[key] = sum(
                self._run_width(font, run, is_rtl) for font, run in self._runs(text)
            )
        return self._widths[key]

    def draw(
        self, image: Image.Image, x: float, baseline: int, text: str, ink: str, *,
        is_rtl: bool = False,
    ) -> None:  # fmt: skip
        """Draws a line of text from its left end."""
        pen = ImageDraw.Draw(image)
        runs = self._runs(text)
        for font, run in reversed(runs) if is_rtl else runs:
            if font is None:
                self._draw_codes(pen, x, baseline, run, ink)
            elif font.is_bitmap:
                self._paste(image, x, baseline, font, run)
            else:
                pen.text(
                    (x, baseline), self._ordered(run, is_rtl), fill=ink, font=self._load(font),
                    anchor="ls", direction=self._direction(is_rtl),
                )  # fmt: skip
            x += self._run_width(font, run, is_rtl)

    def _runs(self, text: str) -> list[tuple[FontFile | None, str]]:
        """Pieces of one font each; None = no font has it."""
        if all(_is_hidden(character) for character in text):
            return [(None, text)]  # nothing to see but their codes
        chosen: list[tuple[FontFile | None, str]] = []
        for character in text:
            if unicodedata.category(character) in _NEVER_DRAWN:
                chosen.append((None, character))
                continue
            before = chosen[-1][0] if chosen else None
            if _is_hidden(character):
                # Nothing to see by itself; it shapes its neighbors, where their font knows it.
                if before is not None and before.has(character):
                    chosen.append((before, character))
                elif not chosen and (font := self._fonts.font_for(character)):
                    chosen.append((font, character))
            elif before is not None and _stays(character, chosen[-1][1]) and before.has(character):
                chosen.append((before, character))
            else:
                chosen.append((self._fonts.font_for(character), character))
        grouped = groupby(chosen, key=lambda one: one[0])
        return [(font, "".join(character for _, character in run)) for font, run in grouped]

    def _run_width(self, font: FontFile | None, run: str, is_rtl: bool) -> float:
        if font is None:
            return sum(self._code_width(character) for character in run)
        width = self._load(font).getlength(
            self._ordered(run, is_rtl), direction=self._direction(is_rtl)
        )
        return width * self._scale if font.is_bitmap else width

    def _direction(self, is_rtl: bool) -> str | None:
        if not self.shapes:
            return None
        return "rtl" if is_rtl else "ltr"

    def _ordered(self, run: str, is_rtl: bool) -> str:
        """As the library wants it: without shaping, it draws from left to right whatever it is."""
        return "".join(reversed(_clusters(run))) if is_rtl and not self.shapes else run

    @property
    def _scale(self) -> float:
        return 1.05 * self.size_px / _EMOJI_PX

    def _load(self, font: FontFile) -> ImageFont.FreeTypeFont:
        if font.path not in self._loaded:
            size = _EMOJI_PX if font.is_bitmap else self.size_px
            self._loaded[font.path] = ImageFont.truetype(font.path, size)
        return self._loaded[font.path]

    def _paste(self, image: Image.Image, x: float, baseline: int, font: FontFile, run: str) -> None:
        """Draws colored pictures at their own size, then makes them smaller."""
        loaded = self._load(font)
        size = (max(1, round(loaded.getlength(run))), round(1.3 * _EMOJI_PX))
        picture = Image.new("RGBA", size)
        ImageDraw.Draw(picture).text(
            (0, _EMOJI_PX), run, font=loaded, embedded_color=True, anchor="ls"
        )
        width, height = (max(1, round(side * self._scale)) for side in size)
        small = picture.resize((width, height))
        image.paste(small, (round(x), baseline - round(_EMOJI_PX * self._scale)), small)

    def _code_width(self, character: str) -> float:
        columns = (len(_code(character)) + 1) // 2
        return columns * self._digits.getlength("0") + 8

    def _draw_codes(
        self, pen: ImageDraw.ImageDraw, x: float, baseline: int, run: str, ink: str
    ) -> None:
        """Code points in hexadecimal, each in a box, in two rows."""
        top, bottom = baseline - self.ascent + 3, baseline + self.descent - 3
        middle = (top + bottom) / 2
        for character in run:
            code, width = _code(character), self._code_width(character)
            half = (len(code) + 1) // 2
            pen.rectangle((x + 1, top, x + width - 2, bottom), outline=ink, width=1)
            center = x + width / 2 - 0.5
            pen.text((center, middle - 1), code[:half], fill=ink, font=self._digits, anchor="md")
            pen.text((center, middle + 1), code[half:], fill=ink, font=self._digits, anchor="ma")
            x += width


def _code(character: str) -> str:
    return f"{ord(character):04X}"


def _is_hidden(character: str) -> bool:
    """Whether it has no look of its own: joiners, marks of direction, variation selectors."""
    return unicodedata.category(character) == "Cf" or "\ufe00" <= character <= "\ufe0f"


def _stays(character: str, before: str) -> bool:
    """Whether it belongs to what stands before it, so that one font must draw both."""
    is_mark = unicodedata.category(character) in ("Mn", "Me", "Mc")
    return is_mark or before in _JOINED_AFTER or ord(character) in _SKIN_TONES


def _clusters(text: str) -> list[str]:
    """Letters with the marks on them."""
    found: list[str] = []
    for character in text:
        if found and unicodedata.category(character) in ("Mn", "Me"):
            found[-1] += character
        else:
            found.append(character)
    return found


def _order(path: str) -> tuple[int, str]:
    """Regular faces before others."""
    name = Path(path).name.casefold()
    return sum(word in name for word in _LATER), name


def _read(path: str) -> FontFile | None:
    """What a font has; None where it can't be read, or not be drawn by the library."""
    library: Any = importlib.import_module("fontTools.ttLib")
    try:
        # Not by its path: where it raises, it would leave the file open.
        data = io.BytesIO(Path(path).read_bytes())
        with library.TTFont(data, lazy=True, fontNumber=0) as font:
            is_bitmap = "CBDT" in font
            if not is_bitmap and ("SVG " in font or "sbix" in font or _has_gradients(font)):
                return None
            codes: list[int] = sorted(font.getBestCmap() or {})
        ImageFont.truetype(path, _EMOJI_PX if is_bitmap else 20)
    except Exception:  # a broken font file is no reason for no picture
        return None
    return FontFile(path, *_ranges(codes), is_bitmap)


def _has_gradients(font: Any) -> bool:
    return "COLR" in font and font["COLR"].version > 0


def _ranges(codes: Sequence[int]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    starts = [code for before, code in zip([-9, *codes], codes, strict=False) if code > before + 1]
    ends = [
        code for code, after in zip(codes, [*codes[1:], 1 << 30], strict=True) if after > code + 1
    ]
    return tuple(starts), tuple(ends)
