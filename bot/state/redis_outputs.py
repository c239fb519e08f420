"""Finished texts on Redis: one method, one script; `scripts/outputs_*.lua` say what each does.

Built by `app` around a client; used by the worker and by services through the OutputsStore
protocol. Texts expire by themselves. Indexes forget them whenever a text is added, by `sweep`, and
as a whole when the last of their texts expires.

    key             type    lifetime          content
    text:<code>     HASH    keep_days         json: `Output.to_json`; user, guild, root, job; more:
                                              ids of the further messages, with commas between
    reply:<root>    ZSET    keep_days         codes of a reply's versions -> their order
    writing:<root>  STRING  `WRITING_S`       the job that writes a new version
    of:user:<id>    ZSET    its last text's   codes of who asked -> when each expires (ms)
    of:guild:<id>   ZSET    its last text's   the same of a server
    owners          ZSET    while any is left "user:<id>", "guild:<id>" -> when `sweep` looks (ms)

All keys share the hash tag `{<pool>-outputs}`. The lifetimes of a reply's versions end together,
`keep_days` after the newest was saved.
"""

from collections.abc import Awaitable, Sequence
from typing import Any, cast

import structlog
from redis.exceptions import RedisError

from bot.core.outputs import MAX_VERSIONS, Output
from bot.state.outputs_api import WRITING_S, KeptTexts
from bot.storage.cancellation import heed_cancel
from bot.storage.clients import RedisClient
from bot.storage.scripts import Scripts, down_error

_log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

_SCRIPTS = (
    "outputs_save", "outputs_read", "outputs_keep", "outputs_begin", "outputs_end",
    "outputs_messages", "outputs_count", "outputs_forget", "outputs_sweep",
)  # fmt: skip
_DAY_MS = 86_400_000
_BATCH = 100  # texts that one script reads or removes: about a millisecond of Redis's time
_SWEPT_OWNERS = 50  # that one script looks at, each with `_BATCH` entries at most


class RedisOutputs:
    """An OutputsStore whose texts lie in Redis: any number of processes may share a pool.

    Args:
        client: answers at once; no retries of its own.
        pool: names the keys; processes that share texts share this name.
        keep_days: how long texts are kept.
    """

    def __init__(self, client: RedisClient, *, pool: str, keep_days: float = 30) -> None:
        self._client = client
        self._keep_ms = round(keep_days * _DAY_MS)
        self._prefix = f"{{{pool}-outputs}}:"
        kinds = ("text:", "reply:", "writing:", "of:", "owners")
        self._scripts = Scripts(
            client,
            package="bot.state",
            names=_SCRIPTS,
            keys=[self._prefix + kind for kind in kinds],
            shared=("common", "outputs_common"),
        )

    async def save(self, outputs: Sequence[Output]) -> None:
        """Keeps texts that one job wrote, and adds them to their reply's versions."""
        first = outputs[0]
        flat: list[str | int] = []
        for output in outputs:
            guild = "" if output.guild_id is None else output.guild_id
            flat += (output.code, output.user_id, guild, output.to_json())
        await self._scripts.run(
            "outputs_save", first.root, first.job_id, self._keep_ms, MAX_VERSIONS, *flat
        )

    async def find(self, code: str) -> Output | None:
        """A text by its code."""
        found = await self._ask(self._client.hget(f"{self._prefix}text:{code}", "json"))
        return _read(found) if found else None

    async def versions(self, root: str) -> list[Output]:
        """All texts of a reply, the oldest first."""
        key = f"{self._prefix}reply:{root}"
        return await self._read_all(await self._codes(key))

    async def keep(self, root: str, code: str) -> bool:
        """Picks one of several candidates."""
        return await self._scripts.run("outputs_keep", root, code) == ["1"]

    async def begin(self, root: str, job_id: str) -> str | None:
        """Says that a job is about to write a new version."""
        lease_ms = round(WRITING_S * 1000)
        (at_it,) = await self._scripts.run("outputs_begin", root, job_id, lease_ms)
        return None if at_it == job_id else at_it

    async def end(self, root: str, job_id: str) -> None:
        """That job won't write a version."""
        await self._scripts.run("outputs_end", root, job_id)

    async def note_messages(self, code: str, message_ids: Sequence[int]) -> None:
        """Remembers the further messages that a long text took."""
        await self._scripts.run("outputs_messages", code, *message_ids)

    async def messages(self, code: str) -> list[int]:
        """Those messages."""
        found = await self._ask(self._client.hget(f"{self._prefix}text:{code}", "more"))
        return [int(one) for one in found.split(",")] if found else []

    async def of_user(self, user_id: int) -> list[Output]:
        """All texts that a user asked for, the oldest first."""
        codes = await self._codes(f"{self._prefix}of:user:{user_id}")
        return sorted(await self._read_all(codes), key=lambda output: output.created_at_s)

    async def kept_of_user(self, user_id: int) -> KeptTexts:
        """How many texts a user asked for, and until when they are kept."""
        count, until_ms = await self._scripts.run("outputs_count", f"user:{user_id}")
        return KeptTexts(int(count), int(until_ms) / 1000 if int(count) else None)

    async def forget_user(self, user_id: int) -> int:
        """Removes all texts that a user asked for; how many."""
        return await self._forget(f"user:{user_id}")

    async def forget_guild(self, guild_id: int) -> int:
        """Removes all texts of a server; how many."""
        return await self._forget(f"guild:{guild_id}")

    async def sweep(self) -> int:
        """Removes what indexes still know of texts that are gone: a bounded piece of work."""
        (count,) = await self._scripts.run("outputs_sweep", _SWEPT_OWNERS, _BATCH)
        return int(count)

    async def _forget(self, owner: str) -> int:
        total, left = 0, 1
        while left:
            count, left = map(int, await self._scripts.run("outputs_forget", owner, _BATCH))
            total += count
        return total

    async def _codes(self, key: str) -> list[str]:
        return await self._ask(self._client.zrange(key, 0, -1))  # pyright: ignore[reportUnknownMemberType]  # untyped callback

    async def _read_all(self, codes: Sequence[str]) -> list[Output]:
        """Texts that are still there, in this order, a batch at a time."""
        found: list[Output | None] = []
        for start in range(0, len(codes), _BATCH):
            texts = await self._scripts.run("outputs_read", *codes[start : start + _BATCH])
            found += map(_read, texts)
        return [output for output in found if output is not None]

    async def _ask(self, call: object) -> Any:
        try:
            return await heed_cancel(cast("Awaitable[Any]", call))
        except (RedisError, OSError) as error:
            raise down_error(error) from error


def _read(text: str) -> Output | None:
    """None where it can't be read, such as of a newer program."""
    try:
        return Output.from_json(text)
    except ValueError as error:
        _log.warning("stored text left out", reason=str(error))
        return None
