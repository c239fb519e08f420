"""What a store of limits must do: buckets that fill and empty, and rules that admins change.

Implemented by `redis_limits` and `memory_limits`; used by `services/limits`. The contract suite
tests/contract/test_limits_store.py says in detail what is promised.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from bot.core.limit_buckets import Bucket, BucketState, Charged, Refused
from bot.core.limit_rules import ServerRules

KEEP_CHARGE_S = 3600  # longer than any job lives
MAX_LOG = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggedChange:
    """One change of a server's rules.

    Attributes:
        revision: of the rules after it.
        at_s: when (Unix time).
        by_user: who; 0 = the bot itself, because something was deleted.
        before: the rules as they were.
        after: the rules as they became.
        undoes: the revision of the change that this one took back, or None.
    """

    revision: int
    at_s: float
    by_user: int
    before: ServerRules
    after: ServerRules
    undoes: int | None = None


class LimitsStore(Protocol):
    """Buckets and rules. Every method may raise QueueDownError."""

    async def charge(
        self, job_id: str, buckets: Sequence[Bucket], tokens: int
    ) -> Charged | Refused:
        """Takes a job's cost from all buckets or, where one has no room, from none.

        A job that is charged already (and not settled) gets the same answer and pays nothing.

        Args:
            job_id: names the charge for `settle` and `refund`.
            buckets: those of the asker; no two with the same key.
            tokens: the job's estimate, at least 1.
        """
        ...

    async def settle(self, job_id: str, used_tokens: int) -> bool:
        """Gives back the tokens that a job did not use, or takes what it used beyond its estimate.

        Returns:
            Whether there was a charge to settle; the second call finds none.
        """
        ...

    async def refund(self, job_id: str) -> bool:
        """Gives everything back, the request included: the job was never taken."""
        ...

    async def open_charges(self, older_than_s: float, offset: int, n: int) -> list[str]:
        """Jobs that were charged so long ago and not settled, oldest first, n from `offset` on."""
        ...

    async def peek(self, buckets: Sequence[Bucket]) -> list[BucketState]:
        """How full buckets are, in the same order."""
        ...

    async def counters_of(self, user_id: int) -> dict[str, float]:
        """A user's own buckets that are not whole, in all places, and when they will be.

        Returns:
            Unix time in seconds by the bucket's key.
        """
        ...

    async def rules(self, guild_id: int) -> ServerRules:
        """A server's rules; revision 0 where it never had any."""
        ...

    async def change_rules(
        self,
        guild_id: int,
        expected_revision: int,
        new_rules: ServerRules,
        by_user: int,
        *,
        undoes: int | None = None,
    ) -> bool:
        """Sets a server's rules and logs it, unless they changed since `expected_revision`.

        Args:
            guild_id: the server.
            expected_revision: of the rules that the new ones were made from.
            new_rules: their own revision does not matter; the next one is given.
            by_user: who wants it.
            undoes: the revision of the change that this takes back.

        Returns:
            False where somebody else changed the rules in the meantime; nothing changed then.
        """
        ...

    async def log(self, guild_id: int, n: int = MAX_LOG) -> list[LoggedChange]:
        """The newest changes, newest first; the last 200 are kept."""
        ...

    async def undo(self, guild_id: int, by_user: int) -> LoggedChange | None:
        """Restores the rules from before the newest change that is not undone yet.

        Returns:
            The change that was taken back; None where none is left, or where somebody else
            changed the rules in this very moment.
        """
        ...

    async def forget_guild(self, guild_id: int) -> None:
        """Deletes a server's rules and their log. Its buckets stay for their day: leaving and
        coming back is no way around them."""
        ...


def newest_not_undone(log: Sequence[LoggedChange]) -> LoggedChange | None:
    """The change that an undo takes back.

    Args:
        log: newest first.
    """
    undone = {change.undoes for change in log}
    left = (change for change in log if change.undoes is None and change.revision not in undone)
    return next(left, None)
