"""The tree of a story as a picture: who wrote what, how it was voted, where the main line goes.

Called by `services`, in a thread. Authors have a color and a shape, so that none is needed to tell
them apart; the numbers are those that `/story rewind` takes.
"""

import importlib
from collections import Counter
from collections.abc import Sequence
from typing import Any

from bot.core.replies import Picture
from bot.language import number, tr, tr_n
from bot.plots.letters import drawable, legible
from bot.plots.look import BACKGROUND, COLORS, GRID, TEXT, plain, to_png
from bot.plots.story_layout import COLUMNS, Layout, Spot, lay_out
from bot.plots.xray_fonts import Catalogue
from bot.stories.passages import Passage
from bot.stories.story import Story

_WIDTH_IN, _DPI = 9.6, 120
_LANE, _ROW_GAP, _TOP = 1.0, 0.8, 2.6  # in the units of the axes; a column is 1 wide
_MODEL_COLOR, _MODEL_SHAPE = "#8B919C", "s"
_SHAPES = ("o", "D", "^", "v", "P", "X", "h", "p")
_SIZE = 470  # of a mark, in square points
_MAX_NAMED = 8  # authors in the legend; the others share a look
_MAIN_WIDTH, _SIDE_WIDTH = 5.0, 1.6
_INK = "#101114"  # numbers on the marks


def draw_map(
    story: Story, passages: Sequence[Passage], *, fonts: Catalogue | None = None
) -> Picture:
    """The map.

    Args:
        story: says where it stands.
        passages: the whole tree, at least one, in order of their numbers.
        fonts: where letters come from; None = from this machine.
    """
    layout = lay_out(passages, story.head)
    with legible(fonts):
        png = _drawn(story, passages, layout, fonts)
    return Picture(png=png, name="story-map.png", description=describe(story, passages, layout))


def describe(story: Story, passages: Sequence[Passage], layout: Layout) -> str:
    """What the map shows, for those who don't see it."""
    counts = Counter(one.author for one in passages if not one.is_the_models)
    ends = {one.number for one in passages} - {one.parent for one in passages}
    lines = [
        tr("Map of the story {title}.", title=story.title),
        tr_n("It has {n} passage.", "It has {n} passages.", len(passages)),
        tr_n("{n} branch ends open.", "{n} branches end open.", len(ends)),
        tr(
            "The main line is {count} passages long and ends at passage {number}.",
            count=number(len(layout.main)),
            number=number(story.head),
        ),
        tr("The model wrote {count}.", count=number(len(passages) - counts.total())),
    ]
    lines += [
        tr("{name} wrote {count}.", name=name, count=number(count))
        for name, count in counts.most_common(_MAX_NAMED)
        if name
    ]
    return " ".join(lines)


def _drawn(
    story: Story, passages: Sequence[Passage], layout: Layout, fonts: Catalogue | None
) -> bytes:
    tops = _tops(layout)
    height = tops[-1] + layout.lanes[-1] * _LANE + 0.6
    module: Any = importlib.import_module("matplotlib.figure")
    scale = _WIDTH_IN / (layout.columns + 1)
    zoom = COLUMNS / layout.columns
    figure: Any = module.Figure(figsize=(_WIDTH_IN, height * scale), dpi=_DPI, facecolor=BACKGROUND)
    axes: Any = figure.add_axes((0, 0, 1, 1))
    axes.set_xlim(-0.8, layout.columns + 0.2)
    axes.set_ylim(height, 0)
    axes.axis("off")
    places = {one: _place(spot, tops) for one, spot in layout.spots.items()}
    _lines(axes, passages, layout, places)
    _marks(axes, passages, places, zoom)
    _head(axes, places.get(story.head), zoom)
    _left_out(axes, layout, places)
    _legend(axes, story, passages, layout.columns, fonts)
    return to_png(figure, fonts)


def _tops(layout: Layout) -> list[float]:
    """Where each row begins."""
    tops = [_TOP]
    for lanes in layout.lanes[:-1]:
        tops.append(tops[-1] + lanes * _LANE + _ROW_GAP)
    return tops


def _place(spot: Spot, tops: Sequence[float]) -> tuple[float, float]:
    return float(spot.column), tops[spot.row] + spot.lane * _LANE


def _lines(
    axes: Any, passages: Sequence[Passage], layout: Layout,
    places: dict[int, tuple[float, float]],
) -> None:  # fmt: skip
    """From each passage to those that follow; into the next row by a stub on both sides."""
    collections: Any = importlib.import_module("matplotlib.collections")
    main: list[list[tuple[float, float]]] = []
    side: list[list[tuple[float, float]]] = []
    for one in passages:
        if one.number not in places or one.parent not in places:
            continue
        wanted = main if one.number in layout.main else side
        above, here = places[one.parent], places[one.number]
        if layout.spots[one.parent].row == layout.spots[one.number].row:
            wanted.append([above, (above[0] + 0.5, here[1]), here])
        else:
            wanted += [[above, (above[0] + 0.7, above[1])], [(here[0] - 0.7, here[1]), here]]
    for lines, color, width in ((side, GRID, _SIDE_WIDTH), (main, TEXT, _MAIN_WIDTH)):
        axes.add_collection(
            collections.LineCollection(lines, colors=color, linewidths=width, zorder=1)
        )


def _marks(
    axes: Any,
    passages: Sequence[Passage],
    places: dict[int, tuple[float, float]],
    zoom: float,
) -> None:
    effects: Any = importlib.import_module("matplotlib.patheffects")
    looks = author_looks(passages)
    groups: dict[tuple[str, str], list[tuple[float, float]]] = {}
    for one in passages:
        if one.number in places:
            groups.setdefault(_look(one, looks), []).append(places[one.number])
    for (color, shape), spots in groups.items():
        x, y = zip(*spots, strict=True)
        axes.scatter(x, y, s=_SIZE * zoom**2, c=color, marker=shape, zorder=2, linewidths=0)
    for one in passages:
        if one.number not in places:
            continue
        x, y = places[one.number]
        halo = effects.withStroke(linewidth=3, foreground=_look(one, looks)[0])  # over thin shapes
        axes.text(
            x, y, str(one.number), ha="center", va="center_baseline", fontsize=9 * zoom, color=_INK,
            zorder=3, fontweight="bold", path_effects=[halo],
        )  # fmt: skip
        if one.voters:
            axes.text(
                x + 0.42, y - 0.3, f"★{len(one.voters)}", ha="center", va="center",
                fontsize=8 * zoom, color=COLORS[1], zorder=4,
            )  # fmt: skip


def author_looks(passages: Sequence[Passage]) -> dict[str, tuple[str, str]]:
    """Color and shape of each person, in the order in which they first wrote."""
    names = dict.fromkeys(one.author for one in passages if not one.is_the_models)
    return {
        name: (COLORS[place % len(COLORS)], _SHAPES[min(place, len(_SHAPES) - 1)])
        for place, name in enumerate(names)
    }


def _look(passage: Passage, looks: dict[str, tuple[str, str]]) -> tuple[str, str]:
    if passage.is_the_models:
        return _MODEL_COLOR, _MODEL_SHAPE
    return looks[passage.author]


def _head(axes: Any, place: tuple[float, float] | None, zoom: float) -> None:
    """A ring around where the story stands."""
    if place is not None:
        axes.scatter(
            [place[0]], [place[1]], s=_SIZE * 1.9 * zoom**2, facecolors="none", edgecolors=TEXT,
            linewidths=2.2, zorder=4,
        )  # fmt: skip


def _left_out(axes: Any, layout: Layout, places: dict[int, tuple[float, float]]) -> None:
    for parent, count in layout.left_out.items():
        if parent in places:
            x, y = places[parent]
            axes.text(
                x, y + 0.47, f"+{count}", ha="center", va="center", fontsize=8, color=TEXT,
                zorder=5,
            )  # fmt: skip


def _legend(
    axes: Any,
    story: Story,
    passages: Sequence[Passage],
    columns: int,
    fonts: Catalogue | None,
) -> None:
    """Title and authors on top."""
    title = story.title if len(story.title) <= 60 else story.title[:59] + "…"
    title = plain(drawable(title, fonts))
    axes.text(-0.5, 0.5, title, fontsize=17, color=TEXT, fontweight="bold", va="center")
    counts = Counter(one.author for one in passages if not one.is_the_models)
    entries = [(tr("the model"), (_MODEL_COLOR, _MODEL_SHAPE), len(passages) - counts.total())]
    looks = author_looks(passages)
    entries += [(name or "?", looks[name], count) for name, count in counts.most_common()]
    step = columns / COLUMNS  # a letter's width follows the picture's, not the columns'
    x = -0.3
    for name, (color, shape), count in entries[: _MAX_NAMED + 1]:
        label = plain(f"{drawable(name, fonts)} ({number(count)})")
        if x + (0.8 + 0.24 * len(label)) * step > columns:
            break
        axes.scatter([x], [1.45], s=_SIZE / 2, c=color, marker=shape, linewidths=0)
        axes.text(x + 0.45 * step, 1.45, label, fontsize=12, color=TEXT, va="center")
        x += (1.1 + 0.24 * len(label)) * step
