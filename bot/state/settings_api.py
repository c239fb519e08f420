"""What a store of servers' settings and of the host's blocks does, whatever it is built on.

Implemented by `redis_settings` and `memory_settings`, used by `services.servers`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from bot.core.server_log import LogEntry
from bot.core.server_settings import Change, ServerSettings, StoredSettings


class BlockKind(StrEnum):
    """What the host can block; each name is stored."""

    SERVER = "server"
    USER = "user"


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """That the host does not serve a server or a user.

    Attributes:
        kind: which of the two.
        id: its Discord id.
        reason: a clause that the blocked are told.
        by: who did it, as the host wants to remember it.
        at_s: since when (Unix time, by the store's clock).
    """

    kind: BlockKind
    id: int
    reason: str
    by: str
    at_s: float


class SettingsStore(Protocol):
    """Keeps settings by server, a log of their changes, removals, and blocks.

    Every method raises QueueDownError where the store can't be reached; `read` and `blocked` go on
    with what they knew, where they knew something.
    """

    async def read(self, guild_id: int) -> StoredSettings:
        """The settings, perhaps up to 30 s old.

        Raises:
            SettingsError: the record can't be read by this program.
        """
        ...

    async def read_fresh(self, guild_id: int) -> StoredSettings:
        """The settings as they are now: what every change starts from.

        Raises:
            SettingsError: the record can't be read by this program.
        """
        ...

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
        """Writes and logs settings, unless somebody else did since `revision` was read.

        Args:
            guild_id: whose.
            settings: all of them.
            revision: that was read; None: whatever is there, also what nobody can read.
            by_user: who; None for the bot itself.
            changes: for the log.
            undoes: the revision of the change that this takes back.

        Returns:
            False where somebody else was quicker; nothing was written then.
        """
        ...

    async def log(self, guild_id: int) -> list[LogEntry]:
        """The changes that are kept, the newest first."""
        ...

    async def mark_removed(self, guild_id: int) -> None:
        """The bot was removed from the server; again: the first time counts."""
        ...

    async def unmark(self, guild_id: int) -> None:
        """The bot is back."""
        ...

    async def see(self, guild_ids: Sequence[int], absent_s: float) -> list[int]:
        """The bot is in these servers now, so they are not removed.

        Those that no process has seen for `absent_s` count as removed since they were last seen:
        Discord tells of a removal only those who are connected then.

        Returns:
            Servers that count as removed from now on.
        """
        ...

    async def due_for_deletion(self, now_s: float) -> list[int]:
        """Servers from which the bot was removed `KEEP_AFTER_REMOVAL_S` ago."""
        ...

    async def forget_guild(self, guild_id: int) -> None:
        """Deletes everything about a server; what the host blocked stays blocked."""
        ...

    async def block(self, kind: BlockKind, target_id: int, reason: str, by: str) -> None:
        """Blocks a server or user; again: the new reason counts."""
        ...

    async def unblock(self, kind: BlockKind, target_id: int) -> bool:
        """Ends a block; False where there was none."""
        ...

    async def blocked(self, guild_id: int | None, user_id: int) -> Block | None:
        """The block that is in a member's way, their own before their server's."""
        ...

    async def blocks(self) -> list[Block]:
        """All of them, the newest first, as they are now."""
        ...
