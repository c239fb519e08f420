"""Takes the README's picture: the page of a running `bardling try`, with completions in it.

Usage, beside a `bardling try --no-browser`: python -m tools.try_picture URL OUT.png
"""

import argparse
import asyncio
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from playwright.async_api import Page, ViewportSize, async_playwright, expect

REPLY_TIMEOUT_MS = 60_000
VIEWPORT: ViewportSize = {"width": 1000, "height": 700}
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


SHOWN = (
    Completion("Once upon a time, a little fox found a red boat", 6, 90),
    Completion('"I am not afraid of the dark," said the mouse', 3, 60),
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
    await page.get_by_role("combobox").focus()
    await page.keyboard.type("/complete")
    await page.keyboard.press("Tab")
    await page.get_by_role("textbox", name="prompt").fill(wanted.prompt)
    await page.get_by_label("length", exact=False).first.fill(str(wanted.length))
    await page.get_by_label("seed", exact=False).first.fill(str(wanted.seed))
    await page.keyboard.press("Enter")
    await expect(labels).to_have_count(n_before + 1, timeout=REPLY_TIMEOUT_MS)
    return await page.locator("#messages .message").last.inner_text()


async def take_picture(url: str, out: Path, wanted: Sequence[Completion] = SHOWN) -> list[str]:
    """Completes some texts on the page and writes a PNG of it; returns the replies."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=find_chromium(), args=ARGUMENTS)
        page = await browser.new_page(viewport=VIEWPORT, color_scheme="dark")
        await page.goto(url)
        await expect(page.get_by_text("online")).to_be_visible(timeout=REPLY_TIMEOUT_MS)
        replies = [await complete(page, one) for one in wanted]
        await page.screenshot(path=out)
        await browser.close()
    return replies


def main() -> None:
    """Reads the command line and takes the picture."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("url")
    parser.add_argument("out", type=Path)
    arguments = parser.parse_args()
    for reply in asyncio.run(take_picture(arguments.url, arguments.out)):
        print(reply, end="\n\n")


if __name__ == "__main__":
    main()
