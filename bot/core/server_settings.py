"""What a server's admins decide, how it changes, and how it is stored.

The cogs' `/server` changes it through `services`, the stores of `state` keep it as versioned JSON,
workers mask by it. Knows nothing of Discord's client or Redis.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from enum import StrEnum
from typing import Any, cast

from bot.core.invites import without_invites
from bot.core.word_filter import WordFilter, filter_of
from bot.errors import OptionError, SettingsError
from bot.language import slash, tr

SETTINGS_VERSION = 1
KEEP_AFTER_REMOVAL_S = 30 * 24 * 3600  # so that leaving and coming back is no way around limits


class FilterAction(StrEnum):
    """What a server's filter does; each name is stored."""

    BOTH = "both"
    REFUSE = "refuse"  # prompts with something unwanted in them
    MASK = "mask"  # what is unwanted in what the model wrote
    OFF = "off"  # it keeps its words and does nothing


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerSettings:
    """What one server's admins decided; the defaults are those of a server that decided nothing.

    Attributes:
        allowed_channels: the only channels that may be used; none: all.
        allowed_ran_out: the last allowed channel was deleted: none may be used until an admin
            chooses another, or says that all may.
        denied_channels: channels that may not be used, allowed or not.
        model: the model of requests that name none, or None for the host's choice.
        preset: as `model`, of `PRESETS`; None: the usual parameters.
        language: what the bot speaks here, of `LANGUAGES`; None: each member's own.
        filter_words: as `clean_word` gives them, sorted.
        filter_patterns: regular expressions, sorted.
        filter_action: what becomes of what they find.
        hides_invites: whether invitations to servers are masked, and refused in prompts.
        log_channel: where changes are posted, or None.
        paused: whether nobody may use the bot here.
        pause_message: what members are told meanwhile, or None.
        hides_reported: whether a text that somebody reports goes behind a click at once.
        unknown: fields of a newer program, kept as they are.
    """

    allowed_channels: frozenset[int] = frozenset()
    allowed_ran_out: bool = False
    denied_channels: frozenset[int] = frozenset()
    model: str | None = None
    preset: str | None = None
    language: str | None = None
    filter_words: tuple[str, ...] = ()
    filter_patterns: tuple[str, ...] = ()
    filter_action: FilterAction = FilterAction.BOTH
    hides_invites: bool = False
    log_channel: int | None = None
    paused: bool = False
    pause_message: str | None = None
    hides_reported: bool = False
    unknown: Mapping[str, Any] = field(default_factory=dict[str, Any])

    def to_json(self) -> str:
        """One record; what is as by default is left out."""
        known = {name: value for name, value in _plain(self).items() if value != _DEFAULTS[name]}
        return json.dumps({**self.unknown, **known, "v": SETTINGS_VERSION}, ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> "ServerSettings":
        """Reads a record.

        Raises:
            SettingsError: a newer program wrote it in a way this one can't read, or it is damaged.
        """
        try:
            record = cast("dict[str, Any]", json.loads(text))
            version = record.pop("v")
            if version > SETTINGS_VERSION:
                raise SettingsError(
                    tr(
                        "This server's settings were written by a newer version of me; the host "
                        "has to update this one."
                    )
                )
            known = {name: record.pop(name) for name in _DEFAULTS if name in record}
            return replace(_of_plain(cls(), known), unknown=record)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise SettingsError(
                tr(
                    "This server's settings can't be read; an admin can make new ones with "
                    "{command}.",
                    command=slash("server reset"),
                )
            ) from error

    def allows(self, channel_id: int) -> bool:
        """Whether members may use the bot in a channel (of a thread: its parent)."""
        if channel_id in self.denied_channels:
            return False
        if self.allowed_channels:
            return channel_id in self.allowed_channels
        return not self.allowed_ran_out

    @property
    def refuses_prompts(self) -> bool:
        """Whether the filter refuses prompts."""
        return self.filter_action in {FilterAction.BOTH, FilterAction.REFUSE}

    @property
    def masks_output(self) -> bool:
        """Whether the filter masks what the model wrote."""
        return self.filter_action in {FilterAction.BOTH, FilterAction.MASK}

    def word_filter(self) -> WordFilter:
        """The filter of these words and patterns, whatever it is used for."""
        return filter_of(self.filter_words, self.filter_patterns)

    def masked(self, text: str) -> str:
        """What the model wrote, with blocks in place of what is unwanted here."""
        if self.masks_output:
            text = self.word_filter().mask(text)
        return without_invites(text) if self.hides_invites else text


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredSettings:
    """Settings as a store has them.

    Attributes:
        settings: what was decided.
        revision: goes up by one with each change; 0: nothing was ever decided.
        removed_at_s: when the bot was removed from the server (Unix time), or None.
    """

    settings: ServerSettings = field(default_factory=ServerSettings)
    revision: int = 0
    removed_at_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What became of one field: of a list what went and what came, of others before and after."""

    name: str
    before: Any
    after: Any

    def reversed(self) -> "Change":
        """The change that takes this one back."""
        return Change(name=self.name, before=self.after, after=self.before)


def differences(before: ServerSettings, after: ServerSettings) -> tuple[Change, ...]:
    """Field by field, in JSON's terms."""
    old, new = _plain(before), _plain(after)
    found: list[Change] = []
    for name, value in new.items():
        if old[name] == value:
            continue
        gone, come = old[name], value
        if isinstance(value, list):
            gone = [item for item in old[name] if item not in value]
            come = [item for item in cast("list[Any]", value) if item not in old[name]]
        found.append(Change(name=name, before=gone, after=come))
    return tuple(found)


def changed(settings: ServerSettings, changes: Iterable[Change]) -> ServerSettings:
    """The settings after changes; fields that this program does not know are passed over."""
    plain = _plain(settings)
    for change in changes:
        if change.name not in plain:
            continue
        value = plain[change.name]
        if isinstance(value, list):
            kept = [item for item in cast("list[Any]", value) if item not in change.before]
            plain[change.name] = kept + [item for item in change.after if item not in kept]
        else:
            plain[change.name] = change.after
    return replace(_of_plain(ServerSettings(), plain), unknown=settings.unknown)


def allow(settings: ServerSettings, channel_id: int) -> ServerSettings:
    """The bot may be used in this channel, and in no other that is not allowed."""
    return replace(
        settings,
        allowed_channels=settings.allowed_channels | {channel_id},
        allowed_ran_out=False,
        denied_channels=settings.denied_channels - {channel_id},
    )


def deny(settings: ServerSettings, channel_id: int) -> ServerSettings:
    """The bot may not be used in this channel; the list of allowed ones stays as it is."""
    return replace(settings, denied_channels=settings.denied_channels | {channel_id})


def clear_channel(settings: ServerSettings, channel_id: int | None) -> ServerSettings:
    """No word about a channel any more; None: about none, so that all may be used.

    Raises:
        OptionError: it is the last allowed one: that would allow all without saying so.
    """
    if channel_id is None:
        return replace(
            settings,
            allowed_channels=frozenset(),
            allowed_ran_out=False,
            denied_channels=frozenset(),
        )
    if settings.allowed_channels == frozenset({channel_id}):
        raise OptionError(
            tr(
                "This is the last channel that is allowed, and without it all would be. Allow "
                "another first, deny this one, or clear all channels."
            )
        )
    return replace(
        settings,
        allowed_channels=settings.allowed_channels - {channel_id},
        denied_channels=settings.denied_channels - {channel_id},
    )


def without_channel(settings: ServerSettings, channel_id: int) -> ServerSettings:
    """After a channel was deleted. Where it was the only allowed one, none is allowed from now."""
    left = settings.allowed_channels - {channel_id}
    return replace(
        settings,
        allowed_channels=left,
        allowed_ran_out=settings.allowed_ran_out or bool(settings.allowed_channels and not left),
        denied_channels=settings.denied_channels - {channel_id},
        log_channel=None if settings.log_channel == channel_id else settings.log_channel,
    )


def _plain(settings: ServerSettings) -> dict[str, Any]:
    """Each field but `unknown` as JSON has it."""
    values: dict[str, Any] = {}
    for one in fields(settings):
        value = getattr(settings, one.name)
        if one.name != "unknown":
            is_list = isinstance(value, frozenset | tuple)
            values[one.name] = sorted(cast("Iterable[Any]", value)) if is_list else value
    return values


def _of_plain(base: ServerSettings, values: Mapping[str, Any]) -> ServerSettings:
    made: dict[str, Any] = dict(values)
    for name in ("allowed_channels", "denied_channels"):
        made[name] = frozenset(map(int, made.get(name, ())))
    for name in ("filter_words", "filter_patterns"):
        made[name] = tuple(sorted(map(str, made.get(name, ()))))
    made["filter_action"] = FilterAction(made.get("filter_action", FilterAction.BOTH))
    return replace(base, **made)


_DEFAULTS = _plain(ServerSettings())
