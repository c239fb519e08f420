"""Which limits apply to whom."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.asker import Asker
from bot.core.limit_buckets import BucketState, Per, Scope, Unit
from bot.core.limit_rules import Rule, RuleKey, ServerRules
from bot.core.limits import HostLimits, applied, check_rule, personal_rules
from bot.errors import OptionError

GUILD, CHANNEL, USER = 10, 20, 100
ROLE_A, ROLE_B, OTHER_ROLE = 31, 32, 39
ASKER = Asker(
    user_id=USER, guild_id=GUILD, channel_id=CHANNEL, role_ids=frozenset({ROLE_A, ROLE_B})
)
NO_HOST = HostLimits()
HOST = HostLimits(
    member_requests_per_minute=6,
    member_tokens_per_hour=4000,
    ceiling_member_tokens_per_day=9000,
    ceiling_server_tokens_per_day=50_000,
)


def rule(scope: Scope, amount: int, target_id: int = 0, **changes: object) -> Rule:
    """A rule for tokens per hour."""
    values: dict[str, object] = {"unit": Unit.TOKENS, "per": Per.HOUR} | changes
    return Rule(scope=scope, target_id=target_id, amount=amount, **values)  # pyright: ignore[reportArgumentType]


MEMBER, USER_RULE = rule(Scope.MEMBER, 500), rule(Scope.USER, 1, USER)
IN_A, IN_B = rule(Scope.ROLE, 100, ROLE_A), rule(Scope.ROLE, 200, ROLE_B)


@pytest.mark.parametrize(
    ("rules", "wins"),
    [
        # the named user before roles before each member, however small the amount
        ([MEMBER], [MEMBER]),
        ([MEMBER, IN_A], [IN_A]),
        ([MEMBER, IN_A, USER_RULE], [USER_RULE]),
        ([USER_RULE, IN_A, MEMBER], [USER_RULE]),
        ([MEMBER, USER_RULE], [USER_RULE]),
        # of several roles the most generous one: first the amount, then the burst
        ([IN_A, IN_B], [IN_B]),
        ([IN_B, IN_A], [IN_B]),
        ([replace(IN_A, burst=9000), IN_B], [IN_B]),
        ([IN_A, replace(IN_B, amount=100, burst=150)], [replace(IN_B, amount=100, burst=150)]),
        ([replace(IN_A, amount=200), replace(IN_B, burst=50)], [replace(IN_A, amount=200)]),
        # equally generous: it makes no difference, but it is always the same one
        ([replace(IN_B, amount=100), IN_A], [IN_A]),
        ([IN_A, replace(IN_B, amount=100)], [IN_A]),
        # rules for others are for others
        ([rule(Scope.ROLE, 900, OTHER_ROLE), MEMBER], [MEMBER]),
        ([rule(Scope.USER, 900, USER + 1), MEMBER], [MEMBER]),
        ([rule(Scope.USER, 900, USER + 1)], []),
        # each unit and each period by itself
        (
            [MEMBER, replace(IN_A, per=Per.DAY), replace(USER_RULE, unit=Unit.REQUESTS)],
            [MEMBER, replace(IN_A, per=Per.DAY), replace(USER_RULE, unit=Unit.REQUESTS)],
        ),
        # rules that all share are not personal
        ([rule(Scope.SERVER, 1), rule(Scope.CHANNEL, 1, CHANNEL)], []),
    ],
)
def test_precedence_of_personal_rules(rules: list[Rule], wins: list[Rule]):
    """One rule for each unit and period makes a member's allowance."""
    assert set(wins) == set(personal_rules(ASKER, ServerRules(rules=tuple(rules))))


@given(st.permutations([MEMBER, IN_A, IN_B, USER_RULE, replace(IN_A, amount=200, burst=300)]))
def test_order_of_rules_does_not_matter(rules: list[Rule]):
    """Which admin came first makes no difference."""
    without_user = [one for one in rules if one.scope is not Scope.USER]

    assert (USER_RULE,) == personal_rules(ASKER, ServerRules(rules=tuple(rules)))
    assert (replace(IN_A, amount=200, burst=300),) == personal_rules(
        ASKER, ServerRules(rules=tuple(without_user))
    )


def keys(asker: Asker, server: ServerRules, host: HostLimits = NO_HOST) -> dict[str, int]:
    """Bucket keys with their amounts."""
    buckets = applied(asker, server, host)
    found = {bucket.key: bucket.amount for bucket in buckets}
    assert len(found) == len(buckets), "two buckets with one key would be charged as one"
    return found


def test_server_and_channel_rules_apply_in_addition():
    """Those of other channels don't."""
    server = ServerRules(
        rules=(
            rule(Scope.SERVER, 9),
            rule(Scope.CHANNEL, 8, CHANNEL),
            rule(Scope.CHANNEL, 7, CHANNEL + 1),
            USER_RULE,
        )
    )

    assert {
        "g10:all:tokens:hour": 9,
        "g10:c20:tokens:hour": 8,
        "g10:m100:tokens:hour": 1,
    } == keys(ASKER, server)


def test_exempt_role_frees_from_personal_limits_only():
    """Shared rules and the host's ceilings stay."""
    server = ServerRules(
        rules=(rule(Scope.SERVER, 9), MEMBER, IN_A, USER_RULE), exempt_roles=frozenset({ROLE_B})
    )

    assert {
        "g10:all:tokens:hour": 9,
        "host:u100:tokens:day": 9000,
        "host:g10:tokens:day": 50_000,
    } == keys(ASKER, server, HOST)
    assert "g10:m100:tokens:hour" in keys(replace(ASKER, role_ids=frozenset()), server, HOST)


@pytest.mark.parametrize(
    ("rules", "defaults"),
    [
        ([], {"requests", "tokens"}),
        ([replace(MEMBER, per=Per.DAY)], {"requests"}),
        ([replace(MEMBER, unit=Unit.REQUESTS, per=Per.DAY)], {"tokens"}),
        ([rule(Scope.SERVER, 5), rule(Scope.CHANNEL, 5, CHANNEL)], {"requests", "tokens"}),
        ([rule(Scope.ROLE, 5, OTHER_ROLE)], {"requests", "tokens"}),
    ],
)
def test_host_defaults_apply_where_no_personal_rule_of_the_unit_does(
    rules: list[Rule], defaults: set[str]
):
    """Whatever its period."""
    host = replace(HOST, ceiling_member_tokens_per_day=0, ceiling_server_tokens_per_day=0)

    found = keys(ASKER, ServerRules(rules=tuple(rules)), host)

    assert defaults == {key.split(":")[2] for key in found if key.startswith("host:u100")}


def test_host_buckets_of_a_user_are_the_same_everywhere():
    """Servers, threads, direct messages and user installs are no way around them."""
    places = [
        ASKER,
        replace(ASKER, guild_id=11, channel_id=21, role_ids=frozenset()),
        replace(ASKER, guild_id=None, channel_id=22, role_ids=frozenset()),
    ]

    found = [
        {key for key in keys(place, ServerRules(), HOST) if key.startswith("host:u")}
        for place in places
    ]

    assert {"host:u100:requests:minute", "host:u100:tokens:hour", "host:u100:tokens:day"} == found[
        0
    ]
    assert found[0] == found[1] == found[2]
    assert not any(key.startswith("host:g") for key in keys(places[2], ServerRules(), HOST))


def test_rules_of_a_server_say_nothing_outside_of_it():
    """A direct message has no server, whatever rules are handed over with it."""
    asker = Asker(user_id=USER, guild_id=None, channel_id=CHANNEL)

    assert {} == keys(asker, ServerRules(rules=(MEMBER, rule(Scope.SERVER, 1))))


@pytest.mark.parametrize("other", [IN_A, USER_RULE, replace(MEMBER, amount=7, burst=3)])
def test_changed_rule_keeps_the_bucket(other: Rule):
    """Neither another amount nor another rule that wins gives what was used back for free."""
    before, after = ServerRules(rules=(MEMBER,)), ServerRules(rules=(other,))

    assert keys(ASKER, before).keys() == keys(ASKER, after).keys()


# What admins may set


@pytest.mark.parametrize(
    "wrong",
    [
        rule(Scope.MEMBER, 0),
        rule(Scope.MEMBER, 10**9 + 1),
        rule(Scope.MEMBER, 5, burst=0),
        rule(Scope.MEMBER, 1, per=Per.DAY, burst=32),
        rule(Scope.MEMBER, 9001),
        rule(Scope.USER, 100, USER, burst=9001),
        rule(Scope.SERVER, 50_001),
        rule(Scope.CHANNEL, 50_001, CHANNEL),
    ],
)
def test_rule_out_of_bounds_is_refused(wrong: Rule):
    """Bounds of sense, and the host's ceilings."""
    with pytest.raises(OptionError):
        check_rule(wrong, HOST)


@pytest.mark.parametrize(
    "right",
    [
        rule(Scope.MEMBER, 9000),
        rule(Scope.SERVER, 50_000),
        rule(Scope.MEMBER, 1, per=Per.DAY, burst=31),
        rule(Scope.MEMBER, 100_000, unit=Unit.REQUESTS),
    ],
)
def test_rule_within_bounds_is_taken(right: Rule):
    """To the last unit; ceilings are for tokens."""
    check_rule(right, HOST)


def test_personal_rule_can_exceed_neither_ceiling():
    """One member can't have more than the server has."""
    assert 500 == HostLimits(ceiling_server_tokens_per_day=500).most(Scope.MEMBER, Unit.TOKENS)
    assert NO_HOST.most(Scope.MEMBER, Unit.TOKENS) is None


# Records

RULES = st.builds(
    Rule,
    scope=st.sampled_from([Scope.SERVER, Scope.CHANNEL, Scope.ROLE, Scope.MEMBER, Scope.USER]),
    target_id=st.integers(0, 2**63),
    unit=st.sampled_from(Unit),
    amount=st.integers(1, 10**9),
    per=st.sampled_from(Per),
    burst=st.none() | st.integers(1, 10**9),
)


@given(
    st.lists(RULES, unique_by=lambda one: one.key, max_size=8), st.frozensets(st.integers(0, 2**63))
)
def test_stored_rules_come_back(rules: list[Rule], exempt: frozenset[int]):
    """The revision is kept beside the record."""
    server = ServerRules(revision=3, rules=tuple(rules), exempt_roles=exempt)

    assert server == ServerRules.from_json(server.to_json(), 3)


@given(RULES)
def test_rule_key_is_read_as_it_was_written(one: Rule):
    """It is the value of a choice: at most 100 characters."""
    assert one.key == RuleKey.parse(str(one.key))
    assert len(str(one.key)) <= 100


@pytest.mark.parametrize(
    "text", ["", "a:b", "role:x:tokens:hour", "role:1:tokens:week", "1:2:3:4:5"]
)
def test_text_that_is_no_key_is_none(text: str):
    """Somebody typed it instead of choosing."""
    assert RuleKey.parse(text) is None


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"v":2,"rules":[],"exempt":[]}', '{"v":1,"rules":[[1]],"exempt":[]}']
)
def test_damaged_record_is_a_value_error(text: str):
    """So is one of a newer version."""
    with pytest.raises(ValueError):
        ServerRules.from_json(text, 1)


# Buckets


@given(
    amount=st.integers(1, 10**6), burst=st.integers(1, 10**6), used=st.integers(0, 10**6),
    per=st.sampled_from(Per),
)  # fmt: skip
def test_what_is_left_fits_now_and_one_more_does_not(amount: int, burst: int, used: int, per: Per):
    """`left` and the time that is told agree, to the slack of a millisecond."""
    used = min(used, burst)
    (bucket,) = applied(
        ASKER, ServerRules(rules=(rule(Scope.MEMBER, amount, per=per, burst=burst),)), NO_HOST
    )
    state = BucketState(bucket=bucket, tat_ms=1e12 + used * bucket.interval_ms, now_ms=10**12)

    assert burst - used <= state.left <= burst - used + 1 + 2 / bucket.interval_ms
    assert state.lets_through_at_ms(state.left) <= state.now_ms
    if state.left < burst:
        assert state.lets_through_at_ms(state.left + 1) >= state.now_ms
