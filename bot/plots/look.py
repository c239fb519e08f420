"""How every picture looks: colors, sizes, and the way from a figure to PNG bytes.

Used by the other modules of this room. Only `matplotlib.figure`, never pyplot: pyplot keeps
figures for ever, and is not for threads.

The background is opaque and dark, and every color was chosen against it, so that a picture reads
the same in Discord's dark and light themes. The colors are told apart by everybody, color-blind
or not (Okabe and Ito, 2008); hatching and marks say the same once more.
"""

import importlib
import io
import unicodedata
from collections.abc import Sequence
from datetime import date
from typing import Any

from bot.language import number, short_date
from bot.plots.letters import use_fonts
from bot.plots.xray_fonts import Catalogue

BACKGROUND = "#17181C"
TEXT = "#F2F3F5"
GRID = "#4A4C53"
BLUE, ORANGE, GREEN, PINK = "#56B4E9", "#E69F00", "#2FB78C", "#E08FBC"
COLORS = (BLUE, ORANGE, GREEN, PINK)
HATCHES = ("", "///", "...", "xx")  # a series has the color and the hatching of one place

# 1080 pixels wide: on a phone's 360 points a letter of 15 points is about 10 points high.
_WIDTH_IN, _DPI = 7.2, 150
TITLE_PT, LABEL_PT = 18, 15
_PAD_IN = 0.14
_MAX_TICKS, _TICKS_ROOM = 7, 45  # dates below a panel; narrow letters that all of them may have
_WIDTH_PX = _WIDTH_IN * _DPI
_PANEL_PX = 0.84 * _WIDTH_PX  # the rest is for the numbers of the axis and the borders
_BELOW_PX = 0.87 * _WIDTH_PX  # for a legend below a panel without an axis
_LEAST_PT = 6
_GAP_PX = 20  # between a title and the legend in its line


def new_figure(height_in: float) -> Any:
    """An empty figure of the right width and background."""
    module: Any = importlib.import_module("matplotlib.figure")
    figure: Any = module.Figure(
        figsize=(_WIDTH_IN, height_in), dpi=_DPI, layout="constrained", facecolor=BACKGROUND
    )
    figure.get_layout_engine().set(w_pad=_PAD_IN, h_pad=0.7 * _PAD_IN)
    return figure


def to_png(figure: Any, fonts: Catalogue | None = None) -> bytes:
    """The figure as a PNG; equal figures give equal bytes.

    Args:
        figure: complete.
        fonts: where letters come from; None = from this machine.
    """
    use_fonts(figure, fonts)
    _fit_legends(figure)
    file = io.BytesIO()
    figure.savefig(file, format="png", facecolor=BACKGROUND, metadata={"Software": None})
    return file.getvalue()


def style(axes: Any, title: str) -> None:
    """One panel: its title at the left, a quiet grid, no frame."""
    axes.set_title(plain(title), loc="left", fontsize=TITLE_PT, color=TEXT, fontweight="bold")
    axes.set_facecolor(BACKGROUND)
    axes.tick_params(colors=TEXT, labelsize=LABEL_PT, length=0)
    axes.grid(axis="y", color=GRID, linewidth=1)
    axes.set_axisbelow(True)
    for side in axes.spines.values():
        side.set_visible(False)
    axes.yaxis.set_major_formatter(short)


def legend(axes: Any, *, is_below: bool = False) -> None:
    """What the series are: in the line of the title at the right, or below the panel."""
    axes.legend(
        loc="upper center" if is_below else "lower right",
        bbox_to_anchor=(0.5, 0.05) if is_below else (1.0, 0.98),
        ncols=4,
        frameon=False,
        fontsize=LABEL_PT,
        labelcolor=TEXT,
        handlelength=1.2,
        handletextpad=0.4,
        columnspacing=0.9,
        borderpad=0.2,
    )


def stacked(axes: Any, series: Sequence[tuple[str, Sequence[float], int]]) -> None:
    """Bars on each other.

    Args:
        axes: where.
        series: name, heights, and which place of `COLORS` and `HATCHES`.
    """
    bottoms = [0.0] * len(series[0][1])
    for name, heights, place in series:
        axes.bar(
            range(len(heights)),
            heights,
            bottom=bottoms,
            width=0.8,
            color=COLORS[place],
            hatch=HATCHES[place],
            edgecolor=BACKGROUND,
            linewidth=0,
            label=name,
        )
        bottoms = [low + height for low, height in zip(bottoms, heights, strict=True)]
    axes.set_ylim(0, max(1.0, *bottoms) * 1.08)
    axes.yaxis.get_major_locator().set_params(integer=True, nbins=4)


def days_below(axes: Any, days: Sequence[date]) -> None:
    """Dates under a panel, as many as fit, counted back from the last."""
    labels = [short_date(day) for day in days]
    step = -(-len(days) // min(_MAX_TICKS, _TICKS_ROOM // max(map(_columns, labels))))
    places = list(range(len(days) - 1, -1, -step))[::-1]
    axes.set_xticks(places, [labels[place] for place in places])
    axes.set_xlim(-0.6, len(days) - 0.4)


def _columns(text: str) -> int:
    """How many narrow letters are about as wide."""
    return sum(2 if unicodedata.east_asian_width(one) in "WF" else 1 for one in text)


def _fit_legends(figure: Any) -> None:
    """Makes the letters of legends smaller where languages have long words for them.

    A legend that sticks out would make the panels narrow, and hide a title.
    """
    module: Any = importlib.import_module("matplotlib.backends.backend_agg")
    renderer: Any = module.FigureCanvasAgg(figure).get_renderer()
    for axes in figure.axes:
        legend: Any = axes.get_legend()
        if legend is None:
            continue
        room_px = _BELOW_PX
        if axes.axison:  # beside the title
            room_px = _PANEL_PX - _title_px(axes, renderer) - _GAP_PX
        whole_px = legend.get_window_extent(renderer).width
        words_px = sum(one.get_window_extent(renderer).width for one in legend.get_texts())
        if whole_px > room_px:
            share = (room_px - (whole_px - words_px)) / words_px
            for text in legend.get_texts():
                text.set_fontsize(max(_LEAST_PT, LABEL_PT * share))


def _title_px(axes: Any, renderer: Any) -> float:
    title = axes.get_title(loc="left")
    texts: list[Any] = axes.findobj(importlib.import_module("matplotlib.text").Text)
    found = next(text for text in texts if text.get_text() == title)
    return found.get_window_extent(renderer).width


def short(value: float, _position: object = None) -> str:
    """A number as an axis says it: "1.5k", "2M"."""
    for unit, size in (("M", 1e6), ("k", 1e3)):
        if abs(value) >= size:
            return f"{number(float(f'{value / size:.3g}'))}{unit}"
    return number(float(f"{value:.3g}"))


def plain(text: str) -> str:
    """Text in which nothing begins a formula."""
    return text.replace("$", r"\$")
