"""The buttons under a finished text, and **Continue this** on any message.

A button's state is in its id and the text in the store: both outlive every process. A click on
Retry or a page is answered by editing the message that was clicked.
"""

import re

import discord
import structlog
from discord import app_commands
from discord.ext import commands

from bot.core.buttons import OUTPUT_TEMPLATE, Action
from bot.core.edit_form import (
    EDIT_TEMPLATE,
    LENGTH,
    PRESET,
    PROMPT,
    SEED,
    SETTINGS,
    edit_id,
    prefilled,
    preset_names,
    read,
)
from bot.core.output_rules import Version
from bot.core.prompts import MAX_FILE_CHARACTERS
from bot.core.text_request import CompletionRequest
from bot.errors import PromptError
from bot.language import tr
from bot.services import Services
from cogs._access import answer_error, services_of
from cogs._first_answer import defer
from cogs._forms import Field, FormAnswer, form_answer, show_form
from cogs._messages import is_own, output_of
from cogs._pages import drop_further, show_page
from cogs._reports import show_report_form
from cogs._texts import (
    DEFAULT_LENGTH,
    click_of,
    is_text_file,
    start_text,
    text_of_file,
    watch_version,
)
from cogs._xray import start_xray

_Interaction = discord.Interaction[discord.Client]


class OutputButton(
    discord.ui.DynamicItem[discord.ui.Button[discord.ui.View]], template=OUTPUT_TEMPLATE
):
    """A button under a finished text, rebuilt from its `custom_id` whenever it is clicked."""

    def __init__(self, item: discord.ui.Button[discord.ui.View], match: re.Match[str]) -> None:
        super().__init__(item)
        self._action = Action(match["action"])
        self._root = match["root"]
        self._index = int(match["index"])

    @classmethod
    async def from_custom_id(
        cls, interaction: _Interaction, item: discord.ui.Item[discord.ui.View],
        match: re.Match[str], /,
    ) -> "OutputButton":  # fmt: skip
        """Called by discord.py for a click on any button whose id matches the template."""
        assert isinstance(item, discord.ui.Button)
        return cls(item, match)

    async def callback(self, interaction: _Interaction) -> None:
        """Does what the button says, or tells the one who clicked why not."""
        structlog.contextvars.bind_contextvars(root=self._root, guild_id=interaction.guild_id)
        try:
            await self._act(interaction, services_of(interaction.client))
        except Exception as error:  # discord.py would only log it, and the click stay unanswered
            await answer_error(interaction, error)

    async def _act(self, interaction: _Interaction, services: Services) -> None:
        outputs = services.outputs
        match self._action:
            case Action.CONTINUE:
                await self._go_on(interaction, services)
            case Action.RETRY:
                await interaction.response.defer()
                model = await outputs.retry(self._root, self._index, click_of(interaction))
                await watch_version(interaction, services, model)
                await drop_further(interaction, outputs, self._root)
            case Action.EDIT:
                version = await outputs.at(self._root, self._index)
                await outputs.may_change(version, click_of(interaction))
                await _show_edit_form(interaction, version)
            case Action.PAGE:
                await interaction.response.defer()
                page = await outputs.turn(self._root, self._index, click_of(interaction))
                await show_page(interaction, page)
                await drop_further(interaction, outputs, self._root)
            case Action.KEEP:
                await interaction.response.defer()
                page = await outputs.keep(self._root, self._index, click_of(interaction))
                await show_page(interaction, page)
            case Action.REPORT:
                version = await outputs.at(self._root, self._index)
                message_id = interaction.message.id if interaction.message else 0
                await show_report_form(interaction, version.output.code, message_id)
            case Action.XRAY:
                output = (await outputs.at(self._root, self._index)).output
                with outputs.once(self._action, output, click_of(interaction)):
                    await start_xray(
                        interaction,
                        services,
                        output.whole,
                        origin=output.code,
                        model=output.model,
                    )

    async def _go_on(self, interaction: _Interaction, services: Services) -> None:
        click = click_of(interaction)
        version = await services.outputs.at(self._root, self._index)
        await services.outputs.may_change(version, click)
        with services.outputs.once(self._action, version.output, click):
            request = await services.outputs.continue_request(version.output, click)
            await start_text(interaction, services, request)


class Outputs(commands.Cog):
    """The Edit form's answers, and the menu."""

    def __init__(self, services: Services) -> None:
        self._services = services

    @commands.Cog.listener()
    async def on_interaction(self, interaction: _Interaction) -> None:
        """Called by discord.py for everything; takes the answers to the Edit form."""
        if answer := form_answer(interaction, EDIT_TEMPLATE):
            try:
                await self._edit(interaction, answer)
            except Exception as error:  # discord.py would only log it
                await answer_error(interaction, error)

    async def _edit(self, interaction: _Interaction, answer: FormAnswer) -> None:
        root, outputs = answer.id["root"], self._services.outputs
        await interaction.response.defer()
        version = await outputs.of(root, answer.id["code"])
        edited = read(version.output, answer.values)
        model = await outputs.edit(version, edited, click_of(interaction))
        await watch_version(interaction, self._services, model)
        await drop_further(interaction, outputs, root)


async def _show_edit_form(interaction: _Interaction, version: Version) -> None:
    output = version.output
    shown = prefilled(output)
    is_cut = shown[PROMPT] != output.prompt
    fields = [
        Field(
            id=PROMPT,
            label=tr("The text to go on with"),
            value=shown[PROMPT],
            description=tr("The end of it; what is before stays as it is") if is_cut else "",
            is_long=True,
        ),
        Field(id=LENGTH, label=tr("Length in tokens"), value=shown[LENGTH], max_length=3),
        Field(
            id=PRESET,
            label=tr("Preset instead of these settings"),
            description=tr(
                "One of {presets}; what you change below overrides it", presets=preset_names()
            ),
            max_length=20,
        ),
        Field(id=SETTINGS, label=tr("Settings"), value=shown[SETTINGS], max_length=200),
        Field(
            id=SEED,
            label=tr("Seed"),
            value=shown[SEED],
            description=tr("The same one makes the same text; clear it for a new one"),
            max_length=16,
        ),
    ]
    await show_form(interaction, tr("Edit this text"), edit_id(output), fields)


@app_commands.allowed_installs(guilds=True, users=True)
@app_commands.allowed_contexts(guilds=True, dms=True, private_channels=True)
async def _continue_this(interaction: _Interaction, message: discord.Message) -> None:
    """Goes on with a message: with all of the bot's own text, with what is written in others."""
    services = services_of(interaction.client)
    click = click_of(interaction)
    if is_own(message, interaction):
        output = await output_of(message, services.outputs)
        request = await services.outputs.continue_request(output, click)
        await start_text(interaction, services, request)
        return
    prompt = message.clean_content.strip()
    files = [file for file in message.attachments if is_text_file(file)]
    if not prompt and not files:
        raise PromptError(tr("This message has no text that I could go on with."))
    if not prompt:
        await defer(interaction)
        prompt = await text_of_file(files[0])
    request = CompletionRequest(
        interaction_id=interaction.id,
        asker=click.asker,
        reply=click.reply,
        prompt=prompt,
        max_new_tokens=DEFAULT_LENGTH,
        prompt_limit=MAX_FILE_CHARACTERS,
        is_age_restricted=click.is_age_restricted,
    )
    await start_text(interaction, services, request)


async def setup(bot: commands.Bot) -> None:
    """Called by discord.py when the extension is loaded."""
    bot.add_dynamic_items(OutputButton)
    bot.tree.add_command(app_commands.ContextMenu(name="Continue this", callback=_continue_this))
    await bot.add_cog(Outputs(services_of(bot)))
