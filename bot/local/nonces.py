"""Discord's `enforce_nonce`: the same message of the same author is posted once in a while.

Kept by the REST front, since SimCord reads over it.
https://discord.com/developers/docs/resources/message#create-message
"""

from typing import Any, cast

from bot.local.states import Answer

_KEPT_S = 180.0  # "the past few minutes"


class Nonces:
    """The answers to messages with a nonce, for some minutes."""

    def __init__(self) -> None:
        self._answers: dict[tuple[str, str], tuple[float, Answer]] = {}

    def answer(self, method: str, path: str, body: object, now_s: float) -> Answer | None:
        """What the same message was answered with, if it was posted; `now_s` only goes forward."""
        key = _key(method, path, body)
        found = self._answers.get(key) if key else None
        return found[1] if found and now_s - found[0] < _KEPT_S else None

    def note(self, method: str, path: str, body: object, now_s: float, answer: Answer) -> None:
        """Keeps what a message was answered with."""
        key = _key(method, path, body)
        if key and answer.status == 200:
            kept = {k: v for k, v in self._answers.items() if now_s - v[0] < _KEPT_S}
            self._answers = kept | {key: (now_s, answer)}


def _key(method: str, path: str, body: object) -> tuple[str, str] | None:
    """Channel and nonce of a message that asks for this; None for anything else."""
    if method != "POST" or not path.startswith("/channels/") or not isinstance(body, dict):
        return None
    fields = cast("dict[str, Any]", body)
    nonce = fields.get("nonce")
    return (path, str(nonce)) if nonce and fields.get("enforce_nonce") else None
