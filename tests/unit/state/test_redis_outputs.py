"""What is particular to texts on Redis: lifetimes, the slot, what is left, an absent server."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from redis.asyncio import Redis
from structlog.testing import capture_logs

from bot.errors import QueueDownError
from bot.state.outputs_api import WRITING_S
from bot.state.redis_outputs import RedisOutputs
from bot.storage.connect import ANSWER_TIMEOUT_S, open_client
from tests.contract.outputs_backends import GUILD, USER, make_output
from tests.redis_servers import RedisServer, any_server, running_server

DAY_MS = 86_400_000
SHORT_DAYS = 0.3 / 86_400
P = "{p-outputs}:"


@pytest.fixture
def outputs_server() -> Iterator[RedisServer]:
    """A server for this test alone."""
    with running_server(any_server()) as server:
        yield server


@pytest.fixture
async def client(outputs_server: RedisServer) -> AsyncIterator[Redis]:
    """Connected to it; bytes come back as text, as in the bot."""
    async with open_client(outputs_server.url, ANSWER_TIMEOUT_S) as client:
        yield client


async def all_keys(client: Any) -> list[str]:
    return sorted(await client.keys("*"))


async def test_every_key_but_the_list_of_owners_expires(client: Any):
    """With its last text; and all lie in one slot."""
    outputs = RedisOutputs(client, pool="p", keep_days=3)
    await outputs.save([make_output("A"), make_output("B")])
    await outputs.begin("1", "2")

    left_ms = {key: await client.pttl(key) for key in await all_keys(client)}

    assert -1 == left_ms.pop(f"{P}owners")
    assert left_ms.pop(f"{P}writing:1") == pytest.approx(WRITING_S * 1000, abs=5_000)
    names = ("of:guild:10", "of:user:100", "reply:1", "text:A", "text:B")
    assert [P + name for name in names] == sorted(left_ms)
    assert all(left == pytest.approx(3 * DAY_MS, abs=5_000) for left in left_ms.values())


async def test_shorter_time_makes_no_index_forget_older_texts(client: Any):
    """A host who keeps new texts for a day still keeps the old ones as long as was said."""
    await RedisOutputs(client, pool="p", keep_days=30).save([make_output("A")])
    outputs = RedisOutputs(client, pool="p", keep_days=1)
    await outputs.save([make_output("B", root="2", job_id="2")])

    assert await client.pttl(f"{P}of:user:{USER}") > 29 * DAY_MS
    kept = await outputs.kept_of_user(USER)
    assert (2, True) == (kept.count, kept.until_s is not None)


async def test_forgotten_texts_leave_no_key(client: Any):
    """Whoever is forgotten, the server or the user."""
    outputs = RedisOutputs(client, pool="p")
    for forget in (outputs.forget_user, outputs.forget_guild):
        await outputs.save([make_output("A"), make_output("B")])
        await outputs.note_messages("A", [5])
        await outputs.save([make_output("C", job_id="2")])

        assert 3 == await forget({outputs.forget_user: USER, outputs.forget_guild: GUILD}[forget])

        assert [] == await all_keys(client)


async def test_swept_texts_leave_no_key(client: Any):
    """Not even where there are more than one sweep takes."""
    outputs = RedisOutputs(client, pool="p", keep_days=SHORT_DAYS)
    for number in range(130):
        await outputs.save([make_output(f"T{number}", root=str(number), job_id=str(number))])
    # So that the index of the user outlives those texts.
    await RedisOutputs(client, pool="p").save([make_output("kept", root="k", job_id="k")])
    await asyncio.sleep(0.4)

    while await outputs.sweep():
        pass

    assert ["kept"] == await client.zrange(f"{P}of:user:{USER}", 0, -1)
    assert 1 == await outputs.forget_user(USER)
    assert [] == await all_keys(client)


async def test_index_forgets_what_is_over_when_a_text_is_added(client: Any):
    """Without any sweep."""
    outputs = RedisOutputs(client, pool="p", keep_days=SHORT_DAYS)
    await outputs.save([make_output("A")])
    later = RedisOutputs(client, pool="p")
    await later.save([make_output("B", root="2", job_id="2")])
    await asyncio.sleep(0.4)

    await later.save([make_output("C", root="3", job_id="3")])

    assert ["B", "C"] == await client.zrange(f"{P}of:guild:{GUILD}", 0, -1)


async def test_what_can_not_be_read_is_left_out(client: Any):
    """Damaged, or of a newer program; the others are there."""
    outputs = RedisOutputs(client, pool="p")
    await outputs.save([make_output("A"), make_output("B"), make_output("C")])
    await client.hset(f"{P}text:A", "json", '{"v":9}')
    await client.hset(f"{P}text:B", "json", "{")

    with capture_logs():
        assert await outputs.find("A") is None
        assert ["C"] == [output.code for output in await outputs.versions("1")]
        assert 3 == await outputs.forget_user(USER)


async def test_absent_server_is_said_so(client: Redis, outputs_server: RedisServer):
    """By every method, with the sentence for a person."""
    outputs = RedisOutputs(client, pool="p")
    outputs_server.kill()

    for call in (
        outputs.save([make_output()]),
        outputs.find("A"),
        outputs.versions("1"),
        outputs.keep("1", "A"),
        outputs.begin("1", "2"),
        outputs.end("1", "2"),
        outputs.note_messages("A", [1]),
        outputs.messages("A"),
        outputs.of_user(USER),
        outputs.kept_of_user(USER),
        outputs.forget_user(USER),
        outputs.forget_guild(GUILD),
        outputs.sweep(),
    ):
        with pytest.raises(QueueDownError):
            await call
