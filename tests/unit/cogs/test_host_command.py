"""`/host`: for the owners of the bot alone; what each command does and says."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from discord import app_commands
from structlog.testing import capture_logs

from bot.core.jobs import JobState
from bot.jobqueue.control import WorkerCard
from tests.factories import make_job
from tests.unit.cogs.front import ASKER, DEFER_THINKING, GUILD, NOW_S, STRANGER, Call, Front

ADMINISTRATOR = 1 << 3
COMMANDS: list[tuple[str, dict[str, Any]]] = [
    ("block", {"kind": "user", "who": str(STRANGER), "reason": "spam"}),
    ("unblock", {"kind": "user", "who": str(STRANGER)}),
    ("blocks", {}),
    ("weight", {"who": str(GUILD), "weight": 2.0}),
    ("pause", {"message": "New models are coming."}),
    ("resume", {}),
    ("workers", {}),
    ("drain", {"worker": "w"}),
    ("dead", {}),
    ("reports", {}),
]  # fmt: skip


@pytest.fixture
async def front() -> AsyncIterator[Front]:
    """A bot that belongs to the asker."""
    async with Front().running() as front:
        front.bot.owner_id = ASKER  # a log-in would ask Discord at the first command
        yield front


async def said(front: Front, command: str, **options: object) -> str:
    """What the owner reads; nobody else does."""
    defer, *_, answer = await front.type(f"host {command}", **options)
    assert (DEFER_THINKING, True) == (defer.kind, defer.is_private)
    assert answer.pings_nobody
    return answer.message["content"]


async def give_up(front: Front, job_id: str = "7") -> None:
    """A job that nobody could write."""
    front.queue._bury(front.queue._new_record(make_job(job_id, deadline_at_s=NOW_S + 500)), "*why*")


# Who may


def group_of(front: Front) -> app_commands.Group:
    """The command."""
    group = front.bot.tree.get_command("host")
    assert isinstance(group, app_commands.Group)
    return group


async def test_discord_shows_it_to_administrators_of_servers_only(front: Front):
    """There is no permission for owners; in direct messages it would show to all."""
    payload = group_of(front).to_dict(front.bot.tree)

    assert 0 == payload["default_member_permissions"]
    assert ([0], [0]) == (payload["contexts"], payload["integration_types"])


async def test_every_command_is_tried_here(front: Front):
    """So that a new one can't be forgotten below."""
    assert {name for name, _ in COMMANDS} == {one.name for one in group_of(front).commands}


@pytest.mark.parametrize(("command", "options"), COMMANDS, ids=[name for name, _ in COMMANDS])
async def test_others_are_refused(front: Front, command: str, options: dict[str, Any]):
    """Whatever they may do in their server; and nothing happens."""
    await front.queue.renew("w", 1, [])
    await front.services.host.block("user", STRANGER + 1, "before", ASKER)

    with capture_logs():
        [answer] = await front.type(
            f"host {command}", user_id=STRANGER, permissions=ADMINISTRATOR, **options
        )

    assert answer.is_private
    assert answer.message["content"].startswith("Only the owners of this bot can do that.")
    assert 1 == len(await front.services.host.blocks())
    assert {} == await front.queue.weights()
    assert await front.queue.paused() is None
    assert not (await front.queue.renew("w", 1, [])).drain


async def test_nobody_is_let_in_while_discord_does_not_say_who_the_owners_are(front: Front):
    """The one who typed it gets an answer all the same."""
    front.bot.owner_id = None
    http = front.bot._connection.http  # what a log-in would leave behind
    http._global_over = asyncio.Event()
    http._global_over.set()
    front.wire.broken.add("GET followup")

    with capture_logs() as logs:
        calls: list[Call] = await front.type("host pause", message="x")

    assert calls[-1].is_private
    assert calls[-1].message["content"].startswith("Something went wrong on my side")
    assert calls[-1].error_id == logs[-1]["error_id"]
    assert await front.queue.paused() is None


# What each does


async def test_block_shows_whom_and_why_as_they_are_written(front: Front):
    """Markup in a reason is shown, not obeyed."""
    text = await said(front, "block", kind="user", who=str(STRANGER), reason="**spam** @everyone")

    assert rf"The user <@{STRANGER}> `{STRANGER}` is shut out: \*\*spam\*\* @everyone" == text
    [block] = await front.services.host.blocks()
    assert (STRANGER, "**spam** @everyone", str(ASKER)) == (block.id, block.reason, block.by)


async def test_replies_of_dropped_texts_say_so(front: Front):
    """Whichever process looks after them; nothing is left to stop there."""
    await front.command(user_id=STRANGER, interaction_id=7)
    await front.command(user_id=STRANGER, interaction_id=8, guild_id=None)
    telling = asyncio.create_task(front.services.farewells.run())

    text = await said(front, "block", kind="user", who=str(STRANGER), reason="spam")

    assert text.endswith("is shut out: spam\n-# 2 waiting texts were dropped.")
    async with asyncio.timeout(5):
        while len(front.replies.shown) < 2:  # noqa: ASYNC110  # nobody tells of it
            await asyncio.sleep(0.01)
    telling.cancel()
    assert {"token-7", "token-8"} == front.replies.shown.keys()
    message = front.replies.shown["token-7"]
    assert "This text was dropped because the host of this bot has blocked you." == message.content
    assert [] == message.components


@pytest.mark.parametrize("who", ["200", " 200 ", "<@200>", "<@!200>"])
async def test_user_is_named_by_id_or_mention(front: Front, who: str):
    """Whatever is at hand."""
    await said(front, "block", kind="user", who=who, reason="spam")

    assert [200] == [block.id for block in await front.services.host.blocks()]


@pytest.mark.parametrize("who", ["ada", "", "-1", "1.5", "<#200>", "<@200", "9" * 21, "٣", "²"])
async def test_what_is_no_id_is_refused(front: Front, who: str):
    """Nobody is shut out by mistake."""
    with capture_logs():
        text = await said(front, "block", kind="user", who=who, reason="spam")

    assert text.startswith("This can't be done: an id is a number of up to 20 digits.")
    assert [] == list(await front.services.host.blocks())


async def test_blocked_member_reads_the_reason_and_is_let_in_again(front: Front):
    """The whole way round."""
    await said(front, "block", kind="server", who=str(GUILD), reason="spam.")
    with capture_logs():
        *_, answer = await front.command(user_id=STRANGER)
    assert answer.message["content"].startswith(
        "The host of this bot does not serve this server: spam."
    )
    assert "spam." in await said(front, "blocks")

    assert f"The server `{GUILD}` may ask again." == await said(
        front, "unblock", kind="server", who=str(GUILD)
    )
    assert f"The server `{GUILD}` was not shut out." == await said(
        front, "unblock", kind="server", who=str(GUILD)
    )
    assert "Nobody is shut out." == await said(front, "blocks")
    await front.command(user_id=STRANGER)
    assert 1 == len(await front.jobs_put())


async def test_long_list_of_blocks_fits_into_a_message(front: Front):
    """With whole reasons, and the number of those that are left out."""
    for n in range(30):
        await front.services.host.block("user", 1_000 + n, "*" * 200, ASKER)

    text = await said(front, "blocks")

    assert len(text) <= 2000
    assert text.count(r"\*" * 200) == text.count("\n") >= 3
    assert text.splitlines()[-1].startswith("…and ")


async def test_weights_are_set_and_listed(front: Front):
    """Of servers and users; without options they are only listed."""
    assert "Everybody has the usual share, 1." == await said(front, "weight")
    assert "- server `10`: 2.5" == await said(front, "weight", who="10", weight=2.5)
    listed = "- server `10`: 2.5\n- user <@200> `200`: 0.5"
    assert listed == await said(front, "weight", who="<@200>", weight=0.5, kind="user")
    assert listed == await said(front, "weight")


@pytest.mark.parametrize("options", [{"who": "10"}, {"weight": 2.0}])
async def test_half_a_weight_is_refused(front: Front, options: dict[str, Any]):
    """It would look as if it had been set."""
    with capture_logs():
        text = await said(front, "weight", **options)

    assert text.startswith("Please name both who it is for and the weight, or neither.")
    assert {} == await front.queue.weights()


async def test_pause_is_told_to_members_until_it_ends(front: Front):
    """In the host's words."""
    await said(front, "pause", message="New models are coming.")
    with capture_logs():
        *_, answer = await front.command()
    assert answer.message["content"].startswith("I am paused by my host: New models are coming.")

    await said(front, "resume")
    await front.command(interaction_id=2)
    assert ["2"] == [job.id for job in await front.jobs_put()]


async def test_workers_are_listed_and_drained(front: Front):
    """With what they do, and what they run."""
    assert "No worker lives." == await said(front, "workers")
    await front.queue.renew("box-1", 4, [], WorkerCard(model="small", version="1.2.3"))

    assert (
        "- `box-1`: small, 0 of 4 slots in use, version `1.2.3`, heard from 0 s ago"
        == await said(front, "workers")
    )
    assert "`box-1` finishes what it has and leaves." == await said(front, "drain", worker="box-1")
    assert "leaves after 0 more" in await said(front, "workers")
    with capture_logs():
        assert (await said(front, "drain", worker="box-2")).startswith("There is no such worker")


async def test_dead_letters_are_listed_without_their_text(front: Front):
    """Whose they were and why; the prompt is nobody's business."""
    assert "Nothing was given up." == await said(front, "dead")
    await give_up(front)

    text = await said(front, "dead")

    assert rf"- `7` <t:{int(NOW_S)}:R>: \*why\*, 0 attempts (small, user <@100> `100`)" == text


async def test_dead_letter_is_tried_again(front: Front):
    """And is none any more."""
    await give_up(front)

    assert "Nothing was given up." == await said(front, "dead", retry="7")

    assert JobState.QUEUED is await front.queue.state("7")


async def test_dead_letter_is_dropped(front: Front):
    """For good."""
    await give_up(front)

    assert "Nothing was given up." == await said(front, "dead", drop="7")

    assert await front.queue.state("7") is None


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"retry": "8"}, "That text can't be tried again"),
        ({"drop": "8"}, "There is no such text"),
        ({"retry": "7", "drop": "7"}, "Please name one text"),
    ],
)
async def test_letter_that_is_not_there_is_a_sentence(
    front: Front, options: dict[str, Any], says: str
):
    """The others stay."""
    await give_up(front)

    with capture_logs():
        assert (await said(front, "dead", **options)).startswith(says)

    assert 1 == len(await front.services.host.dead_letters())


async def test_redis_that_is_away_is_a_sentence(front: Front):
    """As with every command."""
    front.gate.is_down = True

    with capture_logs():
        assert (await said(front, "workers")).startswith("The queue can't be reached.")
