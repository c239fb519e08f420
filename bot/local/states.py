"""What the parts of the local Discord tell each other: requests, interactions, states of messages.

Plain data; knows nothing of SimCord, sockets or the page.
"""

from dataclasses import dataclass
from typing import Any

from bot.errors import BardlingError

JsonObject = dict[str, Any]  # one object of Discord's API


class ActionRefusedError(BardlingError):
    """A member tried what nobody could do in Discord's client either."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """One `files[n]` part of a multipart request."""

    filename: str
    data: bytes
    description: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What Discord answers to a REST request; no body means 204."""

    status: int
    body: object | None


@dataclass(frozen=True, slots=True, kw_only=True)
class InteractionState:
    """A snapshot of one interaction.

    Attributes:
        kind: how it was answered: message, deferred, deferred_update, update, modal,
            autocomplete; None while it was not.
        message_id: the message that `@original` means, if any.
        modal: the form the bot showed, if it did.
    """

    id: int
    token: str
    type: int
    channel_id: int
    user_id: int
    kind: str | None
    message_id: int | None
    followup_ids: tuple[int, ...]
    modal: JsonObject | None
    choices: tuple[JsonObject, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageState:
    """One state of a message.

    Attributes:
        at_s: when it became so (monotonic clock).
        payload: the message as Discord's API shows it, or None once it is deleted.
        only_for: the one user who sees it, when it is ephemeral.
    """

    at_s: float
    id: int
    channel_id: int
    payload: JsonObject | None
    only_for: int | None

    @property
    def content(self) -> str:
        """Its text; empty once it is deleted."""
        return "" if self.payload is None else self.payload["content"]
