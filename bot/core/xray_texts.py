"""What is kept of an X-ray: its picture as text, for whoever clicks "As text" under it.

Written by the worker before it posts the picture, read by the bot process. Pure.
"""

import json
from dataclasses import asdict, dataclass
from typing import Any

from bot.core.jobs import UnknownVersionError

XRAY_TEXT_VERSION = 1
_DISCORD_EPOCH_MS = 1_420_070_400_000  # the first second of 2015


@dataclass(frozen=True, slots=True, kw_only=True)
class XrayText:
    """A picture as text.

    Attributes:
        id: of the job that made it; digits.
        user_id: who asked.
        guild_id: the server whose rules apply, or None.
        parts: messages of at most 2,000 characters of Discord's markdown; at least one.
    """

    id: str
    user_id: int
    guild_id: int | None
    parts: tuple[str, ...]

    @property
    def asked_at_s(self) -> float:
        """When it was asked for (Unix time): a job's id is a snowflake, which has the time in it.

        https://discord.com/developers/docs/reference#snowflakes
        """
        return ((int(self.id) >> 22) + _DISCORD_EPOCH_MS) / 1000

    def to_json(self) -> str:
        """The stored form: JSON with a version, never pickle."""
        return json.dumps({"v": XRAY_TEXT_VERSION, **asdict(self)}, separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str | bytes) -> "XrayText":
        """Reads the stored form.

        Raises:
            UnknownVersionError: the record is of a version this program does not know.
            ValueError: it is damaged.
        """
        try:
            data: dict[str, Any] = json.loads(text)
            if data["v"] != XRAY_TEXT_VERSION:
                raise UnknownVersionError(
                    f"X-ray of version {data['v']}, this program knows {XRAY_TEXT_VERSION}"
                )
            return cls(
                id=data["id"],
                user_id=data["user_id"],
                guild_id=data["guild_id"],
                parts=tuple(data["parts"]),
            )
        except (KeyError, TypeError) as error:
            raise ValueError(f"damaged X-ray: {error!r}") from error
