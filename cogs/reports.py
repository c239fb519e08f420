"""Reports: **Report this** on a message, the form behind it, and what moderators do then.

The Report button under a text (`cogs.outputs`) shows the same form. `/host reports` is in
`cogs.host`.
"""

import asyncio
import io
import re
from dataclasses import replace

import discord
import structlog
from discord import app_commands
from discord.ext import commands

from bot.core.outputs import Output
from bot.core.report_words import log_notice
from bot.errors import OutputError
from bot.language import speaking, tr
from bot.services import Services
from bot.services.reports import Filing, Where
from cogs._access import NO_MENTIONS, answer_error, services_of
from cogs._asker import asker_of, is_moderator
from cogs._forms import FormAnswer, form_answer
from cogs._messages import is_own, output_of, reply_id_of
from cogs._pages import drop_further, edit_page, view_of
from cogs._reports import HIDDEN_TEMPLATE, REPORT_TEMPLATE, hidden_row, show_report_form
from cogs._server import answer, guild_of_admin, server_group_of, told

_log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

_Interaction = discord.Interaction[discord.Client]
_POST_S = 5.0  # the member waits for it


class HiddenButton(
    discord.ui.DynamicItem[discord.ui.Button[discord.ui.View]], template=HIDDEN_TEMPLATE
):
    """Under a report in the log channel: hides the text, or shows it again."""

    def __init__(self, item: discord.ui.Button[discord.ui.View], match: re.Match[str]) -> None:
        super().__init__(item)
        self._is_hidden = match["do"] == "hide"
        self._code = match["code"]
        self._channel_id, self._message_id = int(match["channel"]), int(match["message"])

    @classmethod
    async def from_custom_id(
        cls, interaction: _Interaction, item: discord.ui.Item[discord.ui.View],
        match: re.Match[str], /,
    ) -> "HiddenButton":  # fmt: skip
        """Called by discord.py for a click on any button whose id matches the template."""
        assert isinstance(item, discord.ui.Button)
        return cls(item, match)

    async def callback(self, interaction: _Interaction) -> None:
        """Changes the text's message, then offers the opposite."""
        services = services_of(interaction.client)
        try:
            await interaction.response.defer()
            if not is_moderator(interaction):
                raise OutputError(tr("Only a moderator can do this."))
            output = await services.reports.set_hidden(self._code, self._is_hidden)
            if not await _show(interaction, services, output, self._channel_id, self._message_id):
                raise OutputError(tr("I can't change that message; is it still there, and am I?"))
            guild_id = asker_of(interaction).guild_id
            with speaking(await services.servers.public_language(guild_id)):
                row = hidden_row(
                    self._code, self._channel_id, self._message_id, is_hidden=self._is_hidden
                )
            await interaction.edit_original_response(
                view=view_of(row), allowed_mentions=NO_MENTIONS
            )
        except Exception as error:  # discord.py would only log it
            await answer_error(interaction, error)


class Reports(commands.Cog):
    """Takes the answers to the form."""

    def __init__(self, services: Services) -> None:
        self._services = services

    @commands.Cog.listener()
    async def on_interaction(self, interaction: _Interaction) -> None:
        """Called by discord.py for everything."""
        if given := form_answer(interaction, REPORT_TEMPLATE):
            try:
                await self._report(interaction, given)
            except Exception as error:  # discord.py would only log it
                await answer_error(interaction, error)

    async def _report(self, interaction: _Interaction, given: FormAnswer) -> None:
        """Keeps the report, tells the moderators, hides the text where the server wishes so."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        where = Where(
            place_id=interaction.guild_id,
            channel_id=int(given.id["channel"]),
            message_id=int(given.id["message"]),
        )
        filing = await self._services.reports.report(
            interaction.id,
            given.id["code"],
            asker_of(interaction),
            where,
            given.values.get("reason", ""),
        )
        if filing.hides:
            await _show(
                interaction, self._services, filing.output, where.channel_id, where.message_id
            )
            await drop_further(interaction, self._services.outputs, filing.output.root)
        if await _post(interaction, filing):
            thanks = tr("Thank you. The moderators here and the host of this bot were told.")
        else:
            thanks = tr("Thank you. The host of this bot was told.")
        await answer(interaction, thanks)


async def _show(
    interaction: _Interaction, services: Services, output: Output, channel_id: int, message_id: int
) -> bool:
    """Shows a text's message as it is to be now; False where that can't be done."""
    page = await services.outputs.page(await services.outputs.of(output.root, output.code))
    try:
        async with asyncio.timeout(_POST_S):
            await edit_page(interaction.client, channel_id, message_id, page)
    except (discord.DiscordException, OSError) as error:
        _log.warning("reported text not changed", reason=type(error).__name__)
        return False
    return True


async def _post(interaction: _Interaction, filing: Filing) -> bool:
    """Tells the moderators; False where there is no log channel, or none that can be used."""
    report = filing.report
    if filing.log_channel is None:
        return False
    with speaking(filing.language):
        content, rest = log_notice(report, interaction.user.display_name)
        row = hidden_row(report.code, report.channel_id, report.message_id, is_hidden=filing.hides)
    files = [discord.File(io.BytesIO(rest.encode()), "rest.txt", spoiler=True)] if rest else []
    channel = interaction.client.get_partial_messageable(filing.log_channel)
    try:
        async with asyncio.timeout(_POST_S):
            await channel.send(
                content,
                view=view_of(row),
                files=files,
                suppress_embeds=True,
                allowed_mentions=NO_MENTIONS,
            )
    except Exception as error:  # whatever it is, the host has the report
        _log.warning("report not posted", reason=type(error).__name__)
        return False
    return True


@app_commands.allowed_installs(guilds=True, users=True)
@app_commands.allowed_contexts(guilds=True, dms=True, private_channels=True)
async def _report_this(interaction: _Interaction, message: discord.Message) -> None:
    """Shows the form for one of the bot's own texts."""
    if not is_own(message, interaction):
        raise OutputError(tr("I can take reports only of what I wrote myself."))
    output = await output_of(message, services_of(interaction.client).outputs)
    await show_report_form(interaction, output.code, reply_id_of(message))


def _add_setting(group: app_commands.Group, services: Services) -> None:
    """Adds `reports` to `/server`."""

    @group.command(name="reports", description="Says what becomes of a text that is reported")
    @app_commands.describe(hide="Whether it goes behind a click at once, until you show it again")
    async def reports(  # pyright: ignore[reportUnusedFunction]  # discord.py calls it
        interaction: _Interaction, hide: bool
    ) -> None:
        guild_id = guild_of_admin(interaction)
        await interaction.response.defer(ephemeral=True, thinking=True)
        before, after = await services.servers.edit(
            guild_id, interaction.user.id, lambda settings: replace(settings, hides_reported=hide)
        )
        await answer(interaction, await told(interaction, before, after))


async def setup(bot: commands.Bot) -> None:
    """Called by discord.py when the extension is loaded; after `cogs.server`."""
    services = services_of(bot)
    bot.add_dynamic_items(HiddenButton)
    bot.tree.add_command(app_commands.ContextMenu(name="Report this", callback=_report_this))
    _add_setting(server_group_of(bot), services)
    await bot.add_cog(Reports(services))
