"""Servers' settings in memory, for tests and for a bot without Redis: the twin of Redis's."""

from collections.abc import Callable, Sequence

from bot.core.server_log import MAX_LOG, LogEntry, entry_json, entry_of
from bot.core.server_settings import (
    KEEP_AFTER_REMOVAL_S,
    Change,
    ServerSettings,
    StoredSettings,
)
from bot.state.settings_api import Block, BlockKind


class MemorySettings:
    """A SettingsStore whose content ends with the process.

    Args:
        clock: gives Unix time in seconds.
    """

    def __init__(self, *, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._settings: dict[int, tuple[str, int]] = {}  # JSON, so that it is stored as on Redis
        self._logs: dict[int, list[LogEntry]] = {}
        self._removed: dict[int, float] = {}
        self._seen: dict[int, float] = {}
        self._blocks: dict[tuple[BlockKind, int], Block] = {}

    async def read(self, guild_id: int) -> StoredSettings:
        """The settings."""
        return await self.read_fresh(guild_id)

    async def read_fresh(self, guild_id: int) -> StoredSettings:
        """The settings."""
        text, revision = self._settings.get(guild_id, ("", 0))
        return StoredSettings(
            settings=ServerSettings.from_json(text) if text else ServerSettings(),
            revision=revision,
            removed_at_s=self._removed.get(guild_id),
        )

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
        _, now = self._settings.get(guild_id, ("", 0))
        if revision not in {None, now}:
            return False
        self._settings[guild_id] = settings.to_json(), now + 1
        text = entry_json(by_user, changes, undoes)
        entry = entry_of(text, revision=now + 1, at_s=self._clock())
        self._logs[guild_id] = [entry, *self._logs.get(guild_id, [])][:MAX_LOG]
        return True

    async def log(self, guild_id: int) -> list[LogEntry]:
        """The changes, the newest first."""
        return list(self._logs.get(guild_id, []))

    async def mark_removed(self, guild_id: int) -> None:
        """The bot was removed from the server."""
        self._seen.pop(guild_id, None)
        self._removed.setdefault(guild_id, self._clock())

    async def unmark(self, guild_id: int) -> None:
        """The bot is back."""
        self._removed.pop(guild_id, None)

    async def see(self, guild_ids: Sequence[int], absent_s: float) -> list[int]:
        """The bot is in these servers; those unseen for `absent_s` count as removed since then."""
        for guild_id in guild_ids:
            self._removed.pop(guild_id, None)
            self._seen[guild_id] = self._clock()
        gone = [one for one, at_s in self._seen.items() if at_s <= self._clock() - absent_s]
        for guild_id in gone:
            self._removed.setdefault(guild_id, self._seen.pop(guild_id))
        return gone

    async def due_for_deletion(self, now_s: float) -> list[int]:
        """Servers whose time is over."""
        until_s = now_s - KEEP_AFTER_REMOVAL_S
        return [guild_id for guild_id, at_s in self._removed.items() if at_s <= until_s]

    async def forget_guild(self, guild_id: int) -> None:
        """Deletes everything about a server."""
        self._settings.pop(guild_id, None)
        self._logs.pop(guild_id, None)
        self._removed.pop(guild_id, None)

    async def block(self, kind: BlockKind, target_id: int, reason: str, by: str) -> None:
        """Blocks a server or user."""
        block = Block(kind=kind, id=target_id, reason=reason, by=by, at_s=self._clock())
        self._blocks[kind, target_id] = block

    async def unblock(self, kind: BlockKind, target_id: int) -> bool:
        """Ends a block; False where there was none."""
        return self._blocks.pop((kind, target_id), None) is not None

    async def blocked(self, guild_id: int | None, user_id: int) -> Block | None:
        """The block that is in a member's way."""
        own = self._blocks.get((BlockKind.USER, user_id))
        if own is not None or guild_id is None:
            return own
        return self._blocks.get((BlockKind.SERVER, guild_id))

    async def blocks(self) -> list[Block]:
        """All of them, the newest first."""
        return sorted(self._blocks.values(), key=lambda block: -block.at_s)
