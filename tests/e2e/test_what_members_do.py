"""Everything a member does with a finished text, in real processes around a local Discord."""

import asyncio
from typing import Any

import redis.asyncio

from bot.core.buttons import Action, has_stop, output_custom_id, shown_version, stop_custom_id
from tests.e2e.clicking import ANSWER_S, button, labels, press, seed_of, sentence, shows
from tests.e2e.stack import Stack


async def restart_bot(stack: Stack) -> None:
    """Nothing but what is stored is left."""
    (bot,) = stack.running("run")
    assert 0 == await bot.terminate()
    await stack.start_bot()


async def test_versions_are_made_and_turned_over_across_a_restart(stack: Stack):
    """Retry, a page back, Edit with the same seed; then everything is restarted."""
    await stack.start_bot()
    worker = await stack.start_worker()
    reply = await stack.complete("Once upon a time", length=20, seed=5)
    first = await stack.final(reply)
    assert ["Continue", "Retry", "Edit", "X-ray", "Report"] == labels(first)

    await press(stack, reply, Action.RETRY)
    second = await shows(stack, reply, "2/2")
    assert second["id"] == first["id"]
    assert "5" != seed_of(second)

    await restart_bot(stack)
    assert 0 == await worker.terminate()
    await stack.start_worker()
    await press(stack, reply, Action.PAGE)
    back = await shows(stack, reply, "1/2")
    assert first["content"] == back["content"]

    form = await press(stack, reply, Action.EDIT)
    shown = form.state
    assert "modal" == shown.kind, shown
    values = {"prompt": "Once upon a day", "length": "10", "preset": "", "settings": "", "seed": ""}
    edit = await stack.local.submit_modal(stack.local.ada, form, values)
    await edit.first_answer()
    third = await shows(stack, reply, "3/3", "Once upon a day")
    assert third["content"].startswith("**Once upon a day**")


async def test_continue_is_a_reply_of_its_own(stack: Stack):
    """By the button and by the menu on the message; anyone may use the menu."""
    await stack.start_bot()
    await stack.start_worker()
    local = stack.local
    reply = await stack.complete("Once upon a time", length=15, seed=5, temperature=0.0)
    first = await stack.final(reply)
    text = first["content"].partition("\n-# ")[0].replace("*", "")

    click = await press(stack, reply, Action.CONTINUE)
    longer = await stack.final(click)
    menu = await local.message_menu(local.ben, local.general, "Continue this", int(first["id"]))
    also = await stack.final(menu)

    for message in (longer, also):
        assert message["id"] != first["id"]
        assert message["content"].startswith("**" + text[:40].rstrip())
    assert reply.reply == first


async def test_anybodys_message_is_gone_on_with(stack: Stack):
    """Without the intent to read messages."""
    await stack.start_bot()
    await stack.start_worker()
    local = stack.local
    said = await local.say(local.ben, local.general, "The fox went out")

    menu = await local.message_menu(local.ada, local.general, "Continue this", said)

    assert (await stack.final(menu))["content"].startswith("**The fox went out**")


async def test_candidate_is_kept(stack: Stack):
    """Three texts with the next seeds; the choice becomes the reply."""
    await stack.start_bot()
    await stack.start_worker()
    reply = await stack.complete("Once upon a time", length=12, seed=5, candidates=3)
    first = await stack.final(reply)
    assert ["◀️", "1/3", "▶️", "Keep this one"] == labels(first)

    forward = next(
        one["custom_id"]
        for one in first["components"][0]["components"]
        if one["custom_id"].endswith(":f")
    )
    await (await stack.local.click(stack.local.ada, first, forward)).first_answer()
    second = await shows(stack, reply, "2/3")
    assert "6" == seed_of(second)
    await press(stack, reply, Action.KEEP)
    kept = await shows(stack, reply, "Continue")

    assert second["content"] == kept["content"]
    assert "1/3" not in labels(kept)


async def test_form_outlives_a_restart(stack: Stack):
    """A long text is typed while the host upgrades."""
    await stack.start_bot()
    await stack.start_worker()
    local = stack.local
    command = await local.slash(
        local.ada, local.general, "complete", {"length": 7, "seed": 5, "temperature": 0.5}
    )
    await command.first_answer()
    await restart_bot(stack)

    prompt = "They went on and on. " * 180
    sent = await local.submit_modal(local.ada, command, {"prompt": prompt})
    final = await stack.final(sent)

    assert "5" == seed_of(final)
    assert "They went on and on." in final["content"]


async def test_dream_needs_no_prompt(stack: Stack):
    """No bold, no asterisks; the same seed dreams the same."""
    await stack.start_bot()
    await stack.start_worker()
    local = stack.local

    texts = []
    for _ in range(2):
        dream = await local.slash(local.ada, local.general, "dream", {"length": 20, "seed": 3})
        texts.append((await stack.final(dream))["content"].partition("\n-# ")[0])

    assert texts[0] == texts[1]
    assert texts[0].strip()
    assert not texts[0].startswith("**")


async def test_two_clicks_at_once_make_one_version(stack: Stack):
    """Whoever comes second is told so, and the reply has two versions, not three."""
    await stack.start_bot()
    await stack.start_worker()
    local = stack.local
    reply = await stack.complete("Once upon a time", length=60, seed=5)
    first = await stack.final(reply)

    clicks = await asyncio.gather(
        *(local.click(local.ada, first, button(first, Action.RETRY)) for _ in range(2))
    )
    told = await stack.wait_for(
        lambda: [m for click in clicks for m in click.followups], ANSWER_S, "a sentence"
    )
    await shows(stack, reply, "2/2")

    assert 1 == len(told)
    assert "written already" in told[0]["content"]


async def test_old_text_stays_while_its_new_version_waits(stack: Stack):
    """Without a worker it stands in line; stopped there, everything is as before."""
    await stack.start_bot()
    worker = await stack.start_worker()
    reply = await stack.complete("Once upon a time", length=10, seed=5)
    first = await stack.final(reply)
    assert 0 == await worker.terminate()

    click = await press(stack, reply, Action.RETRY)
    waiting = await stack.wait_for(
        lambda: (m := reply.reply) and has_stop(m["components"]) and m, ANSWER_S, "a notice"
    )
    assert isinstance(waiting, dict)
    assert first["content"] == waiting["content"]
    stop = await stack.local.click(stack.local.ada, waiting, stop_custom_id(str(click.id)))
    await stop.first_answer()
    after = await shows(stack, reply, "Retry")

    assert first["content"] == after["content"]
    assert shown_version(first["components"]) == shown_version(after["components"])
    await stack.start_worker()
    await press(stack, reply, Action.RETRY)
    await shows(stack, reply, "2/2")


async def test_buttons_are_for_the_asker_and_moderators(stack: Stack):
    """Ben gets a sentence; Ada, who owns the server, may use Ben's."""
    await stack.start_bot()
    await stack.start_worker()
    local = stack.local
    adas = await stack.complete("Once upon a time", length=5)
    bens = await stack.complete("Once upon a time", member=local.ben, length=5)
    await stack.final(adas)
    await stack.final(bens)

    told = await sentence(stack, await press(stack, adas, Action.RETRY, local.ben))
    await press(stack, bens, Action.RETRY, local.ada)

    assert "Only the one who asked" in told
    await shows(stack, bens, "2/2")


async def test_report_reaches_moderators_and_hides_the_text(stack: Stack):
    """Ben reports; the moderators read it in their channel and show the text again."""
    await stack.start_bot()
    await stack.start_worker()
    local = stack.local
    log: dict[str, Any] = {"channel": local.stories.id}
    for name, options in (("server log", log), ("server reports", {"hide": True})):
        changed = await local.slash(local.ada, local.general, name, options)
        assert "Changed" in await sentence(stack, changed)
    reply = await stack.complete("Once upon a time", length=20, seed=5)
    first = await stack.final(reply)

    form = await press(stack, reply, Action.REPORT, local.ben)
    sent = await local.submit_modal(local.ben, form, {"reason": "It is rude"})
    thanks = await sentence(stack, sent)
    hidden = await shows(stack, reply, "hidden after a report")

    assert "moderators" in thanks
    assert hidden["content"].startswith("||**Once upon a time**")
    assert labels(first) == labels(hidden)
    notice = local.messages(local.stories, local.ada)[-1]
    assert "It is rude" in notice["content"]
    assert f"/{hidden['id']}" in notice["content"]
    [show] = [one["custom_id"] for one in notice["components"][0]["components"]]
    await (await local.click(local.ada, notice, show)).first_answer()
    again = await shows(stack, reply, "Once upon a time")
    await stack.wait_for(
        lambda: not (reply.reply or {"content": "||"})["content"].startswith("||"),
        ANSWER_S, "the text again",
    )  # fmt: skip
    assert again["id"] == first["id"]


async def test_text_that_is_not_kept_any_more_is_a_sentence(stack: Stack):
    """Redis lost everything; the buttons still say what is the matter."""
    await stack.start_bot()
    await stack.start_worker()
    local = stack.local
    reply = await stack.complete("Once upon a time", length=5)
    message = await stack.final(reply)
    found = shown_version(message["components"])
    assert found is not None
    async with redis.asyncio.Redis.from_url(stack.redis.url) as client:
        await client.flushall()

    for action in (Action.CONTINUE, Action.RETRY, Action.EDIT, Action.REPORT):
        custom_id = output_custom_id(action, *found)
        click = await local.click(local.ada, message, custom_id)
        assert "Nothing is kept of this text" in await sentence(stack, click)
