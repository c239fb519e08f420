"""What a job of kind STORY carries beside its prompt. Made by services, read by the worker.

A snapshot: each attempt of a job reads the same, whatever happens to the story meanwhile.
"""

import json
from dataclasses import asdict, dataclass
from typing import Any

from bot.stories.story import Mode


@dataclass(frozen=True, slots=True, kw_only=True)
class StoryTask:
    """Which story a text is for, and what the prompt is made of.

    The job's `pinned` is memory and lore; its `prompt` is the story's newest text with the author's
    note in it; its `candidates` are the options that are voted on.

    Attributes:
        story_id: which one.
        mode: which game.
        names: of the players; the model does not speak for them.
        lead: what the player wrote, as it is shown above the model's words.
        offset: characters of the story before the prompt's first one, on its path.
        memory: characters of `pinned` that are memory.
        lore: characters of `pinned` that are lore.
        note: the author's note as it stands in the prompt, or "".
        lore_keys: the first word of each entry that was pulled in.
    """

    story_id: str
    mode: Mode
    names: tuple[str, ...] = ()
    lead: str = ""
    offset: int = 0
    memory: int = 0
    lore: int = 0
    note: str = ""
    lore_keys: tuple[str, ...] = ()

    def to_json(self) -> str:
        """The form that a job carries."""
        return json.dumps(asdict(self), separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str) -> "StoryTask":
        """Reads that form; fields it does not know are ignored.

        Raises:
            ValueError: it is damaged.
        """
        try:
            data: dict[str, Any] = json.loads(text)
            known = {name: data[name] for name in cls.__dataclass_fields__ if name in data}
            known["mode"] = Mode(data["mode"])
            for name in ("names", "lore_keys"):
                known[name] = tuple(data.get(name, ()))
            return cls(**known)
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"damaged story task: {error!r}") from error
