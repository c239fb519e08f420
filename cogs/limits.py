"""`/limits`: members see what is left for them, admins set who may use how much. Changes are
posted to the server's log channel as well.

Discord's permissions are for a whole top-level command: were `/limits` for those who may manage
the server, no other member would see `/limits mine`. Two commands for one thing would have to be
explained for ever. So the group is open to all, and every admin part checks for itself that the
member may manage the server: in a server's settings an admin can give a command to anyone, but
the check stays. `show` is open too: a limit is never a riddle.

The commands only translate between Discord and `services/limits`. Another part of the group in
a file of its own adds its command with `Limits.app_command.add_command`.
"""

import contextlib

import discord
import structlog
from discord import app_commands
from discord.ext import commands

from bot.core.limit_buckets import Per, Scope, Unit
from bot.core.limit_rules import Rule, RuleKey
from bot.core.limit_words import (
    change_lines,
    fitting,
    meaning,
    rate,
    rule_line,
    rules_lines,
)
from bot.core.limits import MAX_AMOUNT
from bot.errors import OptionError, RequestError
from bot.language import tr
from bot.services.limits import Change, LimitsService, LoggedChange
from bot.services.servers import ServersService
from cogs._access import services_of
from cogs._asker import asker_of
from cogs._limits import (
    SCOPES,
    Interaction,
    admin_of,
    markup_in,
    names_in,
    one_of,
    read,
    refuse_everyone,
    say,
    server_of,
    target_of,
    told,
    who,
)
from cogs._limits_simulate import add_simulate

_log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

_SCOPE_CHOICES = [app_commands.Choice(name=name, value=s.value) for s, name in SCOPES.items()]
_UNIT_CHOICES = [app_commands.Choice(name=unit.value, value=unit.value) for unit in Unit]
_PER_CHOICES = [app_commands.Choice(name=per.value, value=per.value) for per in Per]
_AMOUNTS = {
    Unit.REQUESTS: (1, 2, 3, 5, 10, 20, 30, 60, 100, 200, 500, 1000),
    Unit.TOKENS: (500, 1000, 2000, 5000, 10_000, 20_000, 50_000, 100_000, 500_000, 1_000_000),
}
_MAX_CHOICES, _MAX_CHOICE_NAME = 25, 100  # Discord's
_MAX_SHOWN_LOG = 10


@app_commands.allowed_installs(guilds=True, users=True)
@app_commands.allowed_contexts(guilds=True, dms=True, private_channels=True)
class Limits(commands.GroupCog, group_name="limits", group_description="Who may use how much"):
    """The `/limits` commands."""

    def __init__(self, limits: LimitsService, servers: ServersService) -> None:
        self._limits = limits
        self._servers = servers  # they know where changes are posted

    @app_commands.command(description="What is left for you here, and when it comes back")
    async def mine(self, interaction: Interaction) -> None:
        """Bars of all limits that apply to the asker in this place."""
        await interaction.response.defer(ephemeral=True)
        lines = await self._limits.mine(asker_of(interaction))
        await say(interaction, fitting(lines) or tr("There are no limits for you here."))

    @app_commands.command(description="All limits of this server")
    async def show(self, interaction: Interaction) -> None:
        """The rules as they are."""
        guild_id = server_of(asker_of(interaction))
        await interaction.response.defer(ephemeral=True)
        lines = rules_lines(await self._limits.rules(guild_id), markup_in(interaction))
        await say(interaction, fitting(lines) or tr("This server has set no limits of its own."))

    @app_commands.command(name="set", description="Sets a limit, or changes it")
    @app_commands.describe(
        scope="Whom the limit is for",
        unit="What is counted; a token is about three quarters of a word",
        amount="How much comes back in that time",
        per="The time",
        channel="For a channel: which one (this one if you name none); its threads count to it",
        role="For a role: which one",
        member="For one member: who",
        burst="How much may be used at once; the whole amount if you name nothing",
    )
    @app_commands.choices(scope=_SCOPE_CHOICES, unit=_UNIT_CHOICES, per=_PER_CHOICES)
    async def set_rule(  # noqa: PLR0913, PLR0917  # Discord's options are its arguments
        self,
        interaction: Interaction,
        scope: str,
        unit: str,
        amount: app_commands.Range[int, 1, MAX_AMOUNT],
        per: str,
        channel: app_commands.AppCommandChannel | app_commands.AppCommandThread | None = None,
        role: discord.Role | None = None,
        member: discord.User | None = None,
        burst: app_commands.Range[int, 1, MAX_AMOUNT] | None = None,
    ) -> None:
        """Sets a rule, and says what changed."""
        admin, guild_id = admin_of(interaction)
        chosen = one_of(Scope, scope)
        rule = Rule(
            scope=chosen,
            target_id=target_of(chosen, admin, channel, role, member),
            unit=one_of(Unit, unit),
            amount=amount,
            per=one_of(Per, per),
            burst=None if burst == amount else burst,
        )
        await interaction.response.defer(ephemeral=True)
        change = await self._limits.set_rule(guild_id, rule, admin.user_id)
        after = f"\n-# {meaning(rule)}"
        await say(interaction, await told(interaction, self._servers, change, after=after))

    @set_rule.autocomplete("amount")
    async def _amounts(
        self, interaction: Interaction, current: str
    ) -> list[app_commands.Choice[int]]:
        """Sensible amounts for what is chosen so far, within what the host allows."""
        chosen = interaction.namespace
        scope = read(Scope, chosen.scope) or Scope.MEMBER
        unit = read(Unit, chosen.unit) or Unit.TOKENS
        per = read(Per, chosen.per) or Per.HOUR
        most = self._limits.host_limits.most(scope, unit) or MAX_AMOUNT
        amounts = [amount for amount in _AMOUNTS[unit] if amount <= most]
        if most < _AMOUNTS[unit][-1] and most not in amounts:
            amounts.append(most)
        typed = "".join(filter(str.isdecimal, str(current)))[:10]
        if typed:
            amounts = [amount for amount in amounts if str(amount).startswith(typed)]
            if 1 <= int(typed) <= most and int(typed) not in amounts:
                amounts.insert(0, int(typed))
        rules = (Rule(scope=scope, unit=unit, amount=amount, per=per) for amount in amounts)
        return [app_commands.Choice(name=_amount_name(rule), value=rule.amount) for rule in rules]

    @app_commands.command(description="Removes a limit")
    @app_commands.describe(limit="Which one")
    async def remove(self, interaction: Interaction, limit: str) -> None:
        """Removes a rule, and says which."""
        admin, guild_id = admin_of(interaction)
        key = RuleKey.parse(limit)
        if key is None:
            raise OptionError(tr("Choose a limit from the list that opens while you type."))
        await interaction.response.defer(ephemeral=True)
        change = await self._limits.remove_rule(guild_id, key, admin.user_id)
        await say(interaction, await told(interaction, self._servers, change))

    @remove.autocomplete("limit")
    async def _existing(
        self, interaction: Interaction, current: str
    ) -> list[app_commands.Choice[str]]:
        """The server's rules; choices are plain text, so names stand for mentions."""
        asker = asker_of(interaction)
        if asker.guild_id is None or not asker.may_manage:
            return []
        with contextlib.suppress(RequestError):  # a list that stays empty can be tried again
            rules = (await self._limits.rules(asker.guild_id)).rules
            lines = {rule_line(rule, names_in(interaction)): str(rule.key) for rule in rules}
            return [
                app_commands.Choice(name=line[:_MAX_CHOICE_NAME], value=key)
                for line, key in lines.items()
                if current.casefold() in line.casefold()
            ][:_MAX_CHOICES]
        return []

    @app_commands.command(description="Frees the members of a role from personal limits")
    @app_commands.describe(
        role="Which role",
        exempt="False: its members have personal limits again",
    )
    async def exempt(
        self, interaction: Interaction, role: discord.Role, exempt: bool = True
    ) -> None:
        """Changes the exempt roles, and says how."""
        admin, guild_id = admin_of(interaction)
        refuse_everyone(role.id, guild_id)
        await interaction.response.defer(ephemeral=True)
        change = await self._limits.set_exempt(
            guild_id, role.id, is_exempt=exempt, by_user=admin.user_id
        )
        await say(interaction, await told(interaction, self._servers, change))

    @app_commands.command(description="Takes the newest change of this server's limits back")
    async def undo(self, interaction: Interaction) -> None:
        """Restores what was before the newest change that is not undone yet."""
        admin, guild_id = admin_of(interaction)
        await interaction.response.defer(ephemeral=True)
        undone = await self._limits.undo(guild_id, admin.user_id)
        change = Change(before=undone.after, after=undone.before)
        await say(interaction, await told(interaction, self._servers, change, undone=undone))

    @app_commands.command(description="Who changed the limits of this server, when, and how")
    async def log(self, interaction: Interaction) -> None:
        """The newest changes."""
        _, guild_id = admin_of(interaction)
        await interaction.response.defer(ephemeral=True)
        lines: list[str] = []
        for change in await self._limits.log(guild_id, _MAX_SHOWN_LOG):
            lines.append(_log_head(change))
            changed = change_lines(change.before, change.after, markup_in(interaction))
            lines += [f"- {line}" for line in changed]
        await say(interaction, fitting(lines) or tr("Nobody has changed the limits here yet."))

    @commands.Cog.listener()
    async def on_guild_role_delete(self, role: discord.Role) -> None:
        """Rules for a role go with it."""
        await self._drop(role.guild.id, role.id)

    @commands.Cog.listener()
    async def on_guild_channel_delete(self, channel: discord.abc.GuildChannel) -> None:
        """Rules for a channel go with it."""
        await self._drop(channel.guild.id, channel.id)

    async def _drop(self, guild_id: int, target_id: int) -> None:
        try:
            await self._limits.drop_target(guild_id, target_id)
        except RequestError as error:  # left behind they are harmless, and shown as deleted
            _log.warning("limits not dropped", guild_id=guild_id, reason=type(error).__name__)


def _amount_name(rule: Rule) -> str:
    name = tr("{rate}: {meaning}", rate=rate(rule), meaning=meaning(rule))
    return name[:_MAX_CHOICE_NAME]


def _log_head(change: LoggedChange) -> str:
    values = {
        "revision": change.revision,
        "when": f"<t:{int(change.at_s)}:f>",
        "who": who(change.by_user),
    }
    if not change.undoes:
        return tr("**{revision}** · {when} · {who}", **values)
    return tr("**{revision}** (undoes {undone}) · {when} · {who}", undone=change.undoes, **values)


async def setup(bot: commands.Bot) -> None:
    """Called by discord.py when the extension is loaded."""
    services = services_of(bot)
    cog = Limits(services.limits, services.servers)
    group = cog.app_command
    assert isinstance(group, app_commands.Group)
    add_simulate(group, services.usage, services.limits)
    await bot.add_cog(cog)
