"""`/server queue`: what an admin sees of the server's texts."""

from collections.abc import AsyncIterator

import pytest
from structlog.testing import capture_logs

from bot.core.jobs import Job
from tests.factories import make_job
from tests.unit.cogs.front import DEFER_THINKING, GUILD, NOW_S
from tests.unit.cogs.server_front import MANAGE_GUILD, ServerFront

EVERYTHING_ELSE = ((1 << 53) - 1) & ~MANAGE_GUILD & ~(1 << 3)  # administrators may all


@pytest.fixture
async def front() -> AsyncIterator[ServerFront]:
    """A bot without workers."""
    async with ServerFront().running() as front:
        yield front


def job(job_id: str, *, user_id: int = 100, tenant: str = f"g{GUILD}") -> Job:
    """A text that somebody asked for."""
    return make_job(job_id, user_id=user_id, tenant=tenant, deadline_at_s=NOW_S + 600)


async def shown(front: ServerFront) -> str:
    """What the admin reads; nobody else does."""
    defer, answer = await front.server("queue")
    assert (DEFER_THINKING, True) == (defer.kind, defer.is_private)
    assert answer.pings_nobody
    return answer.message["content"]


async def test_empty_line_is_said(front: ServerFront):
    """Others' texts are none of this server's business."""
    await front.queue.put(job("1", tenant="g99"))
    await front.queue.put(job("2", tenant="u100"))

    assert "No text of this server waits or is being written." == await shown(front)


async def test_waiting_and_running_texts_are_counted_by_member(front: ServerFront):
    """Those who have most come first."""
    for job_id, user_id in (("1", 100), ("2", 200), ("3", 200)):
        await front.queue.put(job(job_id, user_id=user_id))
    await front.queue.claim("w", 1, 0)

    assert (
        "**small**: 2 waiting, 1 being written\n- <@200>: 2 and 0\n- <@100>: 0 and 1"
        == await shown(front)
    )


async def test_many_members_fit_into_a_message(front: ServerFront):
    """The first fifteen are named."""
    for n in range(20):  # ten wait at most
        await front.queue.put(job(str(n), user_id=10**18 + n))
        if n == 9:
            await front.queue.claim("w", 10, 0)

    text = await shown(front)

    assert text.startswith("**small**: 10 waiting, 10 being written\n")
    assert 15 == text.count("<@")
    assert len(text) <= 2000


@pytest.mark.parametrize("owners", [True, False], ids=["member", "brought along"])
async def test_others_are_refused(front: ServerFront, owners: bool):
    """Who waits where is for those who manage the server."""
    permissions = EVERYTHING_ELSE if owners else MANAGE_GUILD
    with capture_logs():
        [answer] = await front.member("queue", owners=owners, permissions=permissions)

    assert answer.is_private
    assert answer.message["content"].startswith(
        "Only those who may manage this server" if owners else "This works only in a server"
    )


async def test_queue_that_is_away_is_a_sentence(front: ServerFront):
    """And not an empty line."""
    front.gate.is_down = True

    with capture_logs():
        *_, answer = await front.server("queue")

    assert answer.message["content"].startswith("The queue can't be reached.")
    assert answer.is_private
