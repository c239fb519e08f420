"""Keeps the replies of waiting texts up to date: their place, how long it may take, and why.

Owned by the bot process: `app` runs it, the cogs hand replies to it. A worker may take a job at
any moment and writes to the same reply, so each notice is announced in the queue before it is
sent: a worker that takes the job meanwhile holds its first edit back until the notice is through.
"""

import asyncio
import heapq
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import structlog

from bot.core.replies import waiting
from bot.errors import QueueDownError
from bot.jobqueue.api import JobQueue, Waiting
from bot.language import speaking, spoken
from bot.services.pools import Pools

NOTICE_S = 2.5  # a notice that takes longer is cut off
_LATE_S = 1.0  # one that was cut off may come through so much later
_AT_ONCE = 4
_MOST_WATCHED = 5_000  # beyond that, the newest replies stay as they are until a worker comes

ShowNotice = Callable[[str], Awaitable[None]]

_log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)


class NoticeGoneError(Exception):
    """Raised by a `ShowNotice`: nobody can see the reply any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How often replies are edited; all in seconds.

    Attributes:
        first_after_s: before the first notice; shorter waits need no words.
        every_s: between two notices in the same reply, at least.
        apart_s: between any two notices of this process: at most 10 a second.
        idle_s: how long the board sleeps at most; not above `first_after_s`.
    """

    first_after_s: float = 2.0
    every_s: float = 5.0
    apart_s: float = 0.1
    idle_s: float = 1.0


@dataclass(order=True, slots=True)
class _Watched:
    """A reply and when it is looked at next (on the loop's clock)."""

    due_s: float
    job_id: str = field(compare=False)
    queue: JobQueue = field(compare=False)
    show: ShowNotice = field(compare=False)
    language: str = field(compare=False)
    shown: str = field(compare=False, default="")


class WaitingBoard:
    """The replies that wait.

    Args:
        pools: say how each job stands.
        pace: how often replies are edited.
        rng: jitter, so that replies asked for together are not edited together.
    """

    def __init__(
        self, pools: Pools, *, pace: Pace | None = None, rng: random.Random | None = None
    ) -> None:
        self._pools = pools
        self._pace = pace or Pace()
        self._rng = rng or random.Random()
        self._watched: list[_Watched] = []
        self._room = asyncio.Semaphore(_AT_ONCE)

    def watch(
        self, job_id: str, model: str, show: ShowNotice, *, language: str | None = None
    ) -> None:
        """Tells of a job in its reply for as long as it waits, from a moment on.

        Args:
            job_id: the job.
            model: whose queue it is in.
            show: shows a notice; called while `language` is spoken.
            language: of the reply; None = as spoken now.
        """
        if len(self._watched) < _MOST_WATCHED:
            queue = self._pools.of(model)
            one = _Watched(0.0, job_id, queue, show, language or spoken())
            self._put(one, self._pace.first_after_s)

    async def run(self) -> None:
        """Until it is cancelled."""
        loop, idle_s = asyncio.get_running_loop(), self._pace.idle_s
        async with asyncio.TaskGroup() as group:
            while True:
                wait_s = self._watched[0].due_s - loop.time() if self._watched else idle_s
                if wait_s > 0:
                    await asyncio.sleep(min(wait_s, idle_s))
                    continue
                one = heapq.heappop(self._watched)
                await self._room.acquire()
                with speaking(one.language):
                    task = group.create_task(self._tell(one))
                task.add_done_callback(lambda _task: self._room.release())
                await asyncio.sleep(self._pace.apart_s)

    async def _tell(self, one: _Watched) -> None:
        """Shows how a job stands, if it still waits; then comes back to it later."""
        cut_off_s = asyncio.get_running_loop().time() + NOTICE_S
        try:
            status = await one.queue.begin_notice(one.job_id, NOTICE_S + _LATE_S)
            if status is None:
                return
            notice = await _notice(one.queue, status)
            if notice == one.shown or await self._show(one, notice, cut_off_s):
                await one.queue.end_notice(one.job_id)
        except QueueDownError:
            pass  # its place is not known now; it is asked for again
        except NoticeGoneError:
            return
        except Exception:  # a fault about one job must not end the bot, nor the others' notices
            _log.exception("notice failed", job_id=one.job_id)
            return
        self._put(one, self._pace.every_s)

    async def _show(self, one: _Watched, notice: str, cut_off_s: float) -> bool:
        """Shows a notice; False where it was cut off, so that it may still come through."""
        limit = asyncio.timeout_at(cut_off_s)
        try:
            async with limit:
                await one.show(notice)
        except NoticeGoneError:
            raise
        except Exception as error:  # whatever went wrong on the way, the text is as good
            _log.info("notice not shown", job_id=one.job_id, reason=type(error).__name__)
            return not limit.expired()
        one.shown = notice
        return True

    def _put(self, one: _Watched, after_s: float) -> None:
        jitter = self._rng.uniform(1.0, 1.1)
        one.due_s = asyncio.get_running_loop().time() + after_s * jitter
        heapq.heappush(self._watched, one)


async def _notice(queue: JobQueue, status: Waiting) -> str:
    """Without an estimate it may be that nobody works."""
    workers_alive = status.eta_s is not None or (await queue.load()).slots > 0
    return waiting(
        status.place,
        eta_s=status.eta_s,
        own_share=status.own_share,
        workers_alive=workers_alive,
    )
