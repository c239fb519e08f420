"""A server's settings and their changes in words, for `/server` and the log channel."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from bot.core.markdown import MAX_MESSAGE, escape, length
from bot.core.server_log import LogEntry
from bot.core.server_settings import Change, FilterAction, ServerSettings, StoredSettings
from bot.language import LANGUAGE_NAMES, listed, mark, slash, tr, tr_in, tr_n

_MAX_LIST = 250  # characters of one list
_MAX_CHANGES = 1700  # UTF-16 units of a change; its message has a line or two more
_ACTIONS = {
    FilterAction.BOTH: mark("refuses prompts and masks what I write"),
    FilterAction.REFUSE: mark("refuses prompts"),
    FilterAction.MASK: mark("masks what I write"),
    FilterAction.OFF: mark("off"),
}
_NAMES = {
    "allowed_channels": mark("Allowed channels"),
    "allowed_ran_out": mark("The last allowed channel is gone"),
    "denied_channels": mark("Denied channels"),
    "model": mark("Model"),
    "preset": mark("Preset"),
    "language": mark("Language"),
    "filter_words": mark("Filter words"),
    "filter_patterns": mark("Filter patterns"),
    "filter_action": mark("Filter"),
    "hides_invites": mark("Invites hidden"),
    "log_channel": mark("Log channel"),
    "paused": mark("Paused"),
    "pause_message": mark("Message while paused"),
    "hides_reported": mark("Reported texts are hidden"),
}
_NONE = {
    "model": mark("the host's choice"),
    "preset": mark("the usual one"),
    "language": mark("each member's own"),
    "log_channel": mark("none"),
    "pause_message": mark("none"),
}


def settings_text(stored: StoredSettings) -> str:
    """All settings, a line each."""
    settings = stored.settings
    lines = [
        _named(tr("Channels"), _channels(settings)),
        *(_named(tr(_NAMES[name]), _one(name, getattr(settings, name))) for name in _NONE),
        _named(tr("Filter"), _filter(settings)),
        _named(tr("Invites hidden"), _one("hides_invites", settings.hides_invites)),
        _named(tr("Paused"), _one("paused", settings.paused)),
        _named(tr(_NAMES["hides_reported"]), _one("hides_reported", settings.hides_reported)),
        "-# " + tr("Revision {number}", number=stored.revision),
    ]
    return "\n".join(lines)


def changes_text(changes: Iterable[Change], *, is_public: bool = False) -> str:
    """What changed, a line each: before → after, or what came (+) and went (−).

    Args:
        changes: what to say.
        is_public: hides filter words behind a click.
    """
    lines: list[str] = []
    for change in changes:
        line = f"- {_change(change, is_public)}"
        if lines and length("\n".join((*lines, line))) > _MAX_CHANGES:
            return "\n".join((*lines, "- " + tr("and more")))
        lines.append(line)
    return "\n".join(lines)


def log_text(log: Sequence[LogEntry]) -> str:
    """The newest entries, as many as one message holds.

    Args:
        log: the newest first.
    """
    text = ""
    for index, entry in enumerate(log):
        block = f"{_head(entry)}\n{changes_text(entry.changes)}\n"
        rest = "-# " + tr_n("{n} older", "{n} older", len(log) - index)
        if length(text + block + rest) > MAX_MESSAGE:
            return text + rest
        text += block
    return text or tr("Nothing was changed yet.")


def filter_text(settings: ServerSettings) -> str:
    """The whole filter as a plain text for a file."""
    return "\n".join(
        (
            _named(tr("Filter"), tr(_ACTIONS[settings.filter_action])),
            _named(tr("Invites hidden"), _one("hides_invites", settings.hides_invites)),
            *(_named(tr("word"), word) for word in settings.filter_words),
            *(_named(tr("pattern"), pattern) for pattern in settings.filter_patterns),
        )
    )


def channel_refusal(settings: ServerSettings) -> str:
    """Why the bot may not be used in a channel, and where it may."""
    open_ones = sorted(settings.allowed_channels - settings.denied_channels)
    if open_ones:
        return tr(
            "This server's admins have switched me off in this channel; it works in {channels}.",
            channels=_listed(map(_channel, open_ones)),
        )
    if settings.allowed_channels or settings.allowed_ran_out:
        return tr(
            "This server's admins have switched me off in this channel, and there is no channel "
            "left where it works; an admin can choose one with {command}.",
            command=slash("server channels"),
        )
    return tr("This server's admins have switched me off in this channel; try another one.")


def _channels(settings: ServerSettings) -> str:
    if settings.allowed_channels:
        channels = _listed(map(_channel, sorted(settings.allowed_channels)))
        allowed = tr("only {channels}", channels=channels)
    elif settings.allowed_ran_out:
        allowed = tr("none, for the last allowed one was deleted; allow another, or clear all")
    else:
        allowed = tr_in("channels", "all")
    if not settings.denied_channels:
        return allowed
    denied = _listed(map(_channel, sorted(settings.denied_channels)))
    return tr("{allowed}, but never {denied}", allowed=allowed, denied=denied)


def _filter(settings: ServerSettings) -> str:
    words, patterns = len(settings.filter_words), len(settings.filter_patterns)
    if not words and not patterns:
        return tr_in("a filter", "empty")
    return tr(
        "{words}, {patterns}; {action}",
        words=tr_n("{n} word", "{n} words", words),
        patterns=tr_n("{n} pattern", "{n} patterns", patterns),
        action=tr(_ACTIONS[settings.filter_action]),
    )


def _head(entry: LogEntry) -> str:
    """When a change was made, and by whom."""
    who = tr("the bot") if entry.by_user is None else f"<@{entry.by_user}>"
    values = {"revision": entry.revision, "when": f"<t:{entry.at_s:.0f}:f>", "who": who}
    if entry.undoes is None:
        return tr("**{revision}** {when} by {who}", **values)
    return tr(
        "**{revision}** {when} by {who}, takes back change {undone}", undone=entry.undoes, **values
    )


def _named(name: str, value: str) -> str:
    return tr("{name}: {value}", name=name, value=value)


def _change(change: Change, is_public: bool) -> str:
    name = tr(_NAMES[change.name]) if change.name in _NAMES else escape(change.name)
    show = _item_of(change.name, is_public)
    gone: Any = change.before
    if isinstance(change.before, list):
        both: list[tuple[str, list[Any]]] = [("+", change.after), ("−", gone)]
        parts = [f"{sign} {_listed(map(show, items))}" for sign, items in both if items]
        return _named(name, " ".join(parts))
    return tr(
        "{whom}: {before} → {after}", whom=name, before=show(change.before),
        after=show(change.after),
    )  # fmt: skip


def _item_of(name: str, is_public: bool) -> Callable[[Any], str]:
    def show(value: Any) -> str:
        text = _one(name, value)
        return f"||{text}||" if is_public and name in {"filter_words", "filter_patterns"} else text

    return show


def _one(name: str, value: Any) -> str:
    if value is None:
        return tr(_NONE.get(name, "none"))
    if isinstance(value, bool):
        return tr("yes") if value else tr("no")
    if name in {"allowed_channels", "denied_channels", "log_channel"}:
        return _channel(int(value))
    if name == "filter_action":
        return tr(_ACTIONS[FilterAction(value)])
    if name == "language":
        return LANGUAGE_NAMES.get(str(value), escape(str(value)))
    return escape(str(value))


def _channel(channel_id: int) -> str:
    return f"<#{channel_id}>"


def _listed(items: Iterable[str]) -> str:
    """As many items as there is room for, and how many more there are."""
    all_items = list(items)
    kept: list[str] = []
    for item in all_items:
        if kept and sum(map(len, kept)) + 2 * len(kept) + len(item) > _MAX_LIST:
            more = len(all_items) - len(kept)
            return tr_n("{items} and {n} more", "{items} and {n} more", more, items=listed(kept))
        kept.append(item)
    return listed(kept)
