"""`/privacy`: what is kept of the one who asks, as a list, as a file, and no longer."""

import io
import re

import discord
from discord import app_commands
from discord.ext import commands

from bot.errors import NotAllowedError
from bot.language import slash, tr, tr_n
from bot.services import Services
from cogs._access import NO_MENTIONS, answer_error, services_of

_DELETE_TEMPLATE = r"bardling:privacy-delete:(?P<user_id>[0-9]{1,20})"
_Interaction = discord.Interaction[discord.Client]


@app_commands.allowed_installs(guilds=True, users=True)
@app_commands.allowed_contexts(guilds=True, dms=True, private_channels=True)
class Privacy(commands.GroupCog, group_name="privacy", group_description="What I keep of you"):
    """The `/privacy` commands; each answers the asker alone."""

    def __init__(self, services: Services) -> None:
        self._services = services

    @app_commands.command(description="What I keep of you, how long, and what for")
    async def show(self, interaction: _Interaction) -> None:
        """Counts, and what becomes of it."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        text = await self._services.privacy.show(interaction.user.id)
        await interaction.edit_original_response(content=text, allowed_mentions=NO_MENTIONS)

    @app_commands.command(description="A file with all that I keep of you")
    async def export(self, interaction: _Interaction) -> None:
        """A JSON file."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        export = await self._services.privacy.export(interaction.user.id)
        text = tr("This is all that I keep of you.")
        if export.n_left_out:
            text = tr_n(
                "This is what I keep of you, but for the oldest entry: more does not fit into a "
                "file that Discord takes. Ask my host for that one.",
                "This is what I keep of you, but for the oldest {n} entries: more does not fit "
                "into a file that Discord takes. Ask my host for those.",
                export.n_left_out,
            )
        file = discord.File(io.BytesIO(export.data), filename="bardling-data.json")
        await interaction.edit_original_response(
            content=text, attachments=[file], allowed_mentions=NO_MENTIONS
        )

    @app_commands.command(description="Deletes what I keep of you, in all servers; asks first")
    async def delete(self, interaction: _Interaction) -> None:
        """Asks; the button does it."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        user_id = interaction.user.id
        view = discord.ui.View(timeout=None).add_item(DeleteButton(user_id))
        text = await self._services.privacy.question(user_id)
        await interaction.edit_original_response(
            content=text, view=view, allowed_mentions=NO_MENTIONS
        )


class DeleteButton(
    discord.ui.DynamicItem[discord.ui.Button[discord.ui.View]], template=_DELETE_TEMPLATE
):
    """Deletes the data of the user in its id, for that user only."""

    def __init__(self, user_id: int) -> None:
        super().__init__(
            discord.ui.Button(
                label=tr("Delete it"),
                style=discord.ButtonStyle.danger,
                custom_id=f"bardling:privacy-delete:{user_id}",
            )
        )
        self._user_id = user_id

    @classmethod
    async def from_custom_id(
        cls,
        interaction: _Interaction,
        item: discord.ui.Item[discord.ui.View],
        match: re.Match[str],
        /,
    ) -> "DeleteButton":
        """Called by discord.py for a click on any button whose id matches the template."""
        return cls(int(match["user_id"]))

    async def callback(self, interaction: _Interaction) -> None:
        """Deletes, and says so in place of the question."""
        try:
            await interaction.response.defer()
            if interaction.user.id != self._user_id:
                raise NotAllowedError(
                    tr(
                        "This button is for somebody else; use {command}.",
                        command=slash("privacy delete"),
                    )
                )
            text = await services_of(interaction.client).privacy.delete(self._user_id)
            await interaction.edit_original_response(
                content=text, view=None, allowed_mentions=NO_MENTIONS
            )
        except Exception as error:  # discord.py would only log it
            await answer_error(interaction, error)


async def setup(bot: commands.Bot) -> None:
    """Called by discord.py when the extension is loaded."""
    bot.add_dynamic_items(DeleteButton)
    await bot.add_cog(Privacy(services_of(bot)))
