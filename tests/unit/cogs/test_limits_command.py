"""`/limits` and who an asker is, with everything of discord.py real."""

from collections.abc import AsyncIterator
from typing import Any, cast

import discord
import pytest

from bot.core.asker import Asker
from bot.core.limit_buckets import Per, Scope, Unit
from bot.core.limit_rules import Rule, ServerRules
from bot.core.limits import HostLimits
from cogs._asker import asker_of
from cogs.limits import Limits
from tests.unit.cogs.front import ASKER, CHANNEL, GUILD, NOW_S, STRANGER, Front
from tests.unit.cogs.limits_front import (
    COMMAND,
    FORUM_CHANNEL,
    MANAGE_GUILD,
    THREAD,
    THREAD_CHANNEL,
    WRITERS,
    LimitsFront,
    limits_front,
)

ADMINISTRATOR = 1 << 3
GONE_ROLE = 39
MEMBER_RULE = Rule(scope=Scope.MEMBER, unit=Unit.TOKENS, amount=2000, per=Per.HOUR)
ROLE_RULE = Rule(scope=Scope.ROLE, target_id=WRITERS, unit=Unit.TOKENS, amount=99, per=Per.DAY)
SET = {"scope": "member", "unit": "tokens", "amount": 2000, "per": "hour"}


@pytest.fixture
async def front() -> AsyncIterator[Front]:
    """A bot whose host has a ceiling for members."""
    host = HostLimits(member_requests_per_minute=6, ceiling_member_tokens_per_day=20_000)
    async with Front(host_limits=host).running() as front:
        yield front


@pytest.fixture
def limits(front: Front) -> LimitsFront:
    """A server with one role and one channel."""
    return limits_front(front)


def asker_from(limits: LimitsFront, **who: Any) -> Asker:
    """The asker of a command."""
    payload = limits.payload(COMMAND, {"id": "5", "name": "complete"}, **who)
    return asker_of(
        discord.Interaction(data=cast(Any, payload), state=limits.front.bot._connection)
    )


# Who asks


async def test_asker_is_the_member_with_their_roles(limits: LimitsFront):
    """Also with roles that the bot has not heard of yet."""
    asker = asker_from(limits, roles=(WRITERS, 12345), permissions=0)

    assert asker == Asker(
        user_id=ASKER, guild_id=GUILD, channel_id=CHANNEL, role_ids=frozenset({WRITERS, 12345})
    )


@pytest.mark.parametrize("permissions", [MANAGE_GUILD, ADMINISTRATOR, MANAGE_GUILD | ADMINISTRATOR])
async def test_who_may_manage_the_server_may_manage_its_limits(
    limits: LimitsFront, permissions: int
):
    """By Discord's permission, not by a role's name."""
    assert asker_from(limits, permissions=permissions).may_manage


async def test_thread_counts_to_its_parent(limits: LimitsFront):
    """So that opening one is no way around."""
    assert FORUM_CHANNEL == asker_from(limits, channel=THREAD_CHANNEL).channel_id


async def test_where_only_the_user_installed_the_bot_there_is_no_server(limits: LimitsFront):
    """Its admins have no say, and its roles count for nothing."""
    asker = asker_from(limits, installed=False, roles=(WRITERS,))

    assert (None, frozenset(), False) == (asker.guild_id, asker.role_ids, asker.may_manage)


async def test_direct_message_has_no_server(limits: LimitsFront):
    """Also where the bot itself is a friend of a server there."""
    asker = asker_from(limits, guild_id=None)

    assert asker == Asker(user_id=ASKER, guild_id=None, channel_id=CHANNEL)


# Who may do what


@pytest.mark.parametrize(
    ("subcommand", "options"),
    [
        ("set", SET),
        ("remove", {"limit": str(MEMBER_RULE.key)}),
        ("exempt", {"role": str(WRITERS)}),
        ("undo", {}),
        ("log", {}),
    ],
)
async def test_admin_part_is_refused_to_others(
    limits: LimitsFront, subcommand: str, options: dict[str, object]
):
    """By our own check: members, and admins of a server that has not added the bot."""
    await limits.service.set_rule(GUILD, MEMBER_RULE, 1)
    before = await limits.service.rules(GUILD)

    member = await limits.said(subcommand, options, permissions=0)
    elsewhere = await limits.said(subcommand, options, installed=False)

    assert member.startswith("Only those who may manage this server can do this.")
    assert elsewhere.startswith("This works only in a server that has added me.")
    assert before == await limits.service.rules(GUILD)


async def test_group_is_there_for_all_and_everywhere(limits: LimitsFront):
    """A default permission would hide `mine` from members."""
    command = limits.front.bot.tree.get_command("limits")
    assert command is not None

    payload = command.to_dict(limits.front.bot.tree)

    assert payload["default_member_permissions"] is None
    assert ([0, 1, 2], [0, 1]) == (payload["contexts"], payload["integration_types"])
    assert {"mine", "show", "simulate", "set", "remove", "exempt", "undo", "log"} == {
        option["name"] for option in payload["options"]
    }


# What members see


async def test_mine_shows_bars_to_everybody_everywhere(limits: LimitsFront):
    """Also where the bot is a member's own."""
    await limits.service.set_rule(GUILD, MEMBER_RULE, 1)
    asker = Asker(user_id=ASKER, guild_id=GUILD, channel_id=CHANNEL)
    await limits.service.charge(asker, "1", 1000)

    here = await limits.said("mine", permissions=0)
    direct = await limits.said("mine", permissions=0, guild_id=None)

    assert "▰▰▰▰▰▱▱▱▱▱ 1,000 of 2,000 tokens left · your 2,000 tokens per hour · whole" in here
    assert f"<t:{int(NOW_S) + 1800}:R>" in here
    assert "2,000 tokens per hour" not in direct
    assert "19,000 of 20,000 tokens left" in direct


async def test_show_lists_the_rules_and_marks_deleted_targets(limits: LimitsFront):
    """To everybody."""
    assert "no limits of its own" in await limits.said("show", permissions=0)
    for rule in (MEMBER_RULE, ROLE_RULE, Rule(
        scope=Scope.ROLE, target_id=GONE_ROLE, unit=Unit.REQUESTS, amount=1, per=Per.DAY
    )):  # fmt: skip
        await limits.service.set_rule(GUILD, rule, 1)

    assert (
        f"- each member with <@&{WRITERS}>: 99 tokens per day\n"
        "- each member with a deleted role: 1 request per day\n"
        "- each member: 2,000 tokens per hour"
    ) == await limits.said("show", permissions=0)


# What admins do


async def test_set_echoes_before_and_after(limits: LimitsFront):
    """With what the amount is good for."""
    first = await limits.said("set", SET)
    second = await limits.said("set", SET | {"amount": 3000, "burst": 500})
    third = await limits.said("set", SET | {"amount": 3000, "burst": 500})

    assert (
        "each member: no limit → 2,000 tokens per hour\n-# about 12 texts of usual length"
    ) == first
    assert "2,000 tokens per hour → 3,000 tokens per hour (500 at once)" in second
    assert "Nothing changed" in third


@pytest.mark.parametrize(
    ("options", "scope", "target_id"),
    [
        ({"scope": "server"}, Scope.SERVER, 0),
        ({"scope": "channel"}, Scope.CHANNEL, CHANNEL),
        ({"scope": "channel", "channel": str(CHANNEL)}, Scope.CHANNEL, CHANNEL),
        ({"scope": "channel", "channel": str(THREAD)}, Scope.CHANNEL, FORUM_CHANNEL),
        ({"scope": "role", "role": str(WRITERS)}, Scope.ROLE, WRITERS),
        ({"scope": "user", "member": str(STRANGER)}, Scope.USER, STRANGER),
    ],
)
async def test_scope_takes_its_target(
    limits: LimitsFront, options: dict[str, object], scope: Scope, target_id: int
):
    """A channel is this one where none is named, and never a thread."""
    await limits.said("set", SET | options)

    (rule,) = (await limits.service.rules(GUILD)).rules
    assert (scope, target_id) == (rule.scope, rule.target_id)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"scope": "role"}, "must name which one"),
        ({"scope": "user"}, "must name which one"),
        ({"scope": "server", "role": str(WRITERS)}, "Leave that option out"),
        ({"scope": "role", "role": str(WRITERS), "channel": str(CHANNEL)}, "Leave that option out"),
        ({"scope": "role", "role": str(GUILD)}, "Everybody has the role @everyone"),
        ({"scope": "channel", "channel": "60"}, "A category is no place to write in"),
        ({"scope": "planet"}, "must be one of"),
        ({"amount": 20_001}, "The host of this bot allows at most 20,000 tokens"),
        ({"amount": 1, "burst": 10**6}, "Take a smaller burst"),
    ],
)
async def test_what_makes_no_sense_is_refused_with_a_sentence(
    limits: LimitsFront, options: dict[str, object], words: str
):
    """And nothing is set."""
    assert words in await limits.said("set", SET | options)
    assert ServerRules() == await limits.service.rules(GUILD)


async def test_amounts_are_offered_with_their_meaning_up_to_the_ceiling(limits: LimitsFront):
    """What is typed comes first."""
    chosen = {name: value for name, value in SET.items() if name != "amount"}

    all_of_them = await limits.choices("set", chosen | {"amount": ""})
    typed = await limits.choices("set", chosen | {"amount": "25"})
    too_much = await limits.choices("set", chosen | {"amount": "99999"})

    assert 2000 == all_of_them["2,000 tokens per hour: about 12 texts of usual length"]
    assert 20_000 == max(cast("list[int]", list(all_of_them.values())))
    assert {"25 tokens per hour: less than one text of usual length": 25} == typed
    assert {} == too_much


async def test_amounts_are_offered_before_anything_is_chosen(limits: LimitsFront):
    """Options can be filled in any order."""
    assert 5 <= len(await limits.choices("set", {"amount": ""})) <= 25


async def test_remove_offers_the_rules_by_name_and_removes_one(limits: LimitsFront):
    """A choice shows no mentions, so a role has its name there."""
    await limits.service.set_rule(GUILD, ROLE_RULE, 1)
    await limits.service.set_rule(GUILD, MEMBER_RULE, 1)

    offered = await limits.choices("remove", {"limit": "WRIT"})

    assert {"each member with @Writers: 99 tokens per day": str(ROLE_RULE.key)} == offered
    assert {} == await limits.choices("remove", {"limit": ""}, permissions=0)
    said = await limits.said("remove", {"limit": str(ROLE_RULE.key)})
    assert f"each member with <@&{WRITERS}>: 99 tokens per day → no limit" == said
    assert (MEMBER_RULE,) == (await limits.service.rules(GUILD)).rules
    assert "no such limit" in await limits.said("remove", {"limit": str(ROLE_RULE.key)})
    assert "Choose a limit" in await limits.said("remove", {"limit": "that one"})


async def test_exempt_undo_and_log(limits: LimitsFront):
    """Each says what it did, and the log has it all."""
    role = {"role": str(WRITERS)}

    exempt = await limits.said("exempt", role)
    back = await limits.said("exempt", role | {"exempt": False})
    undone = await limits.said("undo", user_id=STRANGER)
    log = await limits.said("log")

    who = f"each member with <@&{WRITERS}>"
    assert f"{who}: personal limits → no personal limits" == exempt
    assert f"{who}: no personal limits → personal limits" == back
    assert (
        f"Undone: change 2, made by <@{ASKER}>.\n{who}: personal limits → no personal limits"
        == (undone)
    )
    assert f"**3** (undoes 2) · <t:{int(NOW_S)}:f> · <@{STRANGER}>" == log.splitlines()[0]
    assert 6 == len(log.splitlines())
    assert {WRITERS} == (await limits.service.rules(GUILD)).exempt_roles


async def test_undo_and_log_of_nothing(limits: LimitsFront):
    """Both are sentences."""
    assert "no change left" in await limits.said("undo")
    assert "Nobody has changed" in await limits.said("log")


async def test_deleted_role_and_channel_take_their_rules_along(limits: LimitsFront):
    """As the gateway tells it."""
    channel_rule = Rule(
        scope=Scope.CHANNEL, target_id=CHANNEL, unit=Unit.TOKENS, amount=9, per=Per.DAY
    )
    for rule in (MEMBER_RULE, ROLE_RULE, channel_rule):
        await limits.service.set_rule(GUILD, rule, 1)
    bot = limits.front.bot
    guild = bot.get_guild(GUILD)
    assert guild is not None
    cog = cast(Limits, bot.get_cog("Limits"))  # an extension's class is made anew with it

    await cog.on_guild_role_delete(cast(discord.Role, guild.get_role(WRITERS)))
    await cog.on_guild_channel_delete(cast(discord.TextChannel, guild.get_channel(CHANNEL)))

    assert (MEMBER_RULE,) == (await limits.service.rules(GUILD)).rules
    assert {"on_guild_role_delete", "on_guild_channel_delete"} == {
        name for name, _ in cog.get_listeners()
    }
    assert "me, because it was deleted" in await limits.said("log")
