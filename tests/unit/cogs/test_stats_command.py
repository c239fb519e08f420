"""`/server stats` and `/limits simulate`: for admins, in private, with a picture told in words."""

from collections.abc import AsyncIterator

import pytest

from tests.contract.usage_backends import CHANNEL, GUILD, asked, ended
from tests.unit.cogs.front import DEFER_THINKING, MESSAGE_ANSWER
from tests.unit.cogs.usage_front import (
    MANAGE_GUILD,
    UsageFront,
    resolved_channel,
    resolved_role,
)

SIMULATE = {"unit": "requests", "amount": 2, "per": "hour", "scope": "member"}


@pytest.fixture
async def usage_front() -> AsyncIterator[UsageFront]:
    """Three requests of one member, one of another, who has role 7."""
    async with UsageFront().running() as front:
        for job_id in ("1", "2", "3"):
            await front.usage.asked(asked(job_id))
        await front.usage.asked(asked("4", user_id=101, role_ids=frozenset({7}), channel_id=21))
        await front.usage._store.ended(ended("1"))
        yield front


@pytest.mark.parametrize(
    ("name", "options", "said", "file_name"),
    [
        ("server stats", {}, "in the last 7 days", "usage-7-days.png"),
        ("server stats", {"days": 90}, "in the last 90 days", "usage-90-days.png"),
        ("limits simulate", SIMULATE, "refused 1 of the 4", "simulated-limit.png"),
    ],
)
async def test_admin_gets_a_private_answer_with_a_picture(
    usage_front: UsageFront, name: str, options: dict, said: str, file_name: str
):
    """Deferred first, because drawing takes a while; the picture is told in words too."""
    defer, answer = await usage_front.command(name, **options)

    assert (DEFER_THINKING, True) == (defer.call.kind, defer.call.is_private)
    assert "PATCH @original" == answer.call.route
    assert said in answer.call.message["content"]
    assert answer.call.pings_nobody
    [attachment] = answer.call.message["attachments"]
    assert file_name == attachment["filename"]
    assert 50 < len(attachment["description"]) <= 1024
    assert answer.file is not None
    assert answer.file.startswith(b"\x89PNG")


@pytest.mark.parametrize(("name", "options"), [("server stats", {}), ("limits simulate", SIMULATE)])
@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"permissions": 0x7FFF_FFFF & ~MANAGE_GUILD}, "Only those who may manage this server"),
        ({"is_installed": False}, "only in a server to which I was added"),
        ({"guild_id": None}, "only in a server to which I was added"),
    ],
    ids=["member", "brought along", "direct message"],
)
async def test_others_get_a_sentence(
    usage_front: UsageFront, name: str, options: dict, changes: dict, said: str
):
    """Who brings the bot along to a server may not look into that server's figures."""
    [answer] = await usage_front.command(name, **changes, **options)

    assert MESSAGE_ANSWER == answer.call.kind
    assert answer.call.is_private
    assert answer.call.pings_nobody
    assert said in answer.call.message["content"]


@pytest.mark.parametrize(("name", "options"), [("server stats", {}), ("limits simulate", SIMULATE)])
async def test_without_requests_there_is_no_picture(
    usage_front: UsageFront, name: str, options: dict
):
    """A sentence says so."""
    await usage_front.usage.forget_guild(GUILD)

    _, answer = await usage_front.command(name, **options)

    assert "nothing to" in answer.call.message["content"]
    assert [] == answer.call.message["attachments"]
    assert answer.file is None


async def test_limit_of_a_role_or_channel_is_about_that_one(usage_front: UsageFront):
    """As the options name it; the role in the answer pings nobody."""
    _, of_role = await usage_front.command(
        "limits simulate", resolved=resolved_role(7), **SIMULATE | {"scope": "role", "role": "7"}
    )
    _, of_channel = await usage_front.command(
        "limits simulate",
        resolved=resolved_channel(),
        **SIMULATE | {"scope": "channel", "channel": str(CHANNEL), "burst": 1},
    )

    assert "<@&7>" in of_role.call.message["content"]
    assert "none: 1 requests" in of_role.call.message["content"]
    assert of_role.call.pings_nobody
    assert f"<#{CHANNEL}>" in of_channel.call.message["content"]
    assert "refused 2 of the 3" in of_channel.call.message["content"]


async def test_limit_of_a_role_needs_the_role(usage_front: UsageFront):
    """The sentence says what is missing, in private."""
    *_, answer = await usage_front.command("limits simulate", **SIMULATE | {"scope": "role"})

    assert "please name it too" in answer.call.message["content"]
    assert answer.call.is_private


async def test_members_of_exempt_roles_are_left_out(usage_front: UsageFront):
    """As the limit would leave them out; the answer says so where there are any."""
    await usage_front.limits.set_exempt(GUILD, 7, is_exempt=True, by_user=1)

    _, personal = await usage_front.command("limits simulate", **SIMULATE)
    _, shared = await usage_front.command("limits simulate", **SIMULATE | {"scope": "server"})

    assert "refused 1 of the 3" in personal.call.message["content"]
    assert "exempt from personal limits are left out" in personal.call.message["content"]
    assert "refused 2 of the 4" in shared.call.message["content"]
    assert "exempt" not in shared.call.message["content"]
