"""What holds when a process or Redis dies in mid-job: one reply, whole, and nothing lost."""

import asyncio

import pytest

from bot.core.buttons import has_stop
from bot.local.faults import Fault, FaultKind
from bot.local.handles import Interaction
from tests.e2e.stack import Stack

PROMPT = "Once upon a time"
ORIGINAL = "/webhooks/*/messages/@original"
LONG = {"length": 400, "seed": 77}


def story(reply: dict[str, object]) -> str:
    """A reply without its label."""
    return str(reply["content"]).partition("\n-# ")[0]


async def undisturbed(stack: Stack) -> str:
    """The text that the request makes when nothing goes wrong."""
    interaction = await stack.complete(PROMPT, **LONG)
    return story(await stack.final(interaction))


def assert_one_reply(stack: Stack, interaction: Interaction) -> None:
    """The interaction's own message is there once, and nothing was posted beside it."""
    posted = stack.local.recorder.where(
        lambda r: r.method == "POST" and r.path.startswith("/webhooks/") and r.status == 200
    )
    assert [] == posted
    assert interaction.reply is not None


async def crash_a_worker(stack: Stack) -> None:
    """Starts a worker and kills it in the middle of its first edit, so in the middle of a job."""
    await stack.local.wait_for(lambda: "job put" in stack.logs(), 20)  # the bot's edit is over
    stack.local.faults.add(Fault(kind=FaultKind.NEVER, method="PATCH", path=ORIGINAL))
    worker = await stack.start_worker()
    await stack.local.wait_for(lambda: len(stack.local.faults) == 0, 20, stack.logs())
    await worker.kill()


@pytest.mark.parametrize("moment", ["before-the-first-edit", "while-growing", "after-the-final"])
async def test_killed_worker_is_replaced_by_another(stack: Stack, moment: str):
    """`kill -9` at any moment: a second worker writes the same text into the same reply."""
    await stack.start_bot()
    worker = await stack.start_worker()
    expected = await undisturbed(stack)
    edits_before = len(stack.local.recorder.matching("PATCH", "@original"))

    if moment == "before-the-first-edit":
        fault = Fault(kind=FaultKind.NEVER, method="PATCH", path=ORIGINAL)
        stack.local.faults.add(fault)
        interaction = await stack.complete(PROMPT, **LONG)
        await stack.local.wait_for(lambda: len(stack.local.faults) == 0, 20)
    elif moment == "while-growing":
        interaction = await stack.complete(PROMPT, **LONG)
        await stack.growing(interaction)
    else:
        # Every edit is done, and its answer never comes: the worker can't have finished the job.
        stack.local.faults.add(
            Fault(kind=FaultKind.NEVER, method="PATCH", path=ORIGINAL, applied=True), times=50
        )
        interaction = await stack.complete(PROMPT, **LONG)
        await stack.local.wait_for(
            lambda: len(stack.local.recorder.matching("PATCH", "@original")) > edits_before, 20
        )
    await worker.kill()
    stack.local.faults.clear()
    second = await stack.start_worker()
    await second.wait_log("job finished", 60)
    final = await stack.final(interaction, timeout_s=60)

    assert expected == story(final)
    assert_one_reply(stack, interaction)


async def test_worker_restarted_again_and_again_still_answers(stack: Stack):
    """Two crashes in a row use up two attempts; the third one answers."""
    await stack.start_bot()
    interaction = await stack.complete(PROMPT, **LONG)
    for _ in range(2):
        await crash_a_worker(stack)
    await stack.start_worker()

    final = await stack.final(interaction, timeout_s=60)

    assert "seed 77" in final["content"]
    assert_one_reply(stack, interaction)


async def test_job_that_kills_every_worker_ends_with_a_sentence(stack: Stack):
    """After three attempts the asker is told, and the job is kept as a dead letter."""
    await stack.start_bot()
    interaction = await stack.complete(PROMPT, **LONG)
    for _ in range(3):
        await crash_a_worker(stack)
    last = await stack.start_worker()
    await last.wait_log('"dead"', 60)

    reply = interaction.reply
    assert reply is not None
    assert "-# Error " in reply["content"]
    assert not has_stop(reply["components"])


async def test_killed_bot_loses_no_reply(stack: Stack):
    """The worker needs no bot: the reply is completed while the bot is gone."""
    bot = await stack.start_bot()
    await stack.start_worker()
    expected = await undisturbed(stack)
    interaction = await stack.complete(PROMPT, **LONG)
    await stack.growing(interaction)
    await bot.kill()

    final = await stack.final(interaction)

    assert expected == story(final)
    assert_one_reply(stack, interaction)


async def test_redis_restarted_in_mid_job_loses_nothing(stack: Stack):
    """What was accepted before the crash is answered: the running text and the waiting ones."""
    await stack.start_bot()
    await stack.start_worker("--slots", "1")
    expected = await undisturbed(stack)
    running = await stack.complete(PROMPT, **LONG)
    await stack.growing(running)
    waiting = [await stack.complete(f"Tale {n}", length=10, seed=n) for n in range(3)]
    await stack.local.wait_for(lambda: stack.logs().count("job put") == 5, 20)

    stack.redis.kill()
    await asyncio.sleep(1)
    stack.redis.start()
    finals = [await stack.final(one, timeout_s=60) for one in [running, *waiting]]

    assert expected == story(finals[0])
    for n, final in enumerate(finals[1:]):
        assert final["content"].startswith(f"**Tale {n}**")


async def test_command_without_redis_is_a_sentence_within_three_seconds(stack: Stack):
    """The asker learns that nothing was taken; nobody else sees anything."""
    await stack.start_bot()
    stack.redis.kill()

    interaction = await stack.complete(PROMPT)
    await interaction.first_answer()
    told = await stack.local.wait_for(
        lambda: [message for message in interaction.followups if message["flags"] & 64],
        15,
        stack.logs(),
    )

    assert "-# Error " in told[0]["content"]
    assert [] == stack.local.messages(stack.local.general, stack.local.ben)
