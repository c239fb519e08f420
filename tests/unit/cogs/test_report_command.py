"""Reports: from the form to the moderators, the host, and the hidden text."""

from collections.abc import AsyncIterator

import pytest

from bot.core.buttons import Action
from bot.core.outputs import Output
from tests.unit.cogs.front import (
    ASKER,
    CHANNEL,
    GUILD,
    MANAGE_MESSAGES,
    MESSAGE,
    STRANGER,
    Call,
)
from tests.unit.cogs.output_front import ROOT, OutputFront, make_output

LOG, MANAGE_GUILD = 30, 1 << 5
FORM = 9


@pytest.fixture
async def front() -> AsyncIterator[OutputFront]:
    """A bot that belongs to the asker."""
    async with OutputFront().running() as front:
        front.bot.owner_id = ASKER
        yield front


async def report(
    front: OutputFront, output: Output, reason: str = "It is *rude*.", guild_id: int | None = GUILD
) -> list[Call]:
    """Somebody else clicks Report and sends the form."""
    [form] = await front.press(Action.REPORT, root=output.root, user_id=STRANGER, guild_id=guild_id)
    assert FORM == form.kind
    custom_id = form.body["data"]["custom_id"]
    return await front.submit(custom_id, {"reason": reason}, user_id=STRANGER, guild_id=guild_id)


async def decide(front: OutputFront, **changes: object) -> None:
    """An admin does."""
    await front.services.servers.change(GUILD, 5, **changes)


async def test_moderators_read_it(front: OutputFront):
    """Link, who, why, and the text behind a click; it pings nobody."""
    [output] = await front.save()
    await decide(front, log_channel=LOG)

    defer, posted, thanks = await report(front, output)

    assert defer.is_private
    assert f"/channels/{LOG}/messages" in posted.path
    content = posted.message["content"]
    assert content.startswith(rf"ada reported a text in <#{CHANNEL}>: It is \*rude\*.")
    assert f"https://discord.com/channels/{GUILD}/{CHANNEL}/{MESSAGE}" in content
    assert r"||**Once upon a time** there was a fox. It said: \*\*no\*\*.||" in content
    assert posted.pings_nobody
    assert "moderators" in thanks.message["content"]


async def test_host_reads_it(front: OutputFront):
    """And strikes it off."""
    [output] = await front.save()
    await report(front, output)

    *_, listed = await front.type("host reports")
    [kept] = await front.services.reports.newest()
    assert kept.id in listed.message["content"]
    assert kept.link in listed.message["content"]

    *_, empty = await front.type("host reports", dismiss=kept.id)
    assert "There are no reports." == empty.message["content"]
    *_, unknown = await front.type("host reports", dismiss="5")
    assert "no such report" in unknown.message["content"]


async def test_direct_messages_are_told_to_the_host_only(front: OutputFront):
    """There are no moderators."""
    [output] = await front.save(make_output(guild_id=None))

    _, thanks = await report(front, output, guild_id=None)

    assert "Thank you. The host of this bot was told." == thanks.message["content"]
    [kept] = await front.services.reports.newest()
    assert "/@me/" in kept.link


async def test_text_is_hidden_where_the_server_wishes_so(front: OutputFront):
    """Text and file behind a click, buttons and line as they were; further messages gone."""
    [output] = await front.save(make_output(text=" ||no|| `way` " * 200))
    await front.stores.outputs.note_messages(output.code, [4001])
    await decide(front, log_channel=LOG, hides_reported=True)

    _, hidden, deleted, posted, _ = await report(front, output)

    assert ("PATCH", f"/channels/{CHANNEL}/messages/{MESSAGE}") == (
        hidden.method, hidden.path.partition("/v10")[2],
    )  # fmt: skip
    content, _, line = hidden.message["content"].rpartition("\n-# ")
    assert content.startswith("||**Once upon a time**")
    assert content.endswith("||")
    assert "||" not in content[2:-2].replace(r"\|", "")
    assert "hidden after a report" in line
    assert "components" not in hidden.message
    assert ["SPOILER_rest-of-the-text.txt", "SPOILER_rest.txt"] == [
        name for name, _ in front.wire.posted
    ]
    assert ("DELETE", "/4001") == (deleted.method, deleted.path[-5:])
    assert "Show it again" in str(posted.message["components"])


async def test_hidden_text_stays_hidden_on_its_page(front: OutputFront):
    """Turning pages is no way around it."""
    [output] = await front.save()
    await front.save(make_output(1))
    await decide(front, hides_reported=True)
    await report(front, output)

    _, shown = await front.press(Action.PAGE, 0)
    _, other = await front.press(Action.PAGE, 1)

    assert shown.message["content"].startswith("||")
    assert not other.message["content"].startswith("||")


async def test_moderator_shows_it_again_and_hides_it(front: OutputFront):
    """By the button in the log channel; the button becomes the other one."""
    [output] = await front.save()
    await decide(front, log_channel=LOG, hides_reported=True)
    await report(front, output)
    place = f"{output.code}:{CHANNEL}:{MESSAGE}"
    front.permissions = MANAGE_MESSAGES

    _, shown, button = await front.press_id(f"bardling:show:{place}", user_id=STRANGER)

    assert shown.message["content"].startswith("**Once upon a time**")
    assert f"bardling:hide:{place}" in str(button.message["components"])
    _, hidden, _ = await front.press_id(f"bardling:hide:{place}", user_id=STRANGER)
    assert hidden.message["content"].startswith("||")


async def test_others_cant_show_it(front: OutputFront):
    """Whoever may read the log channel is not yet a moderator."""
    [output] = await front.save()
    await front.stores.reports.hide(output.code)

    _, refused = await front.press_id(f"bardling:show:{output.code}:{CHANNEL}:{MESSAGE}")

    assert "Only a moderator" in refused.message["content"]
    assert await front.stores.reports.is_hidden(output.code)


async def test_text_is_reported_once_and_a_few_an_hour(front: OutputFront):
    """By each member; a sentence says so, and nothing is posted."""
    await decide(front, log_channel=LOG)
    outputs = [
        make_output(root=str(n), job_id=str(n), code=f"CODE{n:06}") for n in range(8000, 8006)
    ]
    for output in outputs:
        await front.save(output)

    await report(front, outputs[0])
    again = await report(front, outputs[0])
    for output in outputs[1:5]:
        await report(front, output)
    too_many = await report(front, outputs[5])

    assert "already" in again[-1].message["content"]
    assert "a lot" in too_many[-1].message["content"]
    assert not any(f"/channels/{LOG}/" in call.path for call in (*again, *too_many))
    assert 5 == len(await front.services.reports.newest())


async def test_log_channel_that_cant_be_used_is_no_fault(front: OutputFront):
    """The host has the report."""
    [output] = await front.save()
    await decide(front, log_channel=LOG)
    front.wire.refused["POST followup"] = (403, 50013)

    *_, thanks = await report(front, output)

    assert "The host of this bot was told." in thanks.message["content"]


async def test_admins_decide_what_becomes_of_reported_texts(front: OutputFront):
    """`/server reports`; others can't."""
    *_, done = await front.type("server reports", permissions=MANAGE_GUILD, hide=True)
    *_, refused = await front.type("server reports", hide=False)

    assert "Reported texts are hidden: no → yes" in done.message["content"]
    assert "Only those who may manage" in refused.message["content"]
    assert (await front.services.servers.settings(GUILD)).hides_reported


async def test_without_a_reason(front: OutputFront):
    """It need not be given."""
    [output] = await front.save()
    await decide(front, log_channel=LOG)

    _, posted, _ = await report(front, output, reason="")

    assert "without a reason" in posted.message["content"]
    assert ROOT == output.root
