"""The Stop button: while a text waits, while it grows, and for whom."""

from bot.core.buttons import has_stop, stop_custom_id
from bot.local.handles import Interaction
from tests.e2e.stack import Stack


async def test_stop_while_growing_keeps_what_exists(stack: Stack):
    """The worker ends at once, posts what it has, and takes the button away."""
    await stack.start_bot()
    worker = await stack.start_worker()
    interaction = await stack.complete("Once upon a time", length=500, seed=5)
    reply = await stack.growing(interaction)

    click = await stack.local.click(stack.local.ada, reply, stop_custom_id(str(interaction.id)))
    await click.first_answer()
    final = await stack.final(interaction)

    assert "topped" in final["content"]
    assert final["content"].startswith("**Once upon a time**")
    await worker.wait_log('"stopped"', 10)


async def test_stop_while_waiting(stack: Stack):
    """Without a worker the text waits in line; stopped there, no worker ever writes it."""
    await stack.start_bot()
    interaction = await stack.complete("Once upon a time", length=50)
    reply = await stack.local.wait_for(
        lambda: (found := interaction.reply) and found["components"] and found, 20
    )
    assert "line" in reply["content"] or "wait" in reply["content"].lower()

    # The line is told before the job is put; a click in between finds nothing yet.
    await stack.local.wait_for(lambda: "job put" in stack.logs(), 10)
    click = await stack.local.click(stack.local.ada, reply, stop_custom_id(str(interaction.id)))
    await click.first_answer()
    await stack.local.wait_for(lambda: not has_stop((interaction.reply or {})["components"]), 10)
    await stack.start_worker()
    other = await stack.complete("Another one", length=5)
    await stack.final(other)

    stopped = interaction.reply
    assert stopped is not None
    assert "Stopped" in stopped["content"]
    assert "Once upon a time" not in stopped["content"]


async def test_only_the_asker_and_moderators_may_stop(stack: Stack):
    """Ben can't stop Ada's text; Ada, who owns the server, can stop Ben's."""
    await stack.start_bot()
    local = stack.local
    texts = {}
    for member in (local.ada, local.ben):
        interaction = await stack.complete("Once upon a time", member=member, length=50)
        texts[member.name] = interaction
        await local.wait_for(lambda i=interaction: has_stop((i.reply or {}).get("components")), 20)
    await local.wait_for(lambda: stack.logs().count("job put") == 2, 10)

    async def click(member: str, owner: str) -> Interaction:
        interaction = texts[owner]
        reply = interaction.reply
        assert reply is not None
        clicker = {"Ada": local.ada, "Ben": local.ben}[member]
        clicked = await local.click(clicker, reply, stop_custom_id(str(interaction.id)))
        await clicked.first_answer()
        return clicked

    clicked = await click("Ben", "Ada")
    (told,) = await local.wait_for(lambda: clicked.followups, 10)
    assert "Only the one who asked" in told["content"]
    assert told["flags"] & 64  # for Ben alone
    await click("Ada", "Ben")
    await local.wait_for(lambda: not has_stop((texts["Ben"].reply or {})["components"]), 10)
    assert has_stop((texts["Ada"].reply or {})["components"])


async def test_stop_works_after_a_restart_of_the_bot(stack: Stack):
    """The button's state is in its id, so another bot process can act on it."""
    bot = await stack.start_bot()
    interaction = await stack.complete("Once upon a time", length=50)
    await stack.local.wait_for(lambda: has_stop((interaction.reply or {}).get("components")), 20)
    await stack.local.wait_for(lambda: "job put" in stack.logs(), 10)
    await bot.kill()
    await stack.start_bot()

    reply = interaction.reply
    assert reply is not None
    click = await stack.local.click(stack.local.ada, reply, stop_custom_id(str(interaction.id)))
    await click.first_answer()
    await stack.local.wait_for(lambda: not has_stop((interaction.reply or {})["components"]), 10)

    assert "Stopped" in (interaction.reply or {})["content"]
