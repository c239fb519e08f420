"""Usage in this process's memory: what `RedisUsage` does, on a clock that tests can turn."""

from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass, replace

from bot.core.usage import (
    COUNTER_DAYS,
    DAY_MS,
    MAX_RECORDS,
    RECORD_DAYS,
    Asked,
    Counts,
    DayUsage,
    Ended,
    Outcome,
    Request,
    date_of,
    day_number,
    read_asked,
    read_ended,
)

_EARLY_MS = 10 * 60 * 1000


@dataclass(slots=True)
class _Known:
    """A job id that was noted; `is_open` until the job ends."""

    guild_id: int | None
    at_ms: int
    is_open: bool


class MemoryUsage:
    """A UsageStore without Redis, for one process.

    Args:
        clock: gives Unix time in seconds.
        max_records: how many requests of one server are kept.
    """

    def __init__(self, *, clock: Callable[[], float], max_records: int = MAX_RECORDS) -> None:
        self._clock = clock
        self._max_records = max_records
        self._known: dict[str, _Known] = {}
        self._requests: defaultdict[int, dict[str, Request]] = defaultdict(dict)
        self._counters: dict[tuple[int | None, int], Counter[str]] = {}
        self._early: dict[str, tuple[Ended, int]] = {}  # ends before their requests; and when (ms)

    async def asked(self, event: Asked) -> bool:
        """Notes a request; False where its job id was noted before."""
        now_ms = self._sweep()
        if event.job_id in self._known:
            return False
        is_open = event.outcome is Outcome.ACCEPTED
        self._known[event.job_id] = _Known(event.guild_id, now_ms, is_open)
        for owner in {event.guild_id, None}:
            self._counters.setdefault((owner, day_number(now_ms)), Counter()).update(event.counts())
        if event.guild_id is not None:
            kept = self._requests[event.guild_id]
            kept[event.job_id] = read_asked(now_ms, event.to_json())
            while len(kept) > self._max_records:
                del kept[next(iter(kept))]
        early = self._early.pop(event.job_id, None)
        if early is not None and is_open:
            await self.ended(early[0])
        return True

    async def ended(self, event: Ended) -> bool:
        """Notes the end of an accepted request; False where it is not known yet or ended before."""
        now_ms = self._sweep()
        known = self._known.get(event.job_id)
        if known is None:
            self._early.setdefault(event.job_id, (event, now_ms))
        if known is None or not known.is_open:
            return False
        known.is_open = False
        for owner in {known.guild_id, None}:
            counters = self._counters.get((owner, day_number(known.at_ms)))
            if counters is not None:  # else the server was forgotten
                counters.update(event.counts())
        if known.guild_id is not None:
            kept = self._requests[known.guild_id]
            _, tokens = read_ended(event.to_json())
            if request := kept.get(event.job_id):
                kept[event.job_id] = replace(request, ended_at_ms=now_ms, real_tokens=tokens)
        return True

    async def requests(self, guild_id: int) -> list[Request]:
        """The requests of a server on the last days, in the order they came."""
        self._sweep()
        return list(self._requests[guild_id].values())

    async def of_user(self, user_id: int) -> list[tuple[int, Request]]:
        """A user's requests in all servers, each with its server."""
        self._sweep()
        found = (
            (guild_id, request)
            for guild_id, kept in self._requests.items()
            for request in kept.values()
            if request.user_id == user_id
        )
        return sorted(found, key=lambda one: one[1].at_ms)

    async def days(self, guild_id: int | None, n: int) -> list[DayUsage]:
        """What was used on the last n UTC days, the oldest first."""
        today = day_number(self._sweep())
        numbers = range(today - min(n, COUNTER_DAYS) + 1, today + 1)
        empty: Counter[str] = Counter()
        return [
            DayUsage(date_of(number), Counts.of(self._counters.get((guild_id, number), empty)))
            for number in numbers
        ]

    async def forget_guild(self, guild_id: int) -> None:
        """Removes all that was noted of a server."""
        self._requests.pop(guild_id, None)
        self._counters = {
            key: counters for key, counters in self._counters.items() if key[0] != guild_id
        }

    async def forget_user(self, user_id: int) -> int:
        """Removes a user's requests in all servers; how many."""
        self._sweep()
        count = 0
        for kept in self._requests.values():
            theirs = [job_id for job_id, request in kept.items() if request.user_id == user_id]
            for job_id in theirs:
                del kept[job_id]
            count += len(theirs)
        return count

    def _sweep(self) -> int:
        """Drops what is too old; returns now, in ms."""
        now_ms = round(self._clock() * 1000)
        today = day_number(now_ms)
        self._known = {
            job_id: known for job_id, known in self._known.items() if known.at_ms + DAY_MS > now_ms
        }
        self._early = {
            job_id: (event, at_ms)
            for job_id, (event, at_ms) in self._early.items()
            if at_ms + _EARLY_MS > now_ms
        }
        for kept in self._requests.values():
            while kept:
                job_id, oldest = next(iter(kept.items()))
                if day_number(oldest.at_ms) > today - RECORD_DAYS:
                    break
                del kept[job_id]
        self._counters = {
            key: counters
            for key, counters in self._counters.items()
            if key[1] > today - COUNTER_DAYS
        }
        return now_ms
