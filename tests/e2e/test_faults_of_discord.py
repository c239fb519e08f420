"""Bot and worker as real processes while the local Discord lets something go wrong."""

import asyncio
from typing import Any

import aiohttp

from bot.core.buttons import stop_custom_id
from bot.core.late_replies import MOVED
from bot.local.faults import Fault, FaultKind
from tests.e2e.stack import Stack

PROMPT = "Once upon a time"
LONG = {"length": 300, "seed": 77}


def story(message: dict[str, Any]) -> str:
    """A message without the line for its asker and without its label."""
    return str(message["content"]).rpartition("\n**")[2].partition("\n-# ")[0].removeprefix("**")


async def switch_on(stack: Stack, fault: dict[str, Any]) -> None:
    """As another process does it."""
    headers = {"Authorization": f"Bot {stack.local.token}"}
    async with (
        aiohttp.ClientSession(headers=headers) as web,
        web.post(f"{stack.local.base_url}/faults", json=fault) as answer,
    ):
        assert 204 == answer.status


async def test_storm_of_refusals_up_to_ten_seconds(stack: Stack):
    """Every second edit is refused: the same text arrives, and each pause is kept."""
    await stack.start_bot()
    await stack.start_worker()
    expected = story(await stack.final(await stack.complete(PROMPT, **LONG)))
    n_before = len(stack.local.recorder.requests)
    await switch_on(stack, {"name": "storm"})

    final = await stack.final(await stack.complete(PROMPT, **LONG), timeout_s=90)

    assert expected == story(final)
    edits = [r for r in list(stack.local.recorder.requests)[n_before:] if r.method == "PATCH"]
    assert any(edit.status == 429 for edit in edits)
    assert 200 == edits[-1].status


async def test_dead_token_moves_the_text_to_the_channel(stack: Stack):
    """The worker, which has the bot's token, posts it for whom it is, without a ping."""
    await stack.start_bot()
    await stack.start_worker()
    expected = story(await stack.final(await stack.complete(PROMPT, **LONG)))
    interaction = await stack.complete(PROMPT, **LONG)
    await stack.growing(interaction)
    dead = {"kind": "status", "status": 401, "code": 50027, "path": "/webhooks/*", "times": None}
    await switch_on(stack, dead)

    def last() -> dict[str, Any]:
        return stack.local.messages(stack.local.general, stack.local.ben)[-1]

    await stack.wait_for(lambda: last()["content"].startswith("-# For"), 40, "the text")

    assert f"<@{stack.local.ada.id}>" in last()["content"]
    assert expected == story(last())
    await stack.wait_for(lambda: MOVED == (interaction.reply or {})["content"], 10, "the notice")


async def test_two_clicks_at_once_stop_one_text_once(stack: Stack):
    """Each click is answered, and the text is there once, marked as stopped."""
    await stack.start_bot()
    await stack.start_worker()
    interaction = await stack.complete(PROMPT, length=500, seed=5)
    reply = await stack.growing(interaction)
    stop = stop_custom_id(str(interaction.id))

    clicks = [await stack.local.click(stack.local.ada, reply, stop) for _ in range(2)]
    for click in clicks:
        await click.first_answer()
    final = await stack.final(interaction)

    assert "topped" in final["content"]
    await asyncio.sleep(0.5)
    told = [message["content"] for click in clicks for message in click.followups]
    assert all("nothing left to stop" in content for content in told)
    public = stack.local.messages(stack.local.general, stack.local.ben)
    assert 1 == len(public)


async def test_lost_answers_to_the_first_response(stack: Stack):
    """Refused, cut off before Discord had it or after: the asker sees the text, once."""
    await stack.start_bot()
    await stack.start_worker()
    for fault in (
        Fault(kind=FaultKind.STATUS, method="POST", path="/interactions/*", status=502),
        Fault(kind=FaultKind.DROP, method="POST", path="/interactions/*"),
        Fault(kind=FaultKind.DROP, method="POST", path="/interactions/*", applied=True),
    ):
        stack.local.faults.add(fault)
        interaction = await stack.complete(PROMPT, length=5, seed=3)
        final = await stack.final(interaction)
        assert final["content"].startswith(f"**{PROMPT}**"), fault
    assert 3 == len(stack.local.messages(stack.local.general, stack.local.ben))
