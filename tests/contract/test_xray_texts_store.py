"""What every store of X-rays as text does: in memory, and on the oldest and newest Redis."""

import asyncio
import secrets
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.jobs import UnknownVersionError
from bot.core.xray_texts import XrayText
from bot.state.memory_xray_texts import MemoryXrayTexts
from bot.state.redis_xray_texts import RedisXrayTexts
from bot.state.xray_texts_api import XrayTextsStore
from bot.storage.connect import ANSWER_TIMEOUT_S, open_client
from tests.redis_servers import RedisServer

GUILD, USER, OTHER = 2**62 + 10, 2**62 + 100, 101


def xray(xray_id: str = "1", **changes: object) -> XrayText:
    """A text; `changes` replace its fields."""
    values: dict = {"user_id": USER, "guild_id": GUILD, "parts": ("first\n“ ”", "second 🦊")}
    return XrayText(id=xray_id, **(values | changes))


class XrayBackend:
    """Makes stores of one kind."""

    def __init__(self, server: RedisServer | None, stack: AsyncExitStack) -> None:
        self.server = server
        self._stack = stack

    async def store(self, keep_days: float = 30) -> XrayTextsStore:
        """An empty store."""
        if self.server is None:
            return MemoryXrayTexts(clock=time.time, keep_days=keep_days)
        client = await self._stack.enter_async_context(
            open_client(self.server.url, ANSWER_TIMEOUT_S)
        )
        return RedisXrayTexts(client, pool=f"test-{secrets.token_hex(6)}", keep_days=keep_days)


@pytest.fixture(params=["memory", "redis", "redis-6.2"])
async def xrays(request: pytest.FixtureRequest) -> AsyncIterator[XrayBackend]:
    """Each test runs on all three."""
    fixtures = {"redis": "path_server", "redis-6.2": "old_server"}
    server = None if request.param == "memory" else request.getfixturevalue(fixtures[request.param])
    async with AsyncExitStack() as stack:
        yield XrayBackend(server, stack)


@pytest.fixture
async def store(xrays: XrayBackend) -> XrayTextsStore:
    """An empty one."""
    return await xrays.store()


async def test_text_is_found_as_it_was_saved(store: XrayTextsStore):
    """To the letter; unknown ids find nothing."""
    await store.save(xray())

    assert xray() == await store.find("1")
    assert None is await store.find("2")


async def test_another_attempt_replaces_the_text(store: XrayTextsStore):
    """It is there once."""
    await store.save(xray(parts=("old",)))
    await store.save(xray())

    assert [xray()] == await store.of_user(USER)


async def test_text_goes_after_its_time(xrays: XrayBackend):
    """Everywhere; what is saved again gets its full time."""
    store = await xrays.store(keep_days=1 / 86_400)
    await store.save(xray())
    await asyncio.sleep(1.05)
    await store.save(xray("2"))

    assert None is await store.find("1")
    assert [xray("2")] == await store.of_user(USER)
    assert 1 == await store.forget_user(USER)


async def test_user_is_forgotten_everywhere(store: XrayTextsStore):
    """Also in direct messages; others keep theirs. There may be more than one batch."""
    for number in range(450):
        await store.save(xray(str(number), guild_id=None if number % 2 else GUILD))
    await store.save(xray("other", user_id=OTHER))

    assert 450 == len(await store.of_user(USER))
    assert 450 == await store.forget_user(USER)
    assert [] == await store.of_user(USER)
    assert None is await store.find("7")
    assert xray("other", user_id=OTHER) == await store.find("other")
    assert 0 == await store.forget_user(USER)


async def test_server_is_forgotten(store: XrayTextsStore):
    """Of its members what they asked for elsewhere stays."""
    await store.save(xray("1"))
    await store.save(xray("2", user_id=OTHER))
    await store.save(xray("3", guild_id=None))
    await store.save(xray("4", guild_id=11))

    assert 2 == await store.forget_guild(GUILD)
    assert ["3", "4"] == [one.id for one in await store.of_user(USER)]
    assert [] == await store.of_user(OTHER)
    assert 0 == await store.forget_guild(GUILD)


async def test_forgotten_user_is_not_counted_with_the_server(store: XrayTextsStore):
    """Nothing of it is left there."""
    await store.save(xray("1"))
    await store.forget_user(USER)

    assert 0 == await store.forget_guild(GUILD)


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"])), min_size=1))
def test_record_keeps_any_text(parts: list[str]):
    """As JSON."""
    text = xray(parts=tuple(parts))
    assert text == XrayText.from_json(text.to_json())


def test_record_of_a_newer_program_is_told_from_a_damaged_one():
    """Only the damaged one is nobody's."""
    with pytest.raises(UnknownVersionError):
        XrayText.from_json(xray().to_json().replace('"v":1', '"v":99'))
    for damaged in ("{}", "[]", '{"v":1}', "no"):
        with pytest.raises(ValueError, match=r"damaged|Expecting"):
            XrayText.from_json(damaged)
