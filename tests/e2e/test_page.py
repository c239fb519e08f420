"""The live page in a real browser: keyboard, growing replies, forms, members, hostile text."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Locator, Page, async_playwright, expect

from bot.local.discord_server import LocalDiscord, open_local_discord
from tests.e2e.small_bot_process import running_bot
from tools.try_picture import ARGUMENTS, find_chromium

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),  # one browser for all of them
    pytest.mark.browser,
    pytest.mark.timeout(90),
    pytest.mark.skipif(find_chromium() is None, reason="no Chromium on the PATH"),
]
RECORD_TEXTS = """
window.seen = [];
new MutationObserver(() => {
    const texts = document.querySelectorAll('.message .text');
    if (texts.length > 0) window.seen.push(texts[texts.length - 1].textContent);
}).observe(document.getElementById('messages'), { childList: true, subtree: true });
"""
RECORD_ANNOUNCEMENTS = """
window.said = [];
const announcer = document.getElementById('announcer');
new MutationObserver(() => window.said.push(announcer.textContent)).observe(
    announcer, { childList: true });
"""
INVENTORY = """
const all = [...document.querySelectorAll('#messages *')];
const links = all.filter((one) => one.tagName === 'A');
({
    tags: all.map((one) => one.tagName),
    protocols: links.map((link) => new URL(link.href).protocol),
    handlers: all.filter((one) => [...one.attributes].some((a) => a.name.startsWith('on'))).length,
})
"""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=find_chromium(), args=ARGUMENTS)
        yield browser
        await browser.close()


@pytest_asyncio.fixture(loop_scope="module")
async def local() -> AsyncIterator[LocalDiscord]:
    async with open_local_discord() as local:
        yield local


@pytest_asyncio.fixture(loop_scope="module")
async def page(local: LocalDiscord, browser: Browser) -> AsyncIterator[Page]:
    """The page as Ada sees it; a script error or a blocked resource fails the test."""
    page = await browser.new_page(viewport={"width": 1100, "height": 720})
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("console", lambda said: problems.append(said.text) if said.type == "error" else None)
    page.set_default_timeout(15_000)
    expect.set_options(timeout=15_000)
    await page.goto(local.page_url)
    await expect(page.get_by_role("heading", name="# general")).to_be_visible()
    yield page
    await page.close()
    assert [] == [problem for problem in problems if "ERR_CONNECTION" not in problem]


def shown(page: Page, text: str) -> Locator:
    """A text among the messages, not in the live region for screen readers."""
    return page.locator("#messages").get_by_text(text)


async def test_a_command_is_picked_and_filled_by_keyboard_and_its_reply_grows(
    local: LocalDiscord, page: Page
) -> None:
    """Slash, Tab, fields, Enter: no mouse is needed, and every edit shows."""
    async with running_bot(local):
        await expect(page.get_by_text("online")).to_be_visible()
        await page.evaluate(RECORD_TEXTS)
        await page.get_by_role("combobox").focus()
        await page.keyboard.type("/")
        options = page.get_by_role("option")
        await expect(options).to_have_count(12)
        await page.keyboard.press("ArrowDown")
        await expect(options.nth(1)).to_have_attribute("aria-selected", "true")
        await page.keyboard.type("gr")
        await expect(options).to_have_count(1)
        await page.keyboard.press("Tab")
        await expect(page.get_by_role("textbox", name="prompt")).to_be_focused()
        await page.keyboard.press("Enter")  # the prompt is required: nothing is sent
        await page.keyboard.type("Listen.")
        await page.keyboard.press("Tab")
        await page.keyboard.type("4")
        await page.keyboard.press("Enter")
        reply = page.locator(".message").last
        await expect(reply).to_contain_text("Plain style")
        await expect(reply).to_contain_text("Ada used /grow")
        await expect(reply.locator("strong")).to_have_text("Listen.")
        await expect(page.get_by_role("combobox", name="Message #general")).to_be_focused()
        seen = list(dict.fromkeys(await page.evaluate("window.seen")))
        assert len([text for text in seen if text.startswith("Listen.")]) >= 4
        asked = local.recorder.matching("POST", "callback")
        assert 1 == len(asked)


async def test_buttons_forms_and_menus_work(local: LocalDiscord, page: Page) -> None:
    """A button stops a text, another opens a form, a message's menu runs a command."""
    async with running_bot(local):
        options = {"prompt": "a", "length": 15, "pace": 1.0}
        await local.slash(local.ada, local.general, "grow", options)
        await page.get_by_role("button", name="Stop").click()
        await expect(shown(page, "Stopped 15.")).to_be_visible()

        await local.slash(local.ada, local.general, "form")
        await page.get_by_role("button", name="Write").click()
        dialog = page.get_by_role("dialog", name="A form")
        await expect(dialog.get_by_label("Your name")).to_be_focused()
        await page.keyboard.type("Wiglaf")
        await expect(dialog.get_by_label("Your story")).to_have_value("Once")
        await dialog.get_by_role("button", name="Submit").click()
        await expect(shown(page, "Wiglaf says: Once")).to_be_visible()
        await expect(dialog).to_have_count(0)

        await page.get_by_role("button", name="Apps for this message").last.focus()
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("menuitem", name="Count letters")).to_be_focused()
        await page.keyboard.press("Enter")
        await expect(shown(page, "17 letters.")).to_be_visible()


async def test_an_ephemeral_reply_is_hidden_from_the_other_member(
    local: LocalDiscord, page: Page
) -> None:
    """Switching the member shows the server with that member's eyes."""
    async with running_bot(local):
        await local.slash(local.ada, local.general, "secret")
        await expect(shown(page, "Only for you.")).to_be_visible()
        await expect(page.get_by_text("Only you can see this")).to_be_visible()
        await page.get_by_role("radio", name="Ben").click()
        await expect(page.get_by_role("radio", name="Ben")).to_have_attribute(
            "aria-checked", "true"
        )
        await expect(shown(page, "Only for you.")).to_have_count(0)
        await page.get_by_role("combobox").fill("good evening")
        await page.keyboard.press("Enter")
        await expect(page.locator(".message").last).to_contain_text("Ben")
        await page.get_by_role("radio", name="Ben").focus()
        await page.keyboard.press("ArrowLeft")
        await expect(shown(page, "Only for you.")).to_be_visible()
        await page.get_by_role("button", name="Dismiss").click()
        await expect(shown(page, "Only for you.")).to_have_count(0)


async def test_a_bot_that_does_not_answer_is_told_of(local: LocalDiscord, page: Page) -> None:
    """In Discord's own words, after three seconds."""
    async with running_bot(local):
        await expect(page.get_by_text("online")).to_be_visible()
        await page.get_by_role("combobox").fill("/silent")
        await page.keyboard.press("Enter")
        await expect(page.get_by_text("Sending /silent…")).to_be_visible()
        await expect(shown(page, "The application did not respond")).to_be_visible()


async def test_pictures_and_embeds_are_shown(local: LocalDiscord, page: Page) -> None:
    """Attachments come from this server, so the policy lets them through."""
    async with running_bot(local):
        await local.slash(local.ada, local.general, "picture")
        picture = page.get_by_role("img", name="pixel.png")
        await expect(picture).to_have_js_property("naturalWidth", 1)
        await expect(page.locator(".embed")).to_contain_text("A picture")


async def test_edits_of_a_growing_reply_are_not_read_out_one_by_one(
    local: LocalDiscord, page: Page
) -> None:
    """The live region says that the bot thinks, and the whole text once it rests."""
    async with running_bot(local):
        await page.evaluate(RECORD_ANNOUNCEMENTS)
        options = {"prompt": "a", "length": 4, "pace": 0.3}
        await local.slash(local.ada, local.general, "grow", options)
        await expect(page.locator("#announcer")).to_contain_text("We have heard")
        said = await page.evaluate("window.said")
        assert 2 == len(said), said
        assert "Bardling is thinking" == said[0]


HOSTILE = [
    "<img src=x onerror=alert(1)><script>alert(1)</script>",
    "[click](javascript:alert(1)) [data](data:text/html,x)",
    "`<b>` ```html\n<iframe src=//evil>\n```",
    "<t:99999999999999:R> <t:9999999999999:F> <@999> <#1> <@&2>",
    "**" * 400 + "||" * 300 + "_" * 200,
    '[a](https://example.com/"onmouseover=alert(1)) https://example.com/<b>',
    "> " * 200 + "x",
]


async def test_hostile_text_stays_text(local: LocalDiscord, page: Page) -> None:
    """No element, no handler and no odd address comes out of a message."""
    for text in HOSTILE:
        await local.say(local.ben, local.general, text)
    await expect(page.locator(".message")).to_have_count(len(HOSTILE))
    found = await page.evaluate(INVENTORY)
    assert not {"SCRIPT", "IFRAME", "IMG", "B"} & set(found["tags"])
    assert {"https:"} == set(found["protocols"])
    assert 0 == found["handlers"]
    await expect(page.locator(".message").first).to_contain_text("<img src=x onerror=alert(1)>")


MARKDOWN = [
    (
        "**bold** and *slanted* or _slanted_",
        "<strong>bold</strong> and <em>slanted</em> or <em>slanted</em>",
    ),
    ("***both*** __under__ ~~gone~~", "<strong><em>both</em></strong> <u>under</u> <s>gone</s>"),
    (r"\*\*not bold\*\* snake_case_name 2*3*4", "**not bold** snake_case_name 2<em>3</em>4"),
    ("`a **b** \\` c", "<code>a **b** \\</code> c"),
    ("**open and *closed*", "**open and <em>closed</em>"),
    ("a\\_b 1 < 2 & 3", "a_b 1 &lt; 2 &amp; 3"),
]


async def test_markdown_looks_as_in_discord(local: LocalDiscord, page: Page) -> None:
    """Marks nest, escapes hold, words with underscores stay whole."""
    for text, _html in MARKDOWN:
        await local.say(local.ben, local.general, text)
    await expect(page.locator(".message")).to_have_count(len(MARKDOWN))
    html = await page.evaluate(
        "[...document.querySelectorAll('.message .text > div')].map((line) => line.innerHTML)"
    )
    assert [expected for _text, expected in MARKDOWN] == html


async def test_blocks_of_markdown_are_blocks(local: LocalDiscord, page: Page) -> None:
    """Headings, quotes, lists, fences, small lines, mentions, times, spoilers."""
    text = (
        f"# Title\n> quoted\n- one\n  - two\n3. three\n```py\nprint(1)\n```\n"
        f"-# small\n<@{local.ada.id}> <#{local.stories.id}> <t:0:D> ||hidden||"
    )
    await local.say(local.ben, local.general, text)
    message = page.locator(".message")
    await expect(message.get_by_role("heading", name="Title")).to_be_visible()
    await expect(message.locator("blockquote")).to_have_text("quoted")
    await expect(message.locator("ul ul")).to_have_text("two")
    await expect(message.locator("pre")).to_have_text("print(1)")
    await expect(message.locator(".subtext")).to_have_text("small")
    assert ["@Ada", "#stories"] == await message.locator(".mention").all_inner_texts()
    await expect(message.locator("time.timestamp")).to_contain_text("1970")
    spoiler = message.get_by_role("button", name="Spoiler")
    await spoiler.focus()
    await page.keyboard.press("Enter")
    await expect(message.locator(".spoiler.revealed")).to_have_text("hidden")


async def test_a_phone_needs_no_sideways_scrolling(local: LocalDiscord, page: Page) -> None:
    """At 390 pixels everything fits, however long a word is; the channels slide in."""
    await page.set_viewport_size({"width": 390, "height": 780})
    await local.say(local.ben, local.general, "x" * 500 + "\n```\n" + "y" * 500 + "\n```")
    async with running_bot(local):
        await expect(page.locator(".message")).to_have_count(1)
        await page.get_by_role("combobox").fill("/grow")
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("form", name="Command /grow")).to_be_visible()
        assert 390 == await page.evaluate("document.documentElement.scrollWidth")
        await page.keyboard.press("Escape")
    await expect(page.get_by_role("button", name="stories")).to_be_hidden()
    await page.get_by_role("button", name="Channels").click()
    await page.get_by_role("button", name="stories").click()
    await expect(page.get_by_role("heading", name="# stories")).to_be_visible()


async def test_a_lost_connection_is_told_and_comes_back(browser: Browser) -> None:
    """The page tries again by itself and shows what is there then."""
    async with open_local_discord() as first:
        port = int(first.base_url.rpartition(":")[2])
        page = await browser.new_page()
        await page.goto(first.page_url)
        await expect(page.get_by_role("heading", name="# general")).to_be_visible()
    await expect(page.get_by_text("The connection to the local Discord was lost.")).to_be_visible()
    async with open_local_discord(port) as second:
        await second.say(second.ben, second.general, "back again")
        await expect(shown(page, "back again")).to_be_visible(timeout=20_000)
        await expect(page.locator("#banner")).to_be_hidden()
