"""X-rays as text on Redis. Used by the worker and by services through the XrayTextsStore protocol.

Every key expires by itself, so that nothing has to be swept:

    key                   type   lifetime           content
    xray:<id>             HASH   `keep_days`        r: `XrayText.to_json`, user, guild ('' = none)
    xrays:user:<user>     ZSET   that of its last   id -> until when it is kept (ms)
    xrays:guild:<guild>   ZSET   that of its last   id -> until when it is kept (ms)

All keys share the hash tag `{<pool>-outputs}`; `scripts/xrays_*.lua` says what happens to them.
"""

import structlog

from bot.core.xray_texts import XrayText
from bot.storage.clients import RedisClient
from bot.storage.scripts import Scripts

_log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

_SCRIPTS = ("xrays_save", "xrays_find", "xrays_of_user", "xrays_forget")
_BATCH = 200  # texts of one call; each may have 8 KB


class RedisXrayTexts:
    """An XrayTextsStore on Redis.

    Args:
        client: without retries of its own; it belongs to whoever made it.
        pool: processes that share the queue share this name.
        keep_days: how long a text is kept.
    """

    def __init__(self, client: RedisClient, *, pool: str, keep_days: float) -> None:
        self._keep_ms = max(1, round(keep_days * 86_400_000))
        prefixes = ("xray:", "xrays:user:", "xrays:guild:")
        keys = tuple(f"{{{pool}-outputs}}:{prefix}" for prefix in prefixes)
        self._scripts = Scripts(client, package="bot.state", names=_SCRIPTS, keys=keys)

    async def save(self, text: XrayText) -> None:
        """Keeps a text; see `XrayTextsStore.save`."""
        guild = "" if text.guild_id is None else text.guild_id
        await self._scripts.run(
            "xrays_save", text.id, text.to_json(), text.user_id, guild, self._keep_ms
        )

    async def find(self, xray_id: str) -> XrayText | None:
        """A text by its id; None where there is none (any more)."""
        return next(iter(_read(await self._scripts.run("xrays_find", xray_id))), None)

    async def of_user(self, user_id: int) -> list[XrayText]:
        """All texts that a user asked for, those first that go first."""
        found: list[XrayText] = []
        start = 0
        while True:
            n_looked_at, *records = await self._scripts.run("xrays_of_user", user_id, start, _BATCH)
            found += _read(records)
            start += int(n_looked_at)
            if int(n_looked_at) < _BATCH:
                return found

    async def forget_user(self, user_id: int) -> int:
        """Removes all texts that a user asked for; how many."""
        return await self._forget("user", user_id)

    async def forget_guild(self, guild_id: int) -> int:
        """Removes all texts of a server; how many."""
        return await self._forget("guild", guild_id)

    async def _forget(self, kind: str, owner: int) -> int:
        """A batch at a time; what is removed stays removed where a later one fails."""
        count, left = 0, 1
        while left:
            removed, n_left = await self._scripts.run("xrays_forget", kind, owner, _BATCH)
            count, left = count + int(removed), int(n_left)
        return count


def _read(records: list[str]) -> list[XrayText]:
    """What can't be read, such as of a newer program, is left out."""
    found: list[XrayText] = []
    for record in records:
        try:
            found.append(XrayText.from_json(record))
        except ValueError as error:
            _log.warning("X-ray left out", reason=str(error))
    return found
