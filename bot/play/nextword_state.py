"""Where a game of **nextword** stands. Read by its rules and by its view."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from bot.play.passages import passages

GAME = "nextword"
LETTERS = "ABCD"
N_OPTIONS = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """Where the game stands.

    Attributes:
        title: of the hidden text.
        places: of the words that are guessed, a round each.
        options: the words of each round, in the order they are shown.
        seconds: that a round takes bets.
        is_rated: whether it counts for the server's table.
        phase: "asking" the model, "betting", "told" how it was, "stuck", "over".
        round: from 0.
        names: by user id.
        bets: of this round: points on each option, by user id.
        points: of all rounds, by user id.
        surprises: bits of each round that somebody bet in, by user id.
        model: the model's probabilities of this round's options, once they are known.
        model_points: of all rounds.
        model_surprises: its bits of each round.
        until_s: when bets close (Unix time).
    """

    title: str
    places: tuple[int, ...]
    options: tuple[tuple[str, ...], ...]
    seconds: int
    is_rated: bool
    phase: str = "asking"
    round: int = 0
    names: Mapping[str, str]
    bets: Mapping[str, tuple[float, ...]]
    points: Mapping[str, int]
    surprises: Mapping[str, tuple[float, ...]]
    model: tuple[float, ...] = ()
    model_points: int = 0
    model_surprises: tuple[float, ...] = ()
    until_s: float = 0.0

    @property
    def truth(self) -> int:
        """The index of the true word among this round's options."""
        return self.options[self.round].index(self.word)

    @property
    def word(self) -> str:
        """The true word of this round."""
        return bare(passages(GAME)[self.title].words[self.places[self.round]])

    @property
    def before(self) -> str:
        """The text before this round's word."""
        return " ".join(passages(GAME)[self.title].words[: self.places[self.round]])

    def to_dict(self) -> dict[str, Any]:
        """JSON only."""
        return asdict(self)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> "State":
        """Reads that form."""
        known = {name: data[name] for name in cls.__dataclass_fields__ if name in data}
        for name in ("places", "model", "model_surprises"):
            known[name] = tuple(data[name])
        known["options"] = tuple(tuple(one) for one in data["options"])
        for name in ("bets", "surprises"):
            known[name] = {user: tuple(one) for user, one in data[name].items()}
        return cls(**known)


def bare(word: str) -> str:
    """A word without the marks around it."""
    return word.strip(".,;:!?\"'“”()—-")
