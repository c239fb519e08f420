"""Pictures of story games and scored games for the documentation, taken on the page of `try`.

Called by `try_picture`: an adventure of two, a vote, a map and an end card.
"""

import re
from pathlib import Path

from playwright.async_api import Locator, Page, expect

from tools.page_acts import REPLY_TIMEOUT_MS, send, shoot


async def take_story_pictures(page: Page, folder: Path) -> None:
    """Writes all of them into a folder."""
    await _adventure(page, folder / "adventure.png")
    await _map(page, folder / "map.png")
    await send(page, "story end", {})
    await _vote(page, folder / "vote.png")
    await send(page, "story end", {})
    await _end_card(page, folder / "endcard.png")


async def _adventure(page: Page, out: Path) -> None:
    """Ada and Ben act in turn."""
    await send(
        page, "story start",
        {"mode": "adventure", "scenario": "fairytale", "title": "The Glass Forest", "here": True},
    )  # fmt: skip
    await _shows(page, "Once upon a time there was a forest")
    await send(page, "story do", {"text": "light the lantern and walk into the forest"})
    await _shows(page, "passage 3")
    await _as(page, "Ben")
    await send(page, "story say", {"text": "Is there anybody here who knows the witch?"})
    last = await _shows(page, "passage 5")
    first = page.locator("#messages .message").filter(has_text="light the lantern").first
    await shoot(page, out, first, last)


async def _map(page: Page, out: Path) -> None:
    """After some undoing and rewriting, so that there are branches."""
    for number in (6, 7):
        await send(page, "story retry", {})
        await _shows(page, f"passage {number}")
    await _as(page, "Ada")
    acts = ((3, "climb a glass tree", 9), (5, "follow the silver stag", 11), (9, "wait", 13))
    for passage, words, number in acts:
        await send(page, "story rewind", {"passage": str(passage)})
        await _shows(page, f"passage {passage}")
        await send(page, "story do", {"text": words})
        await _shows(page, f"passage {number}")
    await send(page, "story map", {"public": True})
    await _picture(page, out)


async def _vote(page: Page, out: Path) -> None:
    """Three ways to go on, and two votes."""
    await send(
        page, "story start",
        {"mode": "branches", "title": "The lighthouse", "here": True,
         "opening": "On the night of the great storm the lamp of the lighthouse went out, and "
                    "three ships were on the water."},
    )  # fmt: skip
    await _shows(page, "On the night of the great storm")
    await send(page, "story continue", {})
    vote = await _shows(page, "The vote closes")
    await vote.get_by_role("button", name="B", exact=True).click()
    await _shows(page, "B ▰▰▰▰▰▰▰▰▰▰ 1")
    await _as(page, "Ben")
    await vote.get_by_role("button", name="A", exact=True).click()
    shown = await _shows(page, "A ▰▰▰▰▰▱▱▱▱▱ 1")
    await shoot(page, out, shown, shown)
    await _as(page, "Ada")


async def _end_card(page: Page, out: Path) -> None:
    """A game of two words, to its end."""
    await send(page, "play nextword", {"rounds": "2", "text": "The lighthouse cat"})
    for number in (1, 2):
        await _shows(page, f"word {number} of 2")
        game = await _shows(page, "bets close")
        await game.get_by_role("button", name=re.compile(r"^A ·")).click()
        await _shows(page, "1 bet so far")
        await _as(page, "Ben")
        await game.get_by_role("button", name=re.compile(r"^B ·")).click()
        await _shows(page, "2 bets so far")
        await _as(page, "Ada")
        await game.get_by_role("button", name="Close the bets").click()
        if number == 1:
            await _shows(page, "The model gave it")
            await game.get_by_role("button", name="Next word").click()
    card = await _shows(page, "Bits per word")
    await shoot(page, out, card, card)


async def _as(page: Page, name: str) -> None:
    await page.get_by_role("radio", name=name).click()


async def _shows(page: Page, words: str) -> Locator:
    """The newest message, once it is finished and shows these words."""
    await _settled(page)
    message = page.locator("#messages .message:not(.ephemeral)").last
    await expect(message).to_contain_text(words, timeout=REPLY_TIMEOUT_MS)
    return message


async def _settled(page: Page) -> None:
    """Nothing is being written."""
    await expect(page.locator("#messages").get_by_role("button", name="Stop")).to_have_count(
        0, timeout=REPLY_TIMEOUT_MS
    )
    await page.wait_for_timeout(500)


async def _picture(page: Page, out: Path) -> None:
    await expect(page.locator("#messages .message").last.locator("img")).to_have_count(
        1, timeout=REPLY_TIMEOUT_MS
    )
    image = page.locator("#messages .message").last.locator("img")
    await expect(image).to_be_visible(timeout=REPLY_TIMEOUT_MS)
    await expect(image).to_have_js_property("complete", True, timeout=REPLY_TIMEOUT_MS)
    message = page.locator("#messages .message").last
    await shoot(page, out, message, message)
