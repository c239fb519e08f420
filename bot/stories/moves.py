"""What can be done to a story, and what comes of it.

A move is data; the rules of a mode (`rules`) turn story and move into a `Step`. Made by services
of what people click and type, and by a worker of what the model wrote.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from bot.stories.passages import Kind, Passage
from bot.stories.story import ContextUse, LoreEntry, Story


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """Who makes a move.

    Attributes:
        user_id: who.
        name: how Discord shows them; cleaned by the rules.
        source: the interaction or job; the same one again changes nothing.
        at_s: now (Unix time).
        is_moderator: whether they moderate the place.
    """

    user_id: int
    name: str
    source: str
    at_s: float
    is_moderator: bool = False


@dataclass(frozen=True, slots=True)
class Write:
    """A player writes a passage: SAY, DO or TELL."""

    kind: Kind
    text: str


@dataclass(frozen=True, slots=True)
class Continue:
    """The model is to go on (in branches: to offer continuations)."""


@dataclass(frozen=True, slots=True)
class Retry:
    """What the model wrote last is left beside, and it writes anew."""


@dataclass(frozen=True, slots=True)
class Alter:
    """A passage gets a sibling with other words, and the story goes on from that.

    Attributes:
        text: the new words.
        number: of which passage; None = where the story stands.
    """

    text: str
    number: int | None = None


@dataclass(frozen=True, slots=True)
class Undo:
    """One passage back."""


@dataclass(frozen=True, slots=True)
class Redo:
    """Takes an undo back."""


@dataclass(frozen=True, slots=True)
class Rewind:
    """The story goes on from a passage, wherever in the tree it is."""

    number: int


@dataclass(frozen=True, slots=True)
class Ballot:
    """A vote for an option, by its passage's number; replaces an earlier one."""

    option: int


@dataclass(frozen=True, slots=True)
class Join:
    """Plays from now on, at the end of the order."""


@dataclass(frozen=True, slots=True)
class Leave:
    """Plays no more; what they wrote stays."""


@dataclass(frozen=True, slots=True)
class Skip:
    """The turn passes: one's own, or (moderators, the owner) anybody's."""


@dataclass(frozen=True, slots=True)
class Pause:
    """No time runs and no move is taken."""


@dataclass(frozen=True, slots=True)
class Resume:
    """Goes on after a pause; times begin anew."""


@dataclass(frozen=True, slots=True)
class Kick:
    """A moderator or the owner removes a player, who may not come back."""

    user_id: int


@dataclass(frozen=True, slots=True)
class Lock:
    """A moderator stops all moves, or lets them go on."""

    is_on: bool


@dataclass(frozen=True, slots=True)
class End:
    """The story is over; it can be read, exported and loaded."""


@dataclass(frozen=True, slots=True)
class Load:
    """An ended or other story goes on, here."""

    channel_id: int


@dataclass(frozen=True, slots=True)
class Remember:
    """What the model is always told; "" forgets it."""

    text: str


@dataclass(frozen=True, slots=True)
class Note:
    """The author's note, and how many lines of the story follow it; "" removes it."""

    text: str
    depth: int = 3


@dataclass(frozen=True, slots=True)
class AddLore:
    """A lore entry; one with the same first key is replaced."""

    entry: LoreEntry


@dataclass(frozen=True, slots=True)
class RemoveLore:
    """The lore entry with this key goes."""

    key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Changes how the game is played; None = as it is."""

    title: str | None = None
    preset: str | None = None
    model: str | None = None
    length: int | None = None
    turn_s: int | None = None
    every: int | None = None
    vote_s: int | None = None
    quorum: int | None = None
    n_options: int | None = None


@dataclass(frozen=True, slots=True)
class Tick:
    """Time went by: a turn passes, or a vote closes, if it is due."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Continuation:
    """One text that the model wrote.

    Attributes:
        text: trimmed and cleaned (`weaknesses.trimmed`).
        receipt: code of its output.
        settings: how it was drawn.
        label: the small line under it, line break included.
    """

    text: str
    receipt: str
    settings: Mapping[str, object]
    label: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """The model's turn is over: one text, or several to vote on.

    Attributes:
        job_id: has to be the one that the story waits for; of another nothing is taken.
        texts: none where nothing usable came of it.
        context: what it read.
    """

    job_id: str
    texts: tuple[Continuation, ...]
    context: ContextUse | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WritingFailed:
    """The model's turn ended without a text; the story can go on."""

    job_id: str


Move = (
    Write | Continue | Retry | Alter | Undo | Redo | Rewind | Ballot | Join | Leave | Skip | Pause
    | Resume | Kick | Lock | End | Load | Remember | Note | AddLore | RemoveLore | Settings | Tick
    | Written | WritingFailed
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Near:
    """The passages that a move may need: the path from the head backwards, and those it names.

    Attributes:
        passages: by number; the head and its parent are there wherever they exist.
    """

    passages: Mapping[int, Passage]

    def path(self, head: int) -> list[Passage]:
        """From the oldest known to the head; as far back as passages are known."""
        found: list[Passage] = []
        while head in self.passages:
            found.append(self.passages[head])
            head = found[-1].parent
        return found[::-1]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """The model is to write.

    Attributes:
        parent: which passage it follows.
        n_options: how many texts; 1 goes on, more are voted on.
    """

    parent: int
    n_options: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What comes of a move.

    Attributes:
        story: afterwards; the very same object where nothing changed.
        passages: new ones, and options whose voters changed.
        wanted: what the model is to write now, or None. The story is `pending` with the move's
            source as the job then.
        notice: what the one who made the move is told, or "".
        shown: numbers of the passages that the living message has to show now; empty = as before.
    """

    story: Story
    passages: tuple[Passage, ...] = ()
    wanted: Wanted | None = None
    notice: str = ""
    shown: tuple[int, ...] = ()
