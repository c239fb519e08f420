"""The REST front speaks like Discord, down to the headers."""

import asyncio
import json
from collections.abc import AsyncIterator

import aiohttp
import pytest

from bot.local.discord_server import LocalDiscord, open_local_discord
from bot.local.faults import Fault, FaultKind
from bot.local.rate_limits import RateLimit

COMMAND = {"name": "complete", "description": "Goes on", "type": 1, "options": []}


@pytest.fixture
async def local() -> AsyncIterator[LocalDiscord]:
    async with open_local_discord(rate_limit=RateLimit(requests=2, window_s=30.0)) as local:
        yield local


@pytest.fixture
async def web(local: LocalDiscord) -> AsyncIterator[aiohttp.ClientSession]:
    headers = {"Authorization": f"Bot {local.token}"}
    async with aiohttp.ClientSession(headers=headers) as session:
        yield session


async def deferred(local: LocalDiscord, web: aiohttp.ClientSession) -> tuple[str, str]:
    """A command that a bot without gateway defers; its callback and its webhook address."""
    path = f"{local.api_url}/applications/{local.application_id}/commands"
    async with web.put(path, json=[COMMAND]) as answer:
        assert 200 == answer.status
    asked = await local.slash(local.ada, local.general, "complete")
    callback = f"{local.api_url}/interactions/{asked.id}/{asked.token}/callback"
    async with web.post(callback, params={"with_response": "1"}, json={"type": 5}) as answer:
        assert 200 == answer.status
    return callback, f"{local.api_url}/webhooks/{local.application_id}/{asked.token}"


async def test_json_is_announced_to_the_letter(
    local: LocalDiscord, web: aiohttp.ClientSession
) -> None:
    """discord.py reads a body as JSON only under this exact type."""
    async with web.get(f"{local.api_url}/users/@me") as answer:
        assert "application/json" == answer.headers["Content-Type"]
        assert "Bardling" == (await answer.json())["username"]


async def test_a_wrong_token_is_refused(local: LocalDiscord) -> None:
    """The routes of the bot need its login."""
    async with aiohttp.ClientSession() as session:
        for headers in ({}, {"Authorization": "Bot wrong"}):
            async with session.get(f"{local.api_url}/users/@me", headers=headers) as answer:
                assert 401 == answer.status


async def test_a_reply_is_edited_with_its_token_alone(
    local: LocalDiscord, web: aiohttp.ClientSession
) -> None:
    """`%40original` and no login: as a worker does it, file included."""
    _callback, webhook = await deferred(local, web)
    form = aiohttp.FormData()
    body = {"content": "Once", "attachments": [{"id": 0, "description": "A text"}]}
    form.add_field("payload_json", json.dumps(body), content_type="application/json")
    form.add_field("files[0]", b"upon a time", filename="rest.txt", content_type="text/plain")
    async with (
        aiohttp.ClientSession() as worker,
        worker.patch(yarl_quoted(webhook), data=form) as answer,
    ):
        assert 200 == answer.status
        attachment = (await answer.json())["attachments"][0]
    request = local.recorder.matching("PATCH", "@original")[-1]
    assert ("rest.txt",) == request.files
    assert body == request.body
    assert not request.authorized
    assert "A text" == attachment["description"]
    async with web.get(attachment["url"]) as answer:
        assert b"upon a time" == await answer.read()
        assert "attachment" == answer.headers["Content-Disposition"]


def yarl_quoted(webhook: str) -> aiohttp.client.URL:
    return aiohttp.client.URL(webhook + "/messages/%40original", encoded=True)


async def test_too_many_edits_are_refused_as_discord_does(
    local: LocalDiscord, web: aiohttp.ClientSession
) -> None:
    """429 with `Via`, `Retry-After` and the limit's headers, which every answer has."""
    _callback, webhook = await deferred(local, web)
    answers: list[aiohttp.ClientResponse] = []
    for number in range(3):
        async with web.patch(f"{webhook}/messages/@original", json={"content": str(number)}) as a:
            answers.append(a)
            last = await a.json()
    assert [200, 200, 429] == [answer.status for answer in answers]
    assert ["1", "0", "0"] == [answer.headers["X-RateLimit-Remaining"] for answer in answers]
    assert "Via" in answers[2].headers
    assert 0 < last["retry_after"] <= 30
    assert "1" == local.recorder.states[-1].payload["content"]


async def test_an_interaction_is_answered_only_once(
    local: LocalDiscord, web: aiohttp.ClientSession
) -> None:
    """Error 40060, and nothing changes."""
    callback, _webhook = await deferred(local, web)
    async with web.post(callback, json={"type": 4, "data": {"content": "again"}}) as answer:
        assert (400, 40060) == (answer.status, (await answer.json())["code"])


async def test_tokens_expire(local: LocalDiscord, web: aiohttp.ClientSession) -> None:
    """After 15 minutes a reply can't be edited any more."""
    _callback, webhook = await deferred(local, web)
    local.advance_clock(15 * 60 + 1)
    async with web.patch(f"{webhook}/messages/@original", json={"content": "late"}) as answer:
        assert 404 == answer.status


async def test_a_command_needs_an_answer_within_three_seconds(
    local: LocalDiscord, web: aiohttp.ClientSession
) -> None:
    """A later one is refused as unknown."""
    await deferred(local, web)
    asked = await local.slash(local.ada, local.general, "complete")
    local.advance_clock(3.1)
    callback = f"{local.api_url}/interactions/{asked.id}/{asked.token}/callback"
    async with web.post(callback, json={"type": 5}) as answer:
        assert (404, 10062) == (answer.status, (await answer.json())["code"])
    assert not asked.answered


async def test_injected_errors_hit_the_next_matching_request(
    local: LocalDiscord, web: aiohttp.ClientSession
) -> None:
    """Once each; the request after them works again."""
    for status in (429, 500, 502):
        local.faults.add(Fault(kind=FaultKind.STATUS, status=status, path="/users/*"))
    statuses: list[int] = []
    for _ in range(4):
        async with web.get(f"{local.api_url}/users/@me") as answer:
            statuses.append(answer.status)
    assert [429, 500, 502, 200] == statuses
    assert [True, True, True, False] == [request.fault for request in local.recorder.requests]


async def test_a_lost_answer_may_have_been_applied(
    local: LocalDiscord, web: aiohttp.ClientSession
) -> None:
    """The connection is cut, yet the message has changed: what retries have to cope with."""
    _callback, webhook = await deferred(local, web)
    local.faults.add(Fault(kind=FaultKind.DROP, method="PATCH", applied=True))
    with pytest.raises(aiohttp.ClientConnectionError):
        await web.patch(f"{webhook}/messages/@original", json={"content": "done"})
    assert "done" == local.messages(local.general, local.ben)[-1]["content"]


async def test_a_request_may_stay_unanswered_or_be_slow(
    local: LocalDiscord, web: aiohttp.ClientSession
) -> None:
    """Both are the client's business: it gives up, or waits."""
    local.faults.add(Fault(kind=FaultKind.NEVER))
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.3):
            await web.get(f"{local.api_url}/users/@me")
    local.faults.add(Fault(kind=FaultKind.SLOW, delay_s=0.3))
    started_s = asyncio.get_running_loop().time()
    async with web.get(f"{local.api_url}/users/@me") as answer:
        assert 200 == answer.status
    assert asyncio.get_running_loop().time() - started_s >= 0.3


async def test_a_body_that_is_no_json_is_refused(
    local: LocalDiscord, web: aiohttp.ClientSession
) -> None:
    """Error 50109, as from Discord."""
    path = f"{local.api_url}/channels/{local.general.id}/messages"
    async with web.post(path, data=b"{", headers={"Content-Type": "application/json"}) as answer:
        assert (400, 50109) == (answer.status, (await answer.json())["code"])


async def test_a_server_without_the_bot_is_closed_to_it(
    local: LocalDiscord, web: aiohttp.ClientSession
) -> None:
    """Its channel can't be read or written, though interactions there can be answered."""
    for path in (f"channels/{local.elsewhere.id}/messages", f"guilds/{local.elsewhere.guild_id}"):
        async with web.get(f"{local.api_url}/{path}") as answer:
            assert (403, 50001) == (answer.status, (await answer.json())["code"])


async def test_an_answers_file_has_its_description(
    local: LocalDiscord, web: aiohttp.ClientSession
) -> None:
    """In a multipart callback it stands under `data`."""
    path = f"{local.api_url}/applications/{local.application_id}/commands"
    async with web.put(path, json=[COMMAND]):
        pass
    asked = await local.slash(local.ada, local.general, "complete")
    data = {"attachments": [{"id": 0, "description": "A text"}]}
    form = aiohttp.FormData()
    form.add_field("payload_json", json.dumps({"type": 4, "data": data}))
    form.add_field("files[0]", b"upon a time", filename="rest.txt", content_type="text/plain")
    callback = f"{local.api_url}/interactions/{asked.id}/{asked.token}/callback"
    async with web.post(callback, data=form) as answer:
        assert 204 == answer.status
    assert "A text" == (asked.reply or {})["attachments"][0]["description"]
