"""What a proposed limit would have done to the requests of the last days: a replay.

Called by `services.usage`, in a thread: 50,000 requests take about a second. Counts as the real
limiter counts (`gcra`): a token rule charges the estimate and settles to the real cost at the end;
a text that cost nothing, because it never began, gives its request back too.
"""

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date

from bot.core.gcra import Gcra
from bot.core.limit_buckets import Scope, Unit
from bot.core.limits import PERSONAL_SCOPES, SHARED_SCOPES
from bot.core.usage import RECORD_DAYS, Outcome, Request, date_of, day_number, number_of
from bot.errors import OptionError
from bot.language import number, tr

MAX_AMOUNT = 10_000_000
_ENDS, _ASKS = 0, 1  # of what happens in the same ms, ends come first


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """A rule that nobody has set yet.

    Attributes:
        scope: one that admins can set.
        amount: units that come back in each `per_s`.
        burst: units that may be used at once; None = as many as `amount`.
        role_id, channel_id, user_id: what the scope is about, where it needs that; without a
            channel each has its own bucket.
        exempt_roles: of the server: a personal rule is not about their members, as far as they had
            the role when they asked.
    """

    scope: Scope
    unit: Unit
    amount: int
    per_s: int
    burst: int | None = None
    role_id: int | None = None
    channel_id: int | None = None
    user_id: int | None = None
    exempt_roles: frozenset[int] = frozenset()

    @property
    def leaves_out_exempt(self) -> bool:
        """Whether there are members whose requests it would never count."""
        return self.scope in PERSONAL_SCOPES and bool(self.exempt_roles)

    def gcra(self) -> Gcra:
        """How the rule counts.

        Raises:
            OptionError: a number is out of its bounds, the scope lacks its role or user, or it is
                the host's.
        """
        if self.scope not in (*SHARED_SCOPES, *PERSONAL_SCOPES):
            raise OptionError(tr("Only a limit that a server's admins can set can be tried."))
        burst = self.amount if self.burst is None else self.burst
        if not (1 <= self.amount <= MAX_AMOUNT and 1 <= burst <= MAX_AMOUNT and self.per_s >= 1):
            raise OptionError(
                tr("Amount and burst must be from 1 to {most}.", most=number(MAX_AMOUNT))
            )
        if self.scope is Scope.ROLE and self.role_id is None:
            raise OptionError(tr("A limit for a role needs the role; please name it too."))
        if self.scope is Scope.USER and self.user_id is None:
            raise OptionError(tr("A limit for one member needs the member; please name them too."))
        return Gcra(interval_ms=self.per_s * 1000 / self.amount, burst=burst)

    def bucket(self, request: Request) -> int | None:
        """Which bucket a request would be counted in; None where the rule is not about it."""
        if self.scope is Scope.SERVER:
            return 0
        if self.scope is Scope.CHANNEL:
            return request.channel_id if self.channel_id in (None, request.channel_id) else None
        is_meant = {
            Scope.ROLE: self.role_id in request.role_ids,
            Scope.MEMBER: True,
            Scope.USER: self.user_id == request.user_id,
        }[self.scope]
        is_exempt = not request.role_ids.isdisjoint(self.exempt_roles)
        return request.user_id if is_meant and not is_exempt else None


@dataclass(frozen=True, slots=True)
class SimulatedDay:
    """Requests of one UTC day."""

    day: date
    allowed: int
    refused: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Simulation:
    """What the rule would have done; names nobody.

    Attributes:
        days: all days that were replayed, the oldest first.
        members: how many members asked for something that the rule is about.
        members_refused: how many of them would have been refused at least once.
        longest_wait_s: from a refusal until the same request is allowed; 0 without refusals.
        too_large: requests that cost more than the burst, so that they could never run.
        top_1: share (0 to 1) of the tokens that went to the member with the most.
        top_5: share of the five members with the most, the first included.
    """

    proposal: Proposal
    days: tuple[SimulatedDay, ...]
    members: int
    members_refused: int
    longest_wait_s: float
    too_large: int
    top_1: float
    top_5: float

    @property
    def allowed(self) -> int:
        """Requests that would have gone on."""
        return sum(day.allowed for day in self.days)

    @property
    def refused(self) -> int:
        """Requests that would have been refused."""
        return sum(day.refused for day in self.days)

    @property
    def asked(self) -> int:
        """All requests that the rule is about."""
        return self.allowed + self.refused


@dataclass(slots=True)
class _Tally:
    """What the replay has seen so far."""

    allowed: Counter[int] = field(default_factory=Counter[int])  # by day number
    refused: Counter[int] = field(default_factory=Counter[int])
    members_refused: set[int] = field(default_factory=set[int])
    longest_wait_ms: float = 0.0
    too_large: int = 0

    def note_refusal(self, request: Request, retry_at_ms: float) -> None:
        self.refused[day_number(request.at_ms)] += 1
        self.members_refused.add(request.user_id)
        if math.isinf(retry_at_ms):
            self.too_large += 1
        else:
            self.longest_wait_ms = max(self.longest_wait_ms, retry_at_ms - request.at_ms)


def simulate(requests: Iterable[Request], proposal: Proposal, *, today: date) -> Simulation:
    """Replays requests against a rule that starts with full buckets.

    What a limit or the queue refused is replayed too: somebody wanted it. What was refused for
    other reasons would never have come to a limit.

    Args:
        requests: in any order; those of other days than the last `RECORD_DAYS` are left out.
        proposal: the rule.
        today: the last day, in UTC.

    Raises:
        OptionError: the proposal makes no sense.
    """
    gcra = proposal.gcra()
    last = number_of(today)
    numbers = range(last - RECORD_DAYS + 1, last + 1)
    meant = [
        request
        for request in requests
        if request.outcome is not Outcome.REFUSED_OTHER
        and proposal.bucket(request) is not None
        and day_number(request.at_ms) in numbers
    ]
    tally = _replay(meant, proposal, gcra)
    top_1, top_5 = _shares(meant)
    return Simulation(
        proposal=proposal,
        days=tuple(
            SimulatedDay(date_of(number), tally.allowed[number], tally.refused[number])
            for number in numbers
        ),
        members=len({request.user_id for request in meant}),
        members_refused=len(tally.members_refused),
        longest_wait_s=tally.longest_wait_ms / 1000,
        too_large=tally.too_large,
        top_1=top_1,
        top_5=top_5,
    )


def _replay(requests: Sequence[Request], proposal: Proposal, gcra: Gcra) -> _Tally:
    tally = _Tally()
    tats_ms: dict[int, float] = {}
    charged: dict[int, tuple[int, float]] = {}  # index of what goes on -> bucket, TAT it left
    for at_ms, kind, index in _events(requests):
        request = requests[index]
        if kind == _ENDS:
            if index in charged:
                bucket, charged_tat_ms = charged.pop(index)
                tats_ms[bucket] = gcra.settle(
                    tats_ms[bucket],
                    at_ms,
                    charged_tat_ms=charged_tat_ms,
                    charged=_cost(request, proposal.unit),
                    real=_real_cost(request, proposal.unit),
                )
            continue
        bucket = proposal.bucket(request)
        assert bucket is not None  # the others were left out before
        verdict = gcra.check(tats_ms.get(bucket, 0.0), at_ms, _cost(request, proposal.unit))
        if verdict.allowed:
            tats_ms[bucket] = verdict.tat_ms
            charged[index] = bucket, verdict.tat_ms
            tally.allowed[day_number(at_ms)] += 1
        else:
            tally.note_refusal(request, verdict.retry_at_ms)
    return tally


def _cost(request: Request, unit: Unit) -> int:
    """What is charged when it is asked."""
    return request.tokens if unit is Unit.TOKENS else 1


def _real_cost(request: Request, unit: Unit) -> int:
    """What it cost in the end; the charge, where that is not known."""
    if request.real_tokens is None:
        return _cost(request, unit)
    return request.real_tokens if unit is Unit.TOKENS else min(1, request.real_tokens)


def _events(requests: Sequence[Request]) -> list[tuple[int, int, int]]:
    """(time in ms, what happens, index of the request), in the order in which it happened."""
    events = [(request.at_ms, _ASKS, index) for index, request in enumerate(requests)]
    events += [
        # Clocks may be turned back; nothing ends before it was asked.
        (max(request.ended_at_ms, request.at_ms + 1), _ENDS, index)
        for index, request in enumerate(requests)
        if request.ended_at_ms is not None
    ]
    return sorted(events)


def _shares(requests: Iterable[Request]) -> tuple[float, float]:
    tokens: Counter[int] = Counter()
    for request in requests:
        known = request.real_tokens
        tokens[request.user_id] += request.tokens if known is None else known
    total = tokens.total()
    if not total:
        return 0.0, 0.0
    first, *_ = top = [count for _, count in tokens.most_common(5)]
    return first / total, sum(top) / total
