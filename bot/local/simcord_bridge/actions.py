"""What a member does in Discord's client: writes, uses commands and buttons, fills forms.

The acting half of `World`. Checks what Discord's client would check, then emits what Discord
would send to the bot.
"""

from collections.abc import Mapping, Sequence

from simcord import interactions
from simcord._modal import _modal_submit_nodes  # pyright: ignore[reportPrivateUsage]
from simcord.backend import serializers
from simcord.backend.access import channel_accessible, message_accessible
from simcord.backend.command_access import command_access
from simcord.backend.errors import SetupError
from simcord.backend.models import Message
from simcord.components import walk_components

from bot.local.simcord_bridge.backend import ObservedBackend
from bot.local.simcord_bridge.options import ATTACHMENT_OPTION, CHANNEL_OPTION, wire_options
from bot.local.simcord_bridge.places import Places
from bot.local.states import ActionRefusedError, JsonObject, Upload

CHAT_INPUT, MESSAGE_MENU = 1, 3  # command types
_COMMAND, _COMPONENT, _AUTOCOMPLETE, _MODAL_SUBMIT = 2, 3, 4, 5  # interaction types
_SELECTS = {3, 5, 6, 7, 8}  # component types: string, user, role, mentionable, channel


class MemberActions:
    """Each action of a member returns the id of what it made: an interaction or a message."""

    def __init__(self, backend: ObservedBackend) -> None:
        self._backend = backend
        self.places = Places(backend)

    def can_see(self, user_id: int, channel_id: int) -> bool:
        """Whether a channel is open to a user."""
        return channel_accessible(self._backend, channel_id, user_id)

    def send(
        self, user_id: int, channel_id: int, content: str, files: Sequence[Upload] = ()
    ) -> int:
        """Writes a message as a member; returns its id."""
        self._check_channel(user_id, channel_id)
        if not content.strip() and not files:
            raise ActionRefusedError("An empty message can't be sent.")
        attachments = self._backend.store_attachments(
            channel_id, [(file.filename, file.data) for file in files]
        )
        message = self._backend.create_message(
            channel_id, user_id, content, attachments=attachments
        )
        return message.id

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
            options: by name; a channel is its id, an attachment an `Upload`.
            focused: with it, asks for the autocomplete choices of that option instead.

        Raises:
            ActionRefusedError: no such command here, or an option does not fit its description.
        """
        root_name, *path = name.split()
        root, owners = self._command(user_id, channel_id, root_name, CHAT_INPUT)
        try:
            leaf, nesting = interactions.walk_to_subcommand(root, path)
            filled = wire_options(name, leaf, options, focused)
        except SetupError as error:
            raise ActionRefusedError(f"{error}.") from error
        resolved = self._resolve(user_id, channel_id, filled)
        data = _command_data(root) | {"options": interactions.nest_options(root, nesting, filled)}
        if resolved:
            data["resolved"] = resolved
        kind = _COMMAND if focused is None else _AUTOCOMPLETE
        return self._interact(kind, user_id, channel_id, data, owners=owners)

    def message_menu(self, user_id: int, channel_id: int, name: str, message_id: int) -> int:
        """Invokes a message context menu."""
        root, owners = self._command(user_id, channel_id, name, MESSAGE_MENU)
        target = self._payload(self._visible(user_id, channel_id, message_id))
        data = _command_data(root) | {
            "target_id": str(message_id),
            "resolved": {"messages": {str(message_id): target}},
        }
        return self._interact(_COMMAND, user_id, channel_id, data, owners=owners)

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
        if component["type"] in _SELECTS:
            data["values"] = _chosen(component, values or [])
        owners = self._owners_of(message)
        return self._interact(_COMPONENT, user_id, channel_id, data, owners=owners, source=message)

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
        return self._interact(
            _MODAL_SUBMIT,
            user_id,
            shown.channel_id,
            data,
            owners=self._backend.owners.get(shown_by, {}),
            source=source,
        )

    # --- inside

    def _interact(
        self,
        kind: int,
        user_id: int,
        channel_id: int,
        data: JsonObject,
        *,
        owners: dict[str, str],
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
        self._backend.owners[record.id] = owners
        payload["authorizing_integration_owners"] = owners
        self.places.complete_interaction(payload, user_id)
        if source is not None:
            record.source_message_id = source.id
            payload["message"] = self._payload(source)
        self._backend.emit("INTERACTION_CREATE", payload)
        return record.id

    def _command(
        self, user_id: int, channel_id: int, name: str, kind: int
    ) -> tuple[JsonObject, dict[str, str]]:
        """A command, and who has authorized its use here."""
        self._check_channel(user_id, channel_id)
        guild_id = self._backend.get_channel(channel_id).guild_id
        command = self._backend.find_command(name, guild_id, type=kind)
        if command is None:
            raise ActionRefusedError(f"The bot has no command {name!r} here.")
        access = command_access(self._backend, command, user_id=user_id, channel_id=channel_id)
        if not access.allowed:
            raise ActionRefusedError(f"{name!r} can't be used here ({access.reason}).")
        owners = self.places.owners(command, user_id, guild_id)
        if not owners:
            raise ActionRefusedError(f"{name!r} is not installed here.")
        return command, owners

    def _owners_of(self, message: Message) -> dict[str, str]:
        """Who has authorized the command that a message is the answer to."""
        if message.interaction_metadata is not None:
            return self._backend.owners.get(int(message.interaction_metadata["id"]), {})
        return {"0": str(self._backend.get_channel(message.channel_id).guild_id or 0)}

    def _resolve(
        self, user_id: int, channel_id: int, filled: list[JsonObject]
    ) -> dict[str, JsonObject]:
        """What options stand for, by kind and id; files among them are stored, and get an id."""
        resolved: dict[str, JsonObject] = {}
        for option in filled:
            if option["type"] == CHANNEL_OPTION:
                chosen = self._chosen_channel(user_id, option["value"])
                resolved.setdefault("channels", {})[option["value"]] = chosen
            elif option["type"] == ATTACHMENT_OPTION:
                filename, data = option["value"]
                option["value"] = interactions.store_interaction_attachment(
                    self._backend, channel_id, filename, data, resolved
                )
                resolved["attachments"][option["value"]]["ephemeral"] = True
        return resolved

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
        return self.places.marked(payload) | {"permissions": str(permissions)}

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


def _chosen(select: JsonObject, values: list[str]) -> list[str]:
    """The values chosen in a select, if its list and its bounds allow them."""
    known = {option["value"] for option in select.get("options") or ()}
    if not set(values) <= known or len(set(values)) < len(values):
        raise ActionRefusedError("That choice is not in the list.")
    least, most = select.get("min_values", 1), select.get("max_values", 1)
    if not least <= len(values) <= most:
        raise ActionRefusedError(f"Between {least} and {most} choices can be made there.")
    return values


def _find_component(components: list[JsonObject], custom_id: str) -> JsonObject:
    for component in walk_components(components):
        if component.get("custom_id") == custom_id:
            if component.get("disabled"):
                raise ActionRefusedError("That button is disabled.")
            return component
    raise ActionRefusedError("That button is not there any more.")
