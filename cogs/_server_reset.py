"""The button that resets a server's settings. Its state is in its id: restarts are fine.

Not an extension; `cogs.server` shows and registers it.
"""

import re

import discord

from bot.language import tr
from cogs._access import answer_error
from cogs._server import answer, guild_of_admin, servers_of, told

_Interaction = discord.Interaction[discord.Client]
_RESET_TEMPLATE = r"bardling:server-reset:(?P<revision>[0-9]{1,15})"


class ResetButton(
    discord.ui.DynamicItem[discord.ui.Button[discord.ui.View]], template=_RESET_TEMPLATE
):
    """Resets the settings that its reader saw; their revision is in its id."""

    def __init__(self, revision: int) -> None:
        super().__init__(
            discord.ui.Button(
                label=tr("Reset everything"),
                style=discord.ButtonStyle.danger,
                custom_id=f"bardling:server-reset:{revision}",
            )
        )
        self._revision = revision

    @classmethod
    async def from_custom_id(
        cls,
        interaction: _Interaction,
        item: discord.ui.Item[discord.ui.View],
        match: re.Match[str],
        /,
    ) -> "ResetButton":
        """Called by discord.py for a click on any button whose id matches the template."""
        return cls(int(match["revision"]))

    async def callback(self, interaction: _Interaction) -> None:
        """Resets, for those who may."""
        try:
            await interaction.response.defer()
            servers = servers_of(interaction.client)
            before, after = await servers.reset(
                guild_of_admin(interaction), interaction.user.id, revision=self._revision
            )
            await answer(interaction, await told(interaction, before, after))
        except Exception as error:  # discord.py would only log it
            await answer_error(interaction, error)
