"""Texts that workers write: asked for, told of while they wait, stopped.

Called by cogs. Knows nothing of Discord's client, Redis or the model; time and randomness come in
as arguments. The order of a request: may this member ask here, which model, what do the limits
say, is there room in the line. What a later step refuses, the earlier ones take back.
"""

from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from enum import Enum, auto

import structlog

from bot.core.asker import Asker
from bot.core.jobs import END_STATES, Job, JobState
from bot.core.queue_words import refusal
from bot.core.text_request import CompletionRequest, job_of
from bot.core.usage import Asked, Outcome
from bot.errors import (
    LimitReachedError,
    QueueDownError,
    QueueFullError,
)
from bot.jobqueue.api import JobQueue, Placement, PutStatus
from bot.language import public_language, spoken
from bot.services.ledger import Ledger
from bot.services.limits import LimitsService
from bot.services.pools import Pools
from bot.services.servers import ServersService
from bot.services.usage import UsageService

_log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)


class StopResult(Enum):
    """What became of a request to stop a job."""

    BEFORE_START = auto()  # it still waited and is gone now; the caller shows that
    TOLD_WORKER = auto()  # its worker ends it and shows what exists
    NOT_YOURS = auto()  # somebody else asked for it
    NOTHING = auto()  # it is over, or unknown


@dataclass(frozen=True, slots=True, kw_only=True)
class TextParts:
    """What the service works with.

    Attributes:
        pools: the queues of all models.
        servers: what a server's admins and the host allow.
        limits: how much members may use.
        usage: what was asked.
        ledger: settles what ends before a worker has it.
    """

    pools: Pools
    servers: ServersService
    limits: LimitsService
    usage: UsageService
    ledger: Ledger


@dataclass(slots=True)
class _Note:
    """What a request's note will say.

    Attributes:
        tokens: its estimated cost, once it is known.
    """

    tokens: int = 0


class TextService:
    """Texts that workers write.

    Args:
        parts: the other services.
        clock: gives Unix time in seconds.
        new_seed: gives a random seed for a request that names none.
    """

    def __init__(
        self, parts: TextParts, *, clock: Callable[[], float], new_seed: Callable[[], int]
    ) -> None:
        self._parts = parts
        self._clock = clock
        self._new_seed = new_seed

    def prepare(self, request: CompletionRequest) -> Job:
        """Turns a request into a job; nothing is stored yet.

        Raises:
            RequestError: it can't be done; see `job_of`.
        """
        return job_of(request, now_s=self._clock(), new_seed=self._new_seed())

    async def ask(self, request: CompletionRequest) -> str:
        """Puts a text's job; asking again with the same interaction changes nothing.

        Returns:
            The model that will write it.

        Raises:
            RequestError: the request is refused, for one of many reasons; nothing is left of it.
            QueueDownError: Redis can't be reached.
        """
        async with self._noted(request.asker, str(request.interaction_id)) as note:
            typed = request.prompt if request.is_typed else ""
            settings = await self._parts.servers.check(request.asker, typed)
            if request.preset is None and request.base is None and settings.preset:
                request = replace(request, preset=settings.preset)
            language = public_language(spoken(), settings.language)
            job = self.prepare(replace(request, language=language))
            wanted, language = request.model or settings.model, settings.language
            return await self._enter(job, request.asker, wanted, note, language)

    async def submit(
        self,
        job: Job,
        asker: Asker,
        model: str | None,
        *,
        is_private: bool = False,
        typed: str | None = None,
    ) -> str:
        """Puts a job that somebody else made; as `ask` in everything else.

        Args:
            job: of any kind.
            asker: who asks, and where.
            model: which one has to do it; None = the server's choice, or else the host's.
            is_private: whether the asker alone sees the answer: it is in their own language then.
            typed: what of its prompt was written for this request, so that it is filtered; None =
                all of it.

        Returns:
            The model that will do it.

        Raises:
            RequestError: the request is refused, for one of many reasons; nothing is left of it.
            QueueDownError: Redis can't be reached.
        """
        async with self._noted(asker, job.id) as note:
            filtered = job.prompt if typed is None else typed
            settings = await self._parts.servers.check(asker, filtered)
            wanted, fixed = model or settings.model, None if is_private else settings.language
            return await self._enter(job, asker, wanted, note, fixed)

    async def _enter(
        self, job: Job, asker: Asker, wanted: str | None, note: _Note, fixed_language: str | None
    ) -> str:
        """Which model, what do the limits say, is there room in the line."""
        language = public_language(spoken(), fixed_language)
        job = replace(job, language=language)
        model = await self._parts.pools.choose(wanted)
        note.tokens = job.cost
        placement = await self._put(job, asker, self._parts.pools.of(model), language)
        _log.info("job put", status=placement.status.value, place=placement.place, model=model)
        return model

    @asynccontextmanager
    async def _noted(self, asker: Asker, job_id: str) -> AsyncGenerator[_Note]:
        """Notes a request for the statistics, whatever becomes of it."""
        note, outcome = _Note(), Outcome.REFUSED_OTHER
        try:
            yield note
            outcome = Outcome.ACCEPTED
        except LimitReachedError:
            outcome = Outcome.REFUSED_LIMIT
            raise
        except (QueueFullError, QueueDownError):
            outcome = Outcome.REFUSED_QUEUE
            raise
        finally:
            event = Asked.by(asker, job_id=job_id, tokens=note.tokens, outcome=outcome)
            await self._parts.usage.asked(event)

    async def _put(self, job: Job, asker: Asker, queue: JobQueue, language: str) -> Placement:
        """Charges the limits, then stands in line; a job that is refused there costs nothing."""
        notes = await self._parts.limits.charge(asker, job.id, job.cost, language=language)
        try:
            placement = await queue.put(replace(job, notes=(*job.notes, *notes)))
        except QueueDownError:
            await self._give_up(job.id, queue)
            raise
        if placement.status is PutStatus.ACCEPTED:
            return placement
        if placement.status is PutStatus.DUPLICATE:
            if await queue.state(job.id) in END_STATES:  # its own charge was settled
                await self._parts.limits.refund(job.id)
            return placement
        await self._parts.limits.refund(job.id)
        paused = await queue.paused() if placement.status is PutStatus.PAUSED else None
        raise QueueFullError(refusal(placement.status.value, placement.eta_s, paused))

    async def _give_up(self, job_id: str, queue: JobQueue) -> None:
        """Nobody knows whether the job was put, and its asker is about to be told that it was not.

        As well as it can be done now: what Redis does not hear of comes back with time.
        """
        try:
            await self._parts.limits.refund(job_id)
            await queue.cancel(job_id)
        except QueueDownError:
            _log.warning("refused job not taken back", job_id=job_id)

    async def stop(self, job_id: str, *, user_id: int, is_moderator: bool) -> StopResult:
        """Stops a job for the one who asked for it, or for a moderator.

        Raises:
            QueueDownError: the queue can't be reached.
        """
        queue = await self._parts.pools.find(job_id)
        if queue is None:
            return StopResult.NOTHING
        if not is_moderator and await queue.owner(job_id) != user_id:
            return StopResult.NOT_YOURS
        match await queue.cancel(job_id):
            case JobState.QUEUED:
                await self._settle_stopped(job_id)
                return StopResult.BEFORE_START
            case JobState.RUNNING:
                return StopResult.TOLD_WORKER
            case _:
                return StopResult.NOTHING

    async def _settle_stopped(self, job_id: str) -> None:
        """The job is stopped whether or not this comes through."""
        try:
            await self._parts.ledger.settle(job_id, JobState.STOPPED)
        except QueueDownError:
            _log.warning("stopped job not settled", job_id=job_id)
