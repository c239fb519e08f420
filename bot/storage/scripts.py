"""Lua scripts as one object: loads them, runs them, and turns Redis's errors into ours.

Used by `jobqueue` and `state`. Knows how to retry, but not what a script means.
"""

import asyncio
import hashlib
import random
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, cast

from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import NoScriptError, OutOfMemoryError, RedisError
from redis.exceptions import TimeoutError as RedisTimeoutError

from bot.errors import QueueDownError
from bot.language import tr
from bot.storage.cancellation import heed_cancel
from bot.storage.clients import RedisClient

_RETRY_FOR_S = 1.5


@cache
def script_text(package: str, name: str, shared: tuple[str, ...] = ("common",)) -> str:
    """The text of one script, with what all scripts of its folder share before it, in order."""
    folder = files(package) / "scripts"
    parts = (folder / f"{part}.lua" for part in (*shared, name))
    return "\n".join(part.read_text(encoding="utf-8") for part in parts)


def down_error(error: RedisError | OSError) -> QueueDownError:
    """The sentence for a person; the cause stays in `__cause__` where it is raised from it."""
    if isinstance(error, OutOfMemoryError) or "-OOM" in str(
        error
    ):  # Redis 6.2 says it in Lua's words
        return QueueDownError(tr("The queue has no memory left; please try again later."))
    if isinstance(error, RedisConnectionError | RedisTimeoutError | OSError):
        return QueueDownError(
            tr("The queue can't be reached right now; please try again in a minute.")
        )
    return QueueDownError(tr("The queue refused the request; please try again later."))


@dataclass(frozen=True, slots=True)
class _Script:
    """A script and the digest by which Redis knows it."""

    text: str
    sha: str


class Scripts:
    """Runs the scripts of one package on one set of keys.

    Args:
        client: has no retries of its own: an EVALSHA that is sent twice by the client library
            could not be told from two calls.
        package: has a folder `scripts` with the named ones and the shared ones.
        names: of the scripts.
        keys: KEYS of every script; all in one slot of a Redis Cluster.
        shared: what is put before every script, in this order.
        clock: measures how long retries may go on; monotonic seconds.
    """

    def __init__(
        self,
        client: RedisClient,
        *,
        package: str,
        names: Iterable[str],
        keys: Sequence[str],
        shared: tuple[str, ...] = ("common",),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._client = client
        self._keys = tuple(keys)
        self._clock = clock
        self._scripts = {name: _script(script_text(package, name, shared)) for name in names}

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
        script = self._scripts[name]
        given = (len(self._keys), *self._keys, *arguments)
        try:
            reply = await self._send(self._client.evalsha(script.sha, *given))
        except NoScriptError:
            # It did not run. The text goes where the keys are: a cluster's other nodes, of which
            # one may be away, need not know it.
            reply = await self._send(self._client.eval(script.text, *given))
        return [str(value) for value in reply]

    async def _send(self, call: Awaitable[object] | object) -> list[Any]:
        return cast("list[Any]", await heed_cancel(cast("Awaitable[object]", call)))


def _script(text: str) -> _Script:
    sha = hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()
    return _Script(text=text, sha=sha)
