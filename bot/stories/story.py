"""A story apart from its text: who plays, where it stands, what the writers keep beside it.

Bounded, however long the story is: a move reads this and the newest passages, never the whole
tree. Changed by the rules only (`rules`), kept by the store of stories under a revision.
"""

import json
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from typing import Any

from bot.core.jobs import UnknownVersionError
from bot.stories.passages import NO_PASSAGE

STORY_VERSION = 1
MAX_PLAYERS = 25
MAX_LORE = 50
MAX_LORE_CHARACTERS = 600  # of one entry's text
MAX_LORE_KEYS = 8
MAX_MEMORY_CHARACTERS = 1000
MAX_NOTE_CHARACTERS = 300
MAX_TITLE_CHARACTERS = 80
MAX_NAME_CHARACTERS = 24
MAX_REDO = 100
KEPT_SOURCES = 64  # interactions and jobs whose moves are known to be made


class Mode(StrEnum):
    """Which game is played; each name is stored and part of a command's choices."""

    ADVENTURE = "adventure"
    RELAY = "relay"
    BRANCHES = "branches"
    FREE = "free"


class Status(StrEnum):
    """Whether moves are taken; each name is stored."""

    ACTIVE = "active"
    PAUSED = "paused"  # by a player: no time runs, no move is taken until it is resumed
    LOCKED = "locked"  # by a moderator, who alone may unlock it
    ENDED = "ended"  # over, and to read only; `load` brings it back


@dataclass(frozen=True, slots=True, kw_only=True)
class Player:
    """Somebody who plays.

    Attributes:
        user_id: who.
        name: in this story, cleaned (`frame.player_name`); unique among its players.
        absences: turns in a row that passed without a move.
    """

    user_id: int
    name: str
    absences: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class LoreEntry:
    """What the model is told whenever one of the words appears in the newest text."""

    keys: tuple[str, ...]
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Vote:
    """An open vote on how the story goes on.

    Attributes:
        options: numbers of the passages to choose from.
        ballots: pairs of voter and the passage they are for; one for each voter.
        closes_at_s: when it ends at the latest (Unix time).
    """

    options: tuple[int, ...]
    ballots: tuple[tuple[int, int], ...] = ()
    closes_at_s: float

    def tally(self) -> dict[int, int]:
        """How many are for each option."""
        return {
            option: sum(choice == option for _, choice in self.ballots) for option in self.options
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Pending:
    """The model is writing.

    Attributes:
        job_id: by which job.
        parent: which passage it follows.
        since_s: since when (Unix time).
    """

    job_id: str
    parent: int
    since_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ContextUse:
    """What the model read at its last turn, in tokens.

    Attributes:
        window: what fits altogether.
        memory: of what is always remembered.
        lore: of the entries that were pulled in.
        note: of the author's note.
        story: of the story's newest text.
        reply: kept free for the answer.
        dropped_characters: of the story's beginning that did not fit.
        lore_keys: the first word of each entry that was pulled in.
    """

    window: int
    memory: int = 0
    lore: int = 0
    note: int = 0
    story: int = 0
    reply: int = 0
    dropped_characters: int = 0
    lore_keys: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """A story game, whatever its mode.

    Attributes:
        id: digits: the interaction that began it.
        mode: which game.
        guild_id: the server, or None in direct messages.
        channel_id: the thread or channel it is played in.
        owner_id: who began it.
        title: as shown.
        language: of the words around the text.
        created_at_s: when it was begun (Unix time).
        changed_at_s: when it was last changed (Unix time).
        status: whether moves are taken.
        players: in the order of their turns.
        kicked: users who may not come back.
        head: number of the passage where the story stands, or `NO_PASSAGE`.
        n_passages: how many there are; the next one's number is one more.
        redo: passages that undo left, the newest last.
        message_id: the living message, or 0.
        memory: what the model is always told.
        note: the author's note.
        note_depth: how many lines of the story follow the note.
        lore: entries pulled in by their words.
        preset: how the model draws (`core.presets`), or "" = the server's.
        model: which model writes, or "" = the server's.
        length: tokens that the model writes at a turn.
        turn: index in `players` of whose turn it is (relay).
        turn_until_s: when that turn passes by itself (Unix time), or None.
        turn_s: how long a turn may take.
        every: the model writes after so many players' passages (relay).
        since_model: players' passages since it last wrote (relay).
        vote: the open vote, or None (branches).
        vote_s: how long a vote is open.
        quorum: ballots that close a vote at once.
        n_options: how many continuations are offered.
        pending: the model's turn that is under way, or None.
        context: what the model read last, or None.
        recent: sources of the newest moves, so that none is made twice.
    """

    id: str
    mode: Mode
    guild_id: int | None
    channel_id: int
    owner_id: int
    title: str
    language: str
    created_at_s: float
    changed_at_s: float
    status: Status = Status.ACTIVE
    players: tuple[Player, ...] = ()
    kicked: tuple[int, ...] = ()
    head: int = NO_PASSAGE
    n_passages: int = 0
    redo: tuple[int, ...] = ()
    message_id: int = 0
    memory: str = ""
    note: str = ""
    note_depth: int = 3
    lore: tuple[LoreEntry, ...] = ()
    preset: str = ""
    model: str = ""
    length: int = 120
    turn: int = 0
    turn_until_s: float | None = None
    turn_s: int = 600
    every: int = 2
    since_model: int = 0
    vote: Vote | None = None
    vote_s: int = 300
    quorum: int = 3
    n_options: int = 3
    pending: Pending | None = None
    context: ContextUse | None = None
    recent: tuple[str, ...] = ()

    @property
    def due_at_s(self) -> float | None:
        """When something happens by itself: a turn passes or a vote closes; None = never."""
        if self.status is not Status.ACTIVE or self.pending is not None:
            return None
        return self.vote.closes_at_s if self.vote is not None else self.turn_until_s

    def player(self, user_id: int) -> Player | None:
        """A player by who they are, or None where they don't play."""
        return next((one for one in self.players if one.user_id == user_id), None)

    def having_made(self, source: str, at_s: float) -> "Story":
        """With a move noted as made."""
        recent = (*(one for one in self.recent if one != source), source)[-KEPT_SOURCES:]
        return replace(self, recent=recent, changed_at_s=at_s)

    def to_json(self) -> str:
        """The stored form: JSON with a version, never pickle."""
        return json.dumps({"v": STORY_VERSION, **asdict(self)}, separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str | bytes) -> "Story":
        """Reads the stored form; fields it does not know are ignored.

        Raises:
            UnknownVersionError: the record is of a version this program does not know.
            ValueError: it is damaged.
        """
        try:
            data: dict[str, Any] = json.loads(text)
            if data["v"] != STORY_VERSION:
                raise UnknownVersionError(
                    f"story of version {data['v']}, this program knows {STORY_VERSION}"
                )
            known = {name: data[name] for name in cls.__dataclass_fields__ if name in data}
            return cls(**known | _parts(known))
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"damaged story: {error!r}") from error


def _parts(data: dict[str, Any]) -> dict[str, Any]:
    """What is more than a JSON value, read back."""
    parts: dict[str, Any] = {"mode": Mode(data["mode"])}
    if "status" in data:
        parts["status"] = Status(data["status"])
    for name in ("kicked", "redo", "recent"):
        parts[name] = tuple(data.get(name, ()))
    parts["players"] = tuple(Player(**one) for one in data.get("players", ()))
    parts["lore"] = tuple(
        LoreEntry(keys=tuple(one["keys"]), text=one["text"]) for one in data.get("lore", ())
    )
    if vote := data.get("vote"):
        ballots = tuple((int(voter), int(choice)) for voter, choice in vote["ballots"])
        parts["vote"] = Vote(
            options=tuple(vote["options"]), ballots=ballots, closes_at_s=vote["closes_at_s"]
        )
    if pending := data.get("pending"):
        parts["pending"] = Pending(**pending)
    if context := data.get("context"):
        parts["context"] = ContextUse(**context | {"lore_keys": tuple(context["lore_keys"])})
    return parts
