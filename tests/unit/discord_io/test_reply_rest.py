"""Replies over REST against a real HTTP server that behaves as Discord does, badly included."""

import asyncio
import json
import random
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from itertools import pairwise

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from structlog.testing import capture_logs

from bot.core.buttons import stop_row
from bot.core.jobs import ReplyTarget
from bot.core.replies import ReplyMessage
from bot.discord_io.offences import Offences
from bot.discord_io.reply_rest import (
    FILE_NAME,
    InteractionOverError,
    ReplyClient,
    ReplyGoneError,
    ReplyHeldError,
    ReplyRefusedError,
    ReplyUnavailableError,
)

TARGET = ReplyTarget(application_id=11, interaction_token="s3cret", channel_id=2, guild_id=3)
MESSAGE = ReplyMessage(content="Hello @everyone", components=stop_row("5"))
Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass
class Request:
    """What one request held."""

    at_s: float
    method: str
    path: str
    agent: str
    payload: dict[str, object]
    file: tuple[str, str] | None


@dataclass
class Discord:
    """Takes requests; answers as told, then well."""

    requests: list[Request] = field(default_factory=list[Request])
    answers: list[Answer] = field(default_factory=list[Answer])

    async def handle(self, request: web.Request) -> web.StreamResponse:
        file = None
        if request.content_type == "application/json":
            payload = await request.json()
        else:
            form = await request.post()
            payload = json.loads(str(form["payload_json"]))
            upload = form["files[0]"]
            assert isinstance(upload, web.FileField)
            file = (upload.filename, upload.file.read().decode())
            upload.file.close()
        agent = request.headers["User-Agent"]
        self.requests.append(
            Request(time.monotonic(), request.method, request.path_qs, agent, payload, file)
        )
        return await (self.answers.pop(0) if self.answers else says(200, {"id": "77"}))(request)


def says(status: int, data: object = None, **headers: str) -> Answer:
    """An answer with a JSON body."""

    async def answer(_request: web.Request) -> web.StreamResponse:
        body = json.dumps(data).encode()
        plain = {name.replace("_", "-"): value for name, value in headers.items()}
        return web.Response(
            status=status, body=body, headers={"Content-Type": "application/json"} | plain
        )

    return answer


async def hangs_up(request: web.Request) -> web.StreamResponse:
    """Cuts the connection."""
    assert request.transport is not None
    request.transport.abort()
    return web.Response()


async def never(_request: web.Request) -> web.StreamResponse:
    """Does not answer for longer than anybody waits."""
    await asyncio.sleep(1)
    return web.Response()


@pytest.fixture
async def discord() -> Discord:
    return Discord()


@pytest.fixture
async def client(discord: Discord) -> AsyncIterator[ReplyClient]:
    app = web.Application()
    app.router.add_route("*", "/{tail:.*}", discord.handle)
    async with TestServer(app) as server, aiohttp.ClientSession() as session:
        yield ReplyClient(
            session,
            str(server.make_url("/api/v10")),
            rng=random.Random(1),
            timeout_s=0.3,
            backoff_s=0.02,
        )


async def test_edit_is_harmless_and_complete(client: ReplyClient, discord: Discord):
    """No pings, no embeds, the buttons as given, and a user agent by Discord's rule."""
    await client.edit_original(TARGET, MESSAGE)

    [request] = discord.requests
    assert ("PATCH", "/api/v10/webhooks/11/s3cret/messages/@original") == (
        request.method,
        request.path,
    )
    assert {
        "content": "Hello @everyone",
        "components": stop_row("5"),
        "flags": 4,
        "allowed_mentions": {"parse": []},
        "attachments": [],
    } == request.payload
    assert request.agent.startswith("DiscordBot (https://")


async def test_followup_returns_its_id(client: ReplyClient, discord: Discord):
    """Posted with wait=true, so that Discord says what became of it."""
    assert 77 == await client.send_followup(TARGET, MESSAGE)

    [request] = discord.requests
    assert ("POST", "/api/v10/webhooks/11/s3cret?wait=true") == (request.method, request.path)
    assert {"parse": []} == request.payload["allowed_mentions"]


async def test_file_goes_along_again_on_every_try(client: ReplyClient, discord: Discord):
    """A form can be sent once only, so each try makes its own."""
    discord.answers = [says(500), says(502)]

    await client.edit_original(TARGET, ReplyMessage(content="x", file_text="rest 🦊"))

    assert 3 == len(discord.requests)
    assert all((FILE_NAME, "rest 🦊") == request.file for request in discord.requests)
    assert [{"id": 0, "filename": FILE_NAME}] == discord.requests[-1].payload["attachments"]


@pytest.mark.parametrize(
    "answer",
    [
        says(429, {"retry_after": 0.3, "global": False}),
        says(429, None, X_RateLimit_Reset_After="0.3"),
        says(200, {"id": "1"}, X_RateLimit_Remaining="0", X_RateLimit_Reset_After="0.3"),
    ],
    ids=["429-body", "429-header", "none-remaining"],
)
async def test_discords_pace_is_kept(client: ReplyClient, discord: Discord, answer: Answer):
    """The next call of the same webhook waits as long as it was told; others do not."""
    discord.answers = [answer]

    await client.edit_original(TARGET, MESSAGE)
    if len(discord.requests) == 1:
        await client.edit_original(TARGET, MESSAGE)

    assert all(after.at_s - before.at_s >= 0.3 for before, after in pairwise(discord.requests))
    assert 2 == len(discord.requests)


async def test_edit_goes_through_every_trouble(client: ReplyClient, discord: Discord):
    """Errors, a cut connection and an answer that never comes: one call, one good end."""
    discord.answers = [says(500), hangs_up, never, says(503, "not an object")]

    await client.edit_original(TARGET, MESSAGE)

    assert 5 == len(discord.requests)


@pytest.mark.parametrize("answer", [says(500), hangs_up, never], ids=["500", "cut", "never"])
async def test_followup_is_not_repeated_where_it_may_have_arrived(
    client: ReplyClient, discord: Discord, answer: Answer
):
    """Better to ask the caller than to post twice."""
    discord.answers = [answer]

    with pytest.raises(ReplyUnavailableError) as caught:
        await client.send_followup(TARGET, MESSAGE)

    assert caught.value.maybe_done
    assert 1 == len(discord.requests)


async def test_followup_is_repeated_after_a_rate_limit(client: ReplyClient, discord: Discord):
    """A 429 did nothing for sure."""
    discord.answers = [says(429, {"retry_after": 0.01})]

    assert 77 == await client.send_followup(TARGET, MESSAGE)


async def test_tries_are_bounded(client: ReplyClient, discord: Discord):
    """After the last one the caller decides."""
    discord.answers = [says(500)] * 9

    with pytest.raises(ReplyUnavailableError):
        await client.edit_original(TARGET, MESSAGE, tries=3)

    assert 3 == len(discord.requests)


async def test_nobody_listening_surely_did_nothing():
    """A connection that was refused leaves no doubt."""
    async with aiohttp.ClientSession() as session:
        client = ReplyClient(session, "http://127.0.0.1:9/api/v10", backoff_s=0.01)

        with pytest.raises(ReplyUnavailableError) as caught:
            await client.send_followup(TARGET, MESSAGE, tries=2)

    assert not caught.value.maybe_done


@pytest.mark.parametrize(("status", "code"), [(404, 10015), (401, 50027), (404, 10008)])
async def test_expired_or_deleted_reply_is_gone(
    client: ReplyClient, discord: Discord, status: int, code: int
):
    """No try would help, so there is one."""
    discord.answers = [says(status, {"code": code, "message": "gone"})]

    with pytest.raises(ReplyGoneError):
        await client.edit_original(TARGET, MESSAGE)

    assert 1 == len(discord.requests)


async def test_refusal_tells_discords_reason(client: ReplyClient, discord: Discord):
    """The log can say what was wrong with the message."""
    errors = {"content": {"_errors": [{"code": "BASE_TYPE_MAX_LENGTH"}]}}
    discord.answers = [says(400, {"code": 50035, "message": "Invalid Form Body", "errors": errors})]

    with pytest.raises(ReplyRefusedError, match=r"Invalid Form Body.*BASE_TYPE_MAX_LENGTH"):
        await client.edit_original(TARGET, MESSAGE)


async def test_neither_token_nor_text_is_logged(client: ReplyClient, discord: Discord):
    """Not even when everything goes wrong."""
    discord.answers = [says(500), hangs_up, never]

    with capture_logs() as logs:
        await client.edit_original(TARGET, MESSAGE)

    assert 3 == len(logs)
    assert "s3cret" not in repr(logs)
    assert "Hello" not in repr(logs)


async def test_a_long_wait_is_the_callers_to_decide(client: ReplyClient, discord: Discord):
    """It knows how long the reply lives; nothing sleeps for an hour on Discord's word."""
    discord.answers = [says(429, {"retry_after": 3600})]

    async with asyncio.timeout(5):
        with pytest.raises(ReplyUnavailableError, match=r"Discord asks for 3[56]") as caught:
            await client.edit_original(TARGET, MESSAGE, tries=2)

    assert not caught.value.maybe_done
    assert 1 == len(discord.requests)


async def test_one_try_waits_for_no_turn(client: ReplyClient, discord: Discord):
    """A growing text has a newer state by then; the final edit, with more tries, waits."""
    discord.answers = [says(429, {"retry_after": 0.3})]
    for _ in range(2):
        with pytest.raises(ReplyUnavailableError):
            await client.edit_original(TARGET, MESSAGE, tries=1)
    assert 1 == len(discord.requests)

    await client.edit_original(TARGET, MESSAGE)

    assert 2 == len(discord.requests)


async def test_connection_that_never_opens_surely_did_nothing():
    """A listener whose line is full takes no more: the request was never sent."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as server:
        port = server.getsockname()[1]
        fill = [socket.socket() for _ in range(4)]
        for one in fill:
            one.setblocking(False)
            one.connect_ex(("127.0.0.1", port))
        async with aiohttp.ClientSession() as session:
            client = ReplyClient(session, f"http://127.0.0.1:{port}/api/v10", timeout_s=0.6)
            with pytest.raises(ReplyUnavailableError) as caught:
                await client.send_followup(TARGET, MESSAGE, tries=1)
        for one in fill:
            one.close()

    assert not caught.value.maybe_done
    assert caught.value.__suppress_context__  # its text would hold the token


async def test_403_is_for_good(client: ReplyClient, discord: Discord):
    """What may not be written now may not be written in a second either."""
    discord.answers = [says(403, {"code": 50013, "message": "Missing Permissions"})]

    with pytest.raises(ReplyGoneError) as caught:
        await client.edit_original(TARGET, MESSAGE)

    assert not isinstance(caught.value, InteractionOverError)
    assert 1 == len(discord.requests)


@pytest.mark.parametrize(
    "answer",
    [
        says(429, {"retry_after": 0.3, "global": True}),
        says(429, {"retry_after": 0.3}, X_RateLimit_Global="true"),
        says(429, "a proxy's page", Retry_After="0.3"),
    ],
    ids=["body", "header", "proxy"],
)
async def test_global_limit_holds_every_reply(
    client: ReplyClient, discord: Discord, answer: Answer
):
    """Of whatever interaction; another try waits for its turn."""
    discord.answers = [answer]
    other = ReplyTarget(application_id=11, interaction_token="other", channel_id=2, guild_id=3)
    for target in (TARGET, other):
        with pytest.raises(ReplyHeldError):
            await client.edit_original(target, MESSAGE, tries=1)
    assert 1 == len(discord.requests)

    await client.edit_original(other, MESSAGE)

    assert discord.requests[1].at_s - discord.requests[0].at_s >= 0.3


async def test_growing_texts_rest_where_discord_has_refused_much(
    client: ReplyClient, discord: Discord, monkeypatch: pytest.MonkeyPatch
):
    """The final edit is sent all the same."""
    monkeypatch.setattr(Offences, "are_many", lambda _self, _now_s: True)
    with pytest.raises(ReplyHeldError):
        await client.edit_original(TARGET, MESSAGE, tries=1)
    assert [] == discord.requests

    await client.edit_original(TARGET, MESSAGE)

    assert 1 == len(discord.requests)
