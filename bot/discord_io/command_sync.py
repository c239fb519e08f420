"""Commands are registered with Discord only when they differ from what it has.

Creating commands is limited (200 a day), so a restart must not register them anew. Used by
`client`; pure: it compares two JSON payloads.
API: https://discord.com/developers/docs/interactions/application-commands
"""

from collections.abc import Mapping, Sequence
from typing import cast

_Object = Mapping[str, object]

# What Discord fills in for a key that a payload leaves out.
_DEFAULTS: Mapping[str, object] = {"type": 1, "required": False, "nsfw": False}

# Left out by us, they are absent; so a bound that was taken back is seen on Discord's side only.
_BOUNDS = (
    "min_value", "max_value", "min_length", "max_length", "choices", "channel_types",
    "autocomplete", "options",
)  # fmt: skip

_LOCALIZATIONS = ("name_localizations", "description_localizations")
_PERMISSIONS = "default_member_permissions"
_OLD_CONTEXTS = "dm_permission"  # where contexts are given, Discord makes it of them


def same_commands(
    wanted: Sequence[Mapping[str, object]], registered: Sequence[Mapping[str, object]]
) -> bool:
    """Whether registering `wanted` would change nothing.

    Args:
        wanted: the payload this program would send.
        registered: Discord's answer, which has more keys (ids, versions) and its own order.
    """
    ordered_wanted = sorted(wanted, key=_command_key)
    ordered_registered = sorted(registered, key=_command_key)
    return _covers(ordered_wanted, ordered_registered)


def _command_key(command: Mapping[str, object]) -> tuple[int, str]:
    kind = command.get("type", 1)
    return (kind if isinstance(kind, int) else 1, str(command.get("name", "")))


def _covers(wanted: object, registered: object) -> bool:
    if isinstance(wanted, Mapping) and isinstance(registered, Mapping):
        ours, theirs = cast(_Object, wanted), cast(_Object, registered)
        keys = {*ours, *(key for key in (*_BOUNDS, *_LOCALIZATIONS) if key in theirs)}
        if ours.get("contexts"):
            keys.discard(_OLD_CONTEXTS)
        return all(_agree(key, _value(ours, key), _value(theirs, key)) for key in keys)
    if isinstance(wanted, list | tuple) and isinstance(registered, list | tuple):
        ours, theirs = cast(Sequence[object], wanted), cast(Sequence[object], registered)
        return len(ours) == len(theirs) and all(map(_covers, ours, theirs))
    return wanted == registered or (not wanted and not registered)


def _agree(key: str, wanted: object, registered: object) -> bool:
    if key in _LOCALIZATIONS:  # a language that was taken back is seen on Discord's side only
        return (wanted or {}) == (registered or {})
    return _covers(wanted, registered)


def _value(command: _Object, key: str) -> object:
    value = command.get(key, _DEFAULTS.get(key))
    if key == _PERMISSIONS and value is not None:
        return str(value)  # discord.py sends a number, Discord answers with its digits; "0" is some
    return value
