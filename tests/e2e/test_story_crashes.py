"""What holds of a story when a process dies between a move and its answer."""

import asyncio
import json

import aiohttp

from bot.local.faults import Fault, FaultKind
from tests.e2e.stack import Stack
from tests.e2e.story_play import living, story

ORIGINAL = "/webhooks/*/messages/@original"


async def tree(stack: Stack) -> list[dict[str, object]]:
    """The story's passages, as its export has them."""
    local, channel = stack.local, stack.local.general
    export = await story(stack, local.ada, channel, "export", format="json")
    files = await stack.wait_for(lambda: export.reply and export.reply["attachments"], 20, "a file")
    async with aiohttp.ClientSession() as session, session.get(files[0]["url"]) as answer:
        return json.loads(await answer.text())["passages"]


async def begun(stack: Stack) -> None:
    local, channel = stack.local, stack.local.general
    await story(
        stack, local.ada, channel, "start", mode="adventure", title="The cave", here=True,
        opening="You stand before a dark cave.",
    )  # fmt: skip
    await living(stack, channel, "The cave")


async def test_killed_worker_loses_and_doubles_no_passage(stack: Stack):
    """In mid-passage: another one writes the very same text, and it is in the tree once."""
    await stack.start_bot()
    await begun(stack)
    local, channel = stack.local, stack.local.general
    await story(stack, local.ada, channel, "do", text="light a torch")
    await local.wait_for(lambda: "job put" in stack.logs(), 20)
    local.faults.add(Fault(kind=FaultKind.NEVER, method="PATCH", path=ORIGINAL))
    worker = await stack.start_worker()
    await local.wait_for(lambda: len(local.faults) == 0, 20, stack.logs())
    await worker.kill()
    await stack.start_worker()
    await living(stack, channel, "light a torch", "machine-written", "passage 3")

    passages = await tree(stack)
    assert [one["kind"] for one in passages] == ["opening", "do", "model"]
    assert [one["parent"] for one in passages] == [0, 1, 2]


async def test_bot_that_dies_after_a_move_loses_nothing(stack: Stack):
    """The worker adds the text and posts it without any bot; the next move goes on from there."""
    bot = await stack.start_bot()
    await begun(stack)
    local, channel = stack.local, stack.local.general
    await story(stack, local.ada, channel, "do", text="light a torch")
    await local.wait_for(lambda: "job put" in stack.logs(), 20)
    await bot.kill()
    await stack.start_worker()
    await living(stack, channel, "light a torch", "machine-written", "passage 3")

    await stack.start_bot()
    await story(stack, local.ben, channel, "do", text="go in")
    await living(stack, channel, "go in", "machine-written", "passage 5")
    assert [one["number"] for one in await tree(stack)] == [1, 2, 3, 4, 5]


async def test_two_players_in_the_same_second(stack: Stack):
    """One move is made; the other is told to wait, and no passage is lost or doubled."""
    await stack.start_bot()
    await stack.start_worker()
    await begun(stack)
    local, channel = stack.local, stack.local.general
    await asyncio.gather(
        story(stack, local.ada, channel, "do", text="jump"),
        story(stack, local.ben, channel, "do", text="duck"),
    )
    await living(stack, channel, "machine-written", "passage 3")
    passages = await tree(stack)
    assert len(passages) == 3
    assert [one["kind"] for one in passages] == ["opening", "do", "model"]


async def test_deleted_thread_leaves_a_story_that_can_be_loaded(stack: Stack):
    """Elsewhere, with all its words."""
    await stack.start_bot()
    await stack.start_worker()
    local, channel = stack.local, stack.local.general
    await story(stack, local.ada, channel, "start", mode="free", title="The letter",
                opening="A letter came.")  # fmt: skip
    (place,) = await stack.wait_for(lambda: local.threads(channel), 20, "a thread")
    await living(stack, place, "A letter came.")
    await story(stack, local.ada, place, "tell", text="It smelled of the sea.")
    await living(stack, place, "passage 2")
    local.delete_channel(place)
    await asyncio.sleep(1.0)
    await story(stack, local.ada, channel, "load", story="The letter")
    await living(stack, channel, "It smelled of the sea.", "passage 2")
