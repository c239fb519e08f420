"""Opening the queue: addresses, logins, and what a person reads when it fails."""

import re
import socket
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from redis.asyncio import Redis

from bot.errors import UnreachableError
from bot.jobqueue.connect import open_queue, open_queues, pool_of
from bot.storage.connect import shown_address
from tests.factories import make_job
from tests.redis_servers import RedisServer


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("redis://example.org", "example.org:6379"),
        ("rediss://user:geheim@example.org:7000/2?x=geheim", "example.org:7000"),
        ("unix:///run/redis.sock?password=geheim", "/run/redis.sock"),
        ("unix://user:geheim@/run/redis.sock", "/run/redis.sock"),
    ],
)
def test_shown_address_names_the_server_and_no_secret(url: str, shown: str):
    """It may stand in a log or on a screen."""
    assert shown == shown_address(url)


# Among many names some that look alike: what is replaced in one may stand in another.
NAMES = st.text(st.sampled_from("aZ09_.-~%{}: /ü\ud800"), max_size=6) | st.text(max_size=6)


@given(NAMES, NAMES)
def test_each_model_has_a_pool_of_its_own(one: str, other: str):
    """Whatever its name, and with nothing in it that a hash tag or a pattern would stumble over."""
    assert (one == other) == (pool_of("b", one) == pool_of("b", other))
    assert re.fullmatch(r"b-[A-Za-z0-9_.~%-]*", pool_of("b", one))


@pytest.mark.parametrize(
    ("model", "pool"),
    [
        ("gpt2-xl", "b-gpt2-xl"),
        ("my_model.v1", "b-my_model.v1"),
        ("a b", "b-a%20b"),
        ("a_b", "b-a_b"),
        ("a%20b", "b-a%2520b"),
        ("usage", "b-%75sage"),
        ("%75sage", "b-%2575sage"),
    ],
)
def test_pool_is_named_by_its_model(model: str, pool: str):
    """As it is, where it is as names mostly are."""
    assert pool == pool_of("b", model)


@pytest.mark.parametrize("kind", ["limits", "models", "settings", "usage"])
async def test_no_model_gets_at_the_keys_of_other_stores(server: RedisServer, kind: str):
    """A model may be called as they are."""
    async with open_queues(server.url, base="b") as store:
        await store.queue(kind).put(make_job("1", deadline_at_s=time.time() + 600))

        tags = {key.partition(":")[0] async for key in store.commands.scan_iter()}

    assert f"{{b-{kind}}}" not in tags
    assert 1 == len(tags)


async def test_absent_server_is_one_sentence():
    """With the address, without the password, and in bounded time."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
        started = time.monotonic()
        with pytest.raises(UnreachableError) as caught:
            async with open_queue(f"redis://:geheim@127.0.0.1:{port}/0", start_for_s=0.3):
                pass

    assert f"Redis can't be reached at 127.0.0.1:{port}." == str(caught.value)
    assert time.monotonic() - started < 2


async def test_broken_address_is_one_sentence_without_the_password():
    """A slash in a password makes the rest of it look like a port."""
    with pytest.raises(UnreachableError) as caught:
        async with open_queue("redis://:ge/heim@example.org:6379"):
            pass

    assert "The address of Redis can't be understood." == str(caught.value)
    assert caught.value.__suppress_context__


async def test_wrong_password_is_said_at_once(server: RedisServer):
    """Trying again would not help; the password is not repeated."""
    admin = Redis(unix_socket_path=str(server.socket))
    await admin.config_set("requirepass", "richtig")
    await admin.aclose()
    started = time.monotonic()

    for url in (f"unix://:geheim@{server.socket}", server.url):
        with pytest.raises(UnreachableError) as caught:
            async with open_queue(url):
                pass
        assert "refused the login" in str(caught.value)
        assert "geheim" not in str(caught.value)
    assert time.monotonic() - started < 2

    async with open_queue(f"unix://:richtig@{server.socket}") as queue:
        assert 0 == (await queue.load()).queued
