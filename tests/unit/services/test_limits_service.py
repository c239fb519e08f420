"""Limits as the cogs ask for them, on the store in memory."""

from dataclasses import replace

import pytest

from bot.core.asker import Asker
from bot.core.limit_buckets import Per, Scope, Unit
from bot.core.limit_rules import MAX_RULES, Rule, ServerRules
from bot.core.limits import HostLimits
from bot.errors import ConflictError, LimitReachedError, OptionError
from bot.services.limits import LimitsService
from bot.state.limits_api import LoggedChange
from bot.state.memory_limits import MemoryLimits

GUILD, CHANNEL, USER, ADMIN, OTHER_ADMIN, ROLE = 10, 20, 100, 1, 2, 30
ASKER = Asker(user_id=USER, guild_id=GUILD, channel_id=CHANNEL)
STRANGER = replace(ASKER, user_id=USER + 1)
HOUR_RULE = Rule(scope=Scope.MEMBER, unit=Unit.TOKENS, amount=2000, per=Per.HOUR)
NO_HOST = HostLimits()


class Clock:
    """A clock that a test turns."""

    now_s = 1_700_000_000.0

    def __call__(self) -> float:
        return self.now_s


class Rival(MemoryLimits):
    """A store in which another admin is faster, as often as told."""

    faster = 0
    rival_rule = replace(HOUR_RULE, amount=1)

    async def change_rules(
        self,
        guild_id: int,
        expected_revision: int,
        new_rules: ServerRules,
        by_user: int,
        *,
        undoes: int | None = None,
    ) -> bool:
        if self.faster:
            self.faster -= 1
            rules = (await self.rules(guild_id)).with_rule(self.rival_rule)
            await super().change_rules(guild_id, rules.revision, rules, OTHER_ADMIN)
        return await super().change_rules(
            guild_id, expected_revision, new_rules, by_user, undoes=undoes
        )

    async def undo(self, guild_id: int, by_user: int) -> LoggedChange | None:
        if self.faster:
            self.faster -= 1
            return None
        return await super().undo(guild_id, by_user)


def make_service(host: HostLimits = NO_HOST) -> tuple[LimitsService, Clock, Rival]:
    """A service on a clock that stands still."""
    clock = Clock()
    store = Rival(clock)
    return LimitsService(store, host), clock, store


async def test_member_is_told_from_three_quarters_on_and_then_refused():
    """The note, then which limit, how much is left and when enough is back."""
    limits, clock, _ = make_service()
    await limits.set_rule(GUILD, HOUR_RULE, ADMIN)

    assert () == await limits.charge(ASKER, "1", 1400)
    (note,) = await limits.charge(ASKER, "2", 200)
    with pytest.raises(LimitReachedError) as refused:
        await limits.charge(ASKER, "3", 500)

    assert note.startswith("You have used 80% of your 2,000 tokens per hour")
    assert "400 are left" in str(refused.value)
    assert f"<t:{int(clock.now_s) + 180}:R>" in str(refused.value)
    assert () == await limits.charge(STRANGER, "4", 500)
    clock.now_s += 180
    assert await limits.charge(ASKER, "3", 500)


async def test_job_too_long_for_a_limit_is_told_to_be_shorter():
    """Not to wait."""
    limits, _, _ = make_service()
    await limits.set_rule(GUILD, replace(HOUR_RULE, burst=100), ADMIN)

    with pytest.raises(LimitReachedError, match="Waiting does not help"):
        await limits.charge(ASKER, "1", 101)


async def test_settle_and_refund_make_room():
    """Unused tokens come back, and all of a job that was not taken."""
    limits, _, store = make_service()
    await limits.set_rule(GUILD, HOUR_RULE, ADMIN)
    await limits.charge(ASKER, "1", 2000)

    assert await store.settle("1", 500)
    assert not await store.settle("1", 500)
    await limits.charge(ASKER, "2", 1500)
    assert await limits.refund("2")

    assert () == await limits.charge(ASKER, "3", 900)


async def test_leaving_and_rejoining_with_an_alias_elsewhere_is_no_way_around():
    """The host's limits of a user are one for all places, and outlive a server's rules."""
    limits, _, _ = make_service(HostLimits(ceiling_member_tokens_per_day=1000))
    await limits.charge(ASKER, "1", 900)

    for place in (
        replace(ASKER, guild_id=None),
        replace(ASKER, guild_id=GUILD + 1),
        replace(ASKER, channel_id=CHANNEL + 1, role_ids=frozenset({ROLE})),
    ):
        with pytest.raises(LimitReachedError, match="in all places"):
            await limits.charge(place, "2", 200)
    await limits.forget_guild(GUILD)
    with pytest.raises(LimitReachedError):
        await limits.charge(ASKER, "2", 200)


async def test_changing_a_rule_gives_nothing_back():
    """Neither another amount nor a rule of another kind."""
    limits, _, _ = make_service()
    await limits.set_rule(GUILD, HOUR_RULE, ADMIN)
    await limits.charge(ASKER, "1", 2000)

    await limits.set_rule(GUILD, replace(HOUR_RULE, amount=3000), ADMIN)
    await limits.set_rule(GUILD, replace(HOUR_RULE, scope=Scope.USER, target_id=USER), ADMIN)

    with pytest.raises(LimitReachedError):
        await limits.charge(ASKER, "2", 1)


async def test_mine_has_a_bar_for_each_limit():
    """Without limits there is none."""
    limits, _, _ = make_service()
    assert () == await limits.mine(ASKER)
    await limits.set_rule(GUILD, HOUR_RULE, ADMIN)
    await limits.set_rule(GUILD, replace(HOUR_RULE, scope=Scope.SERVER), ADMIN)
    await limits.charge(ASKER, "1", 1000)

    mine, theirs = await limits.mine(ASKER), await limits.mine(STRANGER)

    assert ["▰▰▰▰▰▱▱▱▱▱ 1,000"] * 2 == [line[:16] for line in mine]
    assert {"▰▰▰▰▰▱▱▱▱▱ 1,000", "▰▰▰▰▰▰▰▰▰▰ 2,000"} == {line[:16] for line in theirs}


async def test_rule_above_the_ceiling_is_refused_with_the_most_that_goes():
    """Nothing is stored then."""
    limits, _, _ = make_service(HostLimits(ceiling_member_tokens_per_day=1500))

    with pytest.raises(OptionError, match="up to 1,500"):
        await limits.set_rule(GUILD, HOUR_RULE, ADMIN)

    assert ServerRules() == await limits.rules(GUILD)


async def test_rules_have_a_bound():
    """Changing one of them still goes."""
    limits, _, _ = make_service()
    for user in range(MAX_RULES):
        one = replace(HOUR_RULE, scope=Scope.USER, target_id=user + 1)
        await limits.set_rule(GUILD, one, ADMIN)

    with pytest.raises(OptionError, match="50 limits at most"):
        await limits.set_rule(GUILD, HOUR_RULE, ADMIN)
    changed = replace(HOUR_RULE, scope=Scope.USER, target_id=1, amount=7)
    await limits.set_rule(GUILD, changed, ADMIN)
    assert MAX_RULES == len((await limits.rules(GUILD)).rules)


async def test_second_of_two_admins_is_told_what_is_set_now():
    """Nothing is overwritten that they have not seen."""
    limits, _, store = make_service()
    store.faster = 1

    with pytest.raises(ConflictError, match="Now it is each member: 1 token per hour"):
        await limits.set_rule(GUILD, HOUR_RULE, ADMIN)

    assert (store.rival_rule,) == (await limits.rules(GUILD)).rules
    await limits.set_rule(GUILD, HOUR_RULE, ADMIN)
    assert (HOUR_RULE,) == (await limits.rules(GUILD)).rules


async def test_setting_what_is_set_leaves_no_trace():
    """An undo would else seem to do nothing."""
    limits, _, _ = make_service()
    await limits.set_rule(GUILD, HOUR_RULE, ADMIN)

    change = await limits.set_rule(GUILD, HOUR_RULE, ADMIN)

    assert change.before.says_the_same_as(change.after)
    assert 1 == len(await limits.log(GUILD))


async def test_removed_rule_is_gone_and_comes_back_by_undo():
    """And removing it twice is told."""
    limits, _, _ = make_service()
    await limits.set_rule(GUILD, HOUR_RULE, ADMIN)

    await limits.remove_rule(GUILD, HOUR_RULE.key, ADMIN)
    with pytest.raises(OptionError, match="no such limit"):
        await limits.remove_rule(GUILD, HOUR_RULE.key, ADMIN)
    assert 2 == (await limits.undo(GUILD, OTHER_ADMIN)).revision

    assert (HOUR_RULE,) == (await limits.rules(GUILD)).rules
    assert [OTHER_ADMIN, ADMIN, ADMIN] == [change.by_user for change in await limits.log(GUILD)]


async def test_undo_without_a_change_and_undo_beside_another_admin_differ():
    """One is over, the other may be tried again."""
    limits, _, store = make_service()
    with pytest.raises(OptionError, match="no change left"):
        await limits.undo(GUILD, ADMIN)
    await limits.set_rule(GUILD, HOUR_RULE, ADMIN)
    store.faster = 1

    with pytest.raises(ConflictError):
        await limits.undo(GUILD, ADMIN)


async def test_exempt_role_frees_its_members_until_it_is_taken_back():
    """The others stay limited."""
    limits, _, _ = make_service()
    await limits.set_rule(GUILD, HOUR_RULE, ADMIN)
    writer = replace(ASKER, role_ids=frozenset({ROLE}))

    await limits.set_exempt(GUILD, ROLE, is_exempt=True, by_user=ADMIN)
    assert () == await limits.charge(writer, "1", 9000)
    await limits.set_exempt(GUILD, ROLE, is_exempt=False, by_user=ADMIN)

    with pytest.raises(LimitReachedError):
        await limits.charge(writer, "2", 9000)


async def test_deleted_role_takes_its_rules_along():
    """In the log it was the bot itself; also where admins change something at that moment."""
    limits, _, store = make_service()
    await limits.set_rule(GUILD, replace(HOUR_RULE, scope=Scope.ROLE, target_id=ROLE), ADMIN)
    await limits.set_exempt(GUILD, ROLE, is_exempt=True, by_user=ADMIN)
    store.faster = 2

    assert await limits.drop_target(GUILD, ROLE)
    assert not await limits.drop_target(GUILD, ROLE)

    rules = await limits.rules(GUILD)
    assert ((store.rival_rule,), frozenset()) == (rules.rules, rules.exempt_roles)
    assert 0 == (await limits.log(GUILD))[0].by_user
