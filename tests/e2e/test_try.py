"""`bardling try`: everything on this machine, started by one command and ended with it."""

import asyncio
import contextlib
import os
import re
import signal
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest

from bot.errors import UnreachableError
from bot.storage.embedded_server import find_redis_server
from tools.try_picture import Completion, find_chromium, take_picture, take_pictures

START_S = 60.0
STOP_S = 20.0
ROOT = Path(__file__).parents[2]
README, STORIES_GUIDE = ROOT / "README.md", ROOT / "docs" / "stories.md"
PICTURES = [
    f"{name}.png"
    for name in ("adventure", "candidates", "endcard", "error", "map", "try", "vote", "xray")
]


def no_redis() -> bool:
    try:
        find_redis_server()
    except UnreachableError:
        return True
    return False


pytestmark = pytest.mark.skipif(no_redis(), reason="no Redis server to start")


@asynccontextmanager
async def bardling_try(home: Path, *arguments: str) -> AsyncGenerator[asyncio.subprocess.Process]:
    """The command as a process; killed at the end if it still runs."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "bot",
        "try",
        *arguments,
        env=os.environ | {"BARDLING_HOME": str(home)},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.terminate()  # so that it clears its folders away
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(STOP_S):
                    await process.wait()
        if process.returncode is None:
            process.kill()
        await process.wait()


async def page_of(process: asyncio.subprocess.Process) -> str:
    """The address that the command prints once everything is ready."""
    assert process.stdout is not None
    async with asyncio.timeout(START_S):
        line = (await process.stdout.readline()).decode()
    found = re.search(r"http://127\.0\.0\.1:\d+/", line)
    assert found is not None, line
    return found[0]


def descendants(pid: int) -> set[int]:
    """Every process under a process, as Linux tells it."""
    children = Path(f"/proc/{pid}/task/{pid}/children")
    found = {int(child) for child in children.read_text().split()}
    return found.union(*(descendants(child) for child in found))


async def all_gone(pids: set[int]) -> bool:
    for _ in range(int(STOP_S / 0.1)):
        if not any(_runs(pid) for pid in pids):
            return True
        await asyncio.sleep(0.1)
    return False


def _runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


async def test_once_prints_prompt_and_continuation(tmp_path: Path) -> None:
    """On standard output and nothing else there; exit code 0."""
    async with bardling_try(tmp_path, "--once", "Once upon a time") as process:
        async with asyncio.timeout(START_S * 2):
            output, errors = await process.communicate()
    text = output.decode()
    assert 0 == process.returncode, errors.decode()
    assert text.startswith("Once upon a time")
    assert len(text) > len("Once upon a time\n")
    assert "-#" not in text


async def test_a_text_that_cannot_be_sent_is_one_sentence(tmp_path: Path) -> None:
    """On standard error, with a failing exit code."""
    async with bardling_try(tmp_path, "--once", "x" * 6001) as process:
        async with asyncio.timeout(START_S * 2):
            output, errors = await process.communicate()
    assert (1, b"") == (process.returncode, output)
    assert 1 == len(errors.decode().strip().splitlines()), errors.decode()


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
async def test_nothing_is_left_when_it_ends(tmp_path: Path, number: signal.Signals) -> None:
    """Neither after Ctrl-C nor after a kill that it can't notice."""
    async with bardling_try(tmp_path, "--no-browser") as process:
        page = await page_of(process)
        async with aiohttp.ClientSession() as session, session.get(page) as answer:
            assert 200 == answer.status
        started = descendants(process.pid)
        assert len(started) >= 3  # Redis, the bot, a worker
        process.send_signal(number)
        async with asyncio.timeout(STOP_S):
            code = await process.wait()
    assert code == (0 if number == signal.SIGINT else -signal.SIGKILL)
    assert await all_gone(started)


async def test_a_taken_port_is_one_sentence(tmp_path: Path) -> None:
    """With the exit code for what can't be reached."""
    server = await asyncio.start_server(lambda _reader, _writer: None, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    try:
        async with bardling_try(tmp_path, "--no-browser", "--port", str(port)) as process:
            async with asyncio.timeout(START_S):
                _output, errors = await process.communicate()
    finally:
        server.close()
        await server.wait_closed()
    assert 69 == process.returncode
    assert f"port {port}" in errors.decode()


@pytest.mark.browser
@pytest.mark.timeout(120)
@pytest.mark.skipif(find_chromium() is None, reason="no Chromium on the PATH")
async def test_page_shows_a_completion_in_a_browser(tmp_path: Path) -> None:
    """The whole of it, as a person sees it: page, bot, Redis, worker, model."""
    picture = tmp_path / "try.png"
    async with bardling_try(tmp_path, "--no-browser") as process:
        (reply,) = await take_picture(
            await page_of(process), picture, [Completion("Once upon a time", 5, 30)]
        )

    text = reply.partition("Once upon a time")[2].partition("bardling-small q8_0")[0]
    assert len(text.strip()) > 20
    assert "machine-written · seed 5" in reply
    assert picture.read_bytes().startswith(b"\x89PNG")


@pytest.mark.browser
@pytest.mark.timeout(180)
@pytest.mark.skipif(find_chromium() is None, reason="no Chromium on the PATH")
async def test_the_readmes_pictures_can_be_taken(tmp_path: Path) -> None:
    """Each step of `make pictures` finds what it shows; README and guide show each of its files."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    async with bardling_try(tmp_path, "--no-browser") as process:
        await take_pictures(await page_of(process), folder)

    taken = sorted(folder.iterdir())
    assert PICTURES == [one.name for one in taken]
    shown = README.read_text(encoding="utf-8") + STORIES_GUIDE.read_text(encoding="utf-8")
    for one in taken:
        assert one.read_bytes().startswith(b"\x89PNG")
        assert f"](docs/{one.name})" in shown or f"]({one.name})" in shown


async def test_faults_are_switched_on_by_name(tmp_path: Path) -> None:
    """The text comes all the same; an unknown name is refused with those that there are."""
    faults = ("--fault", "server-errors", "--fault", "cut")
    async with bardling_try(tmp_path, "--once", "Once upon a time", *faults) as process:
        out, err = await process.communicate()
    assert 0 == process.returncode, err.decode()
    assert out.decode().startswith("Once upon a time")
    async with bardling_try(tmp_path, "--fault", "thunder") as process:
        _out, err = await process.communicate()
    assert 2 == process.returncode
    assert "storm" in err.decode()
