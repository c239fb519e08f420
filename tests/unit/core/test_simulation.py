"""A proposed limit, replayed: against small histories worked out by hand, and a large one."""

import random
import time
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.limit_buckets import Scope, Unit
from bot.core.simulation import Proposal, Simulation, simulate
from bot.core.usage import DAY_MS, Outcome, Request, number_of
from bot.errors import OptionError

TODAY = date(2026, 11, 25)
MIDNIGHT_MS = number_of(TODAY) * DAY_MS
HOUR_S, MINUTE_MS = 3600, 60_000


def asked(at_ms: int, user: int = 1, **changes: object) -> Request:
    """A request of today, at_ms after midnight."""
    values: dict = {"channel_id": 5, "role_ids": frozenset(), "tokens": 100}
    values |= {"outcome": Outcome.ACCEPTED} | changes
    return Request(
        at_ms=MIDNIGHT_MS + at_ms,
        job_id=f"{at_ms}-{user}-{random.random()}",
        user_id=user,
        **values,
    )


def run(requests: list[Request], amount: int = 2, **changes: object) -> Simulation:
    values: dict = {"scope": Scope.MEMBER, "unit": Unit.REQUESTS, "per_s": HOUR_S}
    return simulate(requests, Proposal(amount=amount, **(values | changes)), today=TODAY)


def test_third_request_of_an_hour_is_refused():
    """Two an hour: one comes back after 30 minutes, so the one who asks at once waits that long."""
    result = run([asked(0), asked(0), asked(0), asked(30 * MINUTE_MS), asked(0, user=2)])

    assert (5, 4, 1) == (result.asked, result.allowed, result.refused)
    assert (2, 1, 1800.0, 0) == (
        result.members,
        result.members_refused,
        result.longest_wait_s,
        result.too_large,
    )


def test_each_day_is_counted_by_itself():
    """Seven days, today last; what is older, or from a clock that is ahead, is left out."""
    requests = [
        *(asked(-DAY_MS) for _ in range(3)),
        asked(0),
        *(asked(days * DAY_MS) for days in (-6, -7, 1)),
    ]

    result = run(requests)

    assert [(1, 0), (0, 0), (0, 0), (0, 0), (0, 0), (2, 1), (1, 0)] == [
        (day.allowed, day.refused) for day in result.days
    ]
    assert (date(2026, 11, 19), TODAY) == (result.days[0].day, result.days[-1].day)


def test_server_counts_all_together():
    """Three members ask once each."""
    assert 1 == run([asked(0, user) for user in (1, 2, 3)], scope=Scope.SERVER).refused


def test_channels_count_by_themselves_unless_one_is_named():
    """Three requests in channel 5, two in channel 6."""
    requests = [asked(0, user, channel_id=5) for user in (1, 2, 3)]
    requests += [asked(0, user, channel_id=6) for user in (1, 2)]

    each = run(requests, amount=1, scope=Scope.CHANNEL)
    one = run(requests, amount=1, scope=Scope.CHANNEL, channel_id=6)

    assert (5, 3) == (each.asked, each.refused)
    assert (2, 1) == (one.asked, one.refused)


def test_role_limits_each_of_its_members():
    """Others are not in the figures at all."""
    requests = [asked(0, user, role_ids=frozenset({7, 8})) for user in (1, 1, 2)]
    requests += [asked(0, user=3) for _ in range(5)]

    result = run(requests, amount=1, scope=Scope.ROLE, role_id=8)

    assert (3, 1, 2) == (result.asked, result.refused, result.members)


def test_user_limits_one_member():
    """The other asks as often."""
    requests = [asked(0, user) for user in (1, 1, 2, 2)]

    result = run(requests, amount=1, scope=Scope.USER, user_id=2)

    assert (2, 1, 1) == (result.asked, result.refused, result.members)


@pytest.mark.parametrize(
    ("scope", "asks"),
    [
        ({"scope": Scope.MEMBER}, 2),
        ({"scope": Scope.ROLE, "role_id": 8}, 1),
        ({"scope": Scope.USER, "user_id": 1}, 1),
        ({"scope": Scope.SERVER}, 4),
        ({"scope": Scope.CHANNEL}, 4),
    ],
)
def test_exempt_roles_have_no_personal_limits(scope: dict[str, object], asks: int):
    """As where a limit is really set: what is for all together counts them, too."""
    requests = [
        asked(0, user=1, role_ids=frozenset({8})),
        asked(1, user=1, role_ids=frozenset({8, 9})),
        asked(2, user=2, role_ids=frozenset({9})),
        asked(3, user=3),
    ]

    assert asks == run(requests, exempt_roles=frozenset({9, 10}), **scope).asked


@pytest.mark.parametrize("scope", [Scope.HOST_MEMBER, Scope.HOST_SERVER])
def test_limit_that_admins_can_not_set_is_not_tried(scope: Scope):
    """The host's are for all servers together, of which one knows nothing."""
    with pytest.raises(OptionError, match="admins can set"):
        run([asked(0)], scope=scope)


def test_tokens_are_charged_by_the_estimate_until_the_text_ends():
    """100 an hour: the second is refused while the first runs, the third finds what was left."""
    first = asked(0, ended_at_ms=MIDNIGHT_MS + 10_000, real_tokens=30)
    meanwhile, later = asked(5_000, tokens=50), asked(10_000, tokens=70)

    result = run([first, meanwhile, later], amount=100, unit=Unit.TOKENS)

    assert (2, 1) == (result.allowed, result.refused)
    assert (50 * 36.0 - 5.0) == pytest.approx(result.longest_wait_s)


def test_text_that_cost_more_than_its_estimate_is_charged_the_rest():
    """10 more, so that 90 are too many."""
    first = asked(0, tokens=0, ended_at_ms=MIDNIGHT_MS + 1, real_tokens=10)

    assert 1 == run([first, asked(1, tokens=91)], amount=100, unit=Unit.TOKENS).refused
    assert 0 == run([first, asked(1, tokens=90)], amount=100, unit=Unit.TOKENS).refused


def test_refused_request_gives_nothing_back():
    """It was never charged, though in reality it ran and ended."""
    requests = [
        asked(0, tokens=100),
        asked(1, tokens=100, ended_at_ms=MIDNIGHT_MS + 2, real_tokens=0),
        asked(3, tokens=50),
    ]

    assert 2 == run(requests, amount=100, unit=Unit.TOKENS).refused


def test_text_that_never_began_gives_its_request_back():
    """One that began, however short, does not."""
    for real_tokens, refused in ((0, 0), (1, 1)):
        first = asked(0, ended_at_ms=MIDNIGHT_MS + 1, real_tokens=real_tokens)
        assert refused == run([first, asked(2)], amount=1).refused


def test_request_larger_than_the_burst_waits_for_nothing():
    """It is counted, but its wait would be for ever."""
    result = run([asked(0, tokens=300)], amount=1000, burst=200, unit=Unit.TOKENS)

    assert (1, 1, 0.0) == (result.refused, result.too_large, result.longest_wait_s)


def test_what_was_refused_is_replayed_unless_it_never_came_to_a_limit():
    """A pause or a closed channel is no demand that a limit would have met."""
    result = run([asked(0, outcome=outcome) for outcome in Outcome], amount=10)

    assert 3 == result.asked


def test_shares_are_of_real_tokens_where_they_are_known():
    """60 + 20 + 4 × 5 = 100, of which the last is in nobody's top five."""
    requests = [
        asked(0, 1, tokens=999, ended_at_ms=MIDNIGHT_MS + 5, real_tokens=60),
        asked(0, 2, tokens=20),
        *(asked(0, user, tokens=5) for user in (3, 4, 5, 6)),
    ]

    result = run(requests)

    assert (0.6, 0.95) == (result.top_1, result.top_5)


def test_nothing_to_replay_is_no_error():
    """No member, no share."""
    result = run([])

    assert (0, 0, 0.0, 0.0) == (result.asked, result.members, result.top_1, result.top_5)


@pytest.mark.parametrize(
    "changes",
    [
        {"amount": 0},
        {"amount": 20_000_000},
        {"burst": 0},
        {"per_s": 0},
        {"scope": Scope.ROLE},
        {"scope": Scope.USER},
    ],
)
def test_proposal_without_sense_is_refused(changes: dict):
    """Discord checks only as long as it has the newest form of the command."""
    with pytest.raises(OptionError):
        run([asked(0)], **changes)


@given(
    st.lists(st.tuples(st.integers(0, DAY_MS - 1), st.integers(1, 4)), max_size=30),
    st.sampled_from([Scope.SERVER, Scope.CHANNEL, Scope.MEMBER]),
    st.integers(1, 5),
)
def test_no_request_is_lost_and_the_order_does_not_matter(
    times: list[tuple[int, int]], scope: Scope, amount: int
):
    """A store may hand them out as it likes."""
    requests = [asked(at_ms, user) for at_ms, user in sorted(times)]

    result = run(requests, amount, scope=scope)

    assert len(requests) == result.asked
    assert result.members_refused <= result.refused
    assert result.days == run(requests[::-1], amount, scope=scope).days


def test_full_history_takes_seconds_at_most():
    """50,000 requests; the bound is several times what it takes."""
    chance = random.Random(3)
    requests = [
        asked(
            at_ms := -chance.randrange(6 * DAY_MS),
            chance.randrange(400),
            ended_at_ms=MIDNIGHT_MS + at_ms + 10_000,
            real_tokens=50,
        )
        for _ in range(50_000)
    ]

    start_s = time.process_time()
    result = run(requests, amount=500, unit=Unit.TOKENS)

    assert 50_000 == result.asked
    assert time.process_time() - start_s < 5
