"""Scored games in memory: for tests, and wherever one process is all there is."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bot.play.api import Game, Result, Session, Standing
from bot.state.session_tables import standings, table_of
from bot.state.sessions_api import LoadedSession, SessionSaved


@dataclass(slots=True)
class _Kept:
    """A game, and until when it is kept (Unix time)."""

    session: Session
    until_s: float
    revision: int = 1
    leased_until_s: float = 0.0


class MemorySessions:
    """A SessionsStore without Redis, for one process.

    Args:
        clock: gives Unix time in seconds.
        keep_days: how long a game is kept after its last move.
    """

    def __init__(self, *, clock: Callable[[], float], keep_days: float = 7) -> None:
        self._clock = clock
        self._keep_s = keep_days * 86_400
        self._kept: dict[str, _Kept] = {}
        self._tables: dict[str, dict[str, str]] = {}

    async def create(self, session: Session) -> SessionSaved:
        """Keeps a new game."""
        if session.id in self._alive():
            return SessionSaved.DONE
        if self._is_occupied(session):
            return SessionSaved.OCCUPIED
        self._kept[session.id] = _Kept(session, self._clock() + self._keep_s)
        return SessionSaved.DONE

    async def load(self, session_id: str) -> LoadedSession | None:
        """A game; None where there is none (any more)."""
        kept = self._alive().get(session_id)
        return None if kept is None else LoadedSession(kept.session, kept.revision)

    async def save(
        self, session: Session, *, revision: int, results: Sequence[Result] = ()
    ) -> SessionSaved:
        """Keeps a game after a move, with its results; see `SessionsStore.save`."""
        kept = self._alive().get(session.id)
        if kept is None:
            return SessionSaved.GONE
        if kept.revision != revision:
            return SessionSaved.CONFLICT
        if self._is_occupied(session):
            return SessionSaved.OCCUPIED
        until_s = self._clock() + self._keep_s
        self._kept[session.id] = _Kept(session, until_s, revision + 1)
        if session.guild_id is not None:
            for result in results:
                self._add(table_of(session.guild_id, session.game), result)
        return SessionSaved.DONE

    async def in_channel(self, channel_id: int) -> str | None:
        """The game that is played in a channel, or None."""
        there = (
            one.session.id
            for one in self._alive().values()
            if one.session.channel_id == channel_id and not one.session.is_over
        )
        return next(there, None)

    async def claim_due(self, *, limit: int = 20, lease_s: float = 30.0) -> list[str]:
        """Games where something is due by now, each given to one caller."""
        now_s = self._clock()
        due = sorted(
            (max(one.session.due_at_s, one.leased_until_s), one.session.id)
            for one in self._alive().values()
            if one.session.due_at_s is not None and not one.session.is_over
        )
        claimed = [session_id for at_s, session_id in due if at_s <= now_s][:limit]
        for session_id in claimed:
            self._kept[session_id].leased_until_s = now_s + lease_s
        return claimed

    async def table(self, guild_id: int, game: Game, *, limit: int = 20) -> list[Standing]:
        """A server's table of rated games, the most points first."""
        return standings(self._tables.get(table_of(guild_id, game), {}), limit)

    async def n_of_user(self, user_id: int) -> int:
        """In how many servers' tables a user stands."""
        return sum(f"{user_id}:name" in fields for fields in self._tables.values())

    async def forget_user(self, user_id: int) -> int:
        """Takes a user out of all tables; how many those were."""
        count = await self.n_of_user(user_id)
        for name, fields in self._tables.items():
            mine = f"{user_id}:"
            self._tables[name] = {
                field: value for field, value in fields.items() if not field.startswith(mine)
            }
        return count

    async def forget_guild(self, guild_id: int) -> int:
        """Removes a server's tables; how many there were."""
        theirs = [name for name in self._tables if name.startswith(f"g{guild_id}:")]
        for name in theirs:
            del self._tables[name]
        return len(theirs)

    def _alive(self) -> dict[str, _Kept]:
        now_s = self._clock()
        self._kept = {one: kept for one, kept in self._kept.items() if kept.until_s > now_s}
        return self._kept

    def _is_occupied(self, session: Session) -> bool:
        return not session.is_over and any(
            one.session.channel_id == session.channel_id
            and one.session.id != session.id
            and not one.session.is_over
            for one in self._alive().values()
        )

    def _add(self, name: str, result: Result) -> None:
        fields = self._tables.setdefault(name, {})
        fields[f"{result.user_id}:name"] = result.name
        scores = (("points", result.points), ("brier", result.brier), ("bits", result.bits))
        for what, value in scores:
            if value is not None:
                field = f"{result.user_id}:{what}"
                fields[field] = repr(float(fields.get(field, 0)) + value)
                count = f"{result.user_id}:n_{what}"
                fields[count] = str(int(fields.get(count, 0)) + 1)
