"""What a store of scored games does, whatever it is built on.

Implemented by `redis_sessions` and `memory_sessions`; used by services, and by the worker, which
brings a game what the model wrote or scored. A move is saved under the session's revision.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from bot.play.api import Game, Result, Session, Standing


class SessionSaved(StrEnum):
    """What became of a save."""

    DONE = "done"  # also where this very session was created before
    CONFLICT = "conflict"  # somebody else saved meanwhile: load and decide anew
    OCCUPIED = "occupied"  # another game is played in that channel
    GONE = "gone"  # there is no such game (any more)


@dataclass(frozen=True, slots=True)
class LoadedSession:
    """A session and the revision to hand back to `save`."""

    session: Session
    revision: int


class SessionsStore(Protocol):
    """Keeps scored games for some days, and the tables of rated ones.

    Every method raises QueueDownError where the store can't be reached.
    """

    async def create(self, session: Session) -> SessionSaved:
        """Keeps a new game, and makes it the one that is played in its channel."""
        ...

    async def load(self, session_id: str) -> LoadedSession | None:
        """A game; None where there is none (any more)."""
        ...

    async def save(
        self, session: Session, *, revision: int, results: Sequence[Result] = ()
    ) -> SessionSaved:
        """Keeps a game after a move; one that is over frees its channel.

        Args:
            session: afterwards.
            revision: as it was loaded.
            results: of a rated game that has just ended; added to its server's table at once.
        """
        ...

    async def in_channel(self, channel_id: int) -> str | None:
        """The game that is played in a channel, or None."""
        ...

    async def claim_due(self, *, limit: int = 20, lease_s: float = 30.0) -> list[str]:
        """Games where something is due by now; each is given to one caller until its lease ends."""
        ...

    async def table(self, guild_id: int, game: Game, *, limit: int = 20) -> list[Standing]:
        """A server's table of rated games, the most points first."""
        ...

    async def n_of_user(self, user_id: int) -> int:
        """In how many servers' tables a user stands."""
        ...

    async def forget_user(self, user_id: int) -> int:
        """Takes a user out of all tables; how many those were."""
        ...

    async def forget_guild(self, guild_id: int) -> int:
        """Removes a server's tables; how many there were. Its games go by themselves."""
        ...
