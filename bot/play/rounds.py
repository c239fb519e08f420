"""What the games of guessing have in common: who plays, options of a command, drawn by a seed.

A seed decides all chance, so that the same session gives the same game in every process.
"""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from bot.core.markdown import escape
from bot.errors import StoryError
from bot.language import number, option, tr
from bot.play.api import Button, Player

MAX_PLAYERS = 40  # of one game; their table has to fit into a message
_MOST_SHOWN = 15
_T = TypeVar("_T")


def drawn(items: Sequence[_T], count: int, seed: int, what: str) -> list[_T]:
    """So many different items, by chance.

    Args:
        items: at least `count`.
        count: how many.
        seed: of the game.
        what: keeps one draw of a game apart from another.
    """
    order = sorted(range(len(items)), key=lambda place: _chance(seed, what, place))
    return [items[place] for place in order[:count]]


def _chance(seed: int, what: str, place: int) -> bytes:
    return hashlib.sha256(f"{seed}:{what}:{place}".encode()).digest()


def whole_option(options: Mapping[str, Any], name: str, low: int, high: int, usual: int) -> int:
    """An option of the command.

    Raises:
        StoryError: it is out of its bounds.
    """
    value = options.get(name)
    if value is None:
        return usual
    if not isinstance(value, int) or not low <= value <= high:
        raise StoryError(
            tr(
                "This can't be done: {name} must be from {low} to {high}.",
                name=option(name),
                low=number(low),
                high=number(high),
            )
        )
    return value


def check_room(names: Mapping[str, str], player: Player) -> None:
    """Raises StoryError where somebody new comes to a game that is full."""
    if str(player.user_id) not in names and len(names) >= MAX_PLAYERS:
        raise StoryError(
            tr("{most} people play already; wait for the next game.", most=number(MAX_PLAYERS))
        )


def check_host(player: Player) -> None:
    """Raises StoryError for anybody but who began the game, or a moderator."""
    if player.user_id and not player.is_host:
        raise StoryError(
            tr("Only the one who began this game, or a moderator, can do that; ask them.")
        )


def listed_scores(lines: Sequence[str]) -> str:
    """A table's lines, as many as have room."""
    shown = "\n".join(lines[:_MOST_SHOWN])
    more = len(lines) - _MOST_SHOWN
    return f"{shown}\n" + tr("… and {n} more", n=number(more)) if more > 0 else shown


def told(name: str) -> str:
    """A player's name as it is shown, in one line."""
    return escape(" ".join(name.split())) or "?"


def again_button() -> Button:
    """For a round that the model did not answer."""
    return Button(action="again", label=tr("Try again"), emoji="🔁", is_main=True)


def end_button() -> Button:
    """Ends the game for all."""
    return Button(action="end", label=tr("End the game"), emoji="🏁")


def bold_name(name: str) -> str:
    """The same, standing out."""
    return f"**{told(name)}**"
