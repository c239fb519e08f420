"""`/limits`: members see what is left for them, admins set who may use how much.

Discord's permissions are for a whole top-level command: were `/limits` for those who may manage
the server, no other member would see `/limits mine`. Two commands for one thing would have to be
explained for ever. So the group is open to all, and every admin part checks for itself that the
member may manage the server: in a server's settings an admin can give a command to anyone, but
the check stays. `show` is open too: a limit is never a riddle.

The commands only translate between Discord and `services/limits`. Another part of the group in
a file of its own adds its command with `Limits.app_command.add_command`.
"""

import contextlib
from enum import StrEnum
from typing import TypeVar

import discord
import structlog
from discord import app_commands
from discord.ext import commands

from bot.core.asker import Asker
from bot.core.limit_buckets import Per, Scope, Unit
from bot.core.limit_words import (
    NameOf,
    change_lines,
    fitting,
    meaning,
    mention,
    rate,
    rule_line,
    rules_lines,
)
from bot.core.limits import MAX_AMOUNT, Rule, RuleKey
from bot.errors import NotAllowedError, OptionError, RequestError
from bot.services.limits import Change, LimitsService
from cogs._access import NO_MENTIONS, services_of
from cogs._asker import asker_of

_log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

_Interaction = discord.Interaction[discord.Client]
_Channel = app_commands.AppCommandChannel | app_commands.AppCommandThread
_Name = TypeVar("_Name", bound=StrEnum)

_SCOPES = {
    Scope.SERVER: "the whole server together",
    Scope.CHANNEL: "everybody in one channel together",
    Scope.ROLE: "each member with a role",
    Scope.MEMBER: "each member",
    Scope.USER: "one member",
}
_SCOPE_CHOICES = [app_commands.Choice(name=name, value=s.value) for s, name in _SCOPES.items()]
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

    def __init__(self, limits: LimitsService) -> None:
        self._limits = limits

    @app_commands.command(description="What is left for you here, and when it comes back")
    async def mine(self, interaction: _Interaction) -> None:
        """Bars of all limits that apply to the asker in this place."""
        await interaction.response.defer(ephemeral=True)
        lines = await self._limits.mine(asker_of(interaction))
        await _say(interaction, fitting(lines) or "There are no limits for you here.")

    @app_commands.command(description="All limits of this server")
    async def show(self, interaction: _Interaction) -> None:
        """The rules as they are."""
        guild_id = _server_of(asker_of(interaction))
        await interaction.response.defer(ephemeral=True)
        lines = rules_lines(await self._limits.rules(guild_id), _markup_in(interaction))
        await _say(interaction, fitting(lines) or "This server has set no limits of its own.")

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
    async def set_rule(  # noqa: PLR0913  # Discord's options are its arguments
        self,
        interaction: _Interaction,
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
        admin, guild_id = _admin_of(interaction)
        chosen = _one_of(Scope, scope)
        rule = Rule(
            scope=chosen,
            target_id=_target_of(chosen, admin, channel, role, member),
            unit=_one_of(Unit, unit),
            amount=amount,
            per=_one_of(Per, per),
            burst=None if burst == amount else burst,
        )
        await interaction.response.defer(ephemeral=True)
        change = await self._limits.set_rule(guild_id, rule, admin.user_id)
        await _say(interaction, f"{_echo(interaction, change)}\n-# {meaning(rule)}")

    @set_rule.autocomplete("amount")
    async def _amounts(
        self, interaction: _Interaction, current: str
    ) -> list[app_commands.Choice[int]]:
        """Sensible amounts for what is chosen so far, within what the host allows."""
        chosen = interaction.namespace
        scope = _read(Scope, chosen.scope) or Scope.MEMBER
        unit = _read(Unit, chosen.unit) or Unit.TOKENS
        per = _read(Per, chosen.per) or Per.HOUR
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
        return [
            app_commands.Choice(name=f"{rate(rule)}: {meaning(rule)}", value=rule.amount)
            for rule in rules
        ]

    @app_commands.command(description="Removes a limit")
    @app_commands.describe(limit="Which one")
    async def remove(self, interaction: _Interaction, limit: str) -> None:
        """Removes a rule, and says which."""
        admin, guild_id = _admin_of(interaction)
        key = RuleKey.parse(limit)
        if key is None:
            raise OptionError("Choose a limit from the list that opens while you type.")
        await interaction.response.defer(ephemeral=True)
        change = await self._limits.remove_rule(guild_id, key, admin.user_id)
        await _say(interaction, _echo(interaction, change))

    @remove.autocomplete("limit")
    async def _existing(
        self, interaction: _Interaction, current: str
    ) -> list[app_commands.Choice[str]]:
        """The server's rules; choices are plain text, so names stand for mentions."""
        asker = asker_of(interaction)
        if asker.guild_id is None or not asker.may_manage:
            return []
        with contextlib.suppress(RequestError):  # a list that stays empty can be tried again
            rules = (await self._limits.rules(asker.guild_id)).rules
            lines = {rule_line(rule, _names_in(interaction)): str(rule.key) for rule in rules}
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
        self, interaction: _Interaction, role: discord.Role, exempt: bool = True
    ) -> None:
        """Changes the exempt roles, and says how."""
        admin, guild_id = _admin_of(interaction)
        _refuse_everyone(role.id, guild_id)
        await interaction.response.defer(ephemeral=True)
        change = await self._limits.set_exempt(
            guild_id, role.id, is_exempt=exempt, by_user=admin.user_id
        )
        await _say(interaction, _echo(interaction, change))

    @app_commands.command(description="Takes the newest change of this server's limits back")
    async def undo(self, interaction: _Interaction) -> None:
        """Restores what was before the newest change that is not undone yet."""
        admin, guild_id = _admin_of(interaction)
        await interaction.response.defer(ephemeral=True)
        undone = await self._limits.undo(guild_id, admin.user_id)
        lines = change_lines(undone.after, undone.before, _markup_in(interaction))
        head = f"Undone: change {undone.revision}, made by {_who(undone.by_user)}."
        await _say(interaction, fitting(lines, head))

    @app_commands.command(description="Who changed the limits of this server, when, and how")
    async def log(self, interaction: _Interaction) -> None:
        """The newest changes."""
        _, guild_id = _admin_of(interaction)
        await interaction.response.defer(ephemeral=True)
        lines: list[str] = []
        for change in await self._limits.log(guild_id, _MAX_SHOWN_LOG):
            what = f" (undoes {change.undoes})" if change.undoes else ""
            when = f"<t:{int(change.at_s)}:f>"
            lines.append(f"**{change.revision}**{what} · {when} · {_who(change.by_user)}")
            changed = change_lines(change.before, change.after, _markup_in(interaction))
            lines += [f"- {line}" for line in changed]
        await _say(interaction, fitting(lines) or "Nobody has changed the limits here yet.")

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


async def _say(interaction: _Interaction, text: str) -> None:
    await interaction.edit_original_response(content=text, allowed_mentions=NO_MENTIONS)


def _server_of(asker: Asker) -> int:
    if asker.guild_id is None:
        raise NotAllowedError(
            "This works only in a server that has added me. `/limits mine` works everywhere."
        )
    return asker.guild_id


def _admin_of(interaction: _Interaction) -> tuple[Asker, int]:
    """The admin and their server; our own check, whatever Discord's settings say."""
    asker = asker_of(interaction)
    guild_id = _server_of(asker)
    if not asker.may_manage:
        raise NotAllowedError(
            "Only those who may manage this server can do this. `/limits mine` shows what is left "
            "for you."
        )
    return asker, guild_id


def _target_of(
    scope: Scope,
    admin: Asker,
    channel: _Channel | None,
    role: discord.Role | None,
    member: discord.User | None,
) -> int:
    """The id that a rule names; 0 where its scope needs none."""
    named = {Scope.CHANNEL: channel, Scope.ROLE: role, Scope.USER: member}
    if any(value is not None for other, value in named.items() if other is not scope):
        raise OptionError(
            f"A limit for {_SCOPES[scope]} can't name a channel, role or member of another kind. "
            "Leave that option out, or choose another scope."
        )
    if scope is Scope.CHANNEL:
        return _channel_id(channel, admin)
    if scope is Scope.ROLE and role is not None:
        _refuse_everyone(role.id, admin.guild_id)
        return role.id
    if scope is Scope.USER and member is not None:
        return member.id
    if scope in named:
        raise OptionError(f"A limit for {_SCOPES[scope]} must name which one.")
    return 0


def _channel_id(channel: _Channel | None, admin: Asker) -> int:
    if channel is None:
        return admin.channel_id
    if isinstance(channel, app_commands.AppCommandThread):
        return channel.parent_id
    if channel.type is discord.ChannelType.category:
        raise OptionError("A category is no place to write in; name one of its channels.")
    return channel.id


def _refuse_everyone(role_id: int, guild_id: int | None) -> None:
    if role_id == guild_id:  # Discord's @everyone has the id of its server
        raise OptionError(
            'Everybody has the role @everyone; choose the scope "each member" instead.'
        )


def _one_of(kind: type[_Name], value: str) -> _Name:
    """Discord checks choices only as long as it has the newest form of the command."""
    found = _read(kind, value)
    if found is None:
        raise OptionError(f"This can't be done: it must be one of {', '.join(kind)}.")
    return found


def _read(kind: type[_Name], value: object) -> _Name | None:
    return next((name for name in kind if name.value == value), None)


def _echo(interaction: _Interaction, change: Change) -> str:
    lines = change_lines(change.before, change.after, _markup_in(interaction))
    return fitting(lines) or "Nothing changed: it is set like that already."


def _who(user_id: int) -> str:
    return f"<@{user_id}>" if user_id else "me, because it was deleted"


def _is_gone(interaction: _Interaction, scope: Scope, target_id: int) -> bool:
    guild = interaction.guild
    if guild is None or guild.unavailable:
        return False  # nothing is known of it, so nothing is known to be gone
    if scope is Scope.ROLE:
        return guild.get_role(target_id) is None
    return scope is Scope.CHANNEL and guild.get_channel(target_id) is None


def _markup_in(interaction: _Interaction) -> NameOf:
    """Names as mentions, which Discord shows to each reader as they should be."""

    def name_of(scope: Scope, target_id: int) -> str | None:
        return None if _is_gone(interaction, scope, target_id) else mention(scope, target_id)

    return name_of


def _names_in(interaction: _Interaction) -> NameOf:
    """Names as plain text."""

    def name_of(scope: Scope, target_id: int) -> str | None:
        if _is_gone(interaction, scope, target_id):
            return None
        guild = interaction.guild
        if scope is Scope.ROLE and guild is not None and (role := guild.get_role(target_id)):
            return f"@{role.name}"
        if scope is Scope.CHANNEL and guild is not None and (ch := guild.get_channel(target_id)):
            return f"#{ch.name}"
        return f"{scope} {target_id}"

    return name_of


async def setup(bot: commands.Bot) -> None:
    """Called by discord.py when the extension is loaded."""
    await bot.add_cog(Limits(services_of(bot).limits))
