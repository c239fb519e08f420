"""The page's server side: who may connect, and who is told what."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from bot.local.discord_server import LocalDiscord, open_local_discord

COMMAND = {"name": "complete", "description": "Goes on", "type": 1, "options": []}


@pytest.fixture
async def local() -> AsyncIterator[LocalDiscord]:
    async with open_local_discord() as local:
        yield local


@pytest.fixture
async def web() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


async def open_live(
    local: LocalDiscord, web: aiohttp.ClientSession, member_id: int | None = None
) -> tuple[aiohttp.ClientWebSocketResponse, dict[str, Any]]:
    socket = await web.ws_connect(f"{local.base_url}/live", headers={"Origin": local.base_url})
    await socket.send_json({"type": "view", "member": str(member_id or local.ada.id)})
    return socket, await socket.receive_json(timeout=5)


async def test_the_page_allows_no_foreign_script(
    local: LocalDiscord, web: aiohttp.ClientSession
) -> None:
    """A strict content security policy, and nothing inline that would need an exception."""
    async with web.get(local.page_url) as answer:
        policy = answer.headers["Content-Security-Policy"]
        text = await answer.text()
    assert "default-src 'none'; script-src 'self'; style-src 'self'" in policy
    assert "unsafe" not in policy
    assert 1 == text.count("<script") == text.count('src="/page/app.js"></script>')
    assert "style=" not in text


@pytest.mark.parametrize("path", ["/page/..%2flive_front.py", "/page/index.py", "/page/none.js"])
async def test_only_the_pages_own_files_are_served(
    local: LocalDiscord, web: aiohttp.ClientSession, path: str
) -> None:
    """Nothing beside the page's folder can be read."""
    async with web.get(aiohttp.client.URL(local.base_url + path, encoded=True)) as answer:
        assert 404 == answer.status


@pytest.mark.parametrize("origin", ["https://evil.example", "", "http://127.0.0.1:1"])
async def test_other_sites_may_not_connect(
    local: LocalDiscord, web: aiohttp.ClientSession, origin: str
) -> None:
    """A page of another origin could otherwise act as a member."""
    with pytest.raises(aiohttp.WSServerHandshakeError, match="403"):
        await web.ws_connect(f"{local.base_url}/live", headers={"Origin": origin})


async def test_a_foreign_name_for_this_machine_is_refused(
    local: LocalDiscord, web: aiohttp.ClientSession
) -> None:
    """DNS rebinding: another site's name that points here gets nothing."""
    async with web.get(local.page_url, headers={"Host": "evil.example:80"}) as answer:
        assert 403 == answer.status


async def test_a_viewer_sees_the_server_as_its_member(
    local: LocalDiscord, web: aiohttp.ClientSession
) -> None:
    """Both channels and the direct messages, with what was said before."""
    await local.say(local.ben, local.stories, "hello")
    _socket, hello = await open_live(local, web, local.ben.id)
    assert str(local.ben.id) == hello["member"]
    names = [(channel["name"], channel["direct"]) for channel in hello["channels"]]
    servers = [("general", False), ("stories", False), ("after-dark", False), ("taproom", False)]
    assert [*servers, ("Bardling", True)] == names
    assert ["after-dark"] == [channel["name"] for channel in hello["channels"] if channel["nsfw"]]
    assert [True, False] == [server["has_bot"] for server in hello["servers"]]
    assert "hello" == hello["channels"][1]["messages"][0]["content"]
    assert not hello["online"]


async def test_new_messages_are_pushed(local: LocalDiscord, web: aiohttp.ClientSession) -> None:
    """To every open page, what a page's own member says included."""
    ada, _ = await open_live(local, web)
    ben, _ = await open_live(local, web, local.ben.id)
    say = {"type": "say", "ref": 1, "channel": str(local.general.id), "content": "hi"}
    await ada.send_json(say)
    pushed = await ben.receive_json(timeout=5)
    assert ("message", "hi") == (pushed["type"], pushed["message"]["content"])
    assert "Ada" == pushed["message"]["author"]["username"]


async def test_ephemeral_replies_reach_their_asker_alone(
    local: LocalDiscord, web: aiohttp.ClientSession
) -> None:
    """The other member's page gets the next public message, and nothing before it."""
    headers = {"Authorization": f"Bot {local.token}"}
    commands = f"{local.api_url}/applications/{local.application_id}/commands"
    async with web.put(commands, json=[COMMAND], headers=headers):
        pass
    ada, _ = await open_live(local, web)
    ben, _ = await open_live(local, web, local.ben.id)
    asked = await local.slash(local.ada, local.general, "complete")
    callback = f"{local.api_url}/interactions/{asked.id}/{asked.token}/callback"
    answer = {"type": 4, "data": {"content": "for you", "flags": 64}}
    async with web.post(callback, json=answer):
        pass
    await local.say(local.ada, local.general, "for all")
    assert "for you" == (await ada.receive_json(timeout=5))["message"]["content"]
    assert "for all" == (await ben.receive_json(timeout=5))["message"]["content"]


async def test_a_command_without_an_answer_is_told_after_three_seconds(
    local: LocalDiscord, web: aiohttp.ClientSession
) -> None:
    """As Discord does: no bot is connected here."""
    headers = {"Authorization": f"Bot {local.token}"}
    commands = f"{local.api_url}/applications/{local.application_id}/commands"
    async with web.put(commands, json=[COMMAND], headers=headers):
        pass
    ada, _ = await open_live(local, web)
    slash = {"type": "slash", "ref": 7, "channel": str(local.general.id), "name": "complete"}
    await ada.send_json(slash | {"options": {}})
    started = await ada.receive_json(timeout=5)
    assert ("started", 7) == (started["type"], started["ref"])
    at_s = asyncio.get_running_loop().time()
    told = await ada.receive_json(timeout=5)
    assert ("unanswered", started["interaction"]) == (told["type"], told["interaction"])
    assert asyncio.get_running_loop().time() - at_s > 2.5


@pytest.mark.parametrize(
    "action",
    [
        {"type": "slash", "name": "nothing", "options": {}},
        {"type": "component", "message": "1", "custom_id": "x"},
        {"type": "dance"},
        {"type": "say", "content": "  "},
    ],
)
async def test_what_a_member_cannot_do_is_refused_with_a_reason(
    local: LocalDiscord, web: aiohttp.ClientSession, action: dict[str, Any]
) -> None:
    """The connection stays open."""
    ada, _ = await open_live(local, web)
    await ada.send_json({"ref": 1, "channel": str(local.general.id)} | action)
    refused = await ada.receive_json(timeout=5)
    assert ("refused", 1) == (refused["type"], refused["ref"])
    assert refused["error"].endswith(".")
