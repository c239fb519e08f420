"""Files, menus, components, forms, languages and places at the local Discord, by its members."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from bot.local.discord_server import LocalDiscord, open_local_discord
from bot.local.handles import Interaction, Member
from bot.local.states import ActionRefusedError, Upload
from tests.e2e.small_bot_process import running_bot

pytestmark = pytest.mark.timeout(60)

_READS_FORM_S = 0.5


@pytest.fixture
async def local() -> AsyncIterator[LocalDiscord]:
    async with open_local_discord() as local, running_bot(local):
        yield local


async def reply_of(asked: Interaction) -> dict[str, Any]:
    await asked.first_answer()
    return asked.reply or {}


async def submit_modal(
    local: LocalDiscord, member: Member, shown: Interaction, values: dict[str, Any]
) -> Interaction:
    """Sends a form, not sooner than a person could.

    discord.py knows a form only once the request that showed it has returned: one that is sent in
    the same instant is nobody's.
    """
    await asyncio.sleep(_READS_FORM_S)
    return await local.submit_modal(member, shown, values)


async def content_of(asked: Interaction) -> str:
    return (await reply_of(asked))["content"]


def fields(modal: dict[str, Any] | None) -> list[str]:
    return [part["component"]["custom_id"] for part in (modal or {})["components"]]


async def test_a_bot_reads_the_file_of_an_option(local: LocalDiscord) -> None:
    """By plain HTTP from the address it was given; the name is made harmless as Discord does."""
    file = Upload(filename="my störy.txt", data="Hwæt!".encode())
    asked = await local.slash(local.ben, local.general, "read", {"file": file, "note": "x"})
    told = "my_stry.txt 6 text/plain; charset=utf-8 'Hwæt!' x"
    assert told == await content_of(asked)


async def test_an_option_for_a_file_takes_nothing_else(local: LocalDiscord) -> None:
    """Nor is it left out where it is required."""
    for options in ({"file": "a.txt"}, {}):
        with pytest.raises(ActionRefusedError, match="file"):
            await local.slash(local.ben, local.general, "read", options)


async def test_a_menu_gives_the_whole_message(local: LocalDiscord) -> None:
    """Text and files of a member's message, though the bot may read no messages; then a form."""
    files = [Upload(filename="a.txt", data=b"a")]
    message_id = await local.say(local.ben, local.general, "Hwaet", files)
    menu = await local.message_menu(local.ada, local.general, "Write about it", message_id)
    modal = (await menu.first_answer()).modal or {}
    assert "Hwaet ['a.txt']" == modal["title"]
    line, place, seed, extras = fields(modal)
    values = {line: "Hm", place: ["2"], seed: False, extras: ["milk", "honey"]}
    sent = await submit_modal(local, local.ada, menu, values)
    assert "Hm ['2'] False ['honey', 'milk']" == await content_of(sent)


async def test_a_form_that_lacks_something_is_not_sent(local: LocalDiscord) -> None:
    """A choice that is not in the list neither."""
    reply = await reply_of(await local.slash(local.ada, local.general, "parts"))
    shown = await local.click(local.ben, reply, "parts:ask")
    line, place, *_ = fields((await shown.first_answer()).modal)
    for values in ({line: "x"}, {line: "x", place: ["3"]}):
        with pytest.raises(ActionRefusedError):
            await local.submit_modal(local.ben, shown, values)


async def test_a_form_at_a_message_edits_that_message(local: LocalDiscord) -> None:
    """Types 9 and 7; a box that nobody touches keeps its default."""
    reply = await reply_of(await local.slash(local.ada, local.general, "parts"))
    shown = await local.click(local.ben, reply, "parts:ask")
    line, place, *_ = fields((await shown.first_answer()).modal)
    sent = await submit_modal(local, local.ben, shown, {line: "Hm", place: ["1"]})
    assert "update" == (await sent.first_answer()).kind
    assert int(reply["id"]) == sent.reply_id
    assert "Hm ['1'] True []" == await content_of(sent)


async def test_a_deferred_click_edits_the_message_it_sits_on(local: LocalDiscord) -> None:
    """Type 6: `@original` is that message; what follows is for the one who clicked."""
    reply = await reply_of(await local.slash(local.ada, local.general, "parts"))
    click = await local.click(local.ben, reply, "parts:back")
    assert "deferred_update" == (await click.first_answer()).kind
    assert int(reply["id"]) == click.reply_id
    await local.wait_for(lambda: click.followups, 10, "the follow-up")
    assert "Edited later." == (click.reply or {})["content"]
    assert ["And one more."] == [m["content"] for m in local.messages(local.general, local.ben)][1:]
    assert 1 == len(local.messages(local.general, local.ada))


async def test_a_select_of_a_message_is_used(local: LocalDiscord) -> None:
    """Type 7; neither an unknown choice, none at all nor a disabled button gets out."""
    reply = await reply_of(await local.slash(local.ada, local.general, "parts"))
    for values in (["3"], ["1", "2"], []):
        with pytest.raises(ActionRefusedError):
            await local.choose(local.ben, reply, "parts:pick", values)
    with pytest.raises(ActionRefusedError, match="disabled"):
        await local.click(local.ben, reply, "parts:forward")
    chosen = await local.choose(local.ben, reply, "parts:pick", ["2"])
    assert "Picked ['2']." == await content_of(chosen)


async def test_an_edit_replaces_files(local: LocalDiscord) -> None:
    """A multipart edit names the files to keep; pictures have their size and their alt text."""
    reply = await reply_of(await local.slash(local.ada, local.general, "parts"))
    assert ["A pixel", "A hidden pixel", None] == [f["description"] for f in reply["attachments"]]
    click = await local.click(local.ada, reply, "parts:redraw")
    edited = await local.wait_for(
        lambda: [f for f in (click.reply or {}).get("attachments", ()) if "new" in f["filename"]],
        10,
        "the new file",
    )
    kept = [file["filename"] for file in (click.reply or {})["attachments"]]
    assert ["story.txt", "new.png"] == kept
    assert ("A newer pixel", 1, 1) == tuple(
        edited[0][name] for name in ("description", "width", "height")
    )


async def test_the_languages_reach_the_bot(local: LocalDiscord) -> None:
    """The member's own and the server's; direct messages have no server."""
    local.set_locale(local.ben, "pt-BR")
    in_server = await content_of(await local.slash(local.ben, local.general, "words"))
    assert in_server.startswith("locale pt-BR, server's en-US, ")
    others = await content_of(
        await local.slash(local.ada, local.direct_channel(local.ada), "words")
    )
    assert others.startswith("locale en-US, server's None, ")


async def test_age_limits_reach_the_bot(local: LocalDiscord) -> None:
    """In a channel that it knows from the gateway."""
    for channel, expected in ((local.after_dark, True), (local.general, False)):
        told = await content_of(await local.slash(local.ben, channel, "words"))
        assert f"restricted {expected}" in told


async def test_an_own_app_is_used_where_the_server_has_not_added_it(local: LocalDiscord) -> None:
    """Only commands for that; a member who has not installed it has none."""
    here = local.visible_commands(local.elsewhere, local.ben)
    assert {"words", "many"} == {command["name"] for command in here}
    told = await content_of(await local.slash(local.ben, local.elsewhere, "words"))
    assert "by server False, by user True" in told
    cleo = local.add_member("Cleo", local.elsewhere.guild_id)
    assert [] == local.visible_commands(local.elsewhere, cleo)
    for member, name in ((local.ben, "echo"), (cleo, "words")):
        with pytest.raises(ActionRefusedError, match="not installed"):
            await local.slash(member, local.elsewhere, name, {})


async def test_an_own_app_may_send_five_more_messages(local: LocalDiscord) -> None:
    """The sixth is refused with Discord's code; where the bot is installed, none is."""
    asked = await local.slash(local.ben, local.elsewhere, "many", {"n": 6})
    await local.wait_for(lambda: "400 40094" in str(asked.reply), 25, "the refusal")
    assert 5 == len(asked.followups)
    for channel in (local.general, local.direct_channel(local.ben)):
        asked = await local.slash(local.ben, channel, "many", {"n": 6})
        await local.wait_for(lambda asked=asked: len(asked.followups) == 6, 25, "the sixth message")
