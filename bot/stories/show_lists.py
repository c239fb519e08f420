"""Lists and sentences about stories for one person: who is next, who may what, lore, all stories.

Used by services and the cogs; beside `show`, which has the living message. Sends nothing.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from bot.core.markdown import MAX_MESSAGE, escape, length, shortened
from bot.language import number, slash, tr, tr_n
from bot.stories.show import Mask, mode_name, moment, one_line, status_name
from bot.stories.story import Mode, Status, Story

_MOST_LORE_TEXT = 160  # of an entry in the list
_ROOM_FOR_MORE = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A line of the list of stories."""

    story_id: str
    title: str
    mode: str
    status: str
    channel_id: int
    n_passages: int
    changed_at_s: float


def order_text(story: Story) -> str:
    """Who plays and in which order, as text; whose turn it is stands in words."""
    if not story.players:
        return tr("Nobody plays yet.")
    is_ordered = story.mode is Mode.RELAY
    now = story.turn % len(story.players)
    lines: list[str] = []
    for index, player in enumerate(story.players):
        line = f"{index + 1}\\. {one_line(player.name)}"
        if is_ordered and index == now and story.status is Status.ACTIVE:
            line += " " + tr("← writes now")
        if player.absences:
            line += " " + tr_n(
                "({n} turn passed without a word)",
                "({n} turns passed without a word)",
                player.absences,
            )
        lines.append(line)
    if is_ordered and story.turn_until_s is not None and story.status is Status.ACTIVE:
        lines.append(tr("The turn passes {when}.", when=moment(story.turn_until_s)))
    if is_ordered:
        lines.append(
            tr_n(
                "The model writes after every passage.",
                "The model writes after every {n} passages.",
                story.every,
            )
        )
    return fitting(lines)


def help_text(story: Story) -> str:
    """Who may do what in this story."""
    return "\n".join(("**" + mode_name(story.mode) + "**", _how(story.mode), *_rights()))


def _how(mode: Mode) -> str:
    if mode is Mode.ADVENTURE:
        return tr(
            "Say what you do with {do}, speak with {say}, or write the story's own text with "
            "{tell}; the model answers. Whoever writes plays along.",
            do=slash("story do"),
            say=slash("story say"),
            tell=slash("story tell"),
        )
    if mode is Mode.RELAY:
        return tr(
            "Everybody who has joined writes in turn with {tell}; who takes too long is passed "
            "over, and after some time taken off the order.",
            tell=slash("story tell"),
        )
    if mode is Mode.BRANCHES:
        return tr(
            "{go_on} lets the model offer continuations; everybody votes by buttons. What loses "
            "stays on the map.",
            go_on=slash("story continue"),
        )
    return tr(
        "Anybody writes with {tell}, and the model goes on with {go_on}.",
        tell=slash("story tell"),
        go_on=slash("story continue"),
    )


def _rights() -> list[str]:
    return [
        tr("Nothing is ever lost: {undo} goes back, {map} shows all that was written, and {rewind} "
           "goes to any passage.",
           undo=slash("story undo"), map=slash("story map"), rewind=slash("story rewind")),
        tr("Everybody may read along, see the map and export the story."),
        tr("Whoever began it may also end and delete it, remove players and change its settings."),
        tr("Moderators may do all that in every story, and lock one."),
    ]  # fmt: skip


def stories_text(entries: Sequence[Entry], mask: Mask) -> str:
    """All stories of a place, the last changed first."""
    if not entries:
        return tr(
            "There are no stories here yet; begin one with {command}.",
            command=slash("story start"),
        )
    return fitting(
        tr_n(
            "**{title}** · {mode} · {status} · {n} passage · {place} · {when} · `{id}`",
            "**{title}** · {mode} · {status} · {n} passages · {place} · {when} · `{id}`",
            one.n_passages,
            title=one_line(mask(one.title), 60),
            mode=mode_name(one.mode),
            status=status_name(one.status),
            place=f"<#{one.channel_id}>",
            when=moment(one.changed_at_s),
            id=one.story_id,
        )
        for one in entries
    )


def lore_text(story: Story, mask: Mask) -> str:
    """All lore entries, each with its words."""
    if not story.lore:
        return tr("There is no lore yet; add some with {command}.", command=slash("story lore add"))
    return fitting(
        f"**{one_line(mask(', '.join(entry.keys)), 100)}** "
        + shortened(escape(mask(" ".join(entry.text.split()))), _MOST_LORE_TEXT)
        for entry in story.lore
    )


def kept_text(story: Story, mask: Mask) -> str:
    """What the writers keep beside the story, and how it is played: an answer to `settings`."""
    lines = [
        tr("Preset: {name}", name=escape(story.preset) or tr("the usual one")),
        tr("Model: {name}", name=escape(story.model) or tr("the server's choice")),
        tr("Length of the model's turns: {n} tokens", n=number(story.length)),
    ]
    if story.mode is Mode.RELAY:
        lines.append(tr("A turn takes {n} s at most", n=number(story.turn_s)))
        lines.append(
            tr_n(
                "The model writes after every passage.",
                "The model writes after every {n} passages.",
                story.every,
            )
        )
    if story.mode is Mode.BRANCHES:
        lines.append(
            tr(
                "Votes: {options} options, {seconds} s, closed at {quorum} votes",
                options=number(story.n_options),
                seconds=number(story.vote_s),
                quorum=number(story.quorum),
            )
        )
    if story.memory:
        lines.append(tr("Always remembered: {text}", text=_short(mask(story.memory))))
    if story.note:
        lines.append(
            tr_n(
                "Author's note, {n} line before the end: {text}",
                "Author's note, {n} lines before the end: {text}",
                story.note_depth,
                text=_short(mask(story.note)),
            )
        )
    return fitting(lines)


def _short(text: str) -> str:
    return shortened(escape(" ".join(text.split())), 400)


def fitting(lines: Iterable[str]) -> str:
    """As many lines as a message has room for, and how many there are more."""
    every, shown, used = list(lines), list[str](), 0
    for line in every:
        used += length(line) + 1
        if used > MAX_MESSAGE - _ROOM_FOR_MORE:
            shown.append(tr_n("… and {n} more", "… and {n} more", len(every) - len(shown)))
            break
        shown.append(line)
    return "\n".join(shown)
