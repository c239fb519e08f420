"""What every store of limits must do, whatever it is built on."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest

from bot.core.limit_buckets import Bucket, Charged, Per, Refused, Scope, Unit
from bot.core.limit_rules import Rule, ServerRules
from bot.errors import QueueDownError
from bot.state.limits_api import MAX_LOG, LimitsStore
from bot.state.memory_limits import MemoryLimits
from bot.state.redis_limits import RedisLimits
from bot.storage.connect import ANSWER_TIMEOUT_S, open_client
from tests.queue_backends import Backend
from tests.redis_servers import any_server, running_server

GUILD = 1234567890123456789  # more than a Lua number can hold
ADMIN, OTHER_ADMIN = 1111111111111111111, 2222222222222222222


@pytest.fixture
async def store(backend: Backend) -> AsyncIterator[LimitsStore]:
    """A store on the backend's clock."""
    async with AsyncExitStack() as stack:
        if backend.server is None:
            yield MemoryLimits(backend.now)
        else:
            client = await stack.enter_async_context(
                open_client(backend.server.url, ANSWER_TIMEOUT_S)
            )
            yield RedisLimits(client, pool=backend.pool)


def requests(amount: int = 3, *, key: str = "r", per: Per = Per.DAY) -> Bucket:
    """A bucket that counts requests."""
    return Bucket(
        key=key, scope=Scope.MEMBER, target_id=0, unit=Unit.REQUESTS, amount=amount, per=per,
        burst=amount,
    )  # fmt: skip


def tokens(
    amount: int = 1000, *, key: str = "t", per: Per = Per.DAY, burst: int | None = None
) -> Bucket:
    """A bucket that counts tokens; a day's worth, so that none come back while a test runs."""
    return Bucket(
        key=key, scope=Scope.SERVER, target_id=0, unit=Unit.TOKENS, amount=amount, per=per,
        burst=amount if burst is None else burst,
    )  # fmt: skip


async def left(store: LimitsStore, *buckets: Bucket) -> list[int]:
    """How much is left in each."""
    return [state.left for state in await store.peek(buckets)]


def rules_of(amount: int) -> ServerRules:
    """Rules that differ by one number."""
    return ServerRules(
        rules=(
            Rule(scope=Scope.ROLE, target_id=GUILD, unit=Unit.TOKENS, amount=amount, per=Per.HOUR),
        ),
        exempt_roles=frozenset({GUILD + 1}),
    )


# A user's own counters


async def test_counters_of_a_user_are_found(store: LimitsStore, backend: Backend):
    """In all servers; those that are shared, and whole ones, are nobody's."""
    user = 2**62 + 1
    own = [
        tokens(key=f"g{GUILD}:m{user}:tokens:day"),
        requests(key=f"g11:m{user}:requests:day"),
        tokens(key=f"host:u{user}:tokens:day"),
    ]
    others = [tokens(key=f"g{GUILD}:all:tokens:day"), tokens(key=f"g{GUILD}:m7:tokens:day")]
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


# Buckets


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


# Rules


async def test_server_without_rules_has_revision_0(store: LimitsStore):
    """And an empty log."""
    assert ServerRules() == await store.rules(GUILD)
    assert [] == await store.log(GUILD)
    assert await store.undo(GUILD, ADMIN) is None


async def test_rules_come_back_as_they_were_set(store: LimitsStore):
    """Ids to the last digit; each change counts."""
    assert await store.change_rules(GUILD, 0, rules_of(5), ADMIN)

    stored = await store.rules(GUILD)

    assert 1 == stored.revision
    assert stored.says_the_same_as(rules_of(5))
    assert ServerRules() == await store.rules(GUILD + 1)


async def test_of_two_admins_at_once_the_second_changes_nothing(store: LimitsStore):
    """Both made their rules from the same revision."""
    answers = await asyncio.gather(
        store.change_rules(GUILD, 0, rules_of(5), ADMIN),
        store.change_rules(GUILD, 0, rules_of(6), OTHER_ADMIN),
    )

    assert [False, True] == sorted(answers)
    winner = ADMIN if answers[0] else OTHER_ADMIN
    assert [winner] == [change.by_user for change in await store.log(GUILD)]
    assert 1 == (await store.rules(GUILD)).revision


async def test_log_says_who_when_before_and_after(store: LimitsStore, backend: Backend):
    """Newest first."""
    await store.change_rules(GUILD, 0, rules_of(5), ADMIN)
    await store.change_rules(GUILD, 1, rules_of(6), OTHER_ADMIN)

    newest, oldest = await store.log(GUILD)

    assert (2, OTHER_ADMIN, None) == (newest.revision, newest.by_user, newest.undoes)
    assert newest.before.says_the_same_as(rules_of(5))
    assert newest.after.says_the_same_as(rules_of(6))
    assert ServerRules() == oldest.before
    assert abs(oldest.at_s - backend.now()) < 5
    assert [newest] == await store.log(GUILD, 1)


async def test_log_keeps_the_last_changes(store: LimitsStore):
    """More than 200 are not kept."""
    for n in range(MAX_LOG + 3):
        await store.change_rules(GUILD, n, rules_of(n + 1), ADMIN)

    log = await store.log(GUILD)

    assert (MAX_LOG, MAX_LOG + 3, 4) == (len(log), log[0].revision, log[-1].revision)


async def test_undo_goes_back_step_by_step_and_is_logged(store: LimitsStore):
    """Two undos take two changes back; a change after them is the next to be undone."""
    for n in range(3):
        await store.change_rules(GUILD, n, rules_of(n + 1), ADMIN)

    first = await store.undo(GUILD, OTHER_ADMIN)
    assert first is not None
    assert 3 == first.revision
    assert (await store.rules(GUILD)).says_the_same_as(rules_of(2))
    newest = (await store.log(GUILD))[0]
    assert (4, OTHER_ADMIN, 3) == (newest.revision, newest.by_user, newest.undoes)

    await store.undo(GUILD, ADMIN)
    assert (await store.rules(GUILD)).says_the_same_as(rules_of(1))

    await store.change_rules(GUILD, 5, rules_of(9), ADMIN)
    await store.undo(GUILD, ADMIN)
    assert (await store.rules(GUILD)).says_the_same_as(rules_of(1))

    await store.undo(GUILD, ADMIN)
    assert (await store.rules(GUILD)).says_the_same_as(ServerRules())
    assert await store.undo(GUILD, ADMIN) is None


async def test_forgotten_server_has_no_rules_but_its_use_stays(store: LimitsStore):
    """Throwing the bot out and taking it back is no way around a ceiling."""
    await store.change_rules(GUILD, 0, rules_of(5), ADMIN)
    await store.charge("1", [tokens()], 300)

    await store.forget_guild(GUILD)

    assert ServerRules() == await store.rules(GUILD)
    assert [] == await store.log(GUILD)
    assert [700] == await left(store, tokens())


# What only Redis can show

ONLY_REDIS = pytest.mark.parametrize(
    "backend", ["redis", "redis-6.2", "redis-cluster", "valkey-8"], indirect=True
)


@ONLY_REDIS
async def test_every_key_has_one_hash_tag_and_buckets_end_by_themselves(
    store: LimitsStore, backend: Backend
):
    """One slot of a cluster; nothing of a member is kept longer than it counts."""
    assert backend.server is not None
    await store.charge("1", [requests(), tokens(per=Per.HOUR)], 500)
    await store.change_rules(GUILD, 0, rules_of(5), ADMIN)
    async with open_client(backend.server.url, ANSWER_TIMEOUT_S) as client:
        prefix = f"{{{backend.pool}-limits}}:"
        keys = [key async for key in client.scan_iter(f"*{backend.pool}*")]
        assert {"b:r", "b:t", "charge:1", "open", f"rules:{GUILD}", f"log:{GUILD}"} == {
            key.removeprefix(prefix) for key in keys
        }
        assert 1_790 < await client.ttl(prefix + "b:t") <= 1_800
        assert 0 < await client.ttl(prefix + "charge:1") <= 3_600


@ONLY_REDIS
async def test_change_that_is_sent_twice_counts_once(store: LimitsStore):
    """The client tries a script again when an answer was lost."""
    assert isinstance(store, RedisLimits)
    arguments = (GUILD, 0, rules_of(5).to_json(), ADMIN, 0, "one call", MAX_LOG)
    scripts = store._scripts

    assert ["1"] == await scripts.run("limits_change", *arguments)
    assert ["1"] == await scripts.run("limits_change", *arguments)

    assert 1 == len(await store.log(GUILD))
    assert time.time() == pytest.approx((await store.log(GUILD))[0].at_s, abs=5)


@ONLY_REDIS
async def test_full_memory_refuses_new_jobs_and_still_settles_old_ones(
    store: LimitsStore, backend: Backend
):
    """What a job did not use must come back, whatever the state of the server."""
    assert backend.server is not None
    await store.charge("1", [tokens()], 300)
    async with open_client(backend.server.url, ANSWER_TIMEOUT_S) as client:
        await client.config_set("maxmemory", "1")
        try:
            with pytest.raises(QueueDownError, match="no memory left"):
                await store.charge("2", [tokens()], 300)
            assert await store.settle("1", 100)
        finally:
            await client.config_set("maxmemory", "0")

    assert [900] == await left(store, tokens())


async def test_server_that_is_gone_is_said_as_such(server_that_ended: str):
    """Every call tells the person, and none hangs."""
    async with open_client(server_that_ended, ANSWER_TIMEOUT_S) as client:
        store = RedisLimits(client, pool="gone")
        for call in (
            store.charge("1", [], 1),
            store.settle("1", 1),
            store.refund("1"),
            store.peek([]),
            store.rules(GUILD),
            store.log(GUILD),
            store.undo(GUILD, ADMIN),
            store.forget_guild(GUILD),
            store.change_rules(GUILD, 0, rules_of(1), ADMIN),
        ):
            with pytest.raises(QueueDownError):
                await call


@pytest.fixture
def server_that_ended() -> str:
    """The address of a server that answers no more."""
    with running_server(any_server()) as server:
        return server.url


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
