"""Usage on Redis: counters by server and day, and the records of the last days.

Used by services through the UsageStore protocol. Every key expires by itself, so that nothing
has to be swept, and no user id stays longer than `RECORD_DAYS` days.

    key                     type    lifetime     content
    asked:<server>:<day>    STREAM  RECORD_DAYS  requests of one UTC day; r: `Asked.to_json`
    ended:<server>:<day>    STREAM  RECORD_DAYS  ends of the requests of that day, no user ids
    day:<server>:<day>      HASH    COUNTER_DAYS counter -> amount; the server "all" is the host
    job:<id>                HASH    1 day        guild, day, open (1 until the job ends); for 10
                                                 minutes early: an end that came before its request
    user:<id>               ZSET    RECORD_DAYS  servers where the user asked -> when last (ms)

<day> counts from 1970. All keys share the hash tag `{<pool>-usage}`.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import cast

import structlog
from redis.exceptions import RedisError

from bot.core.usage import (
    COUNTER_DAYS,
    MAX_RECORDS,
    RECORD_DAYS,
    Asked,
    Counts,
    DayUsage,
    Ended,
    Outcome,
    Request,
    date_of,
    read_asked,
    read_ended,
)
from bot.storage.cancellation import heed_cancel
from bot.storage.clients import RedisClient
from bot.storage.scripts import Scripts, down_error

_log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

_SCRIPTS = ("usage_asked", "usage_ended", "usage_days", "usage_records", "usage_forget_guild")
_BATCH = 1000  # records that one script reads: about a millisecond of Redis's time
_START = "0-0"  # before every stream id


@dataclass(frozen=True, slots=True)
class UsageKeys:
    """The keys of one pool."""

    pool: str

    def key(self, name: str) -> str:
        """A key, or the beginning of many."""
        return f"{{{self.pool}-usage}}:{name}"

    def for_scripts(self) -> tuple[str, ...]:
        """KEYS of every script: what the keys of each kind begin with."""
        return tuple(self.key(f"{kind}:") for kind in ("job", "asked", "ended", "day", "user"))


class RedisUsage:
    """A UsageStore on Redis.

    Args:
        client: without retries of its own; it belongs to whoever made it.
        pool: processes that share the queue share this name.
        max_records: how many requests of one server are kept, give or take a hundred a day.
    """

    def __init__(self, client: RedisClient, *, pool: str, max_records: int = MAX_RECORDS) -> None:
        self._client = client
        self._max_records = max_records
        self._keys = UsageKeys(pool)
        self._scripts = Scripts(
            client,
            package="bot.state",
            names=_SCRIPTS,
            keys=self._keys.for_scripts(),
            shared=("common", "usage"),
        )

    async def asked(self, event: Asked) -> bool:
        """Notes a request; False where its job id was noted before."""
        reply = await self._scripts.run(
            "usage_asked",
            event.job_id,
            _owner(event.guild_id, none=""),
            event.user_id,
            int(event.outcome is Outcome.ACCEPTED),
            event.to_json(),
            self._max_records,
            RECORD_DAYS,
            COUNTER_DAYS,
            *_flat(event.counts()),
        )
        return reply == ["1"]

    async def ended(self, event: Ended) -> bool:
        """Notes the end of an accepted request; False where it is not known yet or ended before."""
        reply = await self._scripts.run(
            "usage_ended", event.job_id, event.to_json(), *_flat(event.counts())
        )
        return reply == ["1"]

    async def requests(self, guild_id: int) -> list[Request]:
        """The requests of a server on the last days, in the order they came."""
        found: list[Request] = []
        for day in await self._record_days():
            ends: dict[str, tuple[int, int]] = {}  # job id -> (time in ms, tokens)
            async for lines in self._lines("ended", guild_id, day):
                ends |= await asyncio.to_thread(_read_ends, lines)
            async for lines in self._lines("asked", guild_id, day):
                found += await asyncio.to_thread(_read_joined, lines, ends)
        return found

    async def of_user(self, user_id: int) -> list[tuple[int, Request]]:
        """A user's requests in all servers, each with its server."""
        found: list[tuple[int, Request]] = []
        for guild_id in await self._guilds_of(user_id):
            requests = await self.requests(guild_id)
            found += ((guild_id, one) for one in requests if one.user_id == user_id)
        return sorted(found, key=lambda one: one[1].at_ms)

    async def days(self, guild_id: int | None, n: int) -> list[DayUsage]:
        """What was used on the last n UTC days, the oldest first."""
        n = min(n, COUNTER_DAYS)
        reply = await self._scripts.run("usage_days", _owner(guild_id, none="all"), n)
        today, at, days = int(reply[0]), 1, list[DayUsage]()
        for number in range(today - n + 1, today + 1):
            end = at + 1 + int(reply[at])
            pairs = zip(reply[at + 1 : end : 2], reply[at + 2 : end : 2], strict=True)
            counters = {name: int(amount) for name, amount in pairs}
            days.append(DayUsage(date_of(number), Counts.of(counters)))
            at = end
        return days

    async def forget_guild(self, guild_id: int) -> None:
        """Removes all that was noted of a server."""
        await self._scripts.run("usage_forget_guild", guild_id, RECORD_DAYS, COUNTER_DAYS)

    async def forget_user(self, user_id: int) -> int:
        """Removes a user's requests in all servers; how many.

        Reads the records of those servers only in which the user asked, a batch at a time.
        """
        guild_ids = await self._guilds_of(user_id)
        try:
            count = 0
            for day in await self._record_days():
                for guild_id in guild_ids:
                    count += await self._forget_in(guild_id, day, user_id)
            await heed_cancel(self._client.delete(self._keys.key(f"user:{user_id}")))
        except (RedisError, OSError) as error:
            raise down_error(error) from error
        return count

    async def _guilds_of(self, user_id: int) -> list[int]:
        """Where the user asked on the last days."""
        try:
            call = self._client.zrange(self._keys.key(f"user:{user_id}"), 0, -1)  # pyright: ignore[reportUnknownMemberType]  # untyped callback
            return [int(guild) for guild in cast("list[str]", await heed_cancel(call))]
        except (RedisError, OSError) as error:
            raise down_error(error) from error

    async def _forget_in(self, guild_id: int, day: int, user_id: int) -> int:
        stream, count = self._keys.key(f"asked:{guild_id}:{day}"), 0
        async for lines in self._lines("asked", guild_id, day):
            read = await asyncio.to_thread(_read_requests, lines)
            if theirs := [entry for entry, request in read if request.user_id == user_id]:
                count += await heed_cancel(self._client.xdel(stream, *theirs))
        return count

    async def _record_days(self) -> range:
        """The days of which records are kept, by the server's clock."""
        (today,) = await self._scripts.run("usage_days", "all", 0)
        return range(int(today) - RECORD_DAYS + 1, int(today) + 1)

    async def _lines(self, kind: str, guild_id: int, day: int) -> AsyncIterator[list[str]]:
        """The lines of a stream, a batch at a time."""
        last = _START
        while last:
            last, text = await self._scripts.run("usage_records", kind, guild_id, day, last, _BATCH)
            if text:
                yield text.split("\n")


def _read_requests(lines: Iterable[str]) -> list[tuple[str, Request]]:
    """Stream ids and requests; what can't be read, such as of a newer program, is left out."""
    found: list[tuple[str, Request]] = []
    for line in lines:
        entry, _, record = line.partition(" ")
        try:
            found.append((entry, read_asked(_ms_of(entry), record)))
        except ValueError as error:
            _log.warning("usage record left out", reason=str(error))
    return found


def _read_ends(lines: Iterable[str]) -> dict[str, tuple[int, int]]:
    ends: dict[str, tuple[int, int]] = {}
    for line in lines:
        entry, _, record = line.partition(" ")
        try:
            job_id, tokens = read_ended(record)
        except ValueError as error:
            _log.warning("usage record left out", reason=str(error))
        else:
            ends[job_id] = (_ms_of(entry), tokens)
    return ends


def _read_joined(lines: Iterable[str], ends: Mapping[str, tuple[int, int]]) -> list[Request]:
    """Requests, each with its end where it has one."""
    joined: list[Request] = []
    for _, request in _read_requests(lines):
        if end := ends.get(request.job_id):
            joined.append(replace(request, ended_at_ms=end[0], real_tokens=end[1]))
        else:
            joined.append(request)
    return joined


def _ms_of(entry: str) -> int:
    """The time in a stream id."""
    return int(entry.partition("-")[0])


def _owner(guild_id: int | None, *, none: str) -> str:
    return none if guild_id is None else str(guild_id)


def _flat(counts: dict[str, int]) -> list[str | int]:
    return [value for pair in counts.items() for value in pair]
