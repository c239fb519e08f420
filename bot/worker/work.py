"""What a worker does for one job, and what it is handed for that.

`job_run` makes a Work of the job's kind, runs it, and settles with the queue how it ended; each
kind of work is a file of its own.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

import structlog

from bot.core.jobs import Job, JobState
from bot.errors import RequestError
from bot.jobqueue.api import Claim
from bot.worker.generation import End
from bot.worker.reply_writer import ReplyWriter
from bot.worker.tools import Mask, Tools

_log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)
_T = TypeVar("_T")


class RefusedByEngineError(Exception):
    """The engine would never take this prompt; its cause says why."""


class WritingFailedError(Exception):
    """The engine failed in mid-text, or the text could not be put together; see its cause."""


class Persist(Protocol):
    """Makes an idempotent call to Redis, again and again while it is away."""

    async def __call__(self, call: Callable[[], Awaitable[_T]], /) -> _T:
        """What the call returns.

        Raises:
            QueueDownError: Redis was away until the job no longer mattered.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Assignment:
    """A claimed job, and what its run lends to the work on it.

    Attributes:
        writer: of the job's reply.
        free_places: says that so many of its places in the engine (`n_places`) are not needed
            any more.
        may_have_lost_lease: whether another worker may have the job by now.
        persist: for calls to Redis that must come through.
    """

    claim: Claim
    tools: Tools
    writer: ReplyWriter
    free_places: Callable[[int], None]
    may_have_lost_lease: Callable[[], bool]
    persist: Persist

    @property
    def job(self) -> Job:
        """What is asked for."""
        return self.claim.job

    async def mask(self) -> Mask:
        """What hides words; where nobody can tell, the text goes out as it is."""
        try:
            return await self.tools.mask_of(self.job)
        except RequestError as error:
            _log.warning("word filter not known", reason=type(error).__name__)
            return str


class Work(Protocol):
    """One job's work. Made for one run; the same work again is another attempt's."""

    @property
    def n_prompt_tokens(self) -> int:
        """Tokens that the model has read."""
        ...

    @property
    def n_tokens(self) -> int:
        """Tokens that it has written."""
        ...

    async def run(self) -> JobState:
        """Does it all, up to the posted reply; how it ended.

        Raises:
            LeaseLostError: another worker has the job.
            ReplyError: the reply is gone, or Discord refuses what was to be posted.
            RefusedByEngineError: no attempt would change that.
            WritingFailedError: another attempt may go well.
        """
        ...

    def stop(self, end: End) -> None:
        """Ends it where it is; what exists is posted."""
        ...

    def leave_engine(self) -> None:
        """Frees all its places in the engine; safe to call twice."""
        ...

    def details(self) -> dict[str, Any]:
        """How it went, for the log."""
        ...


def n_places(job: Job) -> int:
    """How many places in the engine the work on a job takes."""
    return job.candidates
