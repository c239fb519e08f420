"""A discord.py bot in a process of its own against the local Discord, over real sockets."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from bot.local.discord_server import LocalDiscord, open_local_discord
from bot.local.faults import Fault, FaultKind
from bot.local.rate_limits import RateLimit
from bot.local.states import ActionRefusedError
from tests.e2e.small_bot_process import running_bot

pytestmark = pytest.mark.timeout(60)


@pytest.fixture
async def local() -> AsyncIterator[LocalDiscord]:
    limit = RateLimit(requests=3, window_s=1.0)
    async with open_local_discord(bot_name="Scop", rate_limit=limit) as local, running_bot(local):
        yield local


def modal_ids(modal: dict[str, Any]) -> list[str]:
    return [row["components"][0]["custom_id"] for row in modal["components"]]


async def test_the_bot_registers_its_commands(local: LocalDiscord) -> None:
    """Slash commands and message menus, as a member can pick them."""
    names = {command["name"] for command in local.commands()}
    assert {"echo", "grow", "secret", "Count letters"} <= names
    assert names == {c["name"] for c in local.visible_commands(local.general, local.ben)}


async def test_a_command_is_answered(local: LocalDiscord) -> None:
    """The reply names who used what."""
    asked = await local.slash(local.ada, local.general, "echo", {"text": "hello"})
    assert "message" == (await asked.first_answer()).kind
    reply = local.messages(local.general, local.ben)[-1]
    assert ("hello", "Scop") == (reply["content"], reply["author"]["username"])
    assert "echo" == reply["interaction_metadata"]["name"]
    assert str(local.ada.id) == reply["interaction_metadata"]["user"]["id"]


async def test_a_reply_grows_through_rate_limits(local: LocalDiscord) -> None:
    """Six edits at a limit of three a second: each one arrives, none is lost."""
    options = {"prompt": "Listen.", "length": 6, "pace": 0.05, "style": "old"}
    asked = await local.slash(local.ada, local.general, "grow", options)
    assert "deferred" == (await asked.first_answer()).kind
    await local.wait_for(lambda: "\n-# Old" in (asked.reply or {})["content"], 15, "the last edit")
    states = local.recorder.history(asked.reply_id or 0)
    contents = [state.payload["content"] for state in states if state.payload]
    assert contents == sorted(contents, key=len)
    assert "**Listen.** Hwaet! We have heard of the\n-# Old style" == contents[-1]
    edits = local.recorder.matching("PATCH", "@original")
    assert 6 == sum(edit.status == 200 for edit in edits)
    assert edits[-1].at_s - edits[0].at_s > 0.8


async def test_lost_and_failed_requests_are_tried_again(local: LocalDiscord) -> None:
    """discord.py rides over a 429 and a 502, because both look like Discord's."""
    for status in (429, 502):
        fault = Fault(kind=FaultKind.STATUS, method="PATCH", status=status, delay_s=0.2)
        local.faults.add(fault)
    asked = await local.slash(local.ada, local.general, "grow", {"prompt": "a", "length": 1})
    await local.wait_for(lambda: "Hwaet!" in str(asked.reply), 15, "the edit")
    statuses = [edit.status for edit in local.recorder.matching("PATCH", "@original")]
    assert [429, 502, 200] == statuses


async def test_buttons_are_caught_by_their_id(local: LocalDiscord) -> None:
    """Also by the other member: the click edits the reply it sits on."""
    options = {"prompt": "a", "length": 15, "pace": 1.0}
    asked = await local.slash(local.ada, local.general, "grow", options)
    reply = await local.wait_for(
        lambda: asked.reply if "small:stop" in str(asked.reply) else None, 10, "the button"
    )
    click = await local.click(local.ben, reply, "small:stop:15")
    await click.first_answer()
    assert "Stopped 15." == (asked.reply or {})["content"]
    with pytest.raises(ActionRefusedError, match="not there any more"):
        await local.click(local.ben, reply, "small:stop:15")


async def test_a_form_is_filled_and_sent(local: LocalDiscord) -> None:
    """A button opens it; what is typed reaches the bot; it can't be sent twice."""
    asked = await local.slash(local.ada, local.general, "form")
    await asked.first_answer()
    shown = await local.click(local.ben, asked.reply or {}, "small:form")
    modal = (await shown.first_answer()).modal or {}
    name, story = modal_ids(modal)
    with pytest.raises(ActionRefusedError, match="max_length"):
        await local.submit_modal(local.ben, shown, {name: "x" * 21})
    sent = await local.submit_modal(local.ben, shown, {name: "Ben", story: "Twice"})
    await sent.first_answer()
    assert "Ben says: Twice" == (sent.reply or {})["content"]
    with pytest.raises(ActionRefusedError):
        await local.submit_modal(local.ben, shown, {name: "Ben"})


async def test_an_ephemeral_reply_is_for_one_member(local: LocalDiscord) -> None:
    """The other one sees nothing of it."""
    asked = await local.slash(local.ada, local.general, "secret")
    await asked.first_answer()
    assert ["Only for you."] == [m["content"] for m in local.messages(local.general, local.ada)]
    assert [] == local.messages(local.general, local.ben)


async def test_choices_and_menus_reach_the_bot(local: LocalDiscord) -> None:
    """Autocomplete, a message menu, and a command in direct messages."""
    typed = await local.autocomplete(local.ada, local.general, "find", "name", {"name": "gr"})
    choices = (await typed.first_answer()).choices
    assert ["Grendel", "Grendel's mother"] == [choice["name"] for choice in choices]
    message_id = await local.say(local.ben, local.general, "Hwaet")
    counted = await local.message_menu(local.ada, local.general, "Count letters", message_id)
    await counted.first_answer()
    assert "5 letters." == (counted.reply or {})["content"]
    direct = await local.slash(local.ben, local.direct_channel(local.ben), "echo", {"text": "psst"})
    await direct.first_answer()
    assert "psst" == (direct.reply or {})["content"]


async def test_the_server_has_installed_the_bot(local: LocalDiscord) -> None:
    """So its admins' rules count there, and nobody's in direct messages; a channel is an option."""
    options = {"channel": local.stories.id}
    in_server = await local.slash(local.ben, local.general, "where", options)
    direct = await local.slash(local.ben, local.direct_channel(local.ben), "where")
    for asked in (in_server, direct):
        await asked.first_answer()
    expected = f"installed: True, channel: #stories, {local.stories.id}"
    assert expected == (in_server.reply or {})["content"]
    assert "installed: False, channel: None" == (direct.reply or {})["content"]


async def test_wrong_options_never_leave_the_client(local: LocalDiscord) -> None:
    """As in Discord, where the picker would not send them."""
    for options in ({}, {"prompt": "a", "length": 16}, {"prompt": "a", "style": "odd"}):
        with pytest.raises(ActionRefusedError):
            await local.slash(local.ada, local.general, "grow", options)
    for channel in ("general", 1):
        with pytest.raises(ActionRefusedError, match="no such channel"):
            await local.slash(local.ada, local.general, "where", {"channel": channel})


async def test_a_cut_connection_is_resumed(local: LocalDiscord) -> None:
    """A command that came meanwhile is answered."""
    local.disconnect_bot()
    await local.wait_for(lambda: not local.bot_connected, 5)
    asked = await local.slash(local.ada, local.general, "echo", {"text": "still here"})
    await local.wait_for(lambda: local.bot_connected, 20, "the bot to come back")
    await asked.first_answer()
    assert "still here" == (asked.reply or {})["content"]


async def test_a_killed_bot_is_replaced_and_messages_stay() -> None:
    """Buttons of the old process work in the new one."""
    async with open_local_discord() as local:
        async with running_bot(local) as first:
            asked = await local.slash(local.ada, local.general, "form")
            await asked.first_answer()
            first.kill()
            await local.wait_for(lambda: not local.bot_connected, 10, "the bot to be gone")
        assert 1 == len(local.messages(local.general, local.ada))
        async with running_bot(local):
            click = await local.click(local.ada, asked.reply or {}, "small:form")
            assert "modal" == (await click.first_answer()).kind
