"""Texts for the scored games, written for this project; see `nextword.toml` and `lastword.toml`."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files


@dataclass(frozen=True, slots=True, kw_only=True)
class Passage:
    """A text to guess in.

    Attributes:
        title: names it in lists.
        text: of one or a few paragraphs.
    """

    title: str
    text: str

    @property
    def words(self) -> list[str]:
        """Its words, marks of punctuation included."""
        return self.text.split()


@cache
def passages(game: str) -> Mapping[str, Passage]:
    """The texts of a game, by their titles."""
    data = tomllib.loads((files("bot.play.passages") / f"{game}.toml").read_text(encoding="utf-8"))
    found = [
        Passage(title=one["title"], text=" ".join(one["text"].split())) for one in data["passage"]
    ]
    return {one.title: one for one in found}
