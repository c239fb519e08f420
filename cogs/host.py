"""`/host`: what the owners of the bot's application decide for all servers.

Discord shows the group to server administrators only (it has no permission for owners, and would
show it to all in direct messages, so it is not there); whoever is no owner is refused here.
"""

import re

import discord
from discord import app_commands
from discord.ext import commands

from bot.core.host_words import (
    blocked_text,
    blocks_shown,
    letters_shown,
    unblocked_text,
    weights_shown,
    workers_shown,
)
from bot.core.report_words import reports_shown
from bot.errors import NotAllowedError, OptionError
from bot.language import slash, tr
from bot.services.host import MAX_REASON, MAX_WEIGHT, MIN_WEIGHT, HostService
from bot.services.reports import ReportsService
from cogs._access import NO_MENTIONS, services_of

_Interaction = discord.Interaction[discord.Client]
_MENTION_OR_ID = re.compile(r"<@!?(\d{1,20})>|(\d{1,20})", re.ASCII)
_KINDS = [app_commands.Choice(name=kind, value=kind) for kind in ("server", "user")]


@app_commands.allowed_contexts(guilds=True)
@app_commands.allowed_installs(guilds=True, users=False)
@app_commands.default_permissions()
class Host(commands.GroupCog, group_name="host", group_description="For the bot's owners"):
    """The `/host` commands."""

    def __init__(self, host: HostService, reports: ReportsService) -> None:
        self._host = host
        self._reports = reports

    async def interaction_check(self, interaction: _Interaction, /) -> bool:
        """Called by discord.py before each command of this cog.

        Raises:
            CommandInvokeError: carries what went wrong; discord.py passes on no other kind from
                here, and the one who asks would get no answer.
        """
        bot, command = interaction.client, interaction.command
        assert isinstance(bot, commands.Bot | commands.AutoShardedBot)
        assert isinstance(command, app_commands.Command)  # a group has no menus
        try:
            if not await bot.is_owner(interaction.user):  # may ask Discord who the owners are
                raise NotAllowedError(tr("Only the owners of this bot can do that."))
        except Exception as error:
            raise app_commands.CommandInvokeError(command, error) from error
        return True

    @app_commands.command(description="Shuts a server or a user out")
    @app_commands.describe(
        kind="What it is", who="Its id, or a user's mention", reason="Shown to those shut out"
    )
    @app_commands.choices(kind=_KINDS)
    async def block(
        self,
        interaction: _Interaction,
        kind: str,
        who: str,
        reason: app_commands.Range[str, 1, MAX_REASON],
    ) -> None:
        """From now on; waiting texts are dropped."""
        await _defer(interaction)
        subject_id = _id_of(who)
        n_dropped = await self._host.block(kind, subject_id, reason, interaction.user.id)
        await _answer(interaction, blocked_text(kind, subject_id, reason, n_dropped))

    @app_commands.command(description="Lets a server or a user in again")
    @app_commands.describe(kind="What it is", who="Its id, or a user's mention")
    @app_commands.choices(kind=_KINDS)
    async def unblock(self, interaction: _Interaction, kind: str, who: str) -> None:
        """From now on."""
        await _defer(interaction)
        subject_id = _id_of(who)
        was = await self._host.unblock(kind, subject_id)
        await _answer(interaction, unblocked_text(kind, subject_id, was_blocked=was))

    @app_commands.command(description="Lists who is shut out")
    async def blocks(self, interaction: _Interaction) -> None:
        """With the reasons."""
        await _defer(interaction)
        await _answer(interaction, blocks_shown(await self._host.blocks()))

    @app_commands.command(description="Sets or lists who gets how much of the queue's time")
    @app_commands.describe(
        who="Its id; without one, what is set is listed",
        weight="1 is the usual share",
        kind="What it is; user: for what one asks where no server has added me",
    )
    @app_commands.choices(kind=_KINDS)
    async def weight(
        self,
        interaction: _Interaction,
        who: str | None = None,
        weight: app_commands.Range[float, MIN_WEIGHT, MAX_WEIGHT] | None = None,
        kind: str = "server",
    ) -> None:
        """Counts while several wait."""
        await _defer(interaction)
        if (who is None) != (weight is None):
            raise OptionError(tr("Please name both who it is for and the weight, or neither."))
        if who is not None and weight is not None:
            await self._host.set_weight(kind, _id_of(who), weight)
        await _answer(interaction, weights_shown(await self._host.weights()))

    @app_commands.command(description="Takes and starts no more texts; running ones are finished")
    @app_commands.describe(message="What members are told meanwhile")
    async def pause(
        self, interaction: _Interaction, message: app_commands.Range[str, 1, 300]
    ) -> None:
        """Until `/host resume`."""
        await _defer(interaction)
        await self._host.pause(message)
        told = tr("Paused everywhere. `{command}` ends it.", command=slash("host resume"))
        await _answer(interaction, told)

    @app_commands.command(description="Ends a pause")
    async def resume(self, interaction: _Interaction) -> None:
        """What waited goes on."""
        await _defer(interaction)
        await self._host.resume()
        await _answer(interaction, tr("Texts are taken again."))

    @app_commands.command(description="Lists the workers")
    async def workers(self, interaction: _Interaction) -> None:
        """With model, slots and version."""
        await _defer(interaction)
        await _answer(interaction, workers_shown(await self._host.workers()))

    @app_commands.command(description="Lets a worker finish what it has and leave")
    @app_commands.describe(worker="Its id, as /host workers shows it")
    async def drain(self, interaction: _Interaction, worker: str) -> None:
        """Its supervisor may start another one."""
        await _defer(interaction)
        if not await self._host.drain(worker):
            raise OptionError(
                tr(
                    "There is no such worker; `{command}` lists them.",
                    command=slash("host workers"),
                )
            )
        told = tr("`{worker}` finishes what it has and leaves.", worker=worker)
        await _answer(interaction, told)

    @app_commands.command(description="Lists, retries or drops texts that were given up")
    @app_commands.describe(retry="The id of one to try again", drop="The id of one to delete")
    async def dead(
        self, interaction: _Interaction, retry: str | None = None, drop: str | None = None
    ) -> None:
        """Without an option it lists them."""
        await _defer(interaction)
        if retry is not None and drop is not None:
            raise OptionError(tr("Please name one text, either to try again or to delete."))
        if retry is not None and not await self._host.retry(retry):
            raise OptionError(
                tr("That text can't be tried again: its reply is closed, or it is gone.")
            )
        if drop is not None and not await self._host.drop(drop):
            raise OptionError(
                tr("There is no such text; `{command}` lists them.", command=slash("host dead"))
            )
        await _answer(interaction, letters_shown(await self._host.dead_letters()))

    @app_commands.command(description="Lists what members reported, or strikes a report off")
    @app_commands.describe(dismiss="The id of one to strike off")
    async def reports(self, interaction: _Interaction, dismiss: str | None = None) -> None:
        """Without an option it lists them."""
        await _defer(interaction)
        if dismiss is not None and not await self._reports.dismiss(dismiss.strip()):
            raise OptionError(
                tr(
                    "There is no such report; `{command}` lists them.",
                    command=slash("host reports"),
                )
            )
        await _answer(interaction, reports_shown(await self._reports.newest()))


async def _defer(interaction: _Interaction) -> None:
    await interaction.response.defer(ephemeral=True, thinking=True)


async def _answer(interaction: _Interaction, text: str) -> None:
    await interaction.followup.send(text, ephemeral=True, allowed_mentions=NO_MENTIONS)


def _id_of(text: str) -> int:
    found = _MENTION_OR_ID.fullmatch(text.strip())
    if found is None:
        raise OptionError(tr("This can't be done: an id is a number of up to 20 digits."))
    return int(found[1] or found[2])


async def setup(bot: commands.Bot) -> None:
    """Called by discord.py when the extension is loaded."""
    services = services_of(bot)
    await bot.add_cog(Host(services.host, services.reports))
