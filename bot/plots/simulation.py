"""What a proposed limit would have done, as one picture. Called by `services.usage`, in a thread."""

from typing import Any

from bot.core.simulation import Simulation
from bot.plots.look import (
    BACKGROUND,
    COLORS,
    HATCHES,
    LABEL_PT,
    TEXT,
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
    pieces = (
        ("most active", simulation.top_1),
        ("next four", simulation.top_5 - simulation.top_1),
        ("all others", 1 - simulation.top_5),
    )
    left = 0.0
    for place, (name, share) in enumerate(pieces):
        axes.barh(
            0,
            share,
            left=left,
            height=0.7,
            color=COLORS[place],
            hatch=HATCHES[place],
            edgecolor=BACKGROUND,
            linewidth=0,
            label=f"{name} {share:.0%}",
        )
        left += share
    axes.set_xlim(0, 1)
    axes.set_axis_off()
    axes.set_title(axes.get_title(loc="left"), loc="left")
    axes.legend(
        loc="upper center",
        bbox_to_anchor=(0.5, 0.05),
        ncols=3,
        frameon=False,
        fontsize=LABEL_PT,
        labelcolor=TEXT,
        handlelength=1.2,
        columnspacing=1.0,
    )
