"""X-rays: `/xray`, **X-ray this** on a message, and the button that gives one as text.

The X-ray button under a text (`cogs.outputs`) asks for one by `_xray.start_xray`.
"""

import re
from collections.abc import Sequence

import discord
from discord import app_commands
from discord.ext import commands

from bot.core.buttons import XRAY_TEXT_TEMPLATE
from bot.core.prompts import MAX_PROMPT_CHARACTERS
from bot.core.xray import Colors
from bot.errors import PromptError
from bot.language import tr
from bot.services import Services
from cogs._access import NO_MENTIONS, answer_error, services_of
from cogs._first_answer import defer
from cogs._messages import is_own, output_of
from cogs._texts import is_text_file, text_of_file
from cogs._xray import start_xray

_Interaction = discord.Interaction[discord.Client]
_COLOR_CHOICES = [
    app_commands.Choice(name="rank: which of the model's guesses each token was", value="rank"),
    app_commands.Choice(name="bits: how unlikely each token was", value="bits"),
]


class XrayTextButton(
    discord.ui.DynamicItem[discord.ui.Button[discord.ui.View]], template=XRAY_TEXT_TEMPLATE
):
    """Under an X-ray: gives it as text to whoever clicks. Its state is in its id."""

    def __init__(self, item: discord.ui.Button[discord.ui.View], xray_id: str) -> None:
        super().__init__(item)
        self._xray_id = xray_id

    @classmethod
    async def from_custom_id(
        cls, interaction: _Interaction, item: discord.ui.Item[discord.ui.View],
        match: re.Match[str], /,
    ) -> "XrayTextButton":  # fmt: skip
        """Called by discord.py for a click on any button whose id matches the template."""
        assert isinstance(item, discord.ui.Button)
        return cls(item, match["xray_id"])

    async def callback(self, interaction: _Interaction) -> None:
        """Answers to the one who clicked alone."""
        try:
            first, *more = await services_of(interaction.client).xrays.as_text(self._xray_id)
            await interaction.response.send_message(
                first, ephemeral=True, suppress_embeds=True, allowed_mentions=NO_MENTIONS
            )
            for part in more:
                await interaction.followup.send(
                    part, ephemeral=True, suppress_embeds=True, allowed_mentions=NO_MENTIONS
                )
        except Exception as error:  # discord.py would only log it, and the click stay unanswered
            await answer_error(interaction, error)


class Xray(commands.Cog):
    """The `/xray` command."""

    def __init__(self, services: Services) -> None:
        self._services = services

    @app_commands.command(description="Shows how predictable a text is to the model")
    @app_commands.describe(
        text="The text to look at",
        file="A .txt file to look at instead, up to 64 KB",
        colors="What the colors stand for",
    )
    @app_commands.choices(colors=_COLOR_CHOICES)
    @app_commands.allowed_installs(guilds=True, users=True)
    @app_commands.allowed_contexts(guilds=True, dms=True, private_channels=True)
    async def xray(
        self,
        interaction: _Interaction,
        text: app_commands.Range[str, 1, MAX_PROMPT_CHARACTERS] | None = None,
        file: discord.Attachment | None = None,
        colors: str = Colors.RANK,
    ) -> None:
        """Checks, defers, asks; the picture arrives later, from a worker."""
        if text and file:
            raise PromptError(tr("Please give me either a text or a file, not both."))
        if file is not None:
            text = await _file_text(interaction, file, is_public=True)
        if not text:
            raise PromptError(tr("There is nothing to look at; please give me a text or a file."))
        await start_xray(interaction, self._services, text, colors=Colors(colors), is_public=True)


@app_commands.allowed_installs(guilds=True, users=True)
@app_commands.allowed_contexts(guilds=True, dms=True, private_channels=True)
async def _xray_this(interaction: _Interaction, message: discord.Message) -> None:
    """Looks at a message: at all of the bot's own text, at what is written in others.

    Only who asked sees the answer, but where it is about what they wrote themselves.
    """
    services = services_of(interaction.client)
    if is_own(message, interaction):
        output = await output_of(message, services.outputs)
        await start_xray(
            interaction, services, output.whole, origin=output.code, model=output.model
        )
        return
    is_public = message.author.id == interaction.user.id
    text = message.clean_content
    if not text.strip():
        text = await _attached_text(interaction, message.attachments, is_public=is_public)
    await start_xray(interaction, services, text, is_public=is_public)


async def _attached_text(
    interaction: _Interaction, attachments: Sequence[discord.Attachment], *, is_public: bool
) -> str:
    files = [file for file in attachments if is_text_file(file)]
    if not files:
        raise PromptError(tr("This message has no text that I could look at."))
    return await _file_text(interaction, files[0], is_public=is_public)


async def _file_text(
    interaction: _Interaction, file: discord.Attachment, *, is_public: bool
) -> str:
    """Defers first: the file has to be fetched."""
    await defer(interaction, ephemeral=not is_public)
    return await text_of_file(file)


async def setup(bot: commands.Bot) -> None:
    """Called by discord.py when the extension is loaded."""
    bot.add_dynamic_items(XrayTextButton)
    bot.tree.add_command(app_commands.ContextMenu(name="X-ray this", callback=_xray_this))
    await bot.add_cog(Xray(services_of(bot)))
