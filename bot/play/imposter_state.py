"""Where a game of **imposter** stands. Read by its rules and by its view."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

LETTERS = "ABCDEFGHIJ"
N_FAKES = 3
MAX_WRITERS = 7  # with the fakes, as many as there are letters
MAX_TEXT = 160  # characters of one text: all of them have to fit into a message


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A text in the game; the model's has the user id 0."""

    text: str
    user_id: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """Where the game stands.

    Attributes:
        opening: what everybody goes on with.
        seed: decides the order of the texts.
        write_s: how long texts are taken.
        guess_s: how long guesses are taken.
        is_rated: whether it counts for the server's table.
        phase: "asking" the model, "writing", "scoring" (for the house), "guessing", "stuck",
            "over".
        entries: all texts; from "scoring" on in the order of their letters.
        names: of writers and guessers, by user id.
        guesses: by user id, of each letter how sure they are that it is the machine's, 0 to 1.
        house: the house player's guesses, in the order of the entries; empty = it does not play.
        until_s: when the phase ends by itself (Unix time).
    """

    opening: str
    seed: int
    write_s: int
    guess_s: int
    is_rated: bool
    phase: str = "asking"
    entries: tuple[Entry, ...] = ()
    names: Mapping[str, str] = field(default_factory=dict[str, str])
    guesses: Mapping[str, Mapping[str, float]] = field(
        default_factory=dict[str, Mapping[str, float]]
    )
    house: tuple[float, ...] = ()
    until_s: float = 0.0

    def to_dict(self) -> dict[str, Any]:
        """JSON only."""
        return asdict(self)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> "State":
        """Reads that form."""
        known = {name: data[name] for name in cls.__dataclass_fields__ if name in data}
        known["entries"] = tuple(Entry(**one) for one in data["entries"])
        known["house"] = tuple(data["house"])
        return cls(**known)
