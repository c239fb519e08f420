"""A server's settings and their changes in words, for `/server` and the log channel."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from bot.core.markdown import MAX_MESSAGE, escape, length
from bot.core.server_log import LogEntry
from bot.core.server_settings import Change, FilterAction, ServerSettings, StoredSettings

_MAX_LIST = 250  # characters of one list
_MAX_CHANGES = 1700  # UTF-16 units of a change; its message has a line or two more
_ACTIONS = {
    FilterAction.BOTH: "refuses prompts and masks what I write",
    FilterAction.REFUSE: "refuses prompts",
    FilterAction.MASK: "masks what I write",
    FilterAction.OFF: "off",
}
_NAMES = {
    "allowed_channels": "Allowed channels",
    "allowed_ran_out": "The last allowed channel is gone",
    "denied_channels": "Denied channels",
    "model": "Model",
    "preset": "Preset",
    "language": "Language",
    "filter_words": "Filter words",
    "filter_patterns": "Filter patterns",
    "filter_action": "Filter",
    "hides_invites": "Invites hidden",
    "log_channel": "Log channel",
    "paused": "Paused",
    "pause_message": "Message while paused",
    "hides_reported": "Reported texts are hidden",
}
_NONE = {
    "model": "the host's choice",
    "preset": "the usual one",
    "language": "each member's own",
    "log_channel": "none",
    "pause_message": "none",
}


def settings_text(stored: StoredSettings) -> str:
    """All settings, a line each."""
    settings = stored.settings
    lines = [
        f"Channels: {_channels(settings)}",
        *(f"{_NAMES[name]}: {_one(name, getattr(settings, name))}" for name in _NONE),
        f"Filter: {_filter(settings)}",
        f"Invites hidden: {_one('hides_invites', settings.hides_invites)}",
        f"Paused: {'yes' if settings.paused else 'no'}",
        f"{_NAMES['hides_reported']}: {_one('hides_reported', settings.hides_reported)}",
        f"-# Revision {stored.revision}",
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
            return "\n".join((*lines, "- and more"))
        lines.append(line)
    return "\n".join(lines)


def log_text(log: Sequence[LogEntry]) -> str:
    """The newest entries, as many as one message holds.

    Args:
        log: the newest first.
    """
    text = ""
    for index, entry in enumerate(log):
        who = "the bot" if entry.by_user is None else f"<@{entry.by_user}>"
        undoes = "" if entry.undoes is None else f", takes back change {entry.undoes}"
        head = f"**{entry.revision}** <t:{entry.at_s:.0f}:f> by {who}{undoes}"
        block = f"{head}\n{changes_text(entry.changes)}\n"
        rest = f"-# {len(log) - index} older"
        if length(text + block + rest) > MAX_MESSAGE:
            return text + rest
        text += block
    return text or "Nothing was changed yet."


def filter_text(settings: ServerSettings) -> str:
    """The whole filter as a plain text for a file."""
    return "\n".join(
        (
            f"Filter: {_ACTIONS[settings.filter_action]}",
            f"Invites hidden: {_one('hides_invites', settings.hides_invites)}",
            *("word     " + word for word in settings.filter_words),
            *("pattern  " + pattern for pattern in settings.filter_patterns),
        )
    )


def channel_refusal(settings: ServerSettings) -> str:
    """Why the bot may not be used in a channel, and where it may."""
    open_ones = sorted(settings.allowed_channels - settings.denied_channels)
    off = "This server's admins have switched me off in this channel"
    if open_ones:
        return f"{off}; it works in {_listed(map(_channel, open_ones))}."
    if settings.allowed_channels or settings.allowed_ran_out:
        return (
            f"{off}, and there is no channel left where it works; an admin can choose one with "
            "/server channels."
        )
    return f"{off}; try another one."


def _channels(settings: ServerSettings) -> str:
    if settings.allowed_channels:
        allowed = f"only {_listed(map(_channel, sorted(settings.allowed_channels)))}"
    elif settings.allowed_ran_out:
        allowed = "none, for the last allowed one was deleted; allow another, or clear all"
    else:
        allowed = "all"
    if not settings.denied_channels:
        return allowed
    return f"{allowed}, but never {_listed(map(_channel, sorted(settings.denied_channels)))}"


def _filter(settings: ServerSettings) -> str:
    words, patterns = len(settings.filter_words), len(settings.filter_patterns)
    if not words and not patterns:
        return "empty"
    counts = f"{_counted(words, 'word')}, {_counted(patterns, 'pattern')}"
    return f"{counts}; {_ACTIONS[settings.filter_action]}"


def _change(change: Change, is_public: bool) -> str:
    name = _NAMES.get(change.name, escape(change.name))
    show = _item_of(change.name, is_public)
    gone: Any = change.before
    if isinstance(change.before, list):
        both: list[tuple[str, list[Any]]] = [("+", change.after), ("−", gone)]
        parts = [f"{sign} {_listed(map(show, items))}" for sign, items in both if items]
        return f"{name}: {' '.join(parts)}"
    return f"{name}: {show(change.before)} → {show(change.after)}"


def _item_of(name: str, is_public: bool) -> Callable[[Any], str]:
    def show(value: Any) -> str:
        text = _one(name, value)
        return f"||{text}||" if is_public and name in {"filter_words", "filter_patterns"} else text

    return show


def _one(name: str, value: Any) -> str:
    if value is None:
        return _NONE.get(name, "none")
    if isinstance(value, bool):
        return "yes" if value else "no"
    if name in {"allowed_channels", "denied_channels", "log_channel"}:
        return _channel(int(value))
    if name == "filter_action":
        return _ACTIONS[FilterAction(value)]
    return escape(str(value))


def _channel(channel_id: int) -> str:
    return f"<#{channel_id}>"


def _listed(items: Iterable[str]) -> str:
    """As many items as there is room for, and how many more there are."""
    all_items = list(items)
    kept: list[str] = []
    for item in all_items:
        if kept and sum(map(len, kept)) + 2 * len(kept) + len(item) > _MAX_LIST:
            return f"{', '.join(kept)} and {len(all_items) - len(kept)} more"
        kept.append(item)
    return ", ".join(kept)


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
