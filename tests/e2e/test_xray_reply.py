"""X-rays from the command to the picture, on the small model that ships, in real processes."""

from typing import Any

from bot.local.handles import Interaction
from tests.e2e.stack import REPLY_S, Stack

EPHEMERAL = 1 << 6
TEXT = "Once upon a time there was a little fox who lived in the forest with his mother."


async def finished(stack: Stack, interaction: Interaction) -> dict[str, Any]:
    """The reply once its picture is there."""
    return await stack.wait_for(
        lambda: (reply := interaction.reply) and reply["attachments"] and reply,  # pyright: ignore[reportReturnType]
        REPLY_S,
        "the X-ray",
    )


async def test_xray_is_a_picture_with_words(stack: Stack):
    """Content, description and button; the button's text comes also after a restart."""
    bot = await stack.start_bot()
    await stack.start_worker()
    local = stack.local
    interaction = await local.slash(local.ada, local.general, "xray", {"text": TEXT})
    reply = await finished(stack, interaction)

    [picture] = reply["attachments"]
    assert "xray.png" == picture["filename"]
    assert "perplexity" in picture["description"]
    assert "perplexity" in reply["content"]
    assert "can't tell much" in reply["content"]
    assert "not who wrote it" in reply["content"]

    await bot.terminate()
    await stack.start_bot()
    custom_id = reply["components"][0]["components"][0]["custom_id"]
    click = await local.click(local.ada, reply, custom_id)
    shown = await stack.wait_for(lambda: click.reply, 10, "the text")
    assert shown["flags"] & EPHEMERAL
    assert "top 10" in shown["content"]
    assert "fox" in shown["content"]


async def test_message_is_looked_at_by_its_menu(stack: Stack):
    """Of somebody else: only the one who asked sees it. A long one is looked at whole."""
    await stack.start_bot()
    await stack.start_worker()
    local = stack.local
    message_id = await local.say(local.ben, local.general, (TEXT + " ") * 20)
    interaction = await local.message_menu(local.ada, local.general, "X-ray this", message_id)
    reply = await finished(stack, interaction)

    assert reply["flags"] & EPHEMERAL
    assert "can't tell much" not in reply["content"]


async def test_texts_go_on_while_a_long_one_is_looked_at(stack: Stack):
    """Both arrive; the worker has one engine."""
    await stack.start_bot()
    await stack.start_worker()
    local = stack.local
    message_id = await local.say(local.ben, local.general, (TEXT + " ") * 24)
    text = await stack.complete("Once upon a time", length=200)
    interaction = await local.message_menu(local.ada, local.general, "X-ray this", message_id)

    await finished(stack, interaction)
    assert "machine-written" in (await stack.final(text))["content"]
