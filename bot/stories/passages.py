"""A passage: one piece of a story's text, and where it hangs in the tree.

A passage is never changed or removed; undo, retry and alter make siblings. Made by the rules
(`rules`), kept by the store of stories, read by everything that shows or exports a story.
"""

import json
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from bot.core.jobs import UnknownVersionError

PASSAGE_VERSION = 1
NO_PASSAGE = 0  # the parent of a first passage
THE_MODEL = 0  # as an author
MAX_PASSAGE_CHARACTERS = 2000  # that a player may write at once


class Kind(StrEnum):
    """Whose words a passage has, and how they are meant; each name is stored."""

    OPENING = "opening"  # where the story begins
    SAY = "say"  # a player's character speaks
    DO = "do"  # a player's character acts
    TELL = "tell"  # a player writes the story's own text
    MODEL = "model"  # the model went on
    OPTION = "option"  # the model offered this, and the players vote


@dataclass(frozen=True, slots=True, kw_only=True)
class Passage:
    """One piece of a story.

    Attributes:
        number: from 1, in the order of their making; what `/story rewind 14` means.
        parent: the number of the passage that it follows, or `NO_PASSAGE`.
        kind: whose words, and how they are meant.
        author_id: who wrote it, or `THE_MODEL`.
        author: their name in this story; "" for the model.
        text: verbatim, as it was typed or written.
        at_s: when it was made (Unix time).
        offset: characters of the story before it on its path, as the model reads them
            (`frame.framed`).
        source: the interaction or job that made it.
        receipt: code of the output that it is, or "".
        label: the small line under it, line break included: model, seed, receipt; or "".
        voters: who voted for it, of an OPTION.
        settings: how it was drawn, `SamplingParams.to_dict`; empty for players' words.
    """

    number: int
    parent: int
    kind: Kind
    author_id: int
    author: str
    text: str
    at_s: float
    offset: int
    source: str
    receipt: str = ""
    label: str = ""
    voters: tuple[int, ...] = ()
    settings: tuple[tuple[str, Any], ...] = ()

    @property
    def is_the_models(self) -> bool:
        """Whether the model wrote it."""
        return self.author_id == THE_MODEL and self.kind in {Kind.MODEL, Kind.OPTION}

    def to_json(self) -> str:
        """The stored form: JSON with a version, never pickle."""
        data = {"v": PASSAGE_VERSION, **asdict(self), "settings": dict(self.settings)}
        return json.dumps(data, separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str | bytes) -> "Passage":
        """Reads the stored form; fields it does not know are ignored.

        Raises:
            UnknownVersionError: the record is of a version this program does not know.
            ValueError: it is damaged.
        """
        try:
            data: dict[str, Any] = json.loads(text)
            if data["v"] != PASSAGE_VERSION:
                raise UnknownVersionError(
                    f"passage of version {data['v']}, this program knows {PASSAGE_VERSION}"
                )
            known = {name: data[name] for name in cls.__dataclass_fields__ if name in data}
            known["kind"] = Kind(data["kind"])
            known["voters"] = tuple(data.get("voters", ()))
            known["settings"] = tuple(data.get("settings", {}).items())
            return cls(**known)
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"damaged passage: {error!r}") from error
