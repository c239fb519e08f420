"""Replies of texts that wait: what is told in them, when, and when no more."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from types import SimpleNamespace

import pytest
from structlog.testing import capture_logs

from bot.core.jobs import JobState
from bot.jobqueue.memory_queue import MemoryQueue
from bot.services.pools import Pools
from bot.services.waiting import NoticeGoneError, Pace, WaitingBoard
from tests.factories import make_job
from tests.memory_services import MODEL, memory_stores
from tests.unit.worker.workshop import FlakyQueue

FIRST_S, EVERY_S = 0.1, 0.15
PACE = Pace(first_after_s=FIRST_S, every_s=EVERY_S, apart_s=0.001, idle_s=0.01)
SOON_S = 5.0  # for what must happen; a busy machine may need long for it


@dataclass
class Reply:
    """A reply that a notice goes to.

    Attributes:
        told: what was written into it, and when on the loop's clock.
        fault: raised in place of an edit.
    """

    told: list[tuple[float, str]] = field(default_factory=list[tuple[float, str]])
    fault: Exception | None = None
    tries: int = 0
    takes_s: float = 0.0

    async def show(self, notice: str) -> None:
        self.tries += 1
        if self.fault is not None:
            raise self.fault
        await asyncio.sleep(self.takes_s)
        self.told.append((asyncio.get_running_loop().time(), notice))

    @property
    def texts(self) -> list[str]:
        return [text for _, text in self.told]

    async def has(self, n: int) -> None:
        """Waits for the n-th notice."""
        await _until(lambda: len(self.told) >= n)

    async def tried(self, n: int) -> None:
        """Waits for the n-th try."""
        await _until(lambda: self.tries >= n)


async def _until(is_so: Callable[[], bool]) -> None:
    async with asyncio.timeout(SOON_S):
        while not is_so():  # noqa: ASYNC110  # what is waited for sends no event
            await asyncio.sleep(0.005)


class Line:
    """A board in front of a queue, and time that passes for the queue only when it is told to."""

    def __init__(self, pace: Pace = PACE) -> None:
        self.now_s = 1_000.0
        self.queue = MemoryQueue(clock=lambda: self.now_s)
        self.gate = FlakyQueue(self.queue)
        stores = memory_stores(self.gate, lambda: self.now_s)  # pyright: ignore[reportArgumentType]
        self.pools: Pools = stores.pools
        self.board = WaitingBoard(self.pools, pace=pace)

    @asynccontextmanager
    async def running(self) -> AsyncIterator["Line"]:
        """The board at work."""
        task = asyncio.create_task(self.board.run())
        try:
            yield self
            assert not task.done()
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def put(self, job_id: str = "1", *, tenant: str = "g10", watched: bool = True) -> Reply:
        """A text that waits, and its reply."""
        await self.queue.put(make_job(job_id, tenant=tenant))
        reply = Reply()
        if watched:
            self.board.watch(job_id, MODEL, reply.show)
        return reply


@pytest.fixture
async def line() -> AsyncIterator[Line]:
    """A board at a fast pace; no worker lives."""
    async with Line().running() as line:
        yield line


def test_usual_pace_is_what_members_are_promised():
    """Nothing before 2 s, then at most every 5 s, and 10 a second of all replies together."""
    pace = Pace()

    assert (2.0, 5.0, 0.1) == (pace.first_after_s, pace.every_s, pace.apart_s)
    assert pace.idle_s <= pace.first_after_s  # a reply that comes while the board sleeps


async def test_nothing_is_told_at_first(line: Line):
    """Most texts begin at once; then comes the first notice."""
    began_s = asyncio.get_running_loop().time()
    reply = await line.put()

    await reply.has(1)

    assert reply.told[0][0] - began_s >= FIRST_S


async def test_text_that_begins_at_once_is_told_nothing(line: Line):
    """A notice would overwrite what its worker writes."""
    reply = await line.put()
    await line.queue.claim("w", 1, 0)

    await asyncio.sleep(FIRST_S + 2 * EVERY_S)

    assert 0 == reply.tries


async def test_notice_has_place_estimate_and_reason(line: Line):
    """The pace is known from a text that was written; one slot, and three of the same server."""
    await line.queue.renew("w", 1, [])
    await line.queue.put(make_job("first", cost=100))
    [claim] = await line.queue.claim("w", 1, 0)
    line.now_s += 10
    await line.queue.finish("w", "first", claim.attempt, JobState.DONE, 100)
    for job_id in ("a", "b", "c"):
        await line.put(job_id, watched=False)

    own = await line.put("mine")
    await own.has(1)
    other = await line.put("other", tenant="g20")
    await other.has(1)

    # Three texts of 24 tokens each are before it, at a tenth of a second a token.
    assert own.texts[0].startswith(
        "All hands are writing. Your text is number 4 in line and starts in a few seconds.\n"
    )
    assert "this server's own: each server has its share" in own.texts[0]
    assert "this server's own" not in other.texts[0]


async def test_without_a_worker_that_is_said(line: Line):
    """Nobody can tell how long it takes."""
    reply = await line.put()
    await reply.has(1)

    assert reply.texts[0].startswith("No worker is running right now. Your text is number 1")


async def test_what_is_unchanged_is_not_written_again(line: Line):
    """Discord counts every edit."""
    reply = await line.put()
    await reply.has(1)

    await asyncio.sleep(4 * EVERY_S)

    assert 1 == reply.tries


async def test_change_is_told_but_not_too_often(line: Line):
    """Places change all the time; each reply is edited with a pause in between."""
    for n in range(15):
        await line.put(f"before{n}", watched=False)
    reply = await line.put()
    for _ in range(15):  # the line moves much faster than the board
        await line.queue.claim("w", 1, 0)
        await asyncio.sleep(EVERY_S / 3)

    times = [at_s for at_s, _ in reply.told]
    gaps_s = [later - earlier for earlier, later in pairwise(times)]
    assert len(times) >= 2
    assert min(gaps_s) >= EVERY_S
    assert len(set(reply.texts)) == len(reply.texts)


async def test_notices_end_when_a_worker_takes_the_text(line: Line):
    """From then on only the worker writes."""
    await line.put("ahead", watched=False)
    reply = await line.put()
    await reply.has(1)
    await line.queue.claim("w", 2, 0)

    await asyncio.sleep(3 * EVERY_S)
    await line.queue.release("w", [("1", 1)])  # its worker's text may be in the reply
    await asyncio.sleep(3 * EVERY_S)

    assert 1 == reply.tries


async def test_worker_waits_for_a_notice_on_its_way(line: Line):
    """Else a slow edit would come after the worker's and overwrite the text."""
    reply = await line.put()
    reply.takes_s = 0.5
    await reply.tried(1)

    [claim] = await line.queue.claim("w", 1, 0)
    await reply.has(1)
    await line.queue.release("w", [("1", 1)])
    [later] = await line.queue.claim("w", 1, 0)

    assert claim.notice_s > 0
    assert 0 == later.notice_s


async def test_reply_that_is_gone_is_left_alone(line: Line):
    """Somebody deleted it; the others are told all the same."""
    gone = await line.put("1")
    gone.fault = NoticeGoneError()
    other = await line.put("2")

    await asyncio.gather(gone.tried(1), other.has(1))
    await asyncio.sleep(3 * EVERY_S)

    assert 1 == gone.tries


async def test_notice_that_fails_is_tried_again(line: Line):
    """Discord was away for a moment; nothing ends for that."""
    reply = await line.put()
    reply.fault = OSError("no route to Discord")
    with capture_logs() as logs:
        await reply.tried(2)
    reply.fault = None

    await reply.has(1)

    assert {"notice not shown"} == {entry["event"] for entry in logs}


async def test_queue_that_is_away_is_survived(line: Line):
    """Nobody knows the places then; once it is back they are told."""
    reply = await line.put()
    line.gate.is_down = True
    await asyncio.sleep(FIRST_S + 2 * EVERY_S)
    assert 0 == reply.tries

    line.gate.is_down = False

    await reply.has(1)


async def test_fault_about_one_text_ends_nothing_else(line: Line, monkeypatch: pytest.MonkeyPatch):
    """Such as a record that this program can't read."""

    class Broken(FlakyQueue):
        async def begin_notice(self, job_id: str, hold_s: float) -> object:
            if job_id == "bad":
                raise ValueError("damaged record")
            return await self._queue.begin_notice(job_id, hold_s)

    broken = Broken(line.queue)
    stores = memory_stores(broken, lambda: line.now_s)  # pyright: ignore[reportArgumentType]
    line.board._pools = stores.pools
    # Its own logger: one that an earlier test has used may be bound to what is gone.
    logs: list[str] = []
    logger = SimpleNamespace(exception=lambda event, **_details: logs.append(event))
    monkeypatch.setattr("bot.services.waiting._log", logger)
    bad = await line.put("bad")
    good = await line.put("good")
    await _until(lambda: bool(logs))
    await good.has(1)

    assert 0 == bad.tries
    assert ["notice failed"] == logs


async def test_replies_are_edited_one_after_the_other():
    """With a pause between any two, however many are due: Discord limits the whole bot."""
    apart_s = 0.02
    pace = Pace(first_after_s=0.01, every_s=60, apart_s=apart_s, idle_s=0.01)
    async with Line(pace).running() as line:
        replies = [await line.put(str(n)) for n in range(15)]
        await asyncio.gather(*(reply.has(1) for reply in replies))

    times = sorted(reply.told[0][0] for reply in replies)
    # Each starts after its pause; how long an edit takes may bring two of them nearer.
    assert times[-1] - times[0] >= 13 * apart_s


async def test_slow_edits_do_not_pile_up():
    """Four at once, and no more."""
    begun = 0
    go_on = asyncio.Event()

    async def show(_notice: str) -> None:
        nonlocal begun
        begun += 1
        await go_on.wait()

    pace = Pace(first_after_s=0.01, every_s=60, apart_s=0.001, idle_s=0.01)
    async with Line(pace).running() as line:
        for n in range(9):
            await line.put(str(n), watched=False)
            line.board.watch(str(n), MODEL, show)
        await _until(lambda: begun == 4)
        await asyncio.sleep(0.1)
        assert 4 == begun

        go_on.set()
        await _until(lambda: begun == 9)


async def test_notice_that_is_cut_off_still_holds_a_worker_back(
    line: Line, monkeypatch: pytest.MonkeyPatch
):
    """Nobody knows whether it comes through, so it must not be painted over a text."""
    monkeypatch.setattr("bot.services.waiting.NOTICE_S", 0.05)
    monkeypatch.setattr("bot.services.waiting._LATE_S", 60.0)
    was_cut_off = asyncio.Event()

    async def hangs(_notice: str) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            was_cut_off.set()

    await line.queue.put(make_job("cut", deadline_at_s=line.now_s + 600))
    line.board.watch("cut", "small", hangs)
    async with asyncio.timeout(5):
        await was_cut_off.wait()
    await asyncio.sleep(0.02)
    (claim,) = await line.queue.claim("w", 1, 0)

    assert claim.notice_s > 50
