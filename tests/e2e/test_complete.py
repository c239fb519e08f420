"""`/complete` from the command to the finished reply, on the small model that ships."""

import asyncio
from itertools import pairwise

import pytest

from bot.local.faults import Fault, FaultKind
from tests.e2e.stack import Stack

EDIT_INTERVAL_S = 1.2
FIRST_TEXT_S = 1.5
RTL = "\u05e4\u05e2\u05dd \u05d0\u05d7\u05ea \u05d4\u05d9\u05d4 \u05de\u05dc\u05da"


def edits(stack: Stack) -> list[float]:
    """When each edit of a reply was sent."""
    return [request.at_s for request in stack.local.recorder.matching("PATCH", "@original")]


async def test_reply_grows_and_ends_with_its_label(stack: Stack):
    """Thinking first, then text that grows at Discord's pace, then the label without a button."""
    await stack.start_bot()
    await stack.start_worker()

    interaction = await stack.complete("Once upon a time", length=300, seed=5)
    answer = await interaction.first_answer()
    final = await stack.final(interaction)

    assert "deferred" == answer.kind
    assert final["content"].startswith("**Once upon a time**")
    assert "seed 5" in final["content"]
    assert "machine-written" in final["content"]
    growing = stack.contents(interaction)
    assert len(growing) >= 2
    assert all(len(content) <= 2000 for content in growing)
    times = edits(stack)
    gaps = [after - before for before, after in pairwise(times)]
    assert all(gap > EDIT_INTERVAL_S - 0.1 for gap in gaps[:-1]), gaps


async def test_first_text_is_there_at_once(stack: Stack):
    """An idle worker shows its first text within 1.5 s of the command (best of three)."""
    await stack.start_bot()
    await stack.start_worker()
    waits_s = []

    for seed in range(3):
        started_s = asyncio.get_running_loop().time()
        interaction = await stack.complete("Once upon a time", length=40, seed=seed)
        await stack.local.wait_for(
            lambda interaction=interaction: (reply := interaction.reply) and reply["content"], 30
        )
        waits_s.append(asyncio.get_running_loop().time() - started_s)
        await stack.final(interaction)

    assert min(waits_s) <= FIRST_TEXT_S, waits_s


async def test_same_seed_same_text_other_seed_other_text(stack: Stack):
    """The seed under a reply makes the same text again."""
    await stack.start_bot()
    await stack.start_worker()

    texts = []
    for seed in (11, 11, 12):
        interaction = await stack.complete("The fox said", length=40, seed=seed)
        texts.append((await stack.final(interaction))["content"].partition("\n-# ")[0])

    assert texts[0] == texts[1]
    assert texts[0] != texts[2]


@pytest.mark.parametrize(
    "prompt",
    [
        pytest.param("👩‍👩‍👧‍👦 🦊 went out", id="emoji"),
        pytest.param("从前有一只小狐狸", id="chinese"),
        pytest.param(RTL, id="right-to-left"),
        pytest.param("nul \x00 and half \ud83d of a pair", id="nul-and-lone-surrogate"),
        pytest.param("@everyone and @here and <@1> <@&2>", id="mentions"),
        pytest.param("```python\nprint('hi')", id="open-code-fence"),
        pytest.param("[free gift](https://example.com) **bold", id="masked-link"),
        pytest.param("word " * 1200, id="six-thousand-characters"),
        pytest.param("\n\n- a list\n# a heading", id="markdown-blocks"),
    ],
)
async def test_any_prompt_gets_a_good_reply(stack: Stack, prompt: str):
    """Whatever is typed: whole characters, no ping, no more than 2,000 characters a message."""
    await stack.start_bot()
    await stack.start_worker()

    interaction = await stack.complete(prompt, length=20, seed=1)
    final = await stack.final(interaction)

    for content in [final["content"], *(part["content"] for part in interaction.followups)]:
        assert 0 < len(content) <= 2000
        assert "\x00" not in content
        assert content == content.encode("utf-8").decode()
    assert not final["mention_everyone"]
    assert not final["mentions"]
    assert not final["mention_roles"]
    assert final["content"].count("```") % 2 == 0
    assert final["flags"] & 4, "embeds are not suppressed"


@pytest.mark.parametrize("prompt", [" ", "\n\t \u200b"], ids=["spaces", "invisible"])
async def test_empty_prompt_is_a_sentence_for_the_asker_alone(stack: Stack, prompt: str):
    """Nothing is queued, nothing shown to others, and the sentence has an id."""
    bot = await stack.start_bot()

    interaction = await stack.complete(prompt)
    await interaction.first_answer()

    reply = interaction.reply
    assert reply is not None
    assert reply["flags"] & 64, "not ephemeral"
    assert "-# Error " in reply["content"]
    error_id = reply["content"].rpartition(" ")[2]
    assert error_id in bot.log()
    assert [] == stack.local.messages(stack.local.general, stack.local.ben)


async def test_longest_text_keeps_to_the_window(stack: Stack):
    """A prompt longer than the window and the greatest length: the end of the prompt counts."""
    await stack.start_bot()
    await stack.start_worker()

    interaction = await stack.complete("and then they went on " * 270, length=500, seed=3)
    final = await stack.final(interaction)
    everything = "".join([final["content"], *(part["content"] for part in interaction.followups)])

    assert "did not fit" in everything


async def test_final_edit_arrives_through_errors(stack: Stack):
    """Rate limits, server errors, cut and unanswered calls delay the reply, they don't lose it."""
    await stack.start_bot()
    await stack.start_worker()
    faults = stack.local.faults
    path = "/webhooks/*/messages/@original"
    faults.add(Fault(kind=FaultKind.STATUS, method="PATCH", path=path, status=429, delay_s=0.5))
    faults.add(Fault(kind=FaultKind.STATUS, method="PATCH", path=path, status=502), times=2)
    faults.add(Fault(kind=FaultKind.DROP, method="PATCH", path=path))
    faults.add(Fault(kind=FaultKind.STATUS, method="PATCH", path=path, status=500, applied=True))

    interaction = await stack.complete("Once upon a time", length=200, seed=5)
    final = await stack.final(interaction, timeout_s=60)

    assert 0 == len(faults)
    assert "seed 5" in final["content"]


async def test_several_members_at_once_each_get_their_own(stack: Stack):
    """Eight requests, two members, two channels: every one is answered with its own seed."""
    await stack.start_bot()
    await stack.start_worker()
    local = stack.local

    interactions = [
        await stack.complete(
            f"Story number {seed}",
            member=(local.ada, local.ben)[seed % 2],
            channel=(local.general, local.stories)[seed % 2],
            length=30,
            seed=seed,
        )
        for seed in range(8)
    ]
    finals = [await stack.final(interaction, timeout_s=90) for interaction in interactions]

    for seed, final in enumerate(finals):
        assert final["content"].startswith(f"**Story number {seed}**")
        assert f"seed {seed}" in final["content"]


async def test_direct_messages_work(stack: Stack):
    """The bot answers in direct messages too."""
    await stack.start_bot()
    await stack.start_worker()

    channel = stack.local.direct_channel(stack.local.ben)
    interaction = await stack.complete(
        "Dear diary", member=stack.local.ben, channel=channel, length=10
    )

    assert (await stack.final(interaction))["content"].startswith("**Dear diary**")
