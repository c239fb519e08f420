"""Turns that pass and votes that close by themselves, in all stories of all bot processes.

Owned by the bot process: `app` runs it. The store gives each story that is due to one process, and
the revision sees to it that of two only one makes the move. Writes to channels by the bot's token,
because no interaction is open then.
"""

import asyncio
import random
from collections.abc import Sequence
from typing import Protocol

import structlog

from bot.core.replies import ReplyMessage
from bot.errors import RequestError
from bot.services.stories import StoriesService
from bot.services.story_hands import Played

_EVERY_S = 2.0
_AT_ONCE = 20  # stories of one look
_APART_S = 0.1  # between two edits of this process: at most 10 a second
_EDIT_TRIES = 2
_DOWN_S = 15.0  # after the store could not be reached

_log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)


class Channels(Protocol):
    """What this needs of `discord_io.channel_rest.ChannelClient`."""

    async def edit(
        self, channel_id: int, message_id: int, message: ReplyMessage, *, tries: int = 5
    ) -> object:
        """Makes a message of the bot look like this one."""
        ...


class StoryClock:
    """Looks after what is due.

    Args:
        stories: has the stories.
        channels: edits their living messages; None: they change with the next move.
        every_s: between two looks.
        apart_s: between two edits.
        rng: jitter, so that processes started together don't look together.
    """

    def __init__(
        self,
        stories: StoriesService,
        channels: Channels | None,
        *,
        every_s: float = _EVERY_S,
        apart_s: float = _APART_S,
        rng: random.Random | None = None,
    ) -> None:
        self._stories = stories
        self._channels = channels
        self._every_s = every_s
        self._apart_s = apart_s
        self._rng = rng or random.Random()

    async def run(self) -> None:
        """Until it is cancelled."""
        while True:
            wait_s = self._every_s
            try:
                if await self.look() >= _AT_ONCE:
                    wait_s = self._apart_s  # there are more
            except RequestError as error:
                _log.warning("stories not looked after", reason=type(error).__name__)
                wait_s = max(wait_s, _DOWN_S)
            except Exception:  # a fault of ours must not end the bot
                _log.exception("stories not looked after")
                wait_s = max(wait_s, _DOWN_S)
            await asyncio.sleep(wait_s * self._rng.uniform(0.8, 1.2))

    async def look(self) -> int:
        """Does what is due now, a bounded number of stories; how many there were.

        Raises:
            QueueDownError: the store can't be reached.
        """
        due: Sequence[str] = await self._stories.events.due(limit=_AT_ONCE)
        for story_id in due:
            try:
                played = await self._stories.events.tick(story_id)
            except RequestError as error:  # it is given to somebody again
                _log.warning("story not moved on", story_id=story_id, reason=type(error).__name__)
                continue
            except Exception:  # one story's fault is not the others'
                _log.exception("story not moved on", story_id=story_id)
                continue
            if played is not None:
                await self.show(played)
        return len(due)

    async def show(self, played: Played) -> None:
        """Edits the living message; where it can't be, the next move shows how things are."""
        story, message = played.story, played.message
        if self._channels is None or message is None or not story.message_id:
            return
        try:
            await self._channels.edit(
                story.channel_id, story.message_id, message, tries=_EDIT_TRIES
            )
        except Exception as error:  # whatever it is, the story is saved
            _log.info("living message not edited", story_id=story.id, reason=type(error).__name__)
        await asyncio.sleep(self._apart_s)
