"""The options of a slash command, as Discord's client fills them in and sends them.

Used by `actions`. Checks each against its description; resolves nothing.
"""

from collections.abc import Mapping

from simcord import interactions

from bot.local.states import ActionRefusedError, JsonObject, Upload

CHANNEL_OPTION, ATTACHMENT_OPTION = 7, 11
_OTHER_ENTITIES = {6, 8, 9}  # user, role, mentionable


def wire_options(
    name: str, leaf: JsonObject, options: Mapping[str, object], focused: str | None
) -> list[JsonObject]:
    """Checks what a member filled in; the option `focused` comes last.

    Returns:
        The options of the request. A channel's value is its id, still unchecked; an attachment's
        is `(file name, bytes)`, still to be stored.

    Raises:
        ActionRefusedError: an option is of a kind that can't be filled here.
        SetupError: an option does not fit its description.
    """
    declared: dict[str, JsonObject] = {o["name"]: o for o in leaf.get("options") or ()}
    kinds = {key: declared.get(key, {}).get("type") for key in options}
    for key, kind in kinds.items():
        if kind in _OTHER_ENTITIES:
            raise ActionRefusedError(f"The local Discord can't fill the option {key!r} yet.")
    given = {key: _plain(key, kinds[key], options[key]) for key in options if key != focused}
    channels = {key for key in given if kinds[key] == CHANNEL_OPTION}
    # SimCord wants objects of its own for channels; here they are ids, checked by the caller.
    checked = leaf | {
        "options": [option for key, option in declared.items() if key not in channels]
    }
    plain = {key: value for key, value in given.items() if key not in channels}
    accepted = interactions.check_options(name, checked, plain, partial=focused is not None)
    accepted |= {key: str(given[key]) for key in channels}
    filled: list[JsonObject] = [
        {"name": key, "type": declared[key]["type"], "value": value}
        for key, value in accepted.items()
    ]
    if focused is None:
        return filled
    # While a member still types, files are not sent yet.
    filled = [option for option in filled if option["type"] != ATTACHMENT_OPTION]
    return [*filled, _focused(declared, options, focused)]


def _plain(name: str, kind: int | None, value: object) -> object:
    if kind != ATTACHMENT_OPTION:
        return value
    if not isinstance(value, Upload):
        raise ActionRefusedError(f"The option {name!r} takes a file.")
    return value.filename, value.data


def _focused(
    declared: Mapping[str, JsonObject], options: Mapping[str, object], name: str
) -> JsonObject:
    if not declared.get(name, {}).get("autocomplete"):
        raise ActionRefusedError(f"The option {name!r} offers no choices.")
    value = options.get(name, "")
    return {"name": name, "type": declared[name]["type"], "value": value, "focused": True}
