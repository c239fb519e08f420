"""What every usage store does: in memory, on the machine's Redis, and on Redis 6.2."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from itertools import pairwise

import pytest

from bot.core.usage import Counts, Outcome
from bot.state.usage_api import UsageStore
from tests.contract.usage_backends import CHANNEL, GUILD, USER, UsageBackend, asked, ended


@pytest.fixture(params=["memory", "redis", "redis-6.2"])
async def usage_backend(request: pytest.FixtureRequest) -> AsyncIterator[UsageBackend]:
    """Each test runs on all three."""
    fixtures = {"redis": "path_server", "redis-6.2": "old_server"}
    server = None if request.param == "memory" else request.getfixturevalue(fixtures[request.param])
    async with AsyncExitStack() as stack:
        yield UsageBackend(server, stack)


@pytest.fixture
async def store(usage_backend: UsageBackend) -> UsageStore:
    """An empty one."""
    return await usage_backend.store()


async def counted(store: UsageStore, guild_id: int | None = GUILD) -> Counts:
    """Of two days: midnight may pass in the middle of a test."""
    return Counts.total(day.counts for day in await store.days(guild_id, 2))


async def test_request_and_its_end_are_kept_together(store: UsageStore):
    """With ids as large as Discord's."""
    user, roles = 2**62 + 1, frozenset({2**60 + 1, 3})
    assert await store.asked(asked("1", user_id=user, role_ids=roles))
    assert await store.ended(ended("1"))

    [request] = await store.requests(GUILD)

    assert ("1", CHANNEL, user, roles, 130, 100) == (
        request.job_id,
        request.channel_id,
        request.user_id,
        request.role_ids,
        request.tokens,
        request.real_tokens,
    )
    assert request.ended_at_ms is not None
    assert request.at_ms <= request.ended_at_ms


async def test_requests_come_in_the_order_in_which_they_were_asked(store: UsageStore):
    """Across the batches in which they are read."""
    for number in range(1100):
        await store.asked(asked(str(number)))

    assert [str(number) for number in range(1100)] == [
        request.job_id for request in await store.requests(GUILD)
    ]


async def test_everything_is_counted(store: UsageStore):
    """By server, and over all servers."""
    for job_id, outcome in enumerate([*Outcome, Outcome.REFUSED_LIMIT]):
        await store.asked(asked(str(job_id), outcome=outcome))
    await store.asked(asked("other", guild_id=11))
    await store.ended(ended("0"))

    ours, all_servers = await counted(store), await counted(store, None)

    assert (1, 2, 1, 1, 90, 10) == (
        ours.jobs,
        ours.refused_limit,
        ours.refused_queue,
        ours.refused_other,
        ours.tokens_written,
        ours.tokens_read,
    )
    assert (1, 1500, 1, 2) == (ours.done, ours.wait_ms, ours.waits[2], all_servers.jobs)


async def test_request_that_is_noted_twice_counts_once(store: UsageStore):
    """A lost answer makes the caller ask again."""
    assert await store.asked(asked("1"))
    assert not await store.asked(asked("1"))
    assert not await store.asked(asked("1", outcome=Outcome.REFUSED_QUEUE))

    assert 1 == len(await store.requests(GUILD))
    assert (1, 0) == ((total := await counted(store)).jobs, total.refused)


async def test_job_that_ends_twice_counts_once(store: UsageStore):
    """A worker that lost its lease may end a job that another has ended."""
    await store.asked(asked("1"))
    assert await store.ended(ended("1"))
    assert not await store.ended(ended("1", tokens_written=7))

    [request] = await store.requests(GUILD)
    assert 100 == request.real_tokens
    assert 90 == (await counted(store)).tokens_written
    assert not await store.asked(asked("1"))


async def test_end_of_what_was_never_accepted_is_not_counted(store: UsageStore):
    """Unknown, or refused."""
    await store.asked(asked("1", outcome=Outcome.REFUSED_LIMIT))

    assert not await store.ended(ended("1"))
    assert not await store.ended(ended("2"))
    assert 0 == (await counted(store)).tokens
    assert 0 == (await counted(store, None)).tokens


@pytest.mark.parametrize("guild_id", [GUILD, None])
async def test_text_may_be_over_before_its_request_is_noted(
    store: UsageStore, guild_id: int | None
):
    """A worker can be faster than the bot: both are noted all the same, once."""
    assert not await store.ended(ended("1"))
    assert not await store.ended(ended("1", tokens_written=7))
    assert await store.asked(asked("1", guild_id=guild_id))
    assert not await store.ended(ended("1", tokens_written=8))
    assert not await store.asked(asked("1", guild_id=guild_id))

    counts = await counted(store, guild_id)
    assert (1, 1, 90, 1500) == (counts.jobs, counts.done, counts.tokens_written, counts.wait_ms)
    assert 90 == (await counted(store, None)).tokens_written
    requests = await store.requests(GUILD)
    assert ([] if guild_id is None else [100]) == [request.real_tokens for request in requests]


async def test_refused_request_takes_no_end_that_came_before_it(store: UsageStore):
    """The queue's answer was lost: its asker was told that nothing comes."""
    await store.ended(ended("1"))
    assert await store.asked(asked("1", outcome=Outcome.REFUSED_QUEUE))

    [request] = await store.requests(GUILD)
    assert request.real_tokens is None
    assert (0, 0, 1) == (
        (counts := await counted(store)).tokens,
        counts.done,
        counts.refused_queue,
    )


async def test_where_no_server_rules_only_counts_are_kept(store: UsageStore):
    """Direct messages are nobody's business."""
    await store.asked(asked("1", guild_id=None))
    assert await store.ended(ended("1"))

    total = await counted(store, None)
    assert (1, 100) == (total.jobs, total.tokens)
    assert 0 == await store.forget_user(USER)


async def test_servers_do_not_see_each_other(store: UsageStore):
    """Not their requests, not their counts."""
    await store.asked(asked("1", guild_id=11))

    assert [] == await store.requests(GUILD)
    assert Counts() == await counted(store)


async def test_days_without_use_are_there_too(store: UsageStore):
    """In a row, today last, and never more than are kept."""
    days = await store.days(GUILD, 1000)

    assert 90 == len(days)
    assert [1] * 89 == [(after.day - before.day).days for before, after in pairwise(days)]
    assert days[-1].day == (await store.days(GUILD, 1))[0].day


async def test_oldest_requests_make_room(usage_backend: UsageBackend):
    """Redis drops a node of a hundred at a time; counts stay whole."""
    store = await usage_backend.store(max_records=150)
    for number in range(420):
        await store.asked(asked(str(number)))
        await store.ended(ended(str(number)))

    kept = await store.requests(GUILD)

    assert 150 <= len(kept) <= 150 + 100
    assert "419" == kept[-1].job_id
    assert all(request.real_tokens == 100 for request in kept)
    assert 420 == (await counted(store)).jobs


async def test_server_is_forgotten(store: UsageStore):
    """With its counts, whatever ends afterwards; other servers' and the host's stay."""
    for job_id, guild_id in (("1", GUILD), ("2", 11)):
        await store.asked(asked(job_id, guild_id=guild_id))

    await store.forget_guild(GUILD)
    await store.ended(ended("1"))

    assert [] == await store.requests(GUILD)
    assert Counts() == await counted(store)
    assert 1 == len(await store.requests(11))
    assert 2 == (await counted(store, None)).jobs


async def test_users_requests_are_found_in_all_servers(store: UsageStore):
    """In the order they came, each with its end; nobody else's."""
    for number in range(6):
        user_id = USER if number % 2 else 101
        await store.asked(asked(str(number), user_id=user_id, guild_id=10 + number % 3))
    await store.ended(ended("3"))

    found = await store.of_user(USER)

    assert {(11, "1"), (10, "3"), (12, "5")} == {(guild, one.job_id) for guild, one in found}
    assert {"1": None, "3": 100, "5": None} == {one.job_id: one.real_tokens for _, one in found}
    times = [one.at_ms for _, one in found]
    assert sorted(times) == times
    assert [] == await store.of_user(7)


async def test_user_is_forgotten_in_all_servers(store: UsageStore):
    """Others' requests and the counts stay; there may be more than one batch of them."""
    for number in range(1200):
        user_id = USER if number % 2 else 101
        await store.asked(asked(str(number), user_id=user_id, guild_id=10 + number % 3))

    assert 600 == await store.forget_user(USER)

    left = [request for guild in (10, 11, 12) for request in await store.requests(guild)]
    assert [101] * 600 == [request.user_id for request in left]
    assert 1200 == (await counted(store, None)).jobs
    assert 0 == await store.forget_user(USER)
