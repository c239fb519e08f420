"""What is particular to usage on Redis: lifetimes, the slot, memory, damage, an absent server."""

import time
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from redis.asyncio import Redis

from bot.core.usage import COUNTER_DAYS, DAY_MS, RECORD_DAYS, day_number
from bot.errors import QueueDownError
from bot.state.redis_usage import RedisUsage, UsageKeys
from bot.storage.connect import ANSWER_TIMEOUT_S, open_client
from tests.contract.usage_backends import GUILD, USER, asked, ended
from tests.redis_servers import RedisServer, any_server, running_server

KEYS = UsageKeys("p")


@pytest.fixture
def usage_server() -> Iterator[RedisServer]:
    """A server for this test alone."""
    with running_server(any_server()) as server:
        yield server


@pytest.fixture
async def client(usage_server: RedisServer) -> AsyncIterator[Redis]:
    """Connected to it; bytes come back as text, as in the bot."""
    async with open_client(usage_server.url, ANSWER_TIMEOUT_S) as client:
        yield client


async def all_keys(client: Any) -> list[str]:
    return sorted(await client.keys("*"))


async def test_every_key_expires_by_itself_and_lies_in_one_slot(client: Any):
    """User ids are gone with the seventh day, counts with the ninetieth."""
    usage = RedisUsage(client, pool="p")
    await usage.asked(asked("1"))
    await usage.ended(ended("1"))

    now_ms = time.time() * 1000
    left_days = {key: (await client.pttl(key)) / DAY_MS for key in await all_keys(client)}

    today_ms = now_ms - day_number(now_ms) * DAY_MS
    assert all(key.startswith("{p-usage}:") for key in left_days)
    kinds = {key.split(":")[1]: days for key, days in left_days.items()}
    assert {"job", "asked", "ended", "day", "user"} == set(kinds)
    gone = today_ms / DAY_MS
    assert kinds["asked"] == pytest.approx(RECORD_DAYS - gone, abs=0.01)
    assert kinds["ended"] == pytest.approx(kinds["asked"], abs=0.01)
    assert kinds["day"] == pytest.approx(COUNTER_DAYS - gone, abs=0.01)
    assert kinds["user"] == pytest.approx(RECORD_DAYS, abs=0.01)
    assert kinds["job"] == pytest.approx(1, abs=0.01)


async def test_counters_of_each_day_are_found(client: Any):
    """Written as an earlier day would have left them."""
    usage = RedisUsage(client, pool="p")
    today = day_number(time.time() * 1000)
    for ago in (0, 3, 6, 7):
        await client.hset(KEYS.key(f"day:{GUILD}:{today - ago}"), "jobs", 10 + ago)

    days = await usage.days(GUILD, 7)

    assert [16, 0, 0, 13, 0, 0, 10] == [day.counts.jobs for day in days]


async def test_records_of_each_day_are_found_and_bounded_together(client: Any):
    """The oldest day makes room first; a day that is too old to be kept is not read."""
    usage = RedisUsage(client, pool="p", max_records=150)
    today = day_number(time.time() * 1000)
    for ago in (7, 6, 2):
        for number in range(120):
            record = asked(f"{ago}-{number}").to_json()
            await client.xadd(KEYS.key(f"asked:{GUILD}:{today - ago}"), {"r": record})

    await usage.asked(asked("new"))

    kept = [request.job_id for request in await usage.requests(GUILD)]
    assert "new" == kept[-1]
    assert [f"2-{number}" for number in range(120)] == kept[-121:-1]
    assert 150 < len(kept) < 250  # of the oldest day some went, a whole node at a time


async def test_what_can_not_be_read_is_left_out(client: Any):
    """Damaged, or of a newer program; the others are there."""
    usage = RedisUsage(client, pool="p")
    await usage.asked(asked("1"))
    await usage.ended(ended("1"))
    for kind in ("asked", "ended"):
        [stream] = await client.keys(f"*:{kind}:*")
        for record in ("{", '{"v":9}', ""):
            await client.xadd(stream, {"r": record})

    assert ["1"] == [request.job_id for request in await usage.requests(GUILD)]


async def test_end_waits_ten_minutes_for_its_request(client: Any):
    """Then it is a day's record like every other."""
    usage = RedisUsage(client, pool="p")
    await usage.ended(ended("1"))
    assert 590_000 < await client.pttl(KEYS.key("job:1")) <= 600_000

    await usage.asked(asked("1"))

    assert 600_000 < await client.pttl(KEYS.key("job:1"))
    assert {"guild", "day"} == (await client.hgetall(KEYS.key("job:1"))).keys()


async def test_forgotten_user_leaves_no_key(client: Any):
    """The index of their servers goes with the records."""
    usage = RedisUsage(client, pool="p")
    await usage.asked(asked("1", user_id=777_000_777))
    assert KEYS.key("user:777000777") in await all_keys(client)

    await usage.forget_user(777_000_777)

    assert KEYS.key("user:777000777") not in await all_keys(client)
    assert [] == await usage.requests(GUILD)


async def test_forgotten_server_leaves_nothing_but_open_jobs(client: Any):
    """Those name the server for a day at most."""
    usage = RedisUsage(client, pool="p")
    await usage.asked(asked("1"))
    await usage.ended(ended("1"))

    await usage.forget_guild(GUILD)

    kinds = [key.split(":")[1:3] for key in await all_keys(client)]
    assert [["day", "all"], ["job", "1"], ["user", str(USER)]] == kinds


async def test_absent_server_is_said_so(client: Redis, usage_server: RedisServer):
    """By every method, with the sentence for a person."""
    usage = RedisUsage(client, pool="p")
    usage_server.kill()

    for call in (
        usage.asked(asked("1")),
        usage.ended(ended("1")),
        usage.requests(GUILD),
        usage.days(GUILD, 7),
        usage.forget_guild(GUILD),
        usage.forget_user(USER),
    ):
        with pytest.raises(QueueDownError):
            await call
