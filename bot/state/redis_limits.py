"""Limits on Redis: one method, one script; what a script does stands in `scripts/limits_*.lua`.

Built by `app` around a client; used by `services/limits` through the LimitsStore protocol. All
keys of a pool share one hash tag, so that one script can take from all buckets of a request.

    key             type    lifetime             content
    b:<bucket>      STRING  until it is whole    its theoretical arrival time (Unix ms)
    charge:<job>    HASH    1 h, or its settling v; answer: what charge said; taken: from what
    open            ZSET    until settled        job -> when it was charged (ms)
    of:<user>       ZSET    its last one's       a user's own buckets -> theoretical arrival time
    rules:<guild>   HASH    for good             revision; rules (JSON); call: the newest change's
    log:<guild>     LIST    the last 200         changes of the rules, newest first (JSON)
"""

import json
import secrets
from collections.abc import Sequence
from typing import Any, cast

from redis.exceptions import RedisError

from bot.core.limit_buckets import (
    SLACK_MS,
    Bucket,
    BucketState,
    Charged,
    Refused,
    longest_wait,
)
from bot.core.limit_rules import ServerRules
from bot.state.limits_api import KEEP_CHARGE_S, MAX_LOG, LoggedChange, newest_not_undone
from bot.storage.cancellation import heed_cancel
from bot.storage.clients import RedisClient
from bot.storage.scripts import Scripts, down_error

_SCRIPTS = (
    "limits_charge", "limits_settle", "limits_peek", "limits_counters", "limits_change",
    "limits_open",
)  # fmt: skip


class RedisLimits:
    """A LimitsStore whose numbers lie in Redis: any number of processes may share a pool.

    Args:
        client: answers at once; no retries of its own.
        pool: names the keys; processes that share limits share this name.
    """

    def __init__(self, client: RedisClient, *, pool: str) -> None:
        self._client = client
        self._prefix = f"{{{pool}-limits}}:"
        keys = [self._prefix + name for name in ("b:", "charge:", "rules:", "log:", "open", "of:")]
        self._scripts = Scripts(
            client,
            package="bot.state",
            names=_SCRIPTS,
            keys=keys,
            shared=("common", "limits_common"),
        )

    async def charge(
        self, job_id: str, buckets: Sequence[Bucket], tokens: int
    ) -> Charged | Refused:
        """Takes a job's cost from all buckets, or from none."""
        arguments: list[str | int] = []
        for one in buckets:
            arguments += (
                one.key, one.unit, one.cost(tokens), one.amount, one.per.ms, one.burst,
            )  # fmt: skip
        answer, now, *pairs = await self._scripts.run(
            "limits_charge", job_id, KEEP_CHARGE_S * 1000, int(SLACK_MS), *arguments
        )
        tats = dict(zip(pairs[::2], pairs[1::2], strict=True))
        states = [_state(one, tats[one.key], now) for one in buckets if one.key in tats]
        if answer == "charged":
            return Charged(tuple(states))
        return longest_wait(states, tokens)

    async def settle(self, job_id: str, used_tokens: int) -> bool:
        """Corrects a charge to what was used, once."""
        return await self._scripts.run("limits_settle", job_id, used_tokens) == ["1"]

    async def refund(self, job_id: str) -> bool:
        """Gives everything back, the request included."""
        return await self._scripts.run("limits_settle", job_id, -1) == ["1"]

    async def open_charges(self, older_than_s: float, offset: int, n: int) -> list[str]:
        """Jobs that were charged so long ago and not settled."""
        return await self._scripts.run("limits_open", round(older_than_s * 1000), offset, n)

    async def peek(self, buckets: Sequence[Bucket]) -> list[BucketState]:
        """How full buckets are."""
        now, *tats = await self._scripts.run("limits_peek", *(one.key for one in buckets))
        return [_state(one, tat, now) for one, tat in zip(buckets, tats, strict=True)]

    async def counters_of(self, user_id: int) -> dict[str, float]:
        """A user's own buckets that are not whole, and when they will be."""
        flat = await self._scripts.run("limits_counters", user_id)
        return {key: float(tat) / 1000 for key, tat in zip(flat[::2], flat[1::2], strict=True)}

    async def rules(self, guild_id: int) -> ServerRules:
        """A server's rules."""
        try:
            stored = await heed_cancel(
                cast(
                    "Any",
                    self._client.hmget(f"{self._prefix}rules:{guild_id}", ["revision", "rules"]),
                )
            )
        except (RedisError, OSError) as error:
            raise down_error(error) from error
        revision, rules = cast("list[str | None]", stored)
        if revision is None or rules is None:
            return ServerRules()
        return ServerRules.from_json(rules, int(revision))

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
        reply = await self._scripts.run(
            "limits_change",
            guild_id,
            expected_revision,
            new_rules.to_json(),
            by_user,
            undoes or 0,
            secrets.token_hex(8),
            MAX_LOG,
        )
        return reply == ["1"]

    async def log(self, guild_id: int, n: int = MAX_LOG) -> list[LoggedChange]:
        """The newest changes, newest first."""
        try:
            entries = await heed_cancel(
                cast("Any", self._client.lrange(f"{self._prefix}log:{guild_id}", 0, n - 1))
            )
        except (RedisError, OSError) as error:
            raise down_error(error) from error
        return [_logged(entry) for entry in cast("list[str]", entries)]

    async def undo(self, guild_id: int, by_user: int) -> LoggedChange | None:
        """Takes the newest change back that is not undone yet."""
        revision = (await self.rules(guild_id)).revision
        change = newest_not_undone(await self.log(guild_id))
        if change is None:
            return None
        done = await self.change_rules(
            guild_id, revision, change.before, by_user, undoes=change.revision
        )
        return change if done else None

    async def forget_guild(self, guild_id: int) -> None:
        """Deletes a server's rules and their log."""
        keys = [f"{self._prefix}{name}:{guild_id}" for name in ("rules", "log")]
        try:
            await heed_cancel(cast("Any", self._client.delete(*keys)))
        except (RedisError, OSError) as error:
            raise down_error(error) from error


def _state(bucket: Bucket, tat: str, now: str) -> BucketState:
    now_ms = int(float(now))
    return BucketState(bucket=bucket, tat_ms=max(now_ms, float(tat)), now_ms=now_ms)


def _logged(text: str) -> LoggedChange:
    entry: dict[str, Any] = json.loads(text)
    revision = int(entry["revision"])
    before = entry["before"]
    return LoggedChange(
        revision=revision,
        at_s=int(entry["at_ms"]) / 1000,
        by_user=int(entry["by"]),
        before=ServerRules.from_json(before, revision - 1) if before else ServerRules(),
        after=ServerRules.from_json(entry["after"], revision),
        undoes=int(entry["undoes"]) or None,
    )
