"""What a proposed limit would have done, as one picture. `services.usage` calls it in a thread."""

from typing import Any

from bot.core.simulation import Simulation
from bot.core.usage_words import percents
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

_HEIGHT_IN = 6.6


def draw_simulation(simulation: Simulation) -> bytes:
    """Requests of each day, allowed and refused, and who used the tokens; a PNG."""
    figure = new_figure(_HEIGHT_IN)
    requests, shares = figure.subplots(2, 1, height_ratios=[3, 1])
    style(requests, "Requests")
    stacked(
        requests,
        [
            ("allowed", [day.allowed for day in simulation.days], 0),
            ("would be refused", [day.refused for day in simulation.days], 1),
        ],
    )
    legend(requests)
    days_below(requests, [day.day for day in simulation.days])
    _shares(shares, simulation)
    return to_png(figure)


def _shares(axes: Any, simulation: Simulation) -> None:
    """One bar of 100 %, in three pieces; a legend below says which is which."""
    style(axes, "Who used the tokens")
    first, five = percents(simulation)
    left = 0
    for place, (name, percent) in enumerate(
        (("most active", first), ("next four", five - first), ("all others", 100 - five))
    ):
        axes.barh(
            0,
            percent,
            left=left,
            height=0.7,
            color=COLORS[place],
            hatch=HATCHES[place],
            edgecolor=BACKGROUND,
            linewidth=0,
            label=f"{name} {percent} %",
        )
        left += percent
    axes.set_xlim(0, 100)
    axes.set_axis_off()
    legend(axes, is_below=True)
