"""Buckets: what a limit lets through, and how full it is, by the generic cell rate algorithm.

A bucket is one number, the theoretical arrival time (TAT): the moment at which everything it ever
let through has come back. Used by `limits`, by the stores in `state`, and for sentences. The Lua
scripts in `state/scripts` do the same arithmetic; one contract suite compares the two.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

# A stored TAT is rounded to a thousandth of a millisecond; the last of many charges must still fit.
SLACK_MS = 1.0
_NOTE_FROM = 0.75


class Unit(StrEnum):
    """What is counted; each name is stored."""

    REQUESTS = "requests"
    TOKENS = "tokens"


class Per(StrEnum):
    """The time in which a limit's amount comes back; each name is stored."""

    MINUTE = "minute"
    HOUR = "hour"
    DAY = "day"

    @property
    def ms(self) -> int:
        """Its length."""
        return {Per.MINUTE: 60_000, Per.HOUR: 3_600_000, Per.DAY: 86_400_000}[self]


class Scope(StrEnum):
    """Whom a limit is for; each name is stored. Admins set the first five, hosts the others."""

    SERVER = "server"  # all members of the server together
    CHANNEL = "channel"  # all in one channel together, its threads included
    ROLE = "role"  # each member who has the role
    MEMBER = "member"  # each member
    USER = "user"  # one named member
    HOST_MEMBER = "host_member"  # each user, wherever they are
    HOST_SERVER = "host_server"  # each server


@dataclass(frozen=True, slots=True, kw_only=True)
class Bucket:
    """One limit as it applies to one asker.

    Attributes:
        key: names its use; the same for every amount, so that a changed rule gives nothing back.
        scope: whose limit it is.
        target_id: the channel, role or user that its rule names; 0 where it names none.
        unit: what it counts.
        amount: how much comes back in a period.
        per: the period.
        burst: how much fits at once.
    """

    key: str
    scope: Scope
    target_id: int
    unit: Unit
    amount: int
    per: Per
    burst: int

    @property
    def interval_ms(self) -> float:
        """The time in which one unit comes back."""
        return self.per.ms / self.amount

    @property
    def capacity_ms(self) -> float:
        """The time in which the empty bucket becomes whole."""
        return self.burst * self.interval_ms

    def cost(self, tokens: int) -> int:
        """What a job of so many tokens takes from it."""
        return tokens if self.unit is Unit.TOKENS else 1


@dataclass(frozen=True, slots=True, kw_only=True)
class BucketState:
    """A bucket at one moment.

    Attributes:
        bucket: which.
        tat_ms: when everything has come back (Unix ms); in the past where it is whole.
        now_ms: the moment, on the store's clock (Unix ms).
    """

    bucket: Bucket
    tat_ms: float
    now_ms: int

    @property
    def left(self) -> int:
        """How much fits now; never below 0, also where a job took more by force."""
        free_ms = self.bucket.capacity_ms - self._debt_ms + SLACK_MS
        return max(0, min(self.bucket.burst, math.floor(free_ms / self.bucket.interval_ms)))

    @property
    def used_share(self) -> float:
        """0 = whole, 1 = empty."""
        return min(1.0, self._debt_ms / self.bucket.capacity_ms)

    @property
    def is_noteworthy(self) -> bool:
        """Whether its people should be told how much is used."""
        return self.used_share >= _NOTE_FROM

    @property
    def whole_at_ms(self) -> int:
        """When everything has come back (Unix ms)."""
        return math.ceil(max(self.tat_ms, self.now_ms))

    def lets_through_at_ms(self, cost: int) -> int:
        """When there is room for `cost` (Unix ms); now or earlier where there is already.

        Says nothing useful of a cost above the burst, which never fits.
        """
        after_ms = max(self.tat_ms, self.now_ms) + cost * self.bucket.interval_ms
        return math.ceil(after_ms - self.bucket.capacity_ms - SLACK_MS)

    @property
    def _debt_ms(self) -> float:
        return max(0.0, self.tat_ms - self.now_ms)


@dataclass(frozen=True, slots=True)
class Charged:
    """A job was let through.

    Attributes:
        states: its buckets just after the charge.
    """

    states: tuple[BucketState, ...]


@dataclass(frozen=True, slots=True)
class Refused:
    """A job was not let through, and nothing was taken.

    Attributes:
        state: the bucket that keeps it out for longest.
        cost: what the job would have taken from it.
    """

    state: BucketState
    cost: int

    @property
    def is_for_good(self) -> bool:
        """Whether the job can't pass however long one waits."""
        return self.cost > self.state.bucket.burst

    @property
    def back_at_ms(self) -> int:
        """When there is room for it (Unix ms)."""
        return self.state.lets_through_at_ms(self.cost)


def longest_wait(states: Sequence[BucketState], tokens: int) -> Refused:
    """The bucket in which a job of so many tokens waits longest; for one that was refused.

    After the time that it names, all other reasons are over.

    Args:
        states: at least one, all of the same moment.
        tokens: the job's estimate.
    """
    waits = (Refused(state, state.bucket.cost(tokens)) for state in states)
    return max(waits, key=lambda one: (one.is_for_good, one.back_at_ms))


def refusal(states: Sequence[BucketState], tokens: int) -> Refused | None:
    """Why a job of so many tokens does not pass, or None where it does."""
    if not states:
        return None
    longest = longest_wait(states, tokens)
    waits = longest.is_for_good or longest.back_at_ms > longest.state.now_ms
    return longest if waits else None
