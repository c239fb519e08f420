"""Words of all languages have room in pictures: nothing covers anything, nothing is cut off."""

from itertools import pairwise
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from bot.language import LANGUAGES, speaking
from bot.plots import look, usage
from bot.plots import simulation as simulation_plot
from bot.plots.simulation import draw_simulation
from bot.plots.usage import draw_usage
from tests.catalogues import only_catalogues, po
from tests.unit.plots.usage_days import days_of_use, simulation

LONG = po(
    {
        "Requests": "Anfragen",
        "allowed": "erlaubt",
        "would be refused": "wären abgelehnt worden",
        "most active": "die aktivste Person",
        "next four": "die nächsten vier",
        "all others": "alle anderen",
        "written": "geschrieben",
        "Refused": "Abgelehnt",
        "limit": "wegen Limits",
        "queue": "Warteschlange",
        "other": "aus anderen Gründen",
    }
)
WIDTH_PX = 1080
LEGIBLE_PT = 10


def figures() -> list[Any]:
    """Both plots as matplotlib drew them."""
    drawn: list[Any] = []

    def to_png(figure: Any, fonts: Any = None) -> bytes:
        drawn.append(figure)
        return look.to_png(figure, fonts)

    with (
        mock.patch.object(usage, "to_png", to_png),
        mock.patch.object(simulation_plot, "to_png", to_png),
    ):
        draw_usage(days_of_use(7))
        draw_simulation(simulation())
    return drawn


def check(figure: Any) -> None:
    """All in the picture, no legend on a title, no date on the next."""
    for axes in figure.axes:
        title = next(one for one in axes.findobj() if _says(one) == axes.get_title(loc="left"))
        ends_at = title.get_window_extent().x1
        assert ends_at < WIDTH_PX
        if legend := axes.get_legend():
            box = legend.get_window_extent()
            assert box.x0 > (ends_at if axes.axison else 0)
            assert box.x1 < WIDTH_PX
    dates = [one.get_window_extent() for one in figure.axes[-1].get_xticklabels()]
    dates += [one.get_window_extent() for one in figure.axes[0].get_xticklabels() if _says(one)]
    dates.sort(key=lambda box: (box.y0, box.x0))
    assert all(a.x1 < b.x0 for a, b in pairwise(dates) if a.y0 == b.y0)


def _says(one: Any) -> str:
    return getattr(one, "get_text", str)()


@pytest.mark.parametrize("language", LANGUAGES)
def test_words_of_each_language_have_room(language: str):
    """As they are translated; where letters get too small, a shorter word has to be found."""
    with speaking(language):
        for figure in figures():
            check(figure)
            legends = filter(None, (axes.get_legend() for axes in figure.axes))
            sizes_pt = [text.get_fontsize() for one in legends for text in one.get_texts()]
            assert min(sizes_pt) >= LEGIBLE_PT


def test_long_words_are_written_smaller(tmp_path: Path):
    """The panels stay as wide as they are."""
    english = figures()
    with only_catalogues(tmp_path, de=LONG), speaking("de"):
        german = figures()

    for ours, theirs in zip(german, english, strict=True):
        check(ours)
        assert ours.axes[0].bbox.width > 0.95 * theirs.axes[0].bbox.width
