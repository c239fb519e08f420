"""One job in a worker's hands: its text, its reply, and when what happened."""

import asyncio
from dataclasses import dataclass

from bot.core.jobs import Job
from bot.jobqueue.api import Claim
from bot.worker.generation import Generation
from bot.worker.reply_writer import ReplyWriter


@dataclass(slots=True)
class RunningJob:
    """Everything a worker keeps of a job that it writes.

    Attributes:
        claim: the job and this worker's right to it.
        sequence_id: its sequence in the engine.
        generation: its text so far.
        writer: writes its reply, in `writing`.
        claimed_at_s, first_token_at_s: monotonic seconds.
    """

    claim: Claim
    sequence_id: int
    generation: Generation
    writer: ReplyWriter
    writing: asyncio.Task[None]
    claimed_at_s: float
    first_token_at_s: float | None = None

    @property
    def job(self) -> Job:
        return self.claim.job
