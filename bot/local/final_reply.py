"""Reads a reply of `/complete` as a person would: is it finished, was it refused, what does it say.

Called by `try_out` for `--once`. Pure; looks at nothing but messages (`core.replies` makes them).
"""

import re
from collections.abc import Sequence
from typing import Protocol

from bot.core.buttons import has_stop
from bot.local.states import JsonObject

_SMALL_LINE = "-# "
_ERROR_LINE = "-# Error "
_EPHEMERAL = 1 << 6
_LOADING = 1 << 7
_BOLD_OR_ESCAPED = re.compile(r"\\([^0-9A-Za-z\s])|\*\*")


class Answered(Protocol):
    """What is read of an interaction."""

    @property
    def reply(self) -> JsonObject | None: ...

    @property
    def followups(self) -> Sequence[JsonObject]: ...


def messages_of(asked: Answered) -> list[JsonObject]:
    """The messages of an answer, in order."""
    return [message for message in (asked.reply, *asked.followups) if message is not None]


def is_final(asked: Answered) -> bool:
    """Whether nothing more will come: no Stop button any more, and the small line at the end."""
    messages = messages_of(asked)
    growing = any(
        message["flags"] & _LOADING or has_stop(message["components"]) for message in messages
    )
    return not growing and any(_small_lines(message) for message in messages)


def refusal(asked: Answered) -> str | None:
    """The sentence the asker was told instead of a text, if they were."""
    for message in messages_of(asked):
        failed = any(line.startswith(_ERROR_LINE) for line in _small_lines(message))
        if failed or (message["flags"] & _EPHEMERAL and message["content"]):
            return plain_text(message["content"])
    return None


def plain_text(content: str) -> str:
    """A message's content without its markdown: bold marks, escapes and small lines."""
    lines = [line for line in content.split("\n") if not line.startswith(_SMALL_LINE)]
    return _BOLD_OR_ESCAPED.sub(lambda found: found[1] or "", "\n".join(lines))


def _small_lines(message: JsonObject) -> list[str]:
    return [line for line in message["content"].split("\n") if line.startswith(_SMALL_LINE)]
