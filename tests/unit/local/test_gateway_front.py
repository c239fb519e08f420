"""The gateway front: logging in, events, and coming back after a lost connection."""

from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from bot.local.discord_server import LocalDiscord, open_local_discord

GUILDS = 1
GUILD_MESSAGES = 1 << 9
Received = dict[str, Any]


class Client:
    """A gateway client as plain as can be."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.socket = socket

    async def receive(self) -> Received:
        return await self.socket.receive_json(timeout=5)

    async def receive_event(self, name: str) -> Received:
        while (message := await self.receive())["t"] != name:
            pass
        return message

    async def identify(self, token: str, intents: int = GUILDS) -> Received:
        await self.socket.send_json({"op": 2, "d": {"token": token, "intents": intents}})
        return (await self.receive())["d"]


@pytest.fixture
async def local() -> AsyncIterator[LocalDiscord]:
    async with open_local_discord() as local:
        yield local


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


async def connect(local: LocalDiscord, session: aiohttp.ClientSession) -> Client:
    client = Client(await session.ws_connect(local.gateway_url + "?v=10&encoding=json"))
    hello = await client.receive()
    assert 10 == hello["op"]
    return client


async def test_a_login_gets_the_session_and_the_servers(
    local: LocalDiscord, session: aiohttp.ClientSession
) -> None:
    """READY carries the shard, which discord.py's AutoShardedBot needs."""
    client = await connect(local, session)
    ready = await client.identify(local.token)
    assert [0, 1] == ready["shard"]
    assert str(local.application_id) == ready["application"]["id"]
    guild = (await client.receive_event("GUILD_CREATE"))["d"]
    assert str(local.guild_id) == guild["id"]
    restricted = {channel["name"]: channel["nsfw"] for channel in guild["channels"]}
    assert {"general": False, "stories": False, "after-dark": True} == restricted
    assert local.bot_connected


async def test_a_wrong_token_closes_the_connection(
    local: LocalDiscord, session: aiohttp.ClientSession
) -> None:
    """With the code that tells a client not to try again."""
    client = await connect(local, session)
    await client.socket.send_json({"op": 2, "d": {"token": "wrong", "intents": 1}})
    message = await client.socket.receive(timeout=5)
    assert (aiohttp.WSMsgType.CLOSE, 4004) == (message.type, message.data)
    assert not local.bot_connected


@pytest.mark.parametrize("text", ["{", "[]", '{"op": 2, "d": null}'])
async def test_nonsense_closes_the_connection(
    local: LocalDiscord, session: aiohttp.ClientSession, text: str
) -> None:
    """With Discord's code for a payload that can't be read."""
    client = await connect(local, session)
    await client.socket.send_str(text)
    message = await client.socket.receive(timeout=5)
    assert (aiohttp.WSMsgType.CLOSE, 4002) == (message.type, message.data)


async def test_heartbeats_are_acknowledged(
    local: LocalDiscord, session: aiohttp.ClientSession
) -> None:
    """A client without acknowledgements would reconnect."""
    client = await connect(local, session)
    await client.socket.send_json({"op": 1, "d": None})
    assert 11 == (await client.receive())["op"]


async def test_events_need_their_intents(
    local: LocalDiscord, session: aiohttp.ClientSession
) -> None:
    """Without GUILD_MESSAGES there is no word of a message; with it, none of its content."""
    plain, curious = await connect(local, session), await connect(local, session)
    await plain.identify(local.token, GUILDS)
    await curious.identify(local.token, GUILDS | GUILD_MESSAGES)
    await plain.receive_event("GUILD_CREATE")
    await local.say(local.ada, local.general, "hello")
    local.add_channel("late")
    assert "" == (await curious.receive_event("MESSAGE_CREATE"))["d"]["content"]
    assert "CHANNEL_CREATE" == (await plain.receive())["t"]


async def test_a_server_without_the_bot_is_not_heard_of(
    local: LocalDiscord, session: aiohttp.ClientSession
) -> None:
    """Neither its messages nor its channels: the next event is of another server."""
    client = await connect(local, session)
    await client.identify(local.token, GUILDS | GUILD_MESSAGES)
    await client.receive_event("GUILD_CREATE")
    await local.say(local.ben, local.elsewhere, "hello")
    local.add_channel("cellar", guild_id=local.elsewhere.guild_id)
    late = local.add_channel("late", nsfw=True)
    created, updated = await client.receive(), await client.receive()
    assert ["CHANNEL_CREATE", "CHANNEL_UPDATE"] == [created["t"], updated["t"]]
    assert (str(late.id), True) == (updated["d"]["id"], updated["d"]["nsfw"])


async def test_a_resumed_session_gets_what_it_missed(
    local: LocalDiscord, session: aiohttp.ClientSession
) -> None:
    """Events that came while the client was away arrive once, in order."""
    client = await connect(local, session)
    ready = await client.identify(local.token)
    seen = (await client.receive_event("GUILD_CREATE"))["s"]
    await client.socket.close()
    await local.wait_for(lambda: not local.bot_connected, 5)
    local.add_channel("one")
    local.add_channel("two")
    again = await connect(local, session)
    resume = {"token": local.token, "session_id": ready["session_id"], "seq": seen}
    await again.socket.send_json({"op": 6, "d": resume})
    received = [await again.receive() for _ in range(3)]
    assert ["CHANNEL_CREATE", "CHANNEL_CREATE", "RESUMED"] == [one["t"] for one in received]
    assert [seen + 1, seen + 2, seen + 3] == [one["s"] for one in received]


async def test_an_unknown_session_has_to_log_in_anew(
    local: LocalDiscord, session: aiohttp.ClientSession
) -> None:
    """Also one that was forgotten on purpose."""
    client = await connect(local, session)
    ready = await client.identify(local.token)
    await client.socket.close()
    await local.wait_for(lambda: not local.bot_connected, 5)
    local.disconnect_bot(forget=True)
    again = await connect(local, session)
    resume = {"token": local.token, "session_id": ready["session_id"], "seq": 2}
    await again.socket.send_json({"op": 6, "d": resume})
    assert {"op": 9, "d": False} == await again.receive()
