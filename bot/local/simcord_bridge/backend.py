"""SimCord's backend in real time, with files that can be fetched and every message change told.

Made by `World`. Adds no rule of Discord.
"""

import mimetypes
import re
import struct
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from simcord._clock import Clock
from simcord.backend import Backend
from simcord.backend.cdn import CdnStore
from simcord.backend.models import Message

from bot.local.states import JsonObject

_NOT_IN_FILE_NAMES = re.compile(r"[^A-Za-z0-9_.-]")
_PNG = b"\x89PNG\r\n\x1a\n"


class RealClock(Clock):
    """Discord's clock runs in real time; `advance` still moves it, for tests of deadlines."""

    def __init__(self) -> None:
        super().__init__()
        self._start = datetime.now(UTC)
        self._start_s = time.monotonic()

    def now(self) -> datetime:
        running_s = time.monotonic() - self._start_s
        return self._start + timedelta(seconds=running_s + self.elapsed)


class Files(CdnStore):
    """Attachments get addresses that the local server really serves."""

    base_url = ""

    def __init__(self) -> None:
        super().__init__()
        self._types: dict[str, str] = {}

    def store_attachment(
        self,
        attachment_id: int,
        channel_id: int,
        filename: str,
        data: bytes,
        description: str | None,
    ) -> JsonObject:
        shown = file_name(filename)
        stored = super().store_attachment(attachment_id, channel_id, shown, data, description)
        url = f"{self.base_url}/attachments/{channel_id}/{attachment_id}/{shown}"
        self._blobs[url] = self._blobs.pop(stored["url"])
        self._types[url] = _content_type(shown, data)
        stored |= {"url": url, "proxy_url": url, "content_type": self._types[url]}
        if shown != filename:
            stored["title"] = filename.rpartition(".")[0] or filename
        return stored | _size_of(data)

    def typed(self, url: str) -> tuple[bytes, str] | None:
        """The bytes and the content type of a stored file."""
        data = self.get(url)
        return None if data is None else (data, self._types[url])


def file_name(name: str) -> str:
    """A file's name as Discord keeps it: plain letters, digits and few marks."""
    kept = _NOT_IN_FILE_NAMES.sub("", name.replace(" ", "_"))
    stem, dot, ending = kept.rpartition(".")
    return kept if stem.strip(".") or not dot else f"unknown.{ending}"


def _content_type(filename: str, data: bytes) -> str:
    guessed = mimetypes.guess_type(filename)[0] or "application/octet-stream"
    if not guessed.startswith("text/"):
        return guessed
    try:
        data.decode()
    except UnicodeDecodeError:
        return guessed
    return f"{guessed}; charset=utf-8"


def _size_of(data: bytes) -> JsonObject:
    """Width and height of a PNG, as Discord tells them of pictures; nothing for other files."""
    if not data.startswith(_PNG) or len(data) < 24:
        return {}
    width, height = struct.unpack(">II", data[16:24])
    return {"width": width, "height": height}


class ObservedBackend(Backend):
    """Tells every change of a message; SimCord's own events leave out the ephemeral ones.

    Attributes:
        owners: `authorizing_integration_owners` by interaction, which SimCord leaves empty.
    """

    def __init__(self, changed: Callable[[Message, bool], None]) -> None:
        super().__init__(clock=RealClock())
        self._changed = changed
        self.owners: dict[int, dict[str, str]] = {}

    def commit_message(self, message: Message, *, broadcast: bool = True) -> Message:
        if message.interaction_metadata is not None:
            owners = self.owners.get(int(message.interaction_metadata["id"]), {})
            message.interaction_metadata["authorizing_integration_owners"] = owners
        stored = super().commit_message(message, broadcast=broadcast)
        self._changed(stored, False)
        return stored

    def edit_message(self, channel_id: int, message_id: int, fields: JsonObject) -> Message:
        message = super().edit_message(channel_id, message_id, fields)
        self._changed(message, False)
        return message

    def delete_message(self, channel_id: int, message_id: int) -> None:
        message = self.get_message(channel_id, message_id)
        super().delete_message(channel_id, message_id)
        self._changed(message, True)
