"""What the `/limits` commands share: who is an admin, what an option means, how a name is shown.

Not an extension (the name starts with an underscore); used by `cogs/limits`.
"""

from enum import StrEnum
from typing import TypeVar

import discord
from discord import app_commands

from bot.core.asker import Asker
from bot.core.limit_buckets import Scope
from bot.core.limit_words import NameOf, change_lines, fitting, mention
from bot.errors import NotAllowedError, OptionError
from bot.language import CHOICE, listed, slash, tr, tr_in
from bot.services.limits import Change, LoggedChange
from bot.services.servers import ServersService
from cogs._access import NO_MENTIONS
from cogs._asker import asker_of
from cogs._log_channel import post_change

Interaction = discord.Interaction[discord.Client]
_Channel = app_commands.AppCommandChannel | app_commands.AppCommandThread
_Name = TypeVar("_Name", bound=StrEnum)

SCOPES = {
    Scope.SERVER: "the whole server together",
    Scope.CHANNEL: "everybody in one channel together",
    Scope.ROLE: "each member with a role",
    Scope.MEMBER: "each member",
    Scope.USER: "one member",
}


async def say(interaction: Interaction, text: str) -> None:
    """Answers a deferred command."""
    await interaction.edit_original_response(content=text, allowed_mentions=NO_MENTIONS)


def server_of(asker: Asker) -> int:
    """The server whose limits are meant.

    Raises:
        NotAllowedError: there is none here.
    """
    if asker.guild_id is None:
        raise NotAllowedError(
            tr(
                "This works only in a server that has added me. `{command}` works everywhere.",
                command=slash("limits mine"),
            )
        )
    return asker.guild_id


def admin_of(interaction: Interaction) -> tuple[Asker, int]:
    """The admin and their server; our own check, whatever Discord's settings say.

    Raises:
        NotAllowedError: it is no admin, or no server that has added the bot.
    """
    asker = asker_of(interaction)
    guild_id = server_of(asker)
    if not asker.may_manage:
        raise NotAllowedError(
            tr(
                "Only those who may manage this server can do this. `{command}` shows what is "
                "left for you.",
                command=slash("limits mine"),
            )
        )
    return asker, guild_id


def target_of(
    scope: Scope,
    admin: Asker,
    channel: _Channel | None,
    role: discord.Role | None,
    member: discord.User | None,
) -> int:
    """The id that a rule names; 0 where its scope needs none.

    Raises:
        OptionError: the options don't go with the scope.
    """
    named = {Scope.CHANNEL: channel, Scope.ROLE: role, Scope.USER: member}
    if any(value is not None for other, value in named.items() if other is not scope):
        raise OptionError(
            tr(
                "A limit with the scope “{scope}” can't name a channel, role or member of another "
                "kind. Leave that option out, or choose another scope.",
                scope=tr_in(CHOICE, SCOPES[scope]),
            )
        )
    if scope is Scope.CHANNEL:
        return _channel_id(channel, admin)
    if scope is Scope.ROLE and role is not None:
        refuse_everyone(role.id, admin.guild_id)
        return role.id
    if scope is Scope.USER and member is not None:
        return member.id
    if scope in named:
        raise OptionError(
            tr(
                "A limit with the scope “{scope}” must name which one.",
                scope=tr_in(CHOICE, SCOPES[scope]),
            )
        )
    return 0


def _channel_id(channel: _Channel | None, admin: Asker) -> int:
    if channel is None:
        if not admin.channel_id:
            raise OptionError(tr("Discord does not say which channel this is; please name one."))
        return admin.channel_id
    if isinstance(channel, app_commands.AppCommandThread):
        return channel.parent_id
    if channel.type is discord.ChannelType.category:
        raise OptionError(tr("A category is no place to write in; name one of its channels."))
    return channel.id


def refuse_everyone(role_id: int, guild_id: int | None) -> None:
    """A rule for @everyone would be one for each member under another name."""
    if role_id == guild_id:  # Discord's @everyone has the id of its server
        raise OptionError(
            tr(
                "Everybody has the role @everyone; choose the scope “{scope}” instead.",
                scope=tr_in(CHOICE, SCOPES[Scope.MEMBER]),
            )
        )


def one_of(kind: type[_Name], value: str) -> _Name:
    """What a choice means. Discord checks it only as long as it has the command's newest form."""
    found = read(kind, value)
    if found is None:
        raise OptionError(tr("This can't be done: it must be one of {names}.", names=listed(kind)))
    return found


def read(kind: type[_Name], value: object) -> _Name | None:
    """What a choice means; None where it means nothing, such as while it is still typed."""
    return next((name for name in kind if name.value == value), None)


async def told(
    interaction: Interaction,
    servers: ServersService,
    change: Change,
    *,
    undone: LoggedChange | None = None,
    after: str = "",
) -> str:
    """Posts what a command changed to the server's log channel; the words for the admin.

    Args:
        interaction: the admin's, in a server.
        servers: know the log channel.
        change: what it changed.
        undone: where it took another change back: which one.
        after: follows in the admin's words.
    """
    lines = change_lines(change.before, change.after, markup_in(interaction))
    if not lines and not undone:
        return tr("Nothing changed: it is set like that already.") + after

    def notice() -> str:
        public = change_lines(change.before, change.after, markup_in(interaction))
        head = tr("{member} changed the limits.", member=who(interaction.user.id))
        return fitting(public, f"{head} {_undone(undone)}".rstrip())

    after += await post_change(interaction, servers, server_of(asker_of(interaction)), notice)
    return fitting(lines, _undone(undone), after=after)


def _undone(change: LoggedChange | None) -> str:
    if change is None:
        return ""
    return tr(
        "Undone: change {revision}, made by {who}.",
        revision=change.revision, who=who(change.by_user),
    )  # fmt: skip


def who(user_id: int) -> str:
    """Who made a change, for a log."""
    return f"<@{user_id}>" if user_id else tr("me, because it was deleted")


def _is_gone(interaction: Interaction, scope: Scope, target_id: int) -> bool:
    guild = interaction.guild
    if guild is None or guild.unavailable:
        return False  # nothing is known of it, so nothing is known to be gone
    if scope is Scope.ROLE:
        return guild.get_role(target_id) is None
    return scope is Scope.CHANNEL and guild.get_channel(target_id) is None


def markup_in(interaction: Interaction) -> NameOf:
    """Names as mentions, which Discord shows to each reader as they should be."""

    def name_of(scope: Scope, target_id: int) -> str | None:
        return None if _is_gone(interaction, scope, target_id) else mention(scope, target_id)

    return name_of


def names_in(interaction: Interaction) -> NameOf:
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
