"""Finished texts outside the usual: without the bot, in direct messages, from files, in trouble."""

import pytest

from bot.core.buttons import Action
from bot.core.replies import UNFINISHED_MARK
from bot.local.faults import Fault, FaultKind
from bot.local.states import Upload
from tests.e2e.clicking import ANSWER_S, button, press, seed_of, sentence, shows
from tests.e2e.stack import Stack

WEBHOOK_EDIT = "/webhooks/*/messages/@original"


@pytest.mark.parametrize("where", ["elsewhere", "direct"])
async def test_everything_works_without_the_bot_in_the_server(stack: Stack, where: str):
    """Where only Ben installed it, and in direct messages: each click has an answer of its own."""
    await stack.start_bot()
    await stack.start_worker()
    local = stack.local
    channel = local.elsewhere if where == "elsewhere" else local.direct_channel(local.ben)
    reply = await stack.complete(
        "Once upon a time", member=local.ben, channel=channel, length=500, seed=5
    )
    first = await stack.final(reply)

    await press(stack, reply, Action.RETRY, local.ben)
    second = await shows(stack, reply, "2/2")
    await press(stack, reply, Action.PAGE, local.ben)
    back = await shows(stack, reply, "1/2")
    continued = await stack.final(await press(stack, reply, Action.CONTINUE, local.ben))
    form = await press(stack, reply, Action.REPORT, local.ben)
    thanks = await sentence(stack, await local.submit_modal(local.ben, form, {"reason": ""}))

    assert "5" == seed_of(back) != seed_of(second)
    assert continued["id"] != first["id"]
    assert "Thank you. The host of this bot was told." == thanks


async def test_file_is_gone_on_with(stack: Stack):
    """By the command and by the menu; one that is no text is a sentence."""
    await stack.start_bot()
    await stack.start_worker()
    local = stack.local
    text = Upload(filename="story.txt", data="\ufeffÉs war einmal ein Fuchs".encode())
    picture = Upload(filename="a.png", data=b"\x89PNG")

    command = await local.slash(local.ada, local.general, "complete", {"file": text, "length": 5})
    refused = await local.slash(local.ada, local.general, "complete", {"file": picture})
    said = await local.say(local.ben, local.general, "", [text])
    menu = await local.message_menu(local.ada, local.general, "Continue this", said)

    for interaction in (command, menu):
        final = await stack.final(interaction)
        assert final["content"].startswith("**És war einmal ein Fuchs**")
    assert "plain text only" in await sentence(stack, refused)


async def test_age_restricted_preset_stays_in_its_channel(stack: Stack):
    """The same command is a sentence in one channel and a text in the other."""
    await stack.start_bot()
    await stack.start_worker()
    local = stack.local

    refused = await stack.complete("Once", preset="openai", length=5)
    told = await sentence(stack, refused)
    final = await stack.final(
        await stack.complete("Once", channel=local.after_dark, preset="openai", length=5)
    )

    assert "age-restricted channels only" in told
    assert final["content"].startswith("**Once**")


async def test_clicks_get_through_errors(stack: Stack):
    """Rate limits, server errors and cut connections delay a new version, they don't lose it."""
    await stack.start_bot()
    await stack.start_worker()
    reply = await stack.complete("Once upon a time", length=10, seed=5)
    await stack.final(reply)
    for fault in (
        Fault(kind=FaultKind.STATUS, method="PATCH", path=WEBHOOK_EDIT, status=429, delay_s=0.5),
        Fault(kind=FaultKind.STATUS, method="PATCH", path=WEBHOOK_EDIT, status=502),
        Fault(kind=FaultKind.DROP, method="PATCH", path=WEBHOOK_EDIT),
    ):
        stack.local.faults.add(fault)

    await press(stack, reply, Action.RETRY)
    await shows(stack, reply, "2/2")

    assert 0 == len(stack.local.faults)


async def test_version_that_cant_be_posted_does_not_block_the_next(stack: Stack):
    """The reply is gone for a moment; the text of before is there, and can be made again."""
    await stack.start_bot()
    worker = await stack.start_worker()
    reply = await stack.complete("Once upon a time", length=10, seed=5)
    first = await stack.final(reply)
    stack.local.faults.add(
        Fault(kind=FaultKind.STATUS, method="PATCH", path=WEBHOOK_EDIT, status=404), times=2
    )

    await press(stack, reply, Action.RETRY)
    await worker.wait_log("reply gone", ANSWER_S)
    stack.local.faults.clear()
    await stack.wait_for(lambda: worker.log().count('"job finished"') == 2, ANSWER_S, "its end")
    click = await stack.local.click(stack.local.ada, first, button(first, Action.RETRY))
    await click.first_answer()
    final = await shows(stack, reply, "Continue", "/")

    assert "5" != seed_of(final)


async def test_worker_that_dies_at_a_version_is_followed_by_another(stack: Stack):
    """Its reply shows the new version in the end, and the old one on its page."""
    await stack.start_bot()
    worker = await stack.start_worker()
    reply = await stack.complete("Once upon a time", length=400, seed=5)
    first = await stack.final(reply)
    await press(stack, reply, Action.RETRY)
    await stack.wait_for(
        lambda: UNFINISHED_MARK in (reply.reply or {"content": ""})["content"],
        ANSWER_S, "the new version to grow",
    )  # fmt: skip
    await worker.kill()
    await stack.start_worker()

    await shows(stack, reply, "2/2")
    await press(stack, reply, Action.PAGE)
    back = await shows(stack, reply, "1/2")

    assert seed_of(first) == seed_of(back)
