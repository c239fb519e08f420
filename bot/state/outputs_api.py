"""What a store of finished texts does, whatever it is built on.

Implemented by `redis_outputs` and `memory_outputs`; used by the worker, which saves a text before
it posts it, and by services.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from bot.core.jobs import INTERACTION_LIFETIME_S
from bot.core.outputs import Output

WRITING_S = INTERACTION_LIFETIME_S  # no job lives longer


@dataclass(frozen=True, slots=True)
class KeptTexts:
    """How much is kept of somebody.

    Attributes:
        count: texts.
        until_s: when the last of them goes (Unix time); None where there are none.
    """

    count: int
    until_s: float | None


class OutputsStore(Protocol):
    """Keeps outputs for as long as the host says; the time is the store's.

    Every method raises QueueDownError where the store can't be reached.
    """

    async def save(self, outputs: Sequence[Output]) -> None:
        """Keeps texts that one job wrote, and adds them to their reply's versions.

        Saving the same codes again replaces them where they are, since another attempt of a job
        writes the same; what `note_messages` noted stays. Beyond `MAX_VERSIONS` the oldest
        versions go. A reply's versions all live as long as its newest. Ends what `begin` began
        for this job.

        Args:
            outputs: all of the same job and root, at least one.
        """
        ...

    async def find(self, code: str) -> Output | None:
        """A text by its code; None where there is none (any more)."""
        ...

    async def versions(self, root: str) -> list[Output]:
        """All texts of a reply, the oldest first; none where it is not kept (any more)."""
        ...

    async def keep(self, root: str, code: str) -> bool:
        """Picks one of several candidates: the others of its job are removed, once or twice.

        Returns:
            False where there is no such text in this reply.
        """
        ...

    async def begin(self, root: str, job_id: str) -> str | None:
        """Says that a job is about to write a new version, so that no two do at once.

        Returns:
            None where it may, also where it has begun already; else the id of the job that is at
            it. What was begun ends with `save`, `end`, or after `WRITING_S`.
        """
        ...

    async def end(self, root: str, job_id: str) -> None:
        """That job won't write a version; nothing happens where another one is at it."""
        ...

    async def note_messages(self, code: str, message_ids: Sequence[int]) -> None:
        """Remembers the further messages that a long text took; gone with the text.

        Adds those that are not noted yet; nothing happens where the text is not kept (any more).
        """
        ...

    async def messages(self, code: str) -> list[int]:
        """Those messages, in the order they were noted."""
        ...

    async def of_user(self, user_id: int) -> list[Output]:
        """All texts that a user asked for, the oldest first."""
        ...

    async def kept_of_user(self, user_id: int) -> KeptTexts:
        """How many texts a user asked for, and until when they are kept."""
        ...

    async def forget_user(self, user_id: int) -> int:
        """Removes all texts that a user asked for; how many."""
        ...

    async def forget_guild(self, guild_id: int) -> int:
        """Removes all texts of a server; how many."""
        ...

    async def sweep(self) -> int:
        """Removes what indexes still know of texts whose time is over: a bounded piece of work.

        Returns:
            How many entries it removed; 0 where nothing is left to do now.
        """
        ...
