"""What every store of limits must do with buckets, whatever it is built on."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from bot.core.limit_buckets import Charged, Per, Refused
from bot.state.limits_api import LimitsStore
from tests.contract.limits_backends import (
    left,
    open_limits,
    requests,
    tokens,
)
from tests.queue_backends import Backend


@pytest.fixture
async def store(backend: Backend) -> AsyncIterator[LimitsStore]:
    """A store on the backend's clock."""
    async with open_limits(backend) as store:
        yield store


# A user's own counters


async def test_counters_of_a_user_are_found(store: LimitsStore, backend: Backend):
    """In all servers; those that are shared, and whole ones, are nobody's."""
    user = 2**62 + 1
    own = [
        tokens(key=f"g10:m{user}:tokens:day"),
        requests(key=f"g11:m{user}:requests:day"),
        tokens(key=f"host:u{user}:tokens:day"),
    ]
    others = [tokens(key="g10:all:tokens:day"), tokens(key="g10:m7:tokens:day")]
    await store.charge("1", [*own, *others], 100)
    await store.charge("2", own[:1], 100)
    await store.settle("2", 300)

    counters = await store.counters_of(user)

    assert {one.key for one in own} == set(counters)
    states = await store.peek(own)
    for state in states:
        assert counters[state.bucket.key] == pytest.approx(state.tat_ms / 1000, abs=0.01)
    assert {others[1].key} == set(await store.counters_of(7))
    await store.refund("1")
    assert {own[0].key} == set(await store.counters_of(user))


async def test_untouched_bucket_is_whole(store: LimitsStore, backend: Backend):
    """Peeking takes nothing, and times are Unix times of the store's clock."""
    (state,) = await store.peek([tokens()])

    assert (1000, 0.0) == (state.left, state.used_share)
    assert abs(state.now_ms - backend.now() * 1000) < 5000
    assert state.whole_at_ms == state.now_ms
    assert [1000] == await left(store, tokens())


async def test_charge_takes_one_request_and_the_estimate_in_tokens(store: LimitsStore):
    """The answer tells how the buckets are afterwards."""
    answer = await store.charge("1", [requests(), tokens()], 300)

    assert isinstance(answer, Charged)
    assert [2, 700] == [state.left for state in answer.states]
    assert [2, 700] == await left(store, requests(), tokens())
    assert 0.3 == pytest.approx(answer.states[1].used_share, abs=0.001)


@pytest.mark.parametrize("amount", [1, 3, 7, 600, 999_983])
async def test_exactly_the_burst_fits(store: LimitsStore, amount: int):
    """However the interval rounds, the last unit fits and one more does not."""
    bucket = tokens(amount)

    assert isinstance(await store.charge("all but one", [bucket], max(1, amount - 1)), Charged)
    if amount > 1:
        assert isinstance(await store.charge("last", [bucket], 1), Charged)
    refused = await store.charge("one more", [bucket], 1)

    assert isinstance(refused, Refused)
    assert 0 == refused.state.left


async def test_many_small_charges_fill_a_bucket_exactly(store: LimitsStore):
    """Rounding does not add up."""
    bucket = requests(70)

    answers = [await store.charge(str(n), [bucket], 1) for n in range(72)]

    assert [True] * 70 + [False] * 2 == [isinstance(answer, Charged) for answer in answers]


async def test_all_or_nothing(store: LimitsStore):
    """Where one bucket has no room, the others stay as they are, in whatever order they come."""
    full, free = tokens(100, key="full"), tokens(1000, key="free")
    await store.charge("1", [full], 60)

    for order in ([full, free], [free, full]):
        refused = await store.charge("2", [requests(), *order], 50)

        assert isinstance(refused, Refused)
        assert ("full", 40, 50) == (refused.state.bucket.key, refused.state.left, refused.cost)
        assert not refused.is_for_good
        assert [3, 40, 1000] == await left(store, requests(), full, free)
    assert not await store.settle("2", 0)


async def test_refusal_says_when_there_is_room(store: LimitsStore, backend: Backend):
    """20 of 100 a minute come back in 12 s; the time is good to a second."""
    bucket = tokens(100, per=Per.MINUTE)
    await store.charge("1", [bucket], 90)

    refused = await store.charge("2", [bucket], 30)

    assert isinstance(refused, Refused)
    assert 12 == pytest.approx(refused.back_at_ms / 1000 - backend.now(), abs=1)


async def test_of_two_full_buckets_the_longer_wait_is_told(store: LimitsStore):
    """After it, the other one is over too."""
    short, long = requests(1, key="short", per=Per.MINUTE), requests(1, key="long", per=Per.HOUR)
    await store.charge("1", [short, long], 1)

    for order in ([short, long], [long, short]):
        refused = await store.charge("2", order, 1)

        assert isinstance(refused, Refused)
        assert "long" == refused.state.bucket.key


async def test_cost_above_the_burst_never_passes(store: LimitsStore):
    """Said as such, also where the bucket is whole."""
    refused = await store.charge("1", [tokens(1000, burst=100)], 101)

    assert isinstance(refused, Refused)
    assert refused.is_for_good
    assert [100] == await left(store, tokens(1000, burst=100))


async def test_use_comes_back_steadily_and_room_is_there_when_it_was_promised(
    store: LimitsStore, backend: Backend
):
    """600 a minute are 10 in a second; what is not promised does not fit."""
    bucket = tokens(600, per=Per.MINUTE)
    await store.charge("1", [bucket], 600)
    refused = await store.charge("2", [bucket], 5)
    assert isinstance(refused, Refused)

    await backend.pass_time(refused.back_at_ms / 1000 - backend.now() + 0.01)

    assert isinstance(await store.charge("too much", [bucket], 100), Refused)
    assert isinstance(await store.charge("2", [bucket], 5), Charged)


async def test_charging_a_job_again_changes_nothing(store: LimitsStore):
    """The same answer, to the millisecond, also after others were charged; paid once."""
    first = await store.charge("1", [requests(), tokens()], 300)
    await store.charge("2", [requests(), tokens()], 300)

    again = await store.charge("1", [requests(), tokens()], 300)

    assert first == again
    assert [1, 400] == await left(store, requests(), tokens())


async def test_charge_without_limits_can_be_settled(store: LimitsStore):
    """A server without any rule is served like any other."""
    assert Charged(()) == await store.charge("1", [], 300)
    assert await store.settle("1", 5)
    assert not await store.settle("1", 5)


async def test_settling_gives_unused_tokens_back_once(store: LimitsStore):
    """The request stays taken; a second settling and a refund find nothing."""
    await store.charge("1", [requests(), tokens()], 300)

    assert await store.settle("1", 100)
    assert not await store.settle("1", 0)
    assert not await store.refund("1")

    assert [2, 900] == await left(store, requests(), tokens())


async def test_settling_takes_more_by_force(store: LimitsStore):
    """A job that used more than there was leaves a debt: later jobs wait it off."""
    await store.charge("1", [tokens(100)], 100)

    assert await store.settle("1", 150)

    (state,) = await store.peek([tokens(100)])
    assert (0, 1.0) == (state.left, state.used_share)
    assert 1.5 * Per.DAY.ms == pytest.approx(state.whole_at_ms - state.now_ms, abs=5000)


async def test_refund_gives_everything_back(store: LimitsStore):
    """A job that the queue refused costs nothing, and may be charged anew."""
    await store.charge("1", [requests(), tokens()], 300)
    await store.charge("2", [requests(), tokens()], 300)

    assert await store.refund("1")
    assert not await store.refund("1")

    assert [2, 700] == await left(store, requests(), tokens())
    assert isinstance(await store.charge("1", [requests(), tokens()], 300), Charged)
    assert [1, 400] == await left(store, requests(), tokens())


async def test_what_came_back_by_itself_is_not_given_back_again(
    store: LimitsStore, backend: Backend
):
    """Else a slow job's refund would be a gift to the jobs after it."""
    bucket = tokens(60_000, per=Per.MINUTE)  # one in a millisecond
    await store.charge("slow", [bucket], 1_000)
    await backend.pass_time(1.1)
    await store.charge("next", [bucket], 60_000)

    assert await store.settle("slow", 0)

    (left_over,) = await left(store, bucket)
    assert left_over < 500  # what came back since; with a gift it would be above 1,000


async def test_settling_after_all_came_back_leaves_the_bucket_whole(
    store: LimitsStore, backend: Backend
):
    """Never more than the burst."""
    bucket = tokens(60_000, per=Per.MINUTE)
    await store.charge("1", [bucket], 50)
    await backend.pass_time(0.1)

    assert await store.settle("1", 0)

    assert [60_000] == await left(store, bucket)


async def test_changed_amount_keeps_the_used_share(store: LimitsStore):
    """A new rule gives nothing back: half used is half used, of more or of less."""
    await store.charge("1", [tokens(1000)], 500)

    assert [2000] == await left(store, tokens(4000))
    assert [50] == await left(store, tokens(100))


async def test_crowd_gets_exactly_what_there_is(store: LimitsStore):
    """Charges at the same time don't pass each other."""
    answers = await asyncio.gather(
        *(store.charge(str(n), [requests(10), tokens(900)], 100) for n in range(30))
    )

    assert 9 == sum(isinstance(answer, Charged) for answer in answers)
    assert [1, 0] == await left(store, requests(10), tokens(900))


async def test_charges_are_open_until_they_are_settled(store: LimitsStore, backend: Backend):
    """What a killed process left behind is found, oldest first; what is new is left alone."""
    for job_id in ("1", "2", "3"):
        await store.charge(job_id, (tokens(),), 10)
        await backend.pass_time(0.01)
    assert [] == await store.open_charges(60, 0, 10)

    await backend.pass_time(0.3)
    await store.settle("2", 5)

    assert ["1", "3"] == await store.open_charges(0.2, 0, 10)
    assert ["3"] == await store.open_charges(0.2, 1, 10)
    assert await store.refund("1")
    assert await store.refund("3")
    assert [] == await store.open_charges(0, 0, 10)
