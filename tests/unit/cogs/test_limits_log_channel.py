"""What admins change with `/limits`, as the channel sees it that `/server log` names."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from structlog.testing import capture_logs

from bot.core.limit_buckets import Per, Scope, Unit
from bot.core.limit_rules import Rule
from bot.errors import QueueDownError
from tests.unit.cogs.front import ASKER, GUILD, STRANGER, Front
from tests.unit.cogs.limits_front import WRITERS, LimitsFront, limits_front

LOG_CHANNEL = 30
SET = {"scope": "member", "unit": "tokens", "amount": 2000, "per": "hour"}
POST = f"/api/v10/channels/{LOG_CHANNEL}/messages"
RULE = Rule(scope=Scope.ROLE, target_id=WRITERS, unit=Unit.TOKENS, amount=9, per=Per.DAY)


@pytest.fixture
async def limits() -> AsyncIterator[LimitsFront]:
    """A server with a log channel."""
    async with Front().running() as front:
        http = front.bot._connection.http  # what a log-in would leave behind
        http._global_over = asyncio.Event()
        http._global_over.set()
        await front.services.servers.change(GUILD, ASKER, log_channel=LOG_CHANNEL)
        yield limits_front(front)


async def posted(limits: LimitsFront, subcommand: str, options: dict[str, object]) -> str:
    """What a command of an admin posts; nobody is pinged, and the admin has no complaint."""
    _, post, edit = await limits.type(subcommand, options)
    assert POST == post.path
    assert post.pings_nobody
    assert "could not" not in edit.message["content"]
    return post.message["content"]


async def test_every_change_is_posted(limits: LimitsFront):
    """Who and what: set, removed, exempt and undone."""
    member, role = "each member", f"each member with <@&{WRITERS}>"
    told = f"<@{ASKER}> changed the limits."

    assert f"{told}\n{member}: no limit → 2,000 tokens per hour" == await posted(limits, "set", SET)
    assert f"{told}\n{role}: personal limits → no personal limits" == await posted(
        limits, "exempt", {"role": str(WRITERS)}
    )
    assert (
        f"{told} Undone: change 2, made by <@{ASKER}>.\n"
        f"{role}: no personal limits → personal limits"
    ) == await posted(limits, "undo", {})
    assert f"{told}\n{member}: 2,000 tokens per hour → no limit" == await posted(
        limits, "remove", {"limit": "member:0:tokens:hour"}
    )


async def test_what_changes_nothing_is_not_posted(limits: LimitsFront):
    """Neither is what is refused."""
    await limits.type("set", SET)

    assert 2 == len(await limits.type("set", SET))
    with capture_logs():
        calls = await limits.type("set", SET, user_id=STRANGER, permissions=0)
    assert all(call.path != POST for call in calls)


async def test_nothing_is_posted_where_there_is_no_log_channel(limits: LimitsFront):
    """As in most servers."""
    await limits.front.services.servers.change(GUILD, ASKER, log_channel=None)

    _, edit = await limits.type("set", SET)

    assert "2,000 tokens per hour" in edit.message["content"]


async def test_log_channel_that_can_not_be_written_to_stops_nothing(limits: LimitsFront):
    """The limit is set, and the admin hears why nobody else does."""
    limits.front.wire.refused["POST followup"] = (403, 50001)

    with capture_logs():
        *_, edit = await limits.type("set", SET)

    assert 1 == len((await limits.service.rules(GUILD)).rules)
    lines = edit.message["content"].splitlines()
    assert [
        "each member: no limit → 2,000 tokens per hour",
        "-# about 12 texts of usual length",
        "-# I could not post this in <#30>; may I write there?",
    ] == lines


async def test_log_channel_that_nobody_knows_now_stops_nothing(
    limits: LimitsFront, monkeypatch: pytest.MonkeyPatch
):
    """The settings can't be read; the limit is set all the same."""

    async def away(guild_id: int) -> None:
        raise QueueDownError("The queue can't be reached.")

    monkeypatch.setattr(limits.front.stores.settings, "read", away)

    with capture_logs():
        *_, edit = await limits.type("remove", {"limit": str(await _set(limits))})

    assert () == (await limits.service.rules(GUILD)).rules
    assert "I could not look up this server's log channel" in edit.message["content"]


async def _set(limits: LimitsFront) -> object:
    """A rule that is there; its key."""
    await limits.service.set_rule(GUILD, RULE, ASKER)
    return RULE.key
