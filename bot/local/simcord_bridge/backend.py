"""SimCord's backend in real time, with files that can be fetched and every message change told.

Made by `World`. Adds no rule of Discord.
"""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from simcord._clock import Clock
from simcord.backend import Backend
from simcord.backend.cdn import CdnStore
from simcord.backend.models import Message

from bot.local.states import JsonObject


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

    def store_attachment(
        self,
        attachment_id: int,
        channel_id: int,
        filename: str,
        data: bytes,
        description: str | None,
    ) -> JsonObject:
        stored = super().store_attachment(attachment_id, channel_id, filename, data, description)
        url = f"{self.base_url}/attachments/{channel_id}/{attachment_id}/{filename}"
        self._blobs[url] = self._blobs.pop(stored["url"])
        return stored | {"url": url, "proxy_url": url}


class ObservedBackend(Backend):
    """Tells every change of a message; SimCord's own events leave out the ephemeral ones."""

    def __init__(self, changed: Callable[[Message, bool], None]) -> None:
        super().__init__(clock=RealClock())
        self._changed = changed

    def commit_message(self, message: Message, *, broadcast: bool = True) -> Message:
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
