"""What every store of scored games does: in memory, on Redis, on Redis 6.2, in a cluster."""

import asyncio
import secrets
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from dataclasses import replace
from typing import Any

import pytest

from bot.play.api import Game, Result, Session
from bot.state.memory_sessions import MemorySessions
from bot.state.redis_sessions import RedisSessions
from bot.state.sessions_api import SessionSaved, SessionsStore
from bot.storage.connect import ANSWER_TIMEOUT_S, open_client

GUILD, CHANNEL, ANNA, BEN = 10, 20, 100, 200
MakeStore = Callable[[float], SessionsStore]


@pytest.fixture(params=["memory", "redis", "redis-6.2", "redis-cluster", "valkey-8"])
async def make_store(request: pytest.FixtureRequest) -> AsyncIterator[MakeStore]:
    """Each test runs on all of them."""
    fixtures = {
        "redis": "path_server",
        "redis-6.2": "old_server",
        "redis-cluster": "cluster_server",
        "valkey-8": "other_server",
    }
    async with AsyncExitStack() as stack:
        if request.param == "memory":
            yield lambda days: MemorySessions(clock=time.time, keep_days=days)
            return
        server = request.getfixturevalue(fixtures[request.param])
        client = await stack.enter_async_context(open_client(server.url, ANSWER_TIMEOUT_S))
        pool = f"test-{secrets.token_hex(6)}"
        yield lambda days: RedisSessions(client, pool=pool, keep_days=days)


@pytest.fixture
def store(make_store: MakeStore) -> SessionsStore:
    """An empty one."""
    return make_store(7)


def session(id_: str = "1", **changes: Any) -> Session:
    one = Session(
        id=id_, game=Game.NEXTWORD, guild_id=GUILD, channel_id=CHANNEL, owner_id=ANNA,
        language="en", created_at_s=1.0, changed_at_s=1.0, is_rated=True,
    )  # fmt: skip
    return replace(one, **changes)


def result(user_id: int, points: float, **changes: Any) -> Result:
    return Result(user_id=user_id, name=f"n{user_id}", points=points, **changes)


async def test_game_is_loaded_as_it_was_saved(store: SessionsStore):
    """With all that it holds."""
    full = session(
        guild_id=2**62 + 1, due_at_s=5.5, pending="9", recent=("a", "b"), message_id=2**61 + 3,
        state={"bets": {"1": [0.5, 1]}, "text": "\ud800 é"},
    )  # fmt: skip
    assert await store.create(full) is SessionSaved.DONE
    loaded = await store.load("1")

    assert loaded is not None
    assert loaded.session == full
    assert await store.load("2") is None


async def test_channel_has_one_game_at_a_time(store: SessionsStore):
    """Until it is over."""
    await store.create(session())
    assert await store.create(session(state={"other": 1})) is SessionSaved.DONE
    assert await store.create(session("2")) is SessionSaved.OCCUPIED
    assert await store.in_channel(CHANNEL) == "1"

    assert await store.save(session(is_over=True), revision=1) is SessionSaved.DONE
    assert await store.in_channel(CHANNEL) is None
    assert await store.create(session("2")) is SessionSaved.DONE
    assert await store.save(session(), revision=2) is SessionSaved.OCCUPIED


async def test_of_two_saves_on_one_state_one_counts(store: SessionsStore):
    """And its results are added once."""
    await store.create(session())
    over = session(is_over=True)
    saves = [store.save(over, revision=1, results=[result(ANNA, 5.0)]) for _ in range(5)]
    results = await asyncio.gather(*saves)

    assert sorted(results) == [SessionSaved.CONFLICT] * 4 + [SessionSaved.DONE]
    (line,) = await store.table(GUILD, Game.NEXTWORD)
    assert (line.games, line.points) == (1, 5.0)
    assert await store.save(session("9"), revision=1) is SessionSaved.GONE


async def test_table_adds_up(store: SessionsStore):
    """Points are summed, scores are means of those games that have them."""
    for number, results in enumerate(
        ([result(ANNA, 5.0, brier=0.1), result(BEN, 80.5)], [result(ANNA, -2.5, brier=0.3)])
    ):
        one = session(str(number), channel_id=number)
        await store.create(one)
        await store.save(replace(one, is_over=True), revision=1, results=results)
    first, second = await store.table(GUILD, Game.NEXTWORD)

    assert (first.user_id, first.games, first.points, first.brier) == (BEN, 1, 80.5, None)
    assert (second.user_id, second.games, second.points) == (ANNA, 2, 2.5)
    assert second.brier == pytest.approx(0.2)
    assert await store.table(GUILD, Game.IMPOSTER) == []
    assert await store.table(GUILD + 1, Game.NEXTWORD) == []
    assert len(await store.table(GUILD, Game.NEXTWORD, limit=1)) == 1


async def test_direct_messages_have_no_table(store: SessionsStore):
    """There is nobody to compare with."""
    alone = session(guild_id=None)
    await store.create(alone)
    await store.save(replace(alone, is_over=True), revision=1, results=[result(ANNA, 1.0)])

    assert await store.n_of_user(ANNA) == 0


async def test_what_is_due_goes_to_one_caller(store: SessionsStore):
    """Again after its lease, unless it was saved or is over."""
    now_s = time.time()
    for number, due_s in (("1", now_s - 5), ("2", now_s - 9), ("3", now_s + 900), ("4", None)):
        await store.create(session(number, channel_id=int(number), due_at_s=due_s))

    assert await store.claim_due(lease_s=0.2) == ["2", "1"]
    assert await store.claim_due() == []
    await store.save(session("2", channel_id=2, due_at_s=now_s, is_over=True), revision=1)
    await asyncio.sleep(0.3)
    assert await store.claim_due() == ["1"]


async def test_member_is_taken_out_of_the_tables(store: SessionsStore):
    """Others stay."""
    await store.create(session())
    results = [result(ANNA, 1.0), result(BEN, 2.0)]
    await store.save(session(is_over=True), revision=1, results=results)

    assert await store.n_of_user(ANNA) == 1
    assert await store.forget_user(ANNA) == 1
    assert await store.n_of_user(ANNA) == 0
    assert [one.user_id for one in await store.table(GUILD, Game.NEXTWORD)] == [BEN]


async def test_server_is_forgotten_with_its_tables(store: SessionsStore):
    """Its members' other tables stay."""
    for number, guild_id in (("1", GUILD), ("2", GUILD + 1)):
        one = session(number, channel_id=int(number), guild_id=guild_id)
        await store.create(one)
        await store.save(replace(one, is_over=True), revision=1, results=[result(ANNA, 1.0)])

    assert await store.forget_guild(GUILD) == 1
    assert await store.table(GUILD, Game.NEXTWORD) == []
    assert await store.n_of_user(ANNA) == 1


async def test_games_go_when_their_time_is_over(make_store: MakeStore):
    """Reckoned from the last move."""
    store = make_store(0.3 / 86_400)
    await store.create(session(due_at_s=time.time()))
    await asyncio.sleep(0.5)

    assert await store.load("1") is None
    assert await store.in_channel(CHANNEL) is None
    assert await store.claim_due() == []
