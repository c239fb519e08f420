"""Rounds that close by themselves, in the scored games of all bot processes.

Owned by the bot process: `app` runs it. The store gives each game that is due to one process.
Writes to channels by the bot's token, because no interaction is open then.
"""

import asyncio
import random
from typing import Protocol

import structlog

from bot.core.jobs import ReplyTarget
from bot.core.replies import ReplyMessage
from bot.errors import RequestError
from bot.services.play import PlayedGame, PlayService, asker_of_session

_EVERY_S = 1.0
_AT_ONCE = 20  # games of one look
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


class PlayClock:
    """Looks after what is due.

    Args:
        play: has the games.
        channels: edits their messages; None: they change with the next click.
        every_s: between two looks.
        rng: jitter, so that processes started together don't look together.
    """

    def __init__(
        self,
        play: PlayService,
        channels: Channels | None,
        *,
        every_s: float = _EVERY_S,
        rng: random.Random | None = None,
    ) -> None:
        self._play = play
        self._channels = channels
        self._every_s = every_s
        self._rng = rng or random.Random()

    async def run(self) -> None:
        """Until it is cancelled."""
        while True:
            wait_s = self._every_s
            try:
                await self.look()
            except RequestError as error:
                _log.warning("games not looked after", reason=type(error).__name__)
                wait_s = max(wait_s, _DOWN_S)
            except Exception:  # a fault of ours must not end the bot
                _log.exception("games not looked after")
                wait_s = max(wait_s, _DOWN_S)
            await asyncio.sleep(wait_s * self._rng.uniform(0.8, 1.2))

    async def look(self) -> int:
        """Does what is due now, a bounded number of games; how many there were.

        Raises:
            QueueDownError: the store can't be reached.
        """
        due = await self._play.due(limit=_AT_ONCE)
        for session_id in due:
            try:
                await self._move_on(session_id)
            except RequestError as error:  # it is given to somebody again
                _log.warning("game not moved on", session_id=session_id, reason=str(error))
            except Exception:  # one game's fault is not the others'
                _log.exception("game not moved on", session_id=session_id)
        return len(due)

    async def _move_on(self, session_id: str) -> None:
        played = await self._play.tick(session_id)
        await self._show(played)
        if played.ask is None:
            return
        asker = asker_of_session(played.session)
        reply = ReplyTarget(
            application_id=0,
            interaction_token="",  # nobody has clicked: the worker edits by the bot's own token
            channel_id=played.session.channel_id,
            guild_id=played.session.guild_id,
        )
        try:
            await self._play.put(played, asker, reply)
        except RequestError as error:
            _log.info("game not asked on", session_id=session_id, reason=str(error))
            await self._show(await self._play.look(session_id))

    async def _show(self, played: PlayedGame) -> None:
        """Edits the game's message; where it can't be, the next click shows how things are."""
        session = played.session
        if self._channels is None or not session.message_id:
            return
        try:
            await self._channels.edit(
                session.channel_id, session.message_id, played.message, tries=_EDIT_TRIES
            )
        except Exception as error:  # whatever it is, the game is saved
            _log.info("game not shown", session_id=session.id, reason=type(error).__name__)
