"""The page's uploads: who may send them, how large, and that each is used once."""

import io
from collections.abc import AsyncIterator

import aiohttp
import pytest

from bot.local.discord_server import LocalDiscord, open_local_discord
from bot.local.file_front import MAX_FILE_BYTES, FileFront
from bot.local.simcord_bridge.backend import file_name


@pytest.fixture
async def local() -> AsyncIterator[LocalDiscord]:
    async with open_local_discord() as local:
        yield local


async def upload(local: LocalDiscord, data: bytes, origin: str | None = None) -> tuple[int, str]:
    headers = {"Origin": local.base_url if origin is None else origin}
    async with (
        aiohttp.ClientSession(headers=headers) as web,
        web.post(
            f"{local.base_url}/upload", params={"name": "a/b.txt"}, data=io.BytesIO(data)
        ) as answer,
    ):
        return answer.status, await answer.text()


@pytest.mark.parametrize("origin", ["https://evil.example", ""])
async def test_only_the_page_may_upload(local: LocalDiscord, origin: str) -> None:
    """As with its connection."""
    assert 403 == (await upload(local, b"x", origin))[0]


async def test_a_file_that_is_too_large_is_refused_with_a_sentence(local: LocalDiscord) -> None:
    """Discord's own bound; a file of that size still goes."""
    assert 200 == (await upload(local, b"x" * MAX_FILE_BYTES))[0]
    status, text = await upload(local, b"x" * (MAX_FILE_BYTES + 1))
    assert (413, "Files of up to 10 MB can be sent.") == (status, text)


async def test_an_upload_is_taken_once_and_old_ones_are_forgotten(local: LocalDiscord) -> None:
    """Nobody keeps what no command ever named."""
    front: FileFront = local._files  # pyright: ignore[reportPrivateUsage]
    ids = [(await upload(local, b"x"))[1].split('"')[3] for _ in range(9)]
    assert front.take(ids[0]) is None
    taken = front.take(ids[8])
    assert taken is not None
    assert ("b.txt", b"x") == (taken.filename, taken.data)
    assert front.take(ids[8]) is None


@pytest.mark.parametrize(
    ("given", "kept"),
    [("a b.txt", "a_b.txt"), ("störy.txt", "stry.txt"), ("日本.txt", "unknown.txt"), ("x", "x")],
)
def test_file_names_are_kept_plain(given: str, kept: str) -> None:
    """As Discord does, so that addresses need no quoting."""
    assert kept == file_name(given)
