"""Limits in memory: the twin of `redis_limits`, for tests and for a bot of one process."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from bot.core.limit_buckets import Bucket, BucketState, Charged, Refused, Unit, refusal
from bot.core.limit_rules import ServerRules
from bot.core.limits import user_of
from bot.state.limits_api import KEEP_CHARGE_S, MAX_LOG, LoggedChange, newest_not_undone


@dataclass(frozen=True, slots=True)
class _Charge:
    at_s: float
    tokens: int
    answer: Charged


class MemoryLimits:
    """A LimitsStore that ends with its process.

    Args:
        clock: gives Unix time in seconds.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._tats_ms: dict[str, float] = {}
        self._charges: dict[str, _Charge] = {}
        self._rules: dict[int, ServerRules] = {}
        self._logs: dict[int, list[LoggedChange]] = {}

    async def charge(
        self, job_id: str, buckets: Sequence[Bucket], tokens: int
    ) -> Charged | Refused:
        """Takes a job's cost from all buckets, or from none."""
        self._sweep()
        if (known := self._charges.get(job_id)) is not None:
            return known.answer
        states = self._states(buckets)
        refused = refusal(states, tokens)
        if refused is not None:
            return refused
        charged = [
            replace(
                state, tat_ms=state.tat_ms + state.bucket.cost(tokens) * state.bucket.interval_ms
            )
            for state in states
        ]
        self._tats_ms |= {state.bucket.key: state.tat_ms for state in charged}
        answer = Charged(tuple(charged))
        self._charges[job_id] = _Charge(self._clock(), tokens, answer)
        return answer

    async def settle(self, job_id: str, used_tokens: int) -> bool:
        """Corrects a charge to what was used, once."""
        return self._correct(job_id, used_tokens, keeps_request=True)

    async def refund(self, job_id: str) -> bool:
        """Gives everything back, the request included."""
        return self._correct(job_id, 0, keeps_request=False)

    async def open_charges(self, older_than_s: float, offset: int, n: int) -> list[str]:
        """Jobs that were charged so long ago and not settled."""
        until_s = self._clock() - older_than_s
        found = sorted(
            (charge.at_s, job_id)
            for job_id, charge in self._charges.items()
            if charge.at_s <= until_s
        )
        return [job_id for _, job_id in found[offset : offset + n]]

    async def peek(self, buckets: Sequence[Bucket]) -> list[BucketState]:
        """How full buckets are."""
        return self._states(buckets)

    async def counters_of(self, user_id: int) -> dict[str, float]:
        """A user's own buckets that are not whole, and when they will be."""
        self._sweep()
        theirs = {key: tat for key, tat in self._tats_ms.items() if user_of(key) == user_id}
        return {key: tat_ms / 1000 for key, tat_ms in theirs.items()}

    async def rules(self, guild_id: int) -> ServerRules:
        """A server's rules."""
        return self._rules.get(guild_id, ServerRules())

    async def change_rules(
        self,
        guild_id: int,
        expected_revision: int,
        new_rules: ServerRules,
        by_user: int,
        *,
        undoes: int | None = None,
    ) -> bool:
        """Sets a server's rules and logs it, unless somebody else did."""
        before = await self.rules(guild_id)
        if before.revision != expected_revision:
            return False
        after = replace(new_rules, revision=before.revision + 1)
        change = LoggedChange(
            revision=after.revision, at_s=self._clock(), by_user=by_user, before=before,
            after=after, undoes=undoes,
        )  # fmt: skip
        self._rules[guild_id] = after
        self._logs[guild_id] = [change, *self._logs.get(guild_id, [])][:MAX_LOG]
        return True

    async def log(self, guild_id: int, n: int = MAX_LOG) -> list[LoggedChange]:
        """The newest changes, newest first."""
        return self._logs.get(guild_id, [])[:n]

    async def undo(self, guild_id: int, by_user: int) -> LoggedChange | None:
        """Takes the newest change back that is not undone yet."""
        change = newest_not_undone(await self.log(guild_id))
        if change is None:
            return None
        revision = (await self.rules(guild_id)).revision
        await self.change_rules(guild_id, revision, change.before, by_user, undoes=change.revision)
        return change

    async def forget_guild(self, guild_id: int) -> None:
        """Deletes a server's rules and their log."""
        self._rules.pop(guild_id, None)
        self._logs.pop(guild_id, None)

    def _states(self, buckets: Sequence[Bucket]) -> list[BucketState]:
        now_ms = self._now_ms()
        return [
            BucketState(
                bucket=bucket,
                tat_ms=max(now_ms, self._tats_ms.get(bucket.key, 0)),
                now_ms=now_ms,
            )
            for bucket in buckets
        ]

    def _correct(self, job_id: str, used_tokens: int, *, keeps_request: bool) -> bool:
        self._sweep()
        charge = self._charges.pop(job_id, None)
        if charge is None:
            return False
        now_ms = self._now_ms()
        for state in charge.answer.states:
            bucket = state.bucket
            cost = bucket.cost(charge.tokens)
            used = used_tokens if bucket.unit is Unit.TOKENS else int(keeps_request)
            # What came back by itself in the meantime is not given back again.
            shift_ms = max((used - cost) * bucket.interval_ms, min(0, now_ms - state.tat_ms))
            tat_ms = max(now_ms, self._tats_ms.get(bucket.key, 0)) + shift_ms
            self._tats_ms[bucket.key] = tat_ms
        return True

    def _sweep(self) -> None:
        now_s = self._clock()
        self._tats_ms = {k: tat for k, tat in self._tats_ms.items() if tat > now_s * 1000}
        self._charges = {
            k: charge for k, charge in self._charges.items() if charge.at_s + KEEP_CHARGE_S > now_s
        }

    def _now_ms(self) -> int:
        return int(self._clock() * 1000)
