"""What tests and `bardling try --once` let the members of the local Discord do.

The acting half of `LocalDiscord`. Each action checks what Discord's client would check.
"""

from collections.abc import Mapping, Sequence

from bot.local.handles import Interaction, Member, TextChannel, WaitFor
from bot.local.simcord_bridge import World
from bot.local.states import JsonObject, Upload


class Acting:
    """Members write, use commands and buttons, and fill forms."""

    def __init__(self, world: World, wait_for: WaitFor) -> None:
        self._world = world
        self._wait_for = wait_for

    async def say(
        self, member: Member, channel: TextChannel, content: str, files: Sequence[Upload] = ()
    ) -> int:
        """A plain message of a member; returns its id."""
        return self._world.send(member.id, channel.id, content, files)

    async def slash(
        self,
        member: Member,
        channel: TextChannel,
        name: str,
        options: Mapping[str, object] | None = None,
    ) -> Interaction:
        """Types a slash command; does not wait for any answer. A file is an `Upload`.

        Raises:
            ActionRefusedError: Discord's client would not let the member send that.
        """
        return self._started(self._world.slash(member.id, channel.id, name, options or {}))

    async def autocomplete(
        self,
        member: Member,
        channel: TextChannel,
        name: str,
        focused: str,
        options: Mapping[str, object],
    ) -> Interaction:
        """Asks for the choices of the option `focused`, given what is typed so far."""
        return self._started(
            self._world.slash(member.id, channel.id, name, options, focused=focused)
        )

    async def message_menu(
        self, member: Member, channel: TextChannel, name: str, message_id: int
    ) -> Interaction:
        """Picks a command from the menu of a message."""
        return self._started(self._world.message_menu(member.id, channel.id, name, message_id))

    async def click(self, member: Member, message: JsonObject, custom_id: str) -> Interaction:
        """Presses a button of a message."""
        return await self.choose(member, message, custom_id, None)

    async def choose(
        self, member: Member, message: JsonObject, custom_id: str, values: list[str] | None
    ) -> Interaction:
        """Chooses values in a select of a message."""
        channel_id, message_id = int(message["channel_id"]), int(message["id"])
        return self._started(
            self._world.use_component(member.id, channel_id, message_id, custom_id, values)
        )

    async def submit_modal(
        self, member: Member, shown_by: Interaction, values: Mapping[str, object]
    ) -> Interaction:
        """Fills the form that an interaction was answered with (by `custom_id`) and sends it."""
        return self._started(self._world.submit_modal(member.id, shown_by.id, values))

    def _started(self, interaction_id: int) -> Interaction:
        return Interaction(interaction_id, self._world, self._wait_for)
