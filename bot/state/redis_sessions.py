"""Scored games on Redis: one method, one script; `scripts/sessions_*.lua` say what each does.

Built by `app` around a client; used by services and by the worker through the SessionsStore
protocol.

    key             type    lifetime   content
    game:<id>       HASH    keep_days  json: `Session.to_json`; revision, channel
    channel:<id>    STRING  keep_days  the game that is played there
    due             ZSET               games -> when something happens in them by itself (ms)
    table:<name>    HASH               "<user>:name", ":points", ":brier", ":bits" as sums, and
                                       ":n_points" and so on as counts; the name is
                                       "g<guild>:<game>"
    tables:<who>    SET                tables that a user ("<id>") or a server ("g<id>") is in

All keys share the hash tag `{<pool>-sessions}`.
"""

from collections.abc import Awaitable, Sequence
from typing import Any, cast

from redis.exceptions import RedisError

from bot.play.api import Game, Result, Session, Standing
from bot.state.session_tables import due_ms, standings, table_of
from bot.state.sessions_api import LoadedSession, SessionSaved
from bot.storage.cancellation import heed_cancel
from bot.storage.clients import RedisClient
from bot.storage.scripts import Scripts, down_error

_SCRIPTS = (
    "sessions_create", "sessions_save", "sessions_due", "sessions_forget_user",
    "sessions_forget_guild",
)  # fmt: skip
_DAY_MS = 86_400_000


class RedisSessions:
    """A SessionsStore whose games lie in Redis: any number of processes may share a pool.

    Args:
        client: answers at once; no retries of its own.
        pool: names the keys; processes that share games share this name.
        keep_days: how long a game is kept after its last move.
    """

    def __init__(self, client: RedisClient, *, pool: str, keep_days: float = 7) -> None:
        self._client = client
        self._keep_ms = round(keep_days * _DAY_MS)
        self._prefix = f"{{{pool}-sessions}}:"
        kinds = ("game:", "channel:", "due", "table:", "tables:")
        self._scripts = Scripts(
            client,
            package="bot.state",
            names=_SCRIPTS,
            keys=[self._prefix + kind for kind in kinds],
            shared=("common", "sessions_common"),
        )

    async def create(self, session: Session) -> SessionSaved:
        """Keeps a new game."""
        (result,) = await self._scripts.run("sessions_create", *self._kept(session))
        return SessionSaved(result)

    async def load(self, session_id: str) -> LoadedSession | None:
        """A game; None where there is none (any more)."""
        key = f"{self._prefix}game:{session_id}"
        json, revision = await self._ask(self._client.hmget(key, ["json", "revision"]))
        if json is None:
            return None
        return LoadedSession(Session.from_json(json), int(revision))

    async def save(
        self, session: Session, *, revision: int, results: Sequence[Result] = ()
    ) -> SessionSaved:
        """Keeps a game after a move, with its results; see `SessionsStore.save`."""
        rows: list[str | int] = []
        for one in results:
            scores = ("" if score is None else repr(score) for score in (one.brier, one.bits))
            rows += (one.user_id, one.name, repr(one.points), *scores)
        has_table = session.guild_id is not None and rows
        name = table_of(session.guild_id or 0, session.game) if has_table else ""
        (result,) = await self._scripts.run(
            "sessions_save", *self._kept(session), revision, name, *(rows if has_table else ())
        )
        return SessionSaved(result)

    async def in_channel(self, channel_id: int) -> str | None:
        """The game that is played in a channel, or None."""
        return await self._ask(self._client.get(f"{self._prefix}channel:{channel_id}"))

    async def claim_due(self, *, limit: int = 20, lease_s: float = 30.0) -> list[str]:
        """Games where something is due by now, each given to one caller."""
        return await self._scripts.run("sessions_due", limit, round(lease_s * 1000))

    async def table(self, guild_id: int, game: Game, *, limit: int = 20) -> list[Standing]:
        """A server's table of rated games, the most points first."""
        key = f"{self._prefix}table:{table_of(guild_id, game)}"
        return standings(await self._ask(self._client.hgetall(key)), limit)

    async def n_of_user(self, user_id: int) -> int:
        """In how many servers' tables a user stands."""
        return int(await self._ask(self._client.scard(f"{self._prefix}tables:{user_id}")))

    async def forget_user(self, user_id: int) -> int:
        """Takes a user out of all tables; how many those were."""
        (count,) = await self._scripts.run("sessions_forget_user", user_id)
        return int(count)

    async def forget_guild(self, guild_id: int) -> int:
        """Removes a server's tables; how many there were."""
        (count,) = await self._scripts.run("sessions_forget_guild", f"g{guild_id}")
        return int(count)

    def _kept(self, session: Session) -> tuple[str | int, ...]:
        channel = "" if session.is_over else session.channel_id
        return session.id, session.to_json(), channel, due_ms(session), self._keep_ms

    async def _ask(self, call: object) -> Any:
        try:
            return await heed_cancel(cast("Awaitable[Any]", call))
        except (RedisError, OSError) as error:
            raise down_error(error) from error
