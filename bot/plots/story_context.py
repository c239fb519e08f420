"""What the model read at a story's last turn, as a picture. Called by `services`, in a thread."""

from typing import Any

from bot.core.replies import Picture
from bot.language import number, percent, tr
from bot.plots.letters import legible
from bot.plots.look import (
    BACKGROUND,
    COLORS,
    GRID,
    HATCHES,
    LABEL_PT,
    TEXT,
    TITLE_PT,
    new_figure,
    plain,
    to_png,
)
from bot.plots.xray_fonts import Catalogue
from bot.stories.story import ContextUse, Story

_HEIGHT_IN = 4.6
_NOTHING = ContextUse(window=1)


def draw_context(story: Story, *, fonts: Catalogue | None = None) -> Picture:
    """How the window was shared.

    Args:
        story: whose model has written at least once.
        fonts: where letters come from; None = from this machine.
    """
    use = story.context or _NOTHING
    with legible(fonts):
        png = _drawn(story, use, fonts)
    return Picture(png=png, name="story-context.png", description=describe(use))


def parts_of(use: ContextUse) -> list[tuple[str, int]]:
    """What the window holds, in the order in which the model reads it: name and tokens."""
    return [
        (tr("memory"), use.memory),
        (tr("lore"), use.lore),
        (tr("author's note"), use.note),
        (tr("story"), use.story),
        (tr("kept free for the answer"), use.reply),
    ]


def describe(use: ContextUse) -> str:
    """The same in words, for those who don't see it."""
    shown = ", ".join(
        tr("{name}: {count} tokens", name=name, count=number(count))
        for name, count in parts_of(use)
    )
    lines = [tr("Of the {window} tokens that the model can read at once: {parts}.",
                window=number(use.window), parts=shown)]  # fmt: skip
    if use.lore_keys:
        lines.append(tr("Lore that came up: {keys}.", keys=", ".join(use.lore_keys)))
    if use.dropped_characters:
        lines.append(
            tr(
                "The first {count} characters of the story did not fit and were not read.",
                count=number(use.dropped_characters),
            )
        )
    return " ".join(lines)


def _drawn(story: Story, use: ContextUse, fonts: Catalogue | None) -> bytes:
    figure = new_figure(_HEIGHT_IN)
    axes: Any = figure.subplots()
    axes.set_facecolor(BACKGROUND)
    axes.axis("off")
    axes.set_title(
        plain(tr("What the model read last")), loc="left", fontsize=TITLE_PT, color=TEXT,
        fontweight="bold",
    )  # fmt: skip
    left = 0
    for place, (name, count) in enumerate(parts_of(use)):
        is_free = place == len(COLORS)
        axes.barh(
            [0],
            [count],
            left=left,
            height=0.5,
            color=BACKGROUND if is_free else COLORS[place],
            hatch="//" if is_free else HATCHES[place],
            edgecolor=GRID if is_free else BACKGROUND,
            linewidth=0,
        )
        left += count
        share = tr(
            "{name}: {count} ({share})",
            name=name,
            count=number(count),
            share=percent(count / use.window),
        )
        axes.scatter(
            [use.window * 0.015], [-0.75 - 0.36 * place], s=140, marker="s",
            c=GRID if is_free else COLORS[place],
        )  # fmt: skip
        axes.text(
            use.window * 0.05, -0.75 - 0.36 * place, plain(share), fontsize=LABEL_PT, color=TEXT,
            va="center",
        )  # fmt: skip
    axes.plot([0, use.window, use.window, 0, 0], [-0.25, -0.25, 0.25, 0.25, -0.25], color=TEXT)
    if use.dropped_characters:
        note = tr("not read any more: the first {count} characters",
                  count=number(use.dropped_characters))  # fmt: skip
        axes.text(0, 0.42, plain(note), fontsize=LABEL_PT - 2, color=TEXT, va="center")
    axes.set_xlim(-use.window * 0.01, use.window * 1.01)
    axes.set_ylim(-2.5, 0.6)
    return to_png(figure, fonts)
