"""What a job of kind GAME carries beside its prompt. Made by services, read by the worker."""

import json
from dataclasses import asdict, dataclass
from typing import Any

from bot.play.api import Ask, Scores, Texts


@dataclass(frozen=True, slots=True, kw_only=True)
class GameTask:
    """What a game asks the model for.

    The job's prompt is what is gone on from; its candidates are the texts that are written.

    Attributes:
        session_id: of which game.
        continuations: to be scored; None where texts are to be written.
    """

    session_id: str
    continuations: tuple[str, ...] | None = None

    @classmethod
    def of(cls, session_id: str, ask: Ask) -> "GameTask":
        """The task of what a game asks."""
        continuations = ask.continuations if isinstance(ask, Scores) else None
        return cls(session_id=session_id, continuations=continuations)

    def to_json(self) -> str:
        """The form that a job carries."""
        return json.dumps(asdict(self), separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str) -> "GameTask":
        """Reads that form; fields it does not know are ignored.

        Raises:
            ValueError: it is damaged.
        """
        try:
            data: dict[str, Any] = json.loads(text)
            asked = data["continuations"]
            return cls(
                session_id=data["session_id"],
                continuations=None if asked is None else tuple(asked),
            )
        except (KeyError, TypeError) as error:
            raise ValueError(f"damaged game task: {error!r}") from error


def prompt_of(ask: Ask) -> str:
    """What the model goes on from."""
    return ask.prompt if isinstance(ask, Texts) else ask.context
