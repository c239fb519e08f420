"""The fault switch over HTTP, as another process uses it, and how faults look on the wire."""

from collections.abc import AsyncIterator

import aiohttp
import pytest

from bot.local.discord_server import LocalDiscord, open_local_discord
from bot.local.faults import Fault, FaultKind

TEXT = {"content": "Once upon a time"}


@pytest.fixture
async def local() -> AsyncIterator[LocalDiscord]:
    async with open_local_discord() as local:
        yield local


@pytest.fixture
async def web(local: LocalDiscord) -> AsyncIterator[aiohttp.ClientSession]:
    headers = {"Authorization": f"Bot {local.token}"}
    async with aiohttp.ClientSession(headers=headers) as session:
        yield session


def messages_url(local: LocalDiscord) -> str:
    return f"{local.api_url}/channels/{local.general.id}/messages"


async def test_another_process_switches_faults(
    local: LocalDiscord, web: aiohttp.ClientSession
) -> None:
    """By name or by their fields; it sees what waits, and calls it off."""
    url = f"{local.base_url}/faults"
    fault = {"kind": "status", "status": 403, "code": 50013, "path": "/channels/*", "times": None}
    for body in ({"name": "storm"}, fault, {"kind": "drop", "times": 3}):
        async with web.post(url, json=body) as answer:
            assert 204 == answer.status
    async with web.get(url) as answer:
        found = (await answer.json())["waiting"]
    assert [(429, None), (403, None), (500, 3)] == [(one["status"], one["times"]) for one in found]
    async with web.post(messages_url(local), json=TEXT) as answer:
        assert (403, 50013) == (answer.status, (await answer.json())["code"])
    async with web.delete(url) as answer:
        assert 204 == answer.status
    async with web.post(messages_url(local), json=TEXT) as answer:
        assert 200 == answer.status


@pytest.mark.parametrize(
    "body",
    [
        {"name": "thunder"}, {"kind": "odd"}, [], {}, {"kind": "drop", "times": 0},
        {"kind": "drop", "colour": "red"}, {"kind": "status", "status": 20},
        {"kind": "slow", "delay_s": 3, "longest_delay_s": 1}, {"kind": "slow", "every": 0},
    ],
)  # fmt: skip
async def test_what_is_no_fault_is_refused(
    local: LocalDiscord, web: aiohttp.ClientSession, body: object
) -> None:
    """With a reason, and nothing is switched on."""
    async with web.post(f"{local.base_url}/faults", json=body) as answer:
        assert 400 == answer.status
    assert 0 == len(local.faults)


async def test_the_switch_takes_the_bots_token(local: LocalDiscord) -> None:
    """So that no page in a browser can press it."""
    async with aiohttp.ClientSession() as session:
        for method in ("GET", "POST", "DELETE"):
            url = f"{local.base_url}/faults"
            async with session.request(method, url, json={"name": "cut"}) as answer:
                assert 401 == answer.status
    assert 0 == len(local.faults)


@pytest.mark.parametrize("scope", ["user", "shared", "global"])
async def test_refusals_say_whose_limit_it_is(
    local: LocalDiscord, web: aiohttp.ClientSession, scope: str
) -> None:
    """A global one names no bucket."""
    fault = {"kind": "status", "status": 429, "scope": scope, "delay_s": 1.5}
    async with web.post(f"{local.base_url}/faults", json=fault) as answer:
        assert 204 == answer.status
    async with web.post(messages_url(local), json=TEXT) as answer:
        body, headers = await answer.json(), answer.headers
    assert (429, 1.5, scope == "global") == (answer.status, body["retry_after"], body["global"])
    assert ("2", scope) == (headers["Retry-After"], headers["X-RateLimit-Scope"])
    assert (scope == "global") == ("X-RateLimit-Global" in headers)
    assert (scope != "global") == ("X-RateLimit-Bucket" in headers)


async def test_a_nonce_keeps_a_message_from_being_posted_twice(
    local: LocalDiscord, web: aiohttp.ClientSession
) -> None:
    """Also where the first answer got lost."""
    cut = Fault(kind=FaultKind.DROP, path="/channels/*", applied=True)
    body = TEXT | {"nonce": "17-0", "enforce_nonce": True}
    local.faults.add(cut)
    with pytest.raises(aiohttp.ClientError):
        await web.post(messages_url(local), json=body)
    ids: list[str] = []
    for _ in range(2):
        async with web.post(messages_url(local), json=body) as answer:
            ids.append((await answer.json())["id"])
    assert 1 == len(set(ids))
    assert 1 == len(local.messages(local.general, local.ada))
    async with web.post(messages_url(local), json=TEXT) as answer:
        assert 200 == answer.status
    assert 2 == len(local.messages(local.general, local.ada))


async def test_channels_messages_and_permissions_go(
    local: LocalDiscord, web: aiohttp.ClientSession
) -> None:
    """Each with the code that Discord has for it."""

    async def post() -> tuple[int, int]:
        async with web.post(messages_url(local), json=TEXT) as answer:
            return answer.status, (await answer.json()).get("code", 0)

    assert (200, 0) == await post()
    message_id = int(local.messages(local.general, local.ada)[0]["id"])
    local.delete_message(local.general, message_id)
    assert [] == local.messages(local.general, local.ada)
    local.deny_bot(local.general, "send_messages")
    assert (403, 50013) == await post()
    local.deny_bot(local.general, "view_channel")
    assert (403, 50001) == await post()
    local.deny_bot(local.general)
    assert (200, 0) == await post()
    local.delete_channel(local.general)
    assert (404, 10003) == await post()
