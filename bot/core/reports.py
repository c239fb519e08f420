"""What is kept of a report: a member says that a text should not be there.

Made by services when somebody reports, kept by the stores of `state` for the host, who reads it.
Knows nothing of Redis or of Discord's client.
"""

import json
from dataclasses import asdict, dataclass
from typing import Any

from bot.core.jobs import UnknownVersionError

REPORT_VERSION = 1
REPORT_DAYS = 30
HIDDEN_DAYS = 365  # a hidden text stays hidden longer than any text should be kept
REPORTS_PER_HOUR = 5  # of one member
MAX_REPORTS = 200  # of one server; the oldest go
MAX_REASON = 500  # characters
_MAX_PROMPT = 1000  # characters of its end
_MAX_TEXT = 4000


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """One report.

    Attributes:
        id: of the interaction that made it, digits.
        code: of the text.
        guild_id: the server whose moderators are told, or None.
        place_id: the server that a link to the message names, or None in direct messages.
        channel_id: where the message is.
        message_id: which one it is.
        reporter_id: who says so.
        user_id: who had asked for the text.
        reason: why; "" where nothing was said.
        prompt: its end.
        text: its beginning, unmasked.
        at_s: when (Unix time).
    """

    id: str
    code: str
    guild_id: int | None
    place_id: int | None
    channel_id: int
    message_id: int
    reporter_id: int
    user_id: int
    reason: str
    prompt: str
    text: str
    at_s: float

    @property
    def link(self) -> str:
        """To the message."""
        place = "@me" if self.place_id is None else self.place_id
        return f"https://discord.com/channels/{place}/{self.channel_id}/{self.message_id}"

    def to_json(self) -> str:
        """The stored form: JSON with a version, never pickle."""
        data: dict[str, Any] = {"v": REPORT_VERSION, **asdict(self)}
        return json.dumps(data, separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str | bytes) -> "Report":
        """Reads the stored form.

        Raises:
            UnknownVersionError: the record is of a version this program does not know.
            ValueError: it is damaged.
        """
        try:
            data: dict[str, Any] = json.loads(text)
            if data["v"] != REPORT_VERSION:
                raise UnknownVersionError(
                    f"report of version {data['v']}, this program knows {REPORT_VERSION}"
                )
            return cls(**{name: data[name] for name in cls.__dataclass_fields__})
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"damaged report: {error!r}") from error


def kept_prompt(prompt: str) -> str:
    """As much of a prompt as a report keeps."""
    return prompt[-_MAX_PROMPT:]


def kept_text(text: str) -> str:
    """As much of a text as a report keeps."""
    return text[:_MAX_TEXT]


def kept_reason(reason: str) -> str:
    """A reason in one line, as much as a report keeps."""
    return " ".join(reason.split())[:MAX_REASON]
