"""What a member does in Discord's client: writes, uses commands and buttons, fills forms.

The acting half of `World`. Checks what Discord's client would check, then emits what Discord
would send to the bot.
"""

from collections.abc import Mapping

from simcord import interactions
from simcord._modal import _modal_submit_nodes  # pyright: ignore[reportPrivateUsage]
from simcord.backend import serializers
from simcord.backend.access import channel_accessible, message_accessible
from simcord.backend.command_access import command_access
from simcord.backend.errors import SetupError
from simcord.backend.models import Message
from simcord.components import walk_components

from bot.local.simcord_bridge.backend import ObservedBackend
from bot.local.states import ActionRefusedError, JsonObject

CHAT_INPUT, MESSAGE_MENU = 1, 3  # command types
_COMMAND, _COMPONENT, _AUTOCOMPLETE, _MODAL_SUBMIT = 2, 3, 4, 5  # interaction types
_GUILD_INSTALL = "0"
_CHANNEL_OPTION = 7
_ENTITY_OPTIONS = {6, 8, 9, 11}  # user, role, mentionable, attachment


class MemberActions:
    """Each action of a member returns the id of what it made: an interaction or a message."""

    def __init__(self, backend: ObservedBackend) -> None:
        self._backend = backend

    def can_see(self, user_id: int, channel_id: int) -> bool:
        """Whether a channel is open to a user."""
        return channel_accessible(self._backend, channel_id, user_id)

    def send(self, user_id: int, channel_id: int, content: str) -> int:
        """Writes a message as a member; returns its id."""
        self._check_channel(user_id, channel_id)
        if not content.strip():
            raise ActionRefusedError("An empty message can't be sent.")
        return self._backend.create_message(channel_id, user_id, content).id

    def slash(
        self,
        user_id: int,
        channel_id: int,
        name: str,
        options: Mapping[str, object],
        focused: str | None = None,
    ) -> int:
        """Invokes a slash command ("story say" names a subcommand).

        Args:
            options: by name; a channel is its id.
            focused: with it, asks for the autocomplete choices of that option instead.

        Raises:
            ActionRefusedError: no such command here, or an option does not fit its description.
        """
        root_name, *path = name.split()
        root = self._command(user_id, channel_id, root_name, CHAT_INPUT)
        try:
            leaf, nesting = interactions.walk_to_subcommand(root, path)
            filled = _wire_options(name, leaf, options, focused)
        except SetupError as error:
            raise ActionRefusedError(f"{error}.") from error
        data = _command_data(root) | {"options": interactions.nest_options(root, nesting, filled)}
        chosen = [option["value"] for option in filled if option["type"] == _CHANNEL_OPTION]
        if chosen:
            channels = {id_: self._chosen_channel(user_id, id_) for id_ in chosen}
            data["resolved"] = {"channels": channels}
        kind = _COMMAND if focused is None else _AUTOCOMPLETE
        return self._interact(kind, user_id, channel_id, data)

    def message_menu(self, user_id: int, channel_id: int, name: str, message_id: int) -> int:
        """Invokes a message context menu."""
        root = self._command(user_id, channel_id, name, MESSAGE_MENU)
        target = self._payload(self._visible(user_id, channel_id, message_id))
        data = _command_data(root) | {
            "target_id": str(message_id),
            "resolved": {"messages": {str(message_id): target}},
        }
        return self._interact(_COMMAND, user_id, channel_id, data)

    def use_component(
        self,
        user_id: int,
        channel_id: int,
        message_id: int,
        custom_id: str,
        values: list[str] | None = None,
    ) -> int:
        """Presses a button, or chooses `values` in a select of a message."""
        message = self._visible(user_id, channel_id, message_id)
        component = _find_component(message.components, custom_id)
        data: JsonObject = {"custom_id": custom_id, "component_type": component["type"]}
        if "id" in component:
            data["id"] = component["id"]
        if values is not None:
            known = {option["value"] for option in component.get("options") or ()}
            if not set(values) <= known:
                raise ActionRefusedError("That choice is not in the list.")
            data["values"] = values
        return self._interact(_COMPONENT, user_id, channel_id, data, source=message)

    def submit_modal(self, user_id: int, shown_by: int, values: Mapping[str, object]) -> int:
        """Fills the form that interaction `shown_by` was answered with, and sends it."""
        shown = self._backend.interactions[shown_by]
        if shown.modal is None or shown.user_id != user_id or shown.modal_consumed:
            raise ActionRefusedError("That form is not open.")
        try:
            components = _modal_submit_nodes(
                shown.modal["components"], None, dict(values), {}, shown.channel_id, []
            )
        except SetupError as error:
            raise ActionRefusedError(f"{error}.") from error
        shown.modal_consumed = True
        data = {"custom_id": shown.modal["custom_id"], "components": components}
        source = None
        if shown.source_message_id is not None:
            source = self._visible(user_id, shown.channel_id, shown.source_message_id)
        return self._interact(_MODAL_SUBMIT, user_id, shown.channel_id, data, source=source)

    # --- inside

    def _interact(
        self,
        kind: int,
        user_id: int,
        channel_id: int,
        data: JsonObject,
        source: Message | None = None,
    ) -> int:
        self._check_channel(user_id, channel_id)
        guild_id = self._backend.get_channel(channel_id).guild_id
        record, payload = interactions.base_payload(
            self._backend,
            type=kind,
            channel_id=channel_id,
            guild_id=guild_id,
            user_id=user_id,
            data=data,
        )
        # The servers have installed the bot, no user has; SimCord leaves that open. Discord says
        # server 0 in the bot's direct messages.
        payload["authorizing_integration_owners"] = {_GUILD_INSTALL: str(guild_id or 0)}
        if source is not None:
            record.source_message_id = source.id
            payload["message"] = self._payload(source)
        self._backend.emit("INTERACTION_CREATE", payload)
        return record.id

    def _command(self, user_id: int, channel_id: int, name: str, kind: int) -> JsonObject:
        self._check_channel(user_id, channel_id)
        guild_id = self._backend.get_channel(channel_id).guild_id
        command = self._backend.find_command(name, guild_id, type=kind)
        if command is None:
            raise ActionRefusedError(f"The bot has no command {name!r} here.")
        access = command_access(self._backend, command, user_id=user_id, channel_id=channel_id)
        if not access.allowed:
            raise ActionRefusedError(f"{name!r} can't be used here ({access.reason}).")
        return command

    def _chosen_channel(self, user_id: int, id_: str) -> JsonObject:
        """A channel as an option's value, with what the member may do in it."""
        channel_id = int(id_) if id_.isdecimal() else 0
        if channel_id not in self._backend.channels:
            raise ActionRefusedError("There is no such channel.")
        self._check_channel(user_id, channel_id)
        channel = self._backend.get_channel(channel_id)
        if channel.guild_id is None:
            raise ActionRefusedError("Direct messages can't be chosen.")
        permissions = self._backend.compute_permissions(channel.guild_id, user_id, channel_id)
        payload = dict(serializers.channel_payload(self._backend, channel))
        return payload | {"permissions": str(permissions)}

    def _check_channel(self, user_id: int, channel_id: int) -> None:
        if not self.can_see(user_id, channel_id):
            raise ActionRefusedError("That channel is not open to this member.")

    def _visible(self, user_id: int, channel_id: int, message_id: int) -> Message:
        message = self._backend.messages.get(channel_id, {}).get(message_id)
        if message is None or not message_accessible(self._backend, channel_id, message, user_id):
            raise ActionRefusedError("That message is not there for this member.")
        return message

    def _payload(self, message: Message) -> JsonObject:
        return dict(serializers.message_payload(self._backend, message))


def _command_data(root: JsonObject) -> JsonObject:
    return {"id": root["id"], "name": root["name"], "type": root["type"]}


def _wire_options(
    name: str, leaf: JsonObject, options: Mapping[str, object], focused: str | None
) -> list[JsonObject]:
    declared: dict[str, JsonObject] = {o["name"]: o for o in leaf.get("options") or ()}
    entities = [key for key in options if declared.get(key, {}).get("type") in _ENTITY_OPTIONS]
    if entities:
        raise ActionRefusedError(f"The local Discord can't fill the option {entities[0]!r} yet.")
    partial = focused is not None
    given = {key: value for key, value in options.items() if key != focused}
    channels = {key for key in given if declared.get(key, {}).get("type") == _CHANNEL_OPTION}
    plain = {key: value for key, value in given.items() if key not in channels}
    # SimCord wants objects of its own for channels; here they are ids, checked by the caller.
    checked = leaf | {
        "options": [option for key, option in declared.items() if key not in channels]
    }
    accepted = interactions.check_options(name, checked, plain, partial=partial)
    accepted |= {key: str(given[key]) for key in channels}
    filled: list[JsonObject] = [
        {"name": key, "type": declared[key]["type"], "value": value}
        for key, value in accepted.items()
    ]
    if focused is not None:
        if not declared.get(focused, {}).get("autocomplete"):
            raise ActionRefusedError(f"The option {focused!r} offers no choices.")
        kind = declared[focused]["type"]
        value = options.get(focused, "")
        filled.append({"name": focused, "type": kind, "value": value, "focused": True})
    return filled


def _find_component(components: list[JsonObject], custom_id: str) -> JsonObject:
    for component in walk_components(components):
        if component.get("custom_id") == custom_id:
            if component.get("disabled"):
                raise ActionRefusedError("That button is disabled.")
            return component
    raise ActionRefusedError("That button is not there any more.")
