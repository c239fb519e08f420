"""How a server's table of scored games lies in a store. Used by both stores of sessions."""

from collections.abc import Mapping

from bot.play.api import Game, Session, Standing


def table_of(guild_id: int, game: Game) -> str:
    """The name of a table."""
    return f"g{guild_id}:{game.value}"


def due_ms(session: Session) -> str:
    """When something is due in a game, or ""."""
    if session.is_over or session.due_at_s is None:
        return ""
    return str(round(session.due_at_s * 1000))


def standings(fields: Mapping[str, str], limit: int) -> list[Standing]:
    """Reads a table: "<user>:<what>" -> value, as `sessions_save.lua` writes it."""
    users = {int(field.partition(":")[0]) for field in fields if field.endswith(":name")}
    found = [_standing(fields, user) for user in users]
    found.sort(key=lambda one: (-one.points, one.user_id))
    return found[:limit]


def _standing(fields: Mapping[str, str], user: int) -> Standing:
    def mean(what: str) -> float | None:
        count = int(fields.get(f"{user}:n_{what}", 0))
        return float(fields[f"{user}:{what}"]) / count if count else None

    return Standing(
        user_id=user,
        name=fields[f"{user}:name"],
        games=int(fields.get(f"{user}:n_points", 0)),
        points=float(fields.get(f"{user}:points", 0)),
        brier=mean("brier"),
        bits=mean("bits"),
    )
