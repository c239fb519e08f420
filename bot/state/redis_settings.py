"""Servers' settings and the host's blocks on Redis, known for a while in each process.

Built by `app` on clients of its own; used by `services.servers` through the SettingsStore
protocol. All keys share one hash tag; `scripts/settings_*.lua` says what happens to them:

    key                type    lifetime            content
    settings:<guild>   HASH    until `forget`      revision, json, token of the last write
    log:<guild>        LIST    until `forget`      "<ms> <revision> <json>", newest first, 200
    removed            ZSET    until back          guild -> when the bot was removed (ms)
    blocks             HASH    until unblocked     "<kind>:<id>" -> "<ms> <json>"
    changed            channel -                   guild whose settings changed, or "blocks"
"""

import asyncio
import json
import secrets
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any, TypeVar, cast

import structlog
from redis.exceptions import RedisError

from bot.core.server_log import MAX_LOG, LogEntry, entry_json, entry_of
from bot.core.server_settings import (
    KEEP_AFTER_REMOVAL_S,
    Change,
    ServerSettings,
    StoredSettings,
)
from bot.state.settings_api import Block, BlockKind
from bot.state.settings_cache import SettingsCache
from bot.storage.cancellation import heed_cancel
from bot.storage.clients import RedisClient
from bot.storage.scripts import Scripts, down_error

_log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)
T = TypeVar("T")

TTL_S = 30.0
_CAPACITY = 4096  # servers known at once
_SCRIPTS = (
    "settings_read", "settings_write", "settings_removed", "settings_forget", "settings_block",
    "settings_seen",
)  # fmt: skip
_LISTEN_S = 1.0  # shorter than any socket time-out
_LISTEN_AGAIN_S = 1.0
_BLOCKS = "blocks"
_SEEN_AT_ONCE = 1000  # servers in one call


class RedisSettings:
    """A SettingsStore whose records lie in Redis.

    Args:
        client: no retries of its own.
        pool: names the keys; processes that share settings share this name.
        clock: monotonic seconds; how long values count as known goes by it.
    """

    def __init__(
        self, client: RedisClient, *, pool: str, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._client = client
        names = ("settings:", "log:", "removed", _BLOCKS, "changed", "seen")
        self._keys = {name: f"{{{pool}-settings}}:{name}" for name in names}
        self._scripts = Scripts(
            client, package="bot.state", names=_SCRIPTS, keys=tuple(self._keys.values())
        )
        # A record stays text until it is asked for: one that can't be read must not look as if
        # Redis were away.
        self._known: SettingsCache[int, list[str]] = SettingsCache(
            clock=clock, ttl_s=TTL_S, capacity=_CAPACITY
        )
        self._known_blocks: SettingsCache[str, dict[str, Block]] = SettingsCache(
            clock=clock, ttl_s=TTL_S, capacity=1
        )

    @asynccontextmanager
    async def following(self) -> AsyncGenerator["RedisSettings"]:
        """Hears of other processes' changes as long as it is open; without it they take 30 s."""
        task = asyncio.create_task(self._follow(), name="settings-changes")
        try:
            yield self
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    async def read(self, guild_id: int) -> StoredSettings:
        """The settings, at most 30 s old while Redis answers."""
        return _stored(await self._known.get(guild_id, lambda: self._read(guild_id)))

    async def read_fresh(self, guild_id: int) -> StoredSettings:
        """The settings as they are now."""
        return _stored(await self._read(guild_id))

    async def write(
        self,
        guild_id: int,
        settings: ServerSettings,
        *,
        revision: int | None,
        by_user: int | None,
        changes: Sequence[Change],
        undoes: int | None = None,
    ) -> bool:
        """Writes and logs settings; False where somebody else did since `revision`."""
        if revision is None:
            revision = int((await self._read(guild_id))[0])
        try:
            (is_written,) = await self._scripts.run(
                "settings_write",
                guild_id,
                revision,
                secrets.token_hex(8),
                settings.to_json(),
                entry_json(by_user, changes, undoes),
                MAX_LOG,
            )
        finally:  # an error does not say that nothing was written
            self._known.expire(guild_id)
        return is_written == "1"

    async def log(self, guild_id: int) -> list[LogEntry]:
        """The changes that are kept, the newest first."""
        key = f"{self._keys['log:']}{guild_id}"
        lines = cast("list[str]", await self._ask(self._client.lrange(key, 0, MAX_LOG - 1)))
        parts = (line.split(" ", 2) for line in lines)
        return [
            entry_of(text, revision=int(revision), at_s=int(at_ms) / 1000)
            for at_ms, revision, text in parts
        ]

    async def mark_removed(self, guild_id: int) -> None:
        """The bot was removed from the server; the first time counts."""
        await self._scripts.run("settings_removed", guild_id, "1")
        self._known.expire(guild_id)

    async def unmark(self, guild_id: int) -> None:
        """The bot is back."""
        await self._scripts.run("settings_removed", guild_id, "0")
        self._known.expire(guild_id)

    async def see(self, guild_ids: Sequence[int], absent_s: float) -> list[int]:
        """The bot is in these servers; those unseen for `absent_s` count as removed since then."""
        gone: list[int] = []
        for start in range(0, max(1, len(guild_ids)), _SEEN_AT_ONCE):
            some = guild_ids[start : start + _SEEN_AT_ONCE]
            reply = await self._scripts.run("settings_seen", round(absent_s * 1000), *some)
            gone += map(int, reply)
        return gone

    async def due_for_deletion(self, now_s: float) -> list[int]:
        """Servers from which the bot was removed `KEEP_AFTER_REMOVAL_S` ago."""
        until_ms = round((now_s - KEEP_AFTER_REMOVAL_S) * 1000)
        call = self._client.zrangebyscore(self._keys["removed"], "-inf", until_ms)  # pyright: ignore[reportUnknownMemberType]  # score_cast_func is untyped
        return [int(guild) for guild in cast("list[str]", await self._ask(call))]

    async def forget_guild(self, guild_id: int) -> None:
        """Deletes everything about a server but the host's block."""
        await self._scripts.run("settings_forget", guild_id)
        self._known.expire(guild_id)

    async def block(self, kind: BlockKind, target_id: int, reason: str, by: str) -> None:
        """Blocks a server or user."""
        record = json.dumps({"v": 1, "reason": reason, "by": by}, ensure_ascii=False)
        await self._scripts.run("settings_block", f"{kind.value}:{target_id}", record)
        self._known_blocks.expire()

    async def unblock(self, kind: BlockKind, target_id: int) -> bool:
        """Ends a block; False where there was none."""
        # Run once: a second run would say that there was none.
        (was,) = await self._scripts.run_once("settings_block", f"{kind.value}:{target_id}", "")
        self._known_blocks.expire()
        return was == "1"

    async def blocked(self, guild_id: int | None, user_id: int) -> Block | None:
        """The block that is in a member's way."""
        blocks = await self._known_blocks.get(_BLOCKS, self._read_blocks)
        own = blocks.get(f"{BlockKind.USER.value}:{user_id}")
        return own or blocks.get(f"{BlockKind.SERVER.value}:{guild_id}")

    async def blocks(self) -> list[Block]:
        """All of them, the newest first."""
        return sorted((await self._read_blocks()).values(), key=lambda block: -block.at_s)

    async def _read(self, guild_id: int) -> list[str]:
        return await self._scripts.run("settings_read", guild_id)

    async def _read_blocks(self) -> dict[str, Block]:
        reply = await self._ask(cast("Awaitable[Any]", self._client.hgetall(self._keys[_BLOCKS])))
        return {name: _block(name, text) for name, text in cast("dict[str, str]", reply).items()}

    async def _ask(self, call: Awaitable[T]) -> T:
        try:
            return await heed_cancel(call)
        except (RedisError, OSError) as error:
            raise down_error(error) from error

    async def _follow(self) -> None:
        while True:
            try:
                await self._listen()
            except (RedisError, OSError) as error:
                _log.warning("changes of settings not heard", reason=type(error).__name__)
            await asyncio.sleep(_LISTEN_AGAIN_S)

    async def _listen(self) -> None:
        async with self._client.pubsub() as subscription:  # pyright: ignore[reportUnknownMemberType]  # untyped **kwargs
            await heed_cancel(subscription.subscribe(self._keys["changed"]))
            while True:
                reply = cast(
                    "Awaitable[dict[str, Any] | None]", subscription.get_message(timeout=_LISTEN_S)
                )
                message = await heed_cancel(reply)
                if message is None:
                    continue
                said = str(message["data"])
                if message["type"] == "message" and said.isdecimal():
                    self._known.expire(int(said))
                elif message["type"] == "message" and said == _BLOCKS:
                    self._known_blocks.expire()
                else:  # it listens from now on; who knows what was said before
                    self._known.expire()
                    self._known_blocks.expire()


def _stored(reply: list[str]) -> StoredSettings:
    revision, text, removed_ms = reply
    return StoredSettings(
        settings=ServerSettings.from_json(text) if text else ServerSettings(),
        revision=int(revision),
        removed_at_s=float(removed_ms) / 1000 if removed_ms else None,
    )


def _block(name: str, text: str) -> Block:
    kind, _, target_id = name.partition(":")
    at_ms, _, record = text.partition(" ")
    fields = cast("dict[str, str]", json.loads(record))
    return Block(
        kind=BlockKind(kind),
        id=int(target_id),
        reason=fields["reason"],
        by=fields["by"],
        at_s=int(at_ms) / 1000,
    )
