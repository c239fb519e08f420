"""Takes the pictures of README and docs: the page of `bardling try` with what members do on it.

Usage: python -m tools.try_picture FOLDER (or `make pictures`). Starts a `bardling try` for it, or
uses a running one whose address is given by --url. Needs Chromium, and a font with emoji.
"""

import argparse
import asyncio
import os
import re
import shutil
import sys
import tempfile
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from playwright.async_api import Page, async_playwright, expect

from tools.page_acts import REPLY_TIMEOUT_MS, VIEWPORT, save, send, shoot
from tools.story_pictures import take_story_pictures

START_S = 60.0
STOP_S = 20.0
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@dataclass(frozen=True, slots=True)
class Completion:
    """What is typed into one `/complete`."""

    prompt: str
    seed: int
    length: int
    candidates: int | None = None


SHOWN = (
    Completion("Once upon a time, a little fox found a red boat", 13, 90),
    Completion('"I am not afraid of the dark," said the mouse', 7, 60),
)
CANDIDATES = Completion("The dragon opened one eye and", 1, 60, candidates=3)
XRAYED = (
    "Once upon a time there was a little girl. She liked to play in the park with her friends. "
    "One day she found a trombone under the big tree. She was very happy and wanted to show it "
    "to her mom, but the trombone had already been elected mayor."
)


def find_chromium() -> str | None:
    """The browser on this machine, or None."""
    names = ("chromium", "chromium-browser", "google-chrome")
    return next(filter(None, map(shutil.which, names)), None)


async def complete(page: Page, wanted: Completion) -> str:
    """Types the command as a person does; returns the finished reply as it is shown.

    Raises:
        AssertionError: the reply did not come to its end in time.
    """
    labels = page.locator("#messages").get_by_text("machine-written")
    n_before = await labels.count()
    values = {"prompt": wanted.prompt, "length": str(wanted.length), "seed": str(wanted.seed)}
    if wanted.candidates is not None:
        values["candidates"] = str(wanted.candidates)
    await send(page, "complete", values)
    await expect(labels).to_have_count(n_before + 1, timeout=REPLY_TIMEOUT_MS)
    return await page.locator("#messages .message").last.inner_text()


async def take_picture(url: str, out: Path, wanted: Sequence[Completion] = SHOWN) -> list[str]:
    """Completes some texts on the page and writes a PNG of it; returns the replies."""
    async with _page(url) as page:
        return await _completions(page, out, wanted)


async def take_pictures(url: str, folder: Path) -> None:
    """Writes all of the README's pictures into a folder."""
    async with _page(url) as page:
        await _completions(page, folder / "try.png", SHOWN)
        await _error(page, folder / "error.png")
        await _candidates(page, folder / "candidates.png")
        await _xray(page, folder / "xray.png")
    async with _page(url) as page:
        await take_story_pictures(page, folder)


async def _completions(page: Page, out: Path, wanted: Sequence[Completion]) -> list[str]:
    replies = [await complete(page, one) for one in wanted]
    await save(page, out)
    return replies


async def _error(page: Page, out: Path) -> None:
    """Ben clicks a button under a text of Ada's."""
    await page.get_by_role("radio", name="Ben").click()
    text = page.locator("#messages .message:not(.ephemeral)").last
    await text.get_by_role("button", name="Retry").click()
    said = page.locator("#messages .message.ephemeral").last
    await expect(said).to_be_visible(timeout=REPLY_TIMEOUT_MS)
    await shoot(page, out, text, said)
    await page.get_by_role("radio", name="Ada").click()


async def _candidates(page: Page, out: Path) -> None:
    """The second of three, which could be kept."""
    await complete(page, CANDIDATES)
    text = page.locator("#messages .message").last
    await text.get_by_role("button", name="▶️").click()
    await expect(text.get_by_text("2/3")).to_be_visible(timeout=REPLY_TIMEOUT_MS)
    await page.mouse.move(0, 0)
    await shoot(page, out, text, text)


async def _xray(page: Page, out: Path) -> None:
    await send(page, "xray", {"text": XRAYED})
    image = page.locator("#messages .message img").last
    await expect(image).to_be_visible(timeout=REPLY_TIMEOUT_MS)
    await expect(image).to_have_js_property("complete", True, timeout=REPLY_TIMEOUT_MS)
    message = page.locator("#messages .message").last
    await shoot(page, out, message, message)


@asynccontextmanager
async def _page(url: str) -> AsyncGenerator[Page]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=find_chromium(), args=ARGUMENTS)
        page = await browser.new_page(viewport=VIEWPORT, color_scheme="dark", locale="en-US")
        await page.goto(url)
        await expect(page.get_by_text("online")).to_be_visible(timeout=REPLY_TIMEOUT_MS)
        yield page
        await browser.close()


@asynccontextmanager
async def _running_try() -> AsyncGenerator[str]:
    """A `bardling try` of its own, ended at the end; gives the page's address."""
    with tempfile.TemporaryDirectory(prefix="bardling-pictures-") as home:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "bot", "try", "--no-browser"),
            env=os.environ | {"BARDLING_HOME": home},
            stdout=asyncio.subprocess.PIPE,
        )
        try:
            async with asyncio.timeout(START_S):
                address = await _address(process)
            yield address
        finally:
            if process.returncode is None:
                process.terminate()
            async with asyncio.timeout(STOP_S):
                await process.wait()


async def _address(process: asyncio.subprocess.Process) -> str:
    assert process.stdout is not None
    async for line in process.stdout:
        if found := re.search(rb"http://\S+", line):
            return found[0].decode()
    raise SystemExit("bardling try did not start.")


async def _main(url: str | None, folder: Path) -> None:
    if url is not None:
        await take_pictures(url, folder)
        return
    async with _running_try() as own:
        await take_pictures(own, folder)


def main() -> None:
    """Reads the command line and takes the pictures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--url", help="of the page of a running `bardling try`")
    arguments = parser.parse_args()
    asyncio.run(_main(arguments.url, arguments.folder))


if __name__ == "__main__":
    main()
