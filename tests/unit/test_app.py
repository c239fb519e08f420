"""The composition root as far as it goes without a network; the rest is in `tests/e2e`."""

import asyncio
import signal
import sys
from pathlib import Path

import discord.gateway
import discord.http
import pytest
import yarl

from bot.app import run_bot, run_worker
from bot.discord_io.client import Shards
from bot.errors import EngineError, ModelFileError, SettingError, UnreachableError
from bot.settings import Settings, load_settings

NO_REDIS = "redis://:hunter2@host:port"  # refused for its port, before any connection
API, GATEWAY = "http://discord.test:1/api/v10", "ws://discord.test:2"


@pytest.fixture(autouse=True)
def _own_endpoints(monkeypatch: pytest.MonkeyPatch) -> None:
    """discord.py's addresses as they were, whatever the test sets."""
    monkeypatch.setattr(discord.http.Route, "BASE", discord.http.Route.BASE)
    socket = discord.gateway.DiscordWebSocket
    monkeypatch.setattr(socket, "DEFAULT_GATEWAY", socket.DEFAULT_GATEWAY)


def make_settings(home: Path, **environment: str) -> Settings:
    """Settings of an environment."""
    return load_settings(
        {"BARDLING_HOME": str(home), "BARDLING_ENGINE": "scripted", "REDIS_URL": NO_REDIS}
        | environment
    )


async def test_bot_without_a_token_says_where_to_get_one(tmp_path: Path):
    """Told first: there is no point in looking for Redis."""
    with pytest.raises(SettingError, match=r"DISCORD_TOKEN.*discord\.com/developers") as caught:
        await run_bot(make_settings(tmp_path), None)

    assert 78 == caught.value.exit_code


@pytest.mark.parametrize("shards", [None, Shards(0, 1, 4)])
async def test_bot_without_redis_does_not_log_in(tmp_path: Path, shards: Shards | None):
    """A bot that could take no command must not look as if it were there."""
    settings = make_settings(tmp_path, DISCORD_TOKEN="s3cret")

    with pytest.raises(UnreachableError) as caught:
        await run_bot(settings, shards)

    assert 69 == caught.value.exit_code
    assert "hunter2" not in str(caught.value)


async def test_worker_without_redis_ends(tmp_path: Path):
    """The model is fine, the queue is not: the sentence is about the queue."""
    with pytest.raises(UnreachableError) as caught:
        await run_worker(make_settings(tmp_path))

    assert "hunter2" not in str(caught.value)


async def test_worker_without_its_model_ends_before_it_looks_for_redis(tmp_path: Path):
    """The mistake nearest to the host comes first."""
    with pytest.raises(ModelFileError, match="nosuch"):
        await run_worker(make_settings(tmp_path, BARDLING_MODEL="nosuch"))


async def test_worker_without_its_engine_says_how_to_get_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """An engine that was asked for is not silently another one."""
    monkeypatch.setitem(sys.modules, "llama_cpp", None)  # Python's way to say: not installed

    with pytest.raises(EngineError, match="pip install"):
        await run_worker(make_settings(tmp_path, BARDLING_ENGINE="llama_cpp"))


async def test_bot_speaks_to_the_discord_of_its_settings(tmp_path: Path):
    """Before anything else of discord.py is used: no request goes to the real one by mistake."""
    settings = make_settings(
        tmp_path, DISCORD_TOKEN="s3cret", DISCORD_API_URL=API, DISCORD_GATEWAY_URL=GATEWAY
    )

    with pytest.raises(UnreachableError):
        await run_bot(settings, None)

    assert f"{API}/gateway" == discord.http.Route("GET", "/gateway").url
    assert yarl.URL(GATEWAY) == discord.gateway.DiscordWebSocket.DEFAULT_GATEWAY


@pytest.mark.parametrize("run", ["bot", "worker"])
async def test_failed_start_leaves_no_handler_and_no_task(tmp_path: Path, run: str):
    """SIGINT and SIGTERM end the process again, and nothing runs on behind the error."""
    settings = make_settings(tmp_path, DISCORD_TOKEN="s3cret")
    tasks = asyncio.all_tasks()

    with pytest.raises(UnreachableError):
        await (run_bot(settings, None) if run == "bot" else run_worker(settings))

    assert signal.default_int_handler is signal.getsignal(signal.SIGINT)
    assert signal.SIG_DFL is signal.getsignal(signal.SIGTERM)
    assert tasks == asyncio.all_tasks()
