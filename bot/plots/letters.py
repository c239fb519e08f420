"""Letters of all languages in pictures, as far as the machine has fonts with them.

Used by the other modules of this room, in threads. matplotlib's own font has Latin letters; those
of Japanese, Korean and Chinese come from the fonts that `xray_fonts` finds.
"""

import importlib
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

from bot.language import ENGLISH, speaking, spoken
from bot.plots.xray_fonts import Catalogue, system_fonts

# What a font of a language has for sure; months and days stand below the panels.
_SAMPLES = {
    "ja": "あア日本語月",
    "ko": "한국어월일",
    "zh-CN": "简体中文月日",
    "zh-TW": "繁體中文月日",
}


@contextmanager
def legible(fonts: Catalogue | None = None) -> Generator[None]:
    """Speaks English where the letters of the language can't be drawn; its texts say it all.

    Args:
        fonts: where letters come from; None = from this machine.
    """
    sample = _SAMPLES.get(spoken(), "")
    found = [(fonts or system_fonts()).font_for(character) for character in sample]
    can_draw = all(font is not None and not font.is_bitmap for font in found)
    with speaking(spoken() if can_draw else ENGLISH):
        yield


def use_fonts(figure: Any, fonts: Catalogue | None = None) -> None:
    """Has the texts of a figure drawn by fonts that have their letters.

    Args:
        figure: complete. Where matplotlib's own font has all letters, it stays as it is.
        fonts: as in `legible`.
    """
    fonts = fonts or system_fonts()
    # The labels of ticks are not known before somebody asks for them.
    ticks = [
        one for axes in figure.axes for one in (*axes.get_xticklabels(), *axes.get_yticklabels())
    ]
    texts: list[Any] = figure.findobj(importlib.import_module("matplotlib.text").Text)
    characters = {character: None for one in (*texts, *ticks) for character in one.get_text()}
    found = {fonts.font_for("x"): None} | {fonts.font_for(one): None for one in characters}
    paths = [font.path for font in found if font is not None and not font.is_bitmap]
    if len(paths) == 1:
        return
    families = [_family(path) for path in paths]
    for text in texts:
        text.set_fontfamily(families)
    for axes in figure.axes:
        axes.tick_params(labelfontfamily=families)


def drawable(text: str, fonts: Catalogue | None = None) -> str:
    """A text without the characters that no font here has; "…" where nothing is left of it."""
    fonts = fonts or system_fonts()

    def has_font(character: str) -> bool:
        font = fonts.font_for(character)
        return font is not None and not font.is_bitmap

    kept = "".join(one for one in text if one.isspace() or has_font(one)).strip()
    return kept or "…"


def _family(path: str) -> str:
    """The name by which matplotlib knows a font; it has not heard of all."""
    module: Any = importlib.import_module("matplotlib.font_manager")
    if all(one.fname != path for one in module.fontManager.ttflist):
        module.fontManager.addfont(path)
    return module.FontProperties(fname=path).get_name()
