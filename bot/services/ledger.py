"""Settles what a text has really cost, once, wherever its job ended.

Called by the worker once it has finished a job, by whoever takes a job out of the line, and for
jobs that the queue gave up by itself.
"""

from typing import Protocol

from bot.core.jobs import JobState
from bot.core.usage import Ended


class ChargeStore(Protocol):
    """What the ledger needs of the limits' store."""

    async def settle(self, job_id: str, used_tokens: int) -> bool:
        """Gives back what a job did not use, once; False where that was done before."""
        ...

    async def refund(self, job_id: str) -> bool:
        """Gives everything back, the request included; else as `settle`."""
        ...


class UsageLog(Protocol):
    """What the ledger needs of the usage records."""

    async def ended(self, event: Ended) -> bool:
        """Counts a job that has ended, once; False where that was done before."""
        ...


class Ledger:
    """Limits and usage records, settled together.

    Args:
        charges: what each job was charged.
        usage: what each job has used.
    """

    def __init__(self, charges: ChargeStore, usage: UsageLog) -> None:
        self._charges = charges
        self._usage = usage

    async def settle(
        self,
        job_id: str,
        state: JobState,
        *,
        prompt_tokens: int = 0,
        tokens: int = 0,
        waited_s: float | None = None,
    ) -> None:
        """Corrects the charge to what was used; the same call twice changes nothing.

        A text that cost nothing, because it never began, does not count as a request either.

        After the queue has taken the job's end: it alone knows whose end counts.

        Args:
            job_id: the job.
            state: how it ends.
            prompt_tokens: read for it.
            tokens: written for it.
            waited_s: from its asking to its start; None where it never began.

        Raises:
            QueueDownError: Redis can't be reached.
        """
        await self._usage.ended(
            Ended(
                job_id=job_id,
                state=state,
                tokens_read=prompt_tokens,
                tokens_written=tokens,
                waited_s=waited_s,
            )
        )
        # Last: as long as the charge is open, `chores` does all of this again.
        if used := prompt_tokens + tokens:
            await self._charges.settle(job_id, used)
        else:
            await self._charges.refund(job_id)
