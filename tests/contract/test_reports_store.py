"""What every store of reports does: in memory, on the machine's Redis, and on Redis 6.2."""

import secrets
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import replace

import pytest

from bot.core.reports import REPORTS_PER_HOUR, Report
from bot.state.memory_reports import MemoryReports
from bot.state.redis_reports import RedisReports
from bot.state.reports_api import Filed, ReportsStore
from bot.storage.connect import ANSWER_TIMEOUT_S, open_client

GUILD, OTHER_GUILD, REPORTER, ASKER = 10, 11, 2**62 + 1, 100
MAX_REPORTS = 6


def report(number: int = 1, **changes: object) -> Report:
    """Each number is another report of another text."""
    made = Report(
        id=str(number),
        code=f"CODE{number}",
        guild_id=GUILD,
        place_id=GUILD,
        channel_id=20,
        message_id=900,
        reporter_id=REPORTER,
        user_id=ASKER,
        reason="rude",
        prompt="Once",
        text=" upon a time ☃ || \n",
        at_s=5.0,
    )
    return replace(made, **changes)  # pyright: ignore[reportArgumentType]


@pytest.fixture(params=["memory", "redis", "redis-6.2"])
async def store(request: pytest.FixtureRequest) -> AsyncIterator[ReportsStore]:
    """Each test runs on all three."""
    if request.param == "memory":
        yield MemoryReports(time.time, max_reports=MAX_REPORTS)
        return
    fixtures = {"redis": "path_server", "redis-6.2": "old_server"}
    server = request.getfixturevalue(fixtures[request.param])
    async with AsyncExitStack() as stack:
        client = await stack.enter_async_context(open_client(server.url, ANSWER_TIMEOUT_S))
        pool = f"test-{secrets.token_hex(6)}"
        yield RedisReports(client, pool=pool, max_reports=MAX_REPORTS)


async def test_reports_come_back_whole_the_newest_first(store: ReportsStore):
    """Of servers and of direct messages alike."""
    made = [report(1), report(2, guild_id=None, place_id=None), report(3, guild_id=OTHER_GUILD)]
    for one in made:
        assert Filed.NEW is await store.file(one)
        time.sleep(0.002)  # noqa: ASYNC251  # two reports of one millisecond have no order

    assert made[::-1] == await store.newest(10)
    assert made[:0:-1] == await store.newest(2)


async def test_same_text_is_reported_once_by_each_member(store: ReportsStore):
    """A click that is told twice counts once, and says the same; another member counts anew."""
    assert Filed.NEW is await store.file(report(1))
    assert Filed.NEW is await store.file(report(1))
    assert Filed.AGAIN is await store.file(report(2, code="CODE1"))
    assert Filed.NEW is await store.file(report(3, code="CODE1", reporter_id=7))

    assert {"1", "3"} == {one.id for one in await store.newest(10)}


async def test_member_reports_a_few_an_hour(store: ReportsStore):
    """The next ones are refused; those of others are not."""
    for number in range(REPORTS_PER_HOUR):
        assert Filed.NEW is await store.file(report(number))

    assert Filed.TOO_MANY is await store.file(report(99))
    assert Filed.NEW is await store.file(report(100, reporter_id=7))


async def test_server_keeps_its_newest(store: ReportsStore):
    """However many members report; other servers keep theirs."""
    await store.file(report(1000, guild_id=OTHER_GUILD, reporter_id=5))
    for number in range(MAX_REPORTS + 2):
        await store.file(report(number, reporter_id=number + 10))
        time.sleep(0.002)  # noqa: ASYNC251

    kept = [one.id for one in await store.newest(50)]
    assert [*(str(number) for number in range(MAX_REPORTS + 1, 1, -1)), "1000"] == kept


async def test_dismissed_report_is_gone(store: ReportsStore):
    """And can't be filed anew by the same member."""
    await store.file(report(1))

    assert await store.dismiss("1")
    assert not await store.dismiss("1")
    assert [] == await store.newest(10)
    assert Filed.AGAIN is await store.file(report(2, code="CODE1"))


async def test_text_is_hidden_until_it_is_shown_again(store: ReportsStore):
    """Each by its code."""
    await store.hide("CODE1")

    assert await store.is_hidden("CODE1")
    assert not await store.is_hidden("CODE2")
    await store.show("CODE1")
    assert not await store.is_hidden("CODE1")


async def test_reports_of_a_user_are_found(store: ReportsStore):
    """What they reported, and what was reported of them, the oldest first."""
    for one in (report(1), report(2, reporter_id=7), report(3, reporter_id=7, user_id=REPORTER)):
        await store.file(one)
        time.sleep(0.002)  # noqa: ASYNC251  # two reports of one millisecond have no order

    assert ["1", "3"] == [one.id for one in await store.of_user(REPORTER)]
    assert [] == await store.of_user(12345)


async def test_user_is_forgotten(store: ReportsStore):
    """What they reported, and what was reported of them; nothing else."""
    await store.file(report(1))
    await store.file(report(2, reporter_id=7))
    await store.file(report(3, reporter_id=7, user_id=REPORTER))

    assert 2 == await store.forget_user(REPORTER)
    assert ["2"] == [one.id for one in await store.newest(10)]
    assert 0 == await store.forget_user(REPORTER)


async def test_server_is_forgotten(store: ReportsStore):
    """The other one is not."""
    await store.file(report(1))
    await store.file(report(2, guild_id=OTHER_GUILD))

    assert 1 == await store.forget_guild(GUILD)
    assert ["2"] == [one.id for one in await store.newest(10)]
