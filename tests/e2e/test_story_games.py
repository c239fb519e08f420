"""Each mode of story played through by two members, in real processes at the local Discord."""

from tests.e2e.stack import Stack
from tests.e2e.story_play import click, ids, living, story, told


async def test_adventure_of_two(stack: Stack):
    """One message lives at a time; the bot is restarted in between, and the story goes on."""
    bot = await stack.start_bot()
    await stack.start_worker()
    local, channel = stack.local, stack.local.general
    await story(
        stack, local.ada, channel, "start", mode="adventure", title="The cave", here=True,
        opening="You stand before a dark cave.",
    )  # fmt: skip
    await living(stack, channel, "The cave", "dark cave")
    await story(stack, local.ada, channel, "do", text="light a torch")
    first = await living(stack, channel, "light a torch", "machine-written", "passage 3")

    assert 0 == await bot.terminate()
    await stack.start_bot()
    await story(stack, local.ben, channel, "say", text="Is anybody there?")
    second = await living(stack, channel, "Is anybody there?", "machine-written", "passage 5")
    assert second["id"] != first["id"]
    shown = [one for one in local.messages(channel, local.ada) if ids(one, "bardling:story:")]
    assert [one["id"] for one in shown] == [second["id"]]

    await click(stack, local.ben, second, "bardling:story:retry")
    third = await living(stack, channel, "Is anybody there?", "passage 6")
    assert third["id"] == second["id"]
    await click(stack, local.ada, third, "bardling:story:undo")
    await living(stack, channel, "passage 4", without="passage 6")
    await story(stack, local.ada, channel, "rewind", passage=3)
    await living(stack, channel, "passage 3", without="passage 4")


async def test_relay_of_two(stack: Stack):
    """Turns go round, the model has its own, and nobody writes out of turn."""
    await stack.start_bot()
    await stack.start_worker()
    local, channel = stack.local, stack.local.general
    await story(stack, local.ada, channel, "start", mode="relay", title="The race", here=True,
                opening="The race began at noon.")  # fmt: skip
    begun = await living(stack, channel, "The race", "writes now")
    await click(stack, local.ben, begun, "bardling:story:join")
    await living(stack, channel, "then Ben")
    refused = await story(stack, local.ben, channel, "tell", text="Too early.")
    assert "turn" in await told(stack, refused)
    await story(stack, local.ada, channel, "tell", text="The hare ran ahead.")
    await living(stack, channel, "The hare ran ahead.", "**Ben** writes now")
    await story(stack, local.ben, channel, "tell", text="The tortoise smiled.")
    await living(stack, channel, "The tortoise smiled.", "machine-written", "**Ada** writes now")


async def test_branches_are_voted_on(stack: Stack):
    """The losing ways stay on the map."""
    await stack.start_bot()
    await stack.start_worker()
    local, channel = stack.local, stack.local.general
    await story(stack, local.ada, channel, "start", mode="branches", title="The fork", here=True,
                opening="The road forks in the wood.")  # fmt: skip
    await living(stack, channel, "The fork")
    changed = await story(stack, local.ada, channel, "settings", quorum=2)
    await told(stack, changed)
    await story(stack, local.ada, channel, "continue")
    vote = await living(stack, channel, "The vote closes")
    buttons = ids(vote, "bardling:story:vote")
    assert len(buttons) >= 2
    for member in (local.ada, local.ben):
        done = await local.click(member, vote, buttons[1])
        await done.first_answer()
    await living(stack, channel, "passage 3", without="The vote closes")
    shown = await story(stack, local.ben, channel, "map")
    picture = await stack.wait_for(lambda: shown.reply and shown.reply["attachments"], 20, "a map")
    assert picture


async def test_free_writing_in_a_thread_of_its_own(stack: Stack):
    """With memory and lore; exported, ended, and brought back."""
    await stack.start_bot()
    await stack.start_worker()
    local, channel = stack.local, stack.local.general
    begun = await story(stack, local.ada, channel, "start", mode="free", title="The letter",
                        opening="A letter came in the morning.")  # fmt: skip
    thread = await stack.wait_for(lambda: local.threads(channel), 20, "a thread")
    (place,) = thread
    assert begun.answered
    await living(stack, place, "A letter came")
    await story(stack, local.ben, place, "tell", text="It smelled of the sea.")
    await living(stack, place, "It smelled of the sea.", "passage 2")
    await story(stack, local.ada, place, "lore add", words="sea", text="The sea is green.")
    await story(stack, local.ada, place, "continue")
    await living(stack, place, "machine-written", "passage 3")
    for kind in ("md", "txt", "html", "json"):
        export = await story(stack, local.ben, place, "export", format=kind)
        files = await stack.wait_for(
            lambda export=export: export.reply and export.reply["attachments"], 20, "a file"
        )
        assert files[0]["filename"].endswith(f".{kind}")
    ended = await story(stack, local.ada, place, "end")
    assert await told(stack, ended)
    loaded = await story(stack, local.ada, channel, "load", story="The letter")
    assert loaded.answered
    await living(stack, channel, "The letter", "passage 3")
