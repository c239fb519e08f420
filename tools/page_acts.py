"""What is done on the page of `try` to take pictures of it. Used by the other tools of pictures."""

import io
import re
from collections.abc import Mapping
from pathlib import Path

from PIL import Image
from playwright.async_api import FloatRect, Locator, Page, ViewportSize

REPLY_TIMEOUT_MS = 60_000
VIEWPORT: ViewportSize = {"width": 1000, "height": 700}
_HIGH = 2600  # enough for what is pictured
_MARGIN_PX = 12
# The whole label of a choice that begins so.
_LABEL = "(one, start) => [...one.options].find((o) => o.label.startsWith(start)).label"


async def send(page: Page, command: str, values: Mapping[str, str | bool]) -> None:
    """Picks a command from the list, fills its form and sends it."""
    await page.get_by_role("combobox").focus()
    await page.keyboard.type(f"/{command}")
    await page.keyboard.press("Tab")
    form = page.get_by_role("form", name=f"Command /{command}")
    for name, value in values.items():
        field = form.get_by_label(re.compile(f"^{name}\\b")).first
        if await field.evaluate("one => one.tagName") == "SELECT":
            label = await field.evaluate(_LABEL, str(value))
            await field.select_option(label=label)
        else:
            await field.fill(str(value))
    await page.keyboard.press("Enter")


async def shoot(page: Page, out: Path, first: Locator, last: Locator) -> None:
    """A PNG of the messages from one to another, in a window that is high enough for them."""
    await page.set_viewport_size({"width": VIEWPORT["width"], "height": _HIGH})
    await page.evaluate("document.fonts.ready")
    above, below = await first.bounding_box(), await last.bounding_box()
    assert above and below
    top = above["y"] - _MARGIN_PX
    height = below["y"] + below["height"] + _MARGIN_PX - top
    clip: FloatRect = {"x": above["x"], "y": top, "width": above["width"], "height": height}
    await save(page, out, clip)
    await page.set_viewport_size(VIEWPORT)


async def save(page: Page, out: Path, clip: FloatRect | None = None) -> None:
    """Writes a PNG of 256 colors, a third of the size."""
    taken = Image.open(io.BytesIO(await page.screenshot(clip=clip))).convert("RGB")
    taken.quantize(256, dither=Image.Dither.NONE).save(out, optimize=True)
