"""What a proposed limit would have done, as one picture. `services.usage` calls it in a thread."""

from typing import Any

from bot.core.simulation import Simulation
from bot.core.usage_words import percents
from bot.language import percent, tr
from bot.plots.letters import legible
from bot.plots.look import (
    BACKGROUND,
    COLORS,
    HATCHES,
    days_below,
    legend,
    new_figure,
    stacked,
    style,
    to_png,
)
from bot.plots.xray_fonts import Catalogue

_HEIGHT_IN = 6.6


def draw_simulation(simulation: Simulation, *, fonts: Catalogue | None = None) -> bytes:
    """Requests of each day, allowed and refused, and who used the tokens; a PNG.

    Args:
        simulation: what would have been.
        fonts: where letters come from; None = from this machine.
    """
    with legible(fonts):
        return _drawn(simulation, fonts)


def _drawn(simulation: Simulation, fonts: Catalogue | None) -> bytes:
    figure = new_figure(_HEIGHT_IN)
    requests, shares = figure.subplots(2, 1, height_ratios=[3, 1])
    style(requests, tr("Requests"))
    stacked(
        requests,
        [
            (tr("allowed"), [day.allowed for day in simulation.days], 0),
            (tr("would be refused"), [day.refused for day in simulation.days], 1),
        ],
    )
    legend(requests)
    days_below(requests, [day.day for day in simulation.days])
    _shares(shares, simulation)
    return to_png(figure, fonts)


def _shares(axes: Any, simulation: Simulation) -> None:
    """One bar of 100 %, in three pieces; a legend below says which is which."""
    style(axes, tr("Who used the tokens"))
    first, five = percents(simulation)
    left = 0
    pieces = (
        (tr("most active"), first),
        (tr("next four"), five - first),
        (tr("all others"), 100 - five),
    )
    for place, (name, width) in enumerate(pieces):
        axes.barh(
            0,
            width,
            left=left,
            height=0.7,
            color=COLORS[place],
            hatch=HATCHES[place],
            edgecolor=BACKGROUND,
            linewidth=0,
            label=f"{name} {percent(width / 100)}",
        )
        left += width
    axes.set_xlim(0, 100)
    axes.set_axis_off()
    legend(axes, is_below=True)
