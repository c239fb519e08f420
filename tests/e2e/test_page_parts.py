"""The live page's parts: files, menus, spoilers, forms, languages, servers without the bot."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Locator, Page, async_playwright, expect

from bot.local.discord_server import LocalDiscord, open_local_discord
from tests.e2e.small_bot_process import running_bot
from tools.try_picture import ARGUMENTS, find_chromium

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),  # one browser and one bot for all of them
    pytest.mark.browser,
    pytest.mark.timeout(90),
    pytest.mark.skipif(find_chromium() is None, reason="no Chromium on the PATH"),
]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=find_chromium(), args=ARGUMENTS)
        yield browser
        await browser.close()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def local() -> AsyncIterator[LocalDiscord]:
    async with open_local_discord() as local, running_bot(local):
        yield local


@pytest_asyncio.fixture(loop_scope="module")
async def page(local: LocalDiscord, browser: Browser) -> AsyncIterator[Page]:
    """The page as Ada sees it, in German; a script error or a blocked resource fails the test."""
    page = await browser.new_page(viewport={"width": 1100, "height": 720}, locale="de-AT")
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("console", lambda said: problems.append(said.text) if said.type == "error" else None)
    page.set_default_timeout(15_000)
    expect.set_options(timeout=15_000)
    await page.goto(local.page_url)
    await expect(page.get_by_text("online")).to_be_visible()
    yield page
    await page.close()
    # The browser itself logs that an upload was refused.
    assert [] == [problem for problem in problems if "413" not in problem]


async def pick(page: Page, command: str) -> None:
    await page.get_by_role("combobox", name="Message").fill(f"/{command}")
    await page.keyboard.press("Enter")


async def parts_of(local: LocalDiscord, page: Page) -> Locator:
    """The message of a fresh `/parts`."""
    asked = await local.slash(local.ben, local.general, "parts")
    await asked.first_answer()
    return page.locator(f'[data-message-id="{asked.reply_id}"]')


async def test_commands_are_shown_in_the_members_language(page: Page) -> None:
    """The browser's at first; what is sent has the command's own names."""
    await page.get_by_role("combobox", name="Message").fill("/wor")
    option = page.get_by_role("option", name="/worte")
    await expect(option).to_contain_text("Sagt, wer du bist")
    await option.click()
    form = page.get_by_role("form", name="Command /worte")
    await form.get_by_label("laune").select_option("Traurig")
    await form.get_by_role("button", name="Send").click()
    last = page.locator(".message").last
    await expect(last).to_contain_text("locale de, server's en-US")
    await expect(last).to_contain_text("mood sad")


async def test_the_language_is_chosen_and_kept(page: Page) -> None:
    """Also after the page is opened anew."""
    await page.get_by_text("Discord's language: Deutsch").click()
    await page.get_by_label("Discord's language").select_option("ja")
    await pick(page, "words")
    await page.get_by_role("button", name="Send").click()
    await expect(page.locator(".message").last).to_contain_text("locale ja")
    await page.reload()
    await expect(page.locator("#language-name")).to_have_text("日本語")


async def test_a_file_is_chosen_and_sent(page: Page, tmp_path: Path) -> None:
    """The form's file reaches the bot; without one, the form stays."""
    path = tmp_path / "tale.txt"
    path.write_text("Hwæt!")
    await pick(page, "read")
    form = page.get_by_role("form", name="Command /read")
    await form.get_by_role("button", name="Send").click()
    await expect(form).to_be_visible()
    await form.get_by_label("file").set_input_files(path)
    await form.get_by_role("button", name="Send").click()
    await expect(form).to_have_count(0)
    told = "tale.txt 6 text/plain; charset=utf-8 'Hwæt!' None"
    await expect(page.locator(".message").last).to_contain_text(told)


async def test_a_file_that_is_too_large_is_told_of(page: Page, tmp_path: Path) -> None:
    """In the form, where another one can be chosen."""
    path = tmp_path / "long.txt"
    path.write_bytes(b"x" * ((10 << 20) + 1))
    await pick(page, "read")
    form = page.get_by_role("form", name="Command /read")
    await form.get_by_label("file").set_input_files(path)
    await form.get_by_role("button", name="Send").click()
    await expect(form.get_by_role("alert")).to_have_text("Files of up to 10 MB can be sent.")


async def test_files_are_shown_each_in_its_way(local: LocalDiscord, page: Page) -> None:
    """Pictures open in full, texts show their beginning, spoilers wait; an edit replaces them."""
    message = await parts_of(local, page)
    await expect(message.get_by_role("img", name="A pixel")).to_have_js_property("naturalWidth", 1)
    hidden = message.get_by_role("img", name="A hidden pixel")
    await expect(hidden).to_have_count(0)
    await message.get_by_role("button", name="Show spoiler").click()
    await expect(hidden).to_be_visible()

    preview = message.locator("pre")
    await expect(preview).to_contain_text("Once upon a time")
    assert len(await preview.inner_text()) < 700
    await message.get_by_role("button", name="Show all").click()
    await expect(preview).not_to_contain_text("…")

    await message.get_by_role("img", name="A pixel").click()
    dialog = page.get_by_role("dialog", name="pixel.png")
    await expect(dialog.locator("figcaption")).to_have_text("A pixel")
    await page.keyboard.press("Escape")
    await expect(dialog).to_have_count(0)

    await message.get_by_role("button", name="Redraw").click()
    await expect(message.get_by_role("img", name="A newer pixel")).to_be_visible()
    await expect(message.get_by_role("img", name="A pixel", exact=True)).to_have_count(0)
    await expect(message.get_by_text("story.txt")).to_be_visible()


async def test_components_of_a_message_work(local: LocalDiscord, page: Page) -> None:
    """A button with an emoji alone, a disabled one, a select, a form with newer components."""
    message = await parts_of(local, page)
    await expect(message.get_by_role("button", name="▶")).to_be_disabled()
    await message.get_by_role("button", name="◀").click()
    await expect(message.locator(".text")).to_have_text("Edited later.")
    await expect(page.locator(".message.ephemeral").last).to_contain_text("And one more.")
    await message.get_by_label("Which one").select_option("Second")
    await expect(message.locator(".text")).to_have_text("Picked ['2'].")

    await message.get_by_role("button", name="Ask").click()
    dialog = page.get_by_role("dialog", name="A survey")
    await dialog.get_by_label("Your line").fill("Hwaet")
    await dialog.get_by_label("Which one").select_option("First – The oldest")
    await dialog.get_by_label("Keep the seed").uncheck()
    await dialog.get_by_role("group", name="Extras").get_by_label("Honey").check()
    await dialog.get_by_role("button", name="Submit").click()
    await expect(message.locator(".text")).to_have_text("Hwaet ['1'] False ['honey']")


async def test_a_right_click_opens_a_messages_menu(local: LocalDiscord, page: Page) -> None:
    """By mouse and by keyboard; its command may open a form."""
    await local.say(local.ben, local.general, "Look at this")
    message = page.locator(".message").filter(has_text="Look at this").last
    await message.get_by_text("Look at this").click(button="right")
    item = page.get_by_role("menuitem", name="Darüber schreiben")
    await expect(item).to_be_visible()
    await page.keyboard.press("Escape")
    await expect(item).to_have_count(0)
    await message.get_by_role("button", name="Apps for this message").focus()
    await page.keyboard.press("Shift+F10")
    await item.click()
    dialog = page.get_by_role("dialog", name="Look at this []")
    await dialog.get_by_label("Which one").select_option("Second")
    await dialog.get_by_role("button", name="Submit").click()
    await expect(page.locator(".message").last).to_contain_text("Hm ['2'] True []")


async def test_a_spoiler_hides_whole_blocks(local: LocalDiscord, page: Page) -> None:
    """Headings and code in it too; a mark that never closes is text."""
    await local.say(local.ben, local.general, "||# Title\nline\n```\ncode\n```\nend|| ||open")
    message = page.locator(".message").last
    heading = message.get_by_role("heading", name="Title")
    await expect(heading).to_be_hidden()
    await expect(message.get_by_text("||open")).to_be_visible()
    await message.get_by_role("button", name="Spoiler").click()
    await expect(heading).to_be_visible()
    await expect(message.locator(".spoiler pre")).to_have_text("code")


async def test_an_own_app_is_used_in_a_server_without_the_bot(page: Page) -> None:
    """The page says so, and offers what can be used there."""
    await page.get_by_text("The Tavern (without the bot)").click()
    await page.get_by_role("button", name="taproom").click()
    await expect(page.get_by_text("The Tavern has not added Bardling")).to_be_visible()
    await page.get_by_role("combobox", name="Message").fill("/")
    await expect(page.get_by_role("option")).to_have_count(2)
    await pick(page, "words")
    await page.get_by_role("button", name="Send").click()
    await expect(page.locator(".message").last).to_contain_text("by server False, by user True")
    await page.get_by_role("button", name="after-dark").click()
    await pick(page, "words")
    await page.get_by_role("button", name="Send").click()
    await expect(page.locator(".message").last).to_contain_text("restricted True")
