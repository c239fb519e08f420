"""What the cogs may ask for: put a job, say how busy it is, stop one.

Built by `app` around a queue; called by cogs. Knows nothing of Discord's client, Redis or the
model; time and randomness come in as arguments.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto

import structlog

from bot.core.jobs import (
    JOB_LIFETIME_S,
    MAX_NEW_TOKENS,
    Job,
    JobState,
    ReplyTarget,
    tenant_of,
)
from bot.core.presets import sampling_of
from bot.core.prompts import clean_prompt
from bot.core.sampling import MAX_SEED, SamplingParams
from bot.errors import OptionError, QueueFullError
from bot.jobqueue.api import JobQueue, PutStatus

_log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

# A UTF-8 byte per quarter token: GPT-2 averages about four bytes a token in English. The queue
# settles the difference with the real cost when the job ends.
_BYTES_PER_TOKEN = 4
_REFUSALS = {
    PutStatus.FULL: "Too many texts are waiting already; please try again later.",
    PutStatus.FULL_SERVER: "Too many texts of this server are waiting already; "
    "please try again later.",
    PutStatus.FULL_USER: "Too many of your texts are waiting already; please try again later.",
    PutStatus.TOO_LATE: "So many texts are waiting that yours would come too late; "
    "please try again later.",
    PutStatus.PAUSED: "New texts are paused right now; please try again later.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class CompletionRequest:
    """What a member asked for, as the command's options say it; None = not given."""

    interaction_id: int
    user_id: int
    reply: ReplyTarget
    prompt: str
    max_new_tokens: int
    preset: str | None = None
    temperature: float | None = None
    top_k: int | None = None
    top_p: float | None = None
    seed: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """That a job would have to wait, and how it looks in line.

    Attributes:
        place: its place, counted from 1.
        workers_alive: whether any worker is there to serve the line.
    """

    place: int
    workers_alive: bool


class StopResult(Enum):
    """What became of a request to stop a job."""

    BEFORE_START = auto()  # it still waited and is gone now; the caller shows that
    TOLD_WORKER = auto()  # its worker ends it and shows what exists
    NOT_YOURS = auto()  # somebody else asked for it
    NOTHING = auto()  # it is over, or unknown


class TextService:
    """Texts that workers write: put, told of while they wait, stopped.

    Args:
        queue: where jobs go.
        clock: gives Unix time in seconds.
        new_seed: gives a random seed for a request that names none.
    """

    def __init__(
        self, queue: JobQueue, *, clock: Callable[[], float], new_seed: Callable[[], int]
    ) -> None:
        self._queue = queue
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
            raise OptionError(f"This can't be done: length must be from 1 to {MAX_NEW_TOKENS}.")
        now_s = self._clock()
        prompt_cost = len(prompt.encode()) // _BYTES_PER_TOKEN + 1
        return Job(
            id=str(request.interaction_id),
            tenant=tenant_of(request.reply.guild_id, request.user_id),
            user_id=request.user_id,
            prompt=prompt,
            max_new_tokens=request.max_new_tokens,
            sampling=self._sampling(request),
            reply=request.reply,
            created_at_s=now_s,
            deadline_at_s=now_s + JOB_LIFETIME_S,
            cost=prompt_cost + request.max_new_tokens,
        )

    async def expected_wait(self) -> Wait | None:
        """How a job put now would wait, or None when a worker is free for it.

        Raises:
            QueueDownError: the queue can't be reached.
        """
        load = await self._queue.load()
        if load.queued + load.running < load.slots:
            return None
        return Wait(place=load.queued + 1, workers_alive=load.slots > 0)

    async def put(self, job: Job) -> None:
        """Stores a job; putting it again changes nothing.

        Raises:
            QueueFullError: too many jobs wait, it would be too late for it, or the pool is paused.
            QueueDownError: the queue can't be reached.
        """
        placement = await self._queue.put(job)
        if placement.status not in (PutStatus.ACCEPTED, PutStatus.DUPLICATE):
            raise QueueFullError(_REFUSALS[placement.status])
        _log.info("job put", status=placement.status.value, place=placement.place)

    async def stop(self, job_id: str, *, user_id: int, is_moderator: bool) -> StopResult:
        """Stops a job for the one who asked for it, or for a moderator.

        Raises:
            QueueDownError: the queue can't be reached.
        """
        owner = await self._queue.owner(job_id)
        if owner is None:
            return StopResult.NOTHING
        if owner != user_id and not is_moderator:
            return StopResult.NOT_YOURS
        match await self._queue.cancel(job_id):
            case JobState.QUEUED:
                return StopResult.BEFORE_START
            case JobState.RUNNING:
                return StopResult.TOLD_WORKER
            case _:
                return StopResult.NOTHING

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
            raise OptionError(f"This can't be done: {error}.") from error
