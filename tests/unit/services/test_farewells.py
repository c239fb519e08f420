"""Replies of dropped texts: all are told, at a bearable pace, whatever happens to one of them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from structlog.testing import capture_logs

from bot.core.jobs import ReplyTarget
from bot.core.replies import ReplyMessage
from bot.errors import QueueDownError
from bot.jobqueue.control import Dropped
from bot.services.farewells import Farewells
from bot.services.ledger import Ledger
from bot.state.memory_limits import MemoryLimits
from bot.state.memory_usage import MemoryUsage
from tests.factories import make_job

APART_S = 0.02
SENTENCE = "It was dropped."


class Replies:
    """Discord: what was edited when, and how many edits were under way at most.

    Attributes:
        faults: raised in place of an edit, by interaction token.
        takes_s: how long each edit takes.
    """

    def __init__(self) -> None:
        self.edits: list[tuple[float, str, ReplyMessage]] = []
        self.faults: dict[str, Exception] = {}
        self.takes_s = 0.0
        self.at_once = self.most_at_once = 0

    async def edit_original(
        self, target: ReplyTarget, message: ReplyMessage, *, tries: int = 5
    ) -> None:
        del tries
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        await asyncio.sleep(self.takes_s)
        self.at_once -= 1
        if fault := self.faults.get(target.interaction_token):
            raise fault
        now_s = asyncio.get_running_loop().time()
        self.edits.append((now_s, target.interaction_token, message))

    async def has(self, n: int) -> None:
        """Waits for the n-th edit."""
        async with asyncio.timeout(10):
            while len(self.edits) < n:  # noqa: ASYNC110  # nobody tells of it
                await asyncio.sleep(0.005)


class DownLimits(MemoryLimits):
    """A store that is away."""

    async def refund(self, job_id: str) -> bool:
        raise QueueDownError("The queue can't be reached.")


@pytest.fixture
def replies() -> Replies:
    """Nothing was edited yet."""
    return Replies()


@pytest.fixture
def farewells(replies: Replies) -> Farewells:
    """With stores in which nothing was charged."""
    return make_farewells(replies, MemoryLimits(lambda: 1.0))


def make_farewells(replies: Replies, limits: MemoryLimits) -> Farewells:
    """Told to those replies."""
    return Farewells(Ledger(limits, MemoryUsage(clock=lambda: 1.0)), replies, apart_s=APART_S)


def drop(job_id: str, notice_s: float = 0.0) -> Dropped:
    """A dropped text; its token is its id."""
    reply = ReplyTarget(application_id=1, interaction_token=job_id, channel_id=2, guild_id=10)
    return Dropped(job_id=job_id, job=make_job(job_id, reply=reply), notice_s=notice_s)


@asynccontextmanager
async def running(farewells: Farewells) -> AsyncIterator[None]:
    """The chore at work."""
    task = asyncio.create_task(farewells.run())
    yield
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_all_are_told_apart_and_few_at_once(farewells: Farewells, replies: Replies):
    """Discord allows about fifty requests a second, for everything."""
    replies.takes_s = 0.15
    async with running(farewells):
        await farewells.take([drop(str(n)) for n in range(12)], lambda: SENTENCE)
        await replies.has(12)

    times_s = [at_s for at_s, _, _ in replies.edits]
    assert {str(n) for n in range(12)} == {token for _, token, _ in replies.edits}
    assert {SENTENCE} == {message.content for _, _, message in replies.edits}
    assert 4 == replies.most_at_once
    assert times_s[-1] - times_s[0] > 2 * 0.15


async def test_reply_waits_for_an_edit_on_its_way(farewells: Farewells, replies: Replies):
    """Else the notice of a place in line would be the last word."""
    started_s = asyncio.get_running_loop().time()
    async with running(farewells):
        await farewells.take([drop("1", notice_s=0.4), drop("2")], lambda: SENTENCE)
        await replies.has(2)

    (_, first, _), (at_s, second, _) = replies.edits
    assert ("2", "1") == (first, second)
    assert at_s - started_s >= 0.4


async def test_reply_that_can_not_be_edited_stops_nobody(farewells: Farewells, replies: Replies):
    """Deleted, or Discord is away: it is logged without the token."""
    replies.faults["1"] = RuntimeError("https://discord.com/api/webhooks/1/token")
    with capture_logs() as logs:
        async with running(farewells):
            await farewells.take([drop("1"), drop("2")], lambda: SENTENCE)
            await replies.has(1)

    assert ["2"] == [token for _, token, _ in replies.edits]
    assert [("drop not told", "1", "RuntimeError")] == [
        (log["event"], log["job_id"], log["reason"]) for log in logs
    ]


async def test_text_whose_record_is_lost_is_settled_all_the_same(replies: Replies):
    """There is no reply to edit."""
    settled: list[str] = []

    class Limits(MemoryLimits):
        async def refund(self, job_id: str) -> bool:
            settled.append(job_id)
            return True

    farewells = make_farewells(replies, Limits(lambda: 1.0))
    async with running(farewells):
        await farewells.take([Dropped(job_id="lost", job=None), drop("1")], lambda: SENTENCE)
        await replies.has(1)

    assert ["lost", "1"] == settled
    assert 1 == len(replies.edits)


async def test_askers_are_told_though_nothing_can_be_settled_now(replies: Replies):
    """A chore does it later."""
    farewells = make_farewells(replies, DownLimits(lambda: 1.0))
    with capture_logs() as logs:
        async with running(farewells):
            await farewells.take([drop("1"), drop("2")], lambda: SENTENCE)
            await replies.has(2)

    assert ["dropped job not settled"] * 2 == [log["event"] for log in logs]
