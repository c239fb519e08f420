"""What a scored game is made of: its session, its moves, what it asks the model, how it looks.

Each game is a file of pure rules (`Rules`); the session around it is the same for all. Sessions
are kept by the store of sessions under a revision, moved on by services and by the worker.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from enum import StrEnum
from typing import Any, Protocol

from bot.core.jobs import UnknownVersionError

SESSION_VERSION = 1
KEPT_SOURCES = 64  # interactions and jobs whose moves are known to be made


class Game(StrEnum):
    """Which game; each name is stored, and a subcommand of `/play`."""

    IMPOSTER = "imposter"
    NEXTWORD = "nextword"
    LASTWORD = "lastword"


@dataclass(frozen=True, slots=True, kw_only=True)
class Texts:
    """The model is to write: `count` continuations of `prompt`.

    Attributes:
        prompt: what they go on from.
        count: how many, 1 to `MAX_CANDIDATES`.
        length: tokens of each, at most.
        is_greedy: whether the likeliest token is taken each time (then one is enough).
    """

    prompt: str
    count: int = 1
    length: int = 60
    is_greedy: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Scores:
    """The model is to say how likely each continuation is after a text.

    Attributes:
        context: what is before; not empty.
        continuations: each as it follows, its leading blank included.
    """

    context: str
    continuations: tuple[str, ...]


Ask = Texts | Scores


@dataclass(frozen=True, slots=True)
class WroteTexts:
    """What the model wrote, as many as were asked for."""

    texts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Scored:
    """Natural logarithm of each continuation's probability, in the order they were asked."""

    logprobs: tuple[float, ...]


Answer = WroteTexts | Scored


@dataclass(frozen=True, slots=True, kw_only=True)
class Player:
    """Who makes a move.

    Attributes:
        user_id: who.
        name: how Discord shows them, cleaned.
        at_s: now (Unix time).
        is_host: whether they began the game, or moderate the place.
    """

    user_id: int
    name: str
    at_s: float
    is_host: bool = False


@dataclass(frozen=True, slots=True)
class Act:
    """Somebody clicked a button or sent a form.

    Attributes:
        action: the button's.
        value: the button's value, or what was typed into the form's only field.
        second: what was typed into its second field.
    """

    action: str
    value: str = ""
    second: str = ""


@dataclass(frozen=True, slots=True)
class Tick:
    """The time that `Turn.due_at_s` named has come."""


@dataclass(frozen=True, slots=True)
class Answered:
    """The model did what it was asked for."""

    answer: Answer


@dataclass(frozen=True, slots=True)
class AskFailed:
    """It could not; the round can be repeated or ends."""


PlayMove = Act | Tick | Answered | AskFailed


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """How one player did in one finished game, for the server's table.

    Attributes:
        points: as the game counts them.
        brier: mean Brier score of their guesses (0 is perfect), or None.
        bits: bits per word of their bets, or None.
    """

    user_id: int
    name: str
    points: float
    brier: float | None = None
    bits: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """A line of a server's table.

    Attributes:
        user_id: who.
        name: as they were last called.
        games: rated games that they took part in.
        points: of all of them.
        brier: mean of their games' Brier scores, or None.
        bits: mean of their games' bits per word, or None.
    """

    user_id: int
    name: str
    games: int
    points: float
    brier: float | None
    bits: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """What comes of a move.

    Attributes:
        state: the game's own, JSON only.
        ask: what the model is to do now, or None.
        due_at_s: when a `Tick` is to come (Unix time), or None.
        is_over: whether the game has ended.
        notice: what the one who made the move is told, or "".
        results: of a rated game that has just ended; of those who took part only.
    """

    state: Mapping[str, Any]
    ask: Ask | None = None
    due_at_s: float | None = None
    is_over: bool = False
    notice: str = ""
    results: tuple[Result, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class FormField:
    """One field of a form; see Discord's text inputs."""

    label: str
    max_length: int
    is_long: bool = False
    placeholder: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Button:
    """A button under the game's message.

    Attributes:
        action: for `Act`, at most 12 letters.
        value: for `Act`, at most 20 characters; "" where it has none.
        label: at most 80 characters.
        emoji: before the label, or "".
        is_main: whether it stands out.
        form: fields to fill in first (at most two), or none.
        form_title: of the form.
    """

    action: str
    label: str
    value: str = ""
    emoji: str = ""
    is_main: bool = False
    form: tuple[FormField, ...] = ()
    form_title: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """How the game looks now.

    Attributes:
        text: Discord's markdown, at most 1,900 UTF-16 units; of players and model nothing that
            hides a link or breaks a fence.
        rows: of buttons, at most five rows of five.
    """

    text: str
    rows: tuple[tuple[Button, ...], ...] = ()


class Rules(Protocol):
    """One game. Pure: the same arguments give the same turn."""

    def begin(self, options: Mapping[str, Any], player: Player, seed: int) -> Turn:
        """A new game.

        Args:
            options: the command's, by name; checked here.
            player: who begins it.
            seed: decides all that is left to chance.

        Raises:
            StoryError: an option does not do.
        """
        ...

    def play(self, state: Mapping[str, Any], move: PlayMove, player: Player) -> Turn:
        """A move; `player` has the user id 0 where nobody made it.

        Raises:
            StoryError: it is not taken now, or not of this person; the message says why.
        """
        ...

    def view(self, state: Mapping[str, Any]) -> View:
        """How it looks, in the language that is spoken."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """A scored game that is played somewhere.

    Attributes:
        id: digits: the interaction that began it.
        game: which one.
        guild_id: the server, or None in direct messages.
        channel_id: where.
        owner_id: who began it.
        language: of its message.
        created_at_s: when it was begun (Unix time).
        changed_at_s: when it was last changed (Unix time).
        message_id: of its one living message, or 0.
        model: which model plays, or "" = the server's.
        is_rated: whether it counts for the server's table.
        is_over: whether it has ended.
        due_at_s: when something happens by itself (Unix time), or None.
        pending: the job that the game waits for, or "".
        recent: sources of the newest moves, so that none is made twice.
        state: the game's own.
    """

    id: str
    game: Game
    guild_id: int | None
    channel_id: int
    owner_id: int
    language: str
    created_at_s: float
    changed_at_s: float
    message_id: int = 0
    model: str = ""
    is_rated: bool = False
    is_over: bool = False
    due_at_s: float | None = None
    pending: str = ""
    recent: tuple[str, ...] = ()
    state: Mapping[str, Any] = field(default_factory=dict[str, Any])

    def after(self, turn: Turn, source: str, at_s: float, *, job_id: str = "") -> "Session":
        """With a move made.

        Args:
            turn: what came of it.
            source: the interaction or job that made it.
            at_s: now (Unix time).
            job_id: of what the turn asks for.
        """
        recent = (*(one for one in self.recent if one != source), source)[-KEPT_SOURCES:]
        return replace(
            self,
            state=turn.state,
            due_at_s=turn.due_at_s,
            is_over=turn.is_over,
            pending=job_id if turn.ask is not None else "",
            recent=recent,
            changed_at_s=at_s,
        )

    def to_json(self) -> str:
        """The stored form: JSON with a version, never pickle."""
        return json.dumps({"v": SESSION_VERSION, **asdict(self)}, separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str | bytes) -> "Session":
        """Reads the stored form; fields it does not know are ignored.

        Raises:
            UnknownVersionError: the record is of a version this program does not know.
            ValueError: it is damaged.
        """
        try:
            data: dict[str, Any] = json.loads(text)
            if data["v"] != SESSION_VERSION:
                raise UnknownVersionError(
                    f"session of version {data['v']}, this program knows {SESSION_VERSION}"
                )
            known = {name: data[name] for name in cls.__dataclass_fields__ if name in data}
            known["game"] = Game(data["game"])
            known["recent"] = tuple(data.get("recent", ()))
            return cls(**known)
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"damaged session: {error!r}") from error
