"""The Lua scripts as one object: loads them, runs them, and turns Redis's errors into ours.

Used by `redis_queue` alone. Knows the keys and how to retry, but not what a script means.
"""

import asyncio
import random
import time
from collections.abc import Callable
from functools import cache
from importlib.resources import files
from typing import Any, cast

from redis.asyncio import Redis
from redis.commands.core import AsyncScript
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import OutOfMemoryError, RedisError
from redis.exceptions import TimeoutError as RedisTimeoutError

from bot.errors import QueueDownError
from bot.jobqueue.cancellation import heed_cancel
from bot.jobqueue.keys import Keys

_RETRY_FOR_S = 1.5
_NAMES = (
    "enqueue",
    "load",
    "claim",
    "renew",
    "mark_part",
    "finish",
    "release",
    "retry",
    "leave",
    "cancel",
    "place",
    "reap",
)


@cache
def script_text(name: str) -> str:
    """The text of one script, with what all scripts share before it."""
    folder = files("bot.jobqueue") / "scripts"
    parts = (folder / f"{part}.lua" for part in ("common", name))
    return "\n".join(part.read_text(encoding="utf-8") for part in parts)


def down_error(error: RedisError | OSError) -> QueueDownError:
    """The sentence for a person; the cause stays in `__cause__` where it is raised from it."""
    if isinstance(error, OutOfMemoryError) or "-OOM" in str(
        error
    ):  # Redis 6.2 says it in Lua's words
        return QueueDownError("The queue has no memory left; please try again later.")
    if isinstance(error, RedisConnectionError | RedisTimeoutError | OSError):
        return QueueDownError("The queue can't be reached right now; please try again in a minute.")
    return QueueDownError("The queue refused the request; please try again later.")


class RedisScripts:
    """Runs scripts on the keys of one pool.

    Args:
        client: has no retries of its own: an EVALSHA that is sent twice by the client library
            could not be told from two calls.
        keys: the pool's keys.
        clock: measures how long retries may go on; monotonic seconds.
    """

    def __init__(
        self, client: Redis, keys: Keys, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._keys = keys.for_scripts()
        self._clock = clock
        self._scripts: dict[str, AsyncScript] = {
            name: client.register_script(script_text(name)) for name in _NAMES
        }

    async def run(self, name: str, *arguments: str | int) -> list[str]:
        """Runs a script that may run twice, again and again for a moment while Redis is away.

        Raises:
            QueueDownError: Redis stayed away, has no memory left, or refused the script.
        """
        give_up_at = self._clock() + _RETRY_FOR_S
        pause_s = 0.05
        while True:
            try:
                return await self._call(name, arguments)
            except (RedisConnectionError, RedisTimeoutError) as error:
                if self._clock() + pause_s >= give_up_at:
                    raise down_error(error) from error
                await asyncio.sleep(random.uniform(pause_s / 2, pause_s))
                pause_s *= 2
            except (RedisError, OSError) as error:
                raise down_error(error) from error

    async def run_once(self, name: str, *arguments: str | int) -> list[str]:
        """Runs a script at most once.

        Raises:
            QueueDownError: as `run`; the script may have run all the same.
        """
        try:
            return await self._call(name, arguments)
        except (RedisError, OSError) as error:
            raise down_error(error) from error

    async def _call(self, name: str, arguments: tuple[str | int, ...]) -> list[str]:
        call = self._scripts[name](keys=self._keys, args=arguments)
        reply = cast("list[Any]", await heed_cancel(call))
        return [str(value) for value in reply]
