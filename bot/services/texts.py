"""Texts that workers write: asked for, told of while they wait, stopped.

Called by cogs. Knows nothing of Discord's client, Redis or the model; time and randomness come in
as arguments. The order of a request: may this member ask here, which model, what do the limits
say, is there room in the line. What a later step refuses, the earlier ones take back.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import Enum, auto

import structlog

from bot.core.asker import Asker
from bot.core.jobs import END_STATES, JOB_LIFETIME_S, MAX_NEW_TOKENS, Job, JobState, ReplyTarget
from bot.core.presets import sampling_of
from bot.core.prompts import clean_prompt
from bot.core.queue_words import refusal
from bot.core.sampling import MAX_SEED, SamplingParams
from bot.core.usage import Asked, Outcome
from bot.errors import LimitReachedError, OptionError, QueueDownError, QueueFullError
from bot.jobqueue.api import JobQueue, Placement, PutStatus
from bot.language import public_language, spoken, tr
from bot.services.ledger import Ledger
from bot.services.limits import LimitsService
from bot.services.pools import Pools
from bot.services.servers import ServersService
from bot.services.usage import UsageService

_log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

# A UTF-8 byte per quarter token: GPT-2 averages about four bytes a token in English. Queue and
# limits settle the difference with the real cost when the job ends.
_BYTES_PER_TOKEN = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class CompletionRequest:
    """What a member asked for, as the command's options say it; None = not given."""

    interaction_id: int
    asker: Asker
    reply: ReplyTarget
    prompt: str
    max_new_tokens: int
    preset: str | None = None
    temperature: float | None = None
    top_k: int | None = None
    top_p: float | None = None
    seed: int | None = None
    model: str | None = None


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
            PromptError: the prompt cannot be used.
            OptionError: an option is out of its bounds, which Discord checks only as long as it
                has the newest form of the command.
        """
        prompt = clean_prompt(request.prompt)
        if not 1 <= request.max_new_tokens <= MAX_NEW_TOKENS:
            raise OptionError(
                tr("This can't be done: length must be from 1 to {most}.", most=MAX_NEW_TOKENS)
            )
        now_s = self._clock()
        prompt_cost = len(prompt.encode()) // _BYTES_PER_TOKEN + 1
        return Job(
            id=str(request.interaction_id),
            tenant=request.asker.tenant,
            user_id=request.asker.user_id,
            prompt=prompt,
            max_new_tokens=request.max_new_tokens,
            sampling=self._sampling(request),
            reply=request.reply,
            created_at_s=now_s,
            deadline_at_s=now_s + JOB_LIFETIME_S,
            cost=prompt_cost + request.max_new_tokens,
        )

    async def ask(self, request: CompletionRequest) -> str:
        """Puts a text's job; asking again with the same interaction changes nothing.

        Returns:
            The model that will write it.

        Raises:
            RequestError: the request is refused, for one of many reasons; nothing is left of it.
            QueueDownError: Redis can't be reached.
        """
        outcome = Outcome.REFUSED_OTHER
        cost = 0
        try:
            settings = await self._parts.servers.check(request.asker, request.prompt)
            model = await self._parts.pools.choose(request.model or settings.model)
            job = self.prepare(
                replace(request, preset=settings.preset)
                if request.preset is None and settings.preset
                else request
            )
            cost = job.cost
            language = public_language(spoken(), settings.language)
            placement = await self._put(job, request.asker, self._parts.pools.of(model), language)
            outcome = Outcome.ACCEPTED
        except LimitReachedError:
            outcome = Outcome.REFUSED_LIMIT
            raise
        except (QueueFullError, QueueDownError):
            outcome = Outcome.REFUSED_QUEUE
            raise
        finally:
            await self._note(request, cost, outcome)
        _log.info("job put", status=placement.status.value, place=placement.place, model=model)
        return model

    async def _put(self, job: Job, asker: Asker, queue: JobQueue, language: str) -> Placement:
        """Charges the limits, then stands in line; a job that is refused there costs nothing."""
        notes = await self._parts.limits.charge(asker, job.id, job.cost, language=language)
        try:
            placement = await queue.put(replace(job, notes=notes))
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

    async def _note(self, request: CompletionRequest, cost: int, outcome: Outcome) -> None:
        """Statistics; a request is as good without them."""
        event = Asked.by(
            request.asker, job_id=str(request.interaction_id), tokens=cost, outcome=outcome
        )
        await self._parts.usage.asked(event)

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

    def _sampling(self, request: CompletionRequest) -> SamplingParams:
        given = {
            name: value
            for name in ("temperature", "top_k", "top_p")
            if (value := getattr(request, name)) is not None
        }
        seed = self._new_seed() % (MAX_SEED + 1) if request.seed is None else request.seed
        try:
            return sampling_of(request.preset, {**given, "seed": seed})
        except ValueError as error:
            raise OptionError(tr("This can't be done: {reason}.", reason=error)) from error
