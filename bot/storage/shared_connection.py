"""One connection to Redis for the calls of many tasks: each is sent at once, answers come in order.

Made by `clients` for the scripts, which are nearly all that is asked of Redis. A pool lends a
connection for each call and guards sending and reading with timers and tasks of their own, which
costs several times what the call itself does; here calls on their way share all that.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, cast

import hiredis
from redis.asyncio import ConnectionPool
from redis.asyncio.connection import AbstractConnection
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError, ResponseError
from redis.exceptions import TimeoutError as RedisTimeoutError


class SharedConnection:
    """Calls that all answer at once, over one connection that is opened when it is needed.

    A call that was cancelled was sent all the same; its answer is dropped.

    Args:
        pool: lends the connection, and knows how to reach the server and to log in.
        answer_timeout_s: longest wait for an answer. A server that takes longer is taken for gone,
            and with it all calls on their way.
    """

    def __init__(self, pool: ConnectionPool, answer_timeout_s: float) -> None:
        self._pool = pool
        self._timeout_s = answer_timeout_s
        self._link: _Link | None = None
        self._opening: asyncio.Task[_Link] | None = None

    async def call(self, *words: str | int) -> object:
        """Sends a command once and returns its answer.

        Raises:
            RedisConnectionError: there is no connection, or it was lost on the way: then nobody
                knows whether the command ran.
            RedisTimeoutError: the same, of a server that does not answer.
            RedisError: as Redis answered, or refused the login.
        """
        link = self._link
        if link is None or not link.is_open:
            link = await self._open()
        return await link.send(_pack(words))

    async def close(self) -> None:
        """Ends the connection; a later call opens a new one."""
        if self._opening is not None:
            self._opening.cancel()
            await asyncio.wait([self._opening])
        if self._link is not None:
            await self._link.close()

    async def _open(self) -> "_Link":
        """Whoever comes while it is being opened waits for the same attempt."""
        if self._opening is None:
            self._opening = asyncio.create_task(self._connect(), name="connect to redis")
            self._opening.add_done_callback(self._opened)
        opening = self._opening
        await asyncio.wait([opening])  # which leaves it to the others where this task is cancelled
        if opening.cancelled():
            raise RedisConnectionError("the connection to Redis was closed")
        return opening.result()

    def _opened(self, opening: asyncio.Task["_Link"]) -> None:
        self._opening = None
        if not opening.cancelled() and opening.exception() is None:
            self._link = opening.result()

    async def _connect(self) -> "_Link":
        connection = await self._pool.get_connection()
        return _Link(connection, self._pool, self._timeout_s)


@dataclass(eq=False)
class _Link:
    """A connection from its opening to its end.

    Attributes:
        connection: connected; ours until it is released.
        pool: where it came from.
        timeout_s: longest wait for an answer.
        is_open: whether calls can be sent.
    """

    connection: AbstractConnection
    pool: ConnectionPool
    timeout_s: float
    is_open: bool = True
    _waiting: deque[tuple[asyncio.Future[object], float]] = field(
        default_factory=deque[tuple[asyncio.Future[object], float]]
    )  # in the order of the calls, with the time by which each is to be answered
    _timer: asyncio.TimerHandle | None = None

    def __post_init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        # redis-py's own way to send waits for the kernel and, where a task is cancelled meanwhile,
        # ends the connection under all others. What lies here is bounded by the tasks that call.
        writer: Any = self.connection._writer  # pyright: ignore[reportPrivateUsage]
        self._transport: asyncio.Transport = writer.transport
        self._own_timeout_s = self.connection.socket_timeout
        self.connection.socket_timeout = None  # one timer watches all answers
        self._reading = self._loop.create_task(self._read(), name="answers of redis")

    async def send(self, command: bytes) -> object:
        """Sends a packed command and returns its answer."""
        if not self.is_open:
            raise RedisConnectionError("the connection to Redis was lost")
        answer: asyncio.Future[object] = self._loop.create_future()
        due_s = self._loop.time() + self.timeout_s
        self._waiting.append((answer, due_s))
        if self._timer is None:
            self._timer = self._loop.call_at(due_s, self._watch)
        self._transport.write(command)
        return await answer

    async def close(self) -> None:
        """Ends it; calls on their way fail."""
        self._reading.cancel()
        await asyncio.wait([self._reading])

    async def _read(self) -> None:
        lost = RedisConnectionError("the connection to Redis was lost")
        try:
            while True:
                await self._read_answer()
        except (RedisError, OSError) as error:
            lost.__cause__ = error
        finally:
            self._fail(lost)
            self.connection.socket_timeout = self._own_timeout_s
            await self.connection.disconnect(nowait=True)
            await self.pool.release(self.connection)

    async def _read_answer(self) -> None:
        try:
            answer = cast("object", await self.connection.read_response())  # pyright: ignore[reportUnknownMemberType]  # untyped
        except ResponseError as error:
            if not self.connection.is_connected:  # a primary that is one no more
                raise
            waiter, _ = self._waiting.popleft()
            if not waiter.done():
                waiter.set_exception(error)
            return
        waiter, _ = self._waiting.popleft()
        if not waiter.done():
            waiter.set_result(answer)

    def _watch(self) -> None:
        """Comes round when the oldest call may be late; there is no timer while none waits."""
        self._timer = None
        if not self._waiting:
            return
        due_s = self._waiting[0][1]
        if due_s > self._loop.time():
            self._timer = self._loop.call_at(due_s, self._watch)
            return
        self._fail(RedisTimeoutError("Redis does not answer"))
        self._transport.abort()
        self._reading.cancel()

    def _fail(self, error: RedisError) -> None:
        self.is_open = False
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        while self._waiting:
            waiter, _ = self._waiting.popleft()
            if not waiter.done():
                waiter.set_exception(type(error)(*error.args))
                waiter.exception()  # where its task is gone, nobody else asks


def _pack(words: tuple[str | int, ...]) -> bytes:
    pack = cast("Callable[[tuple[str | int, ...]], bytes]", hiredis.pack_command)  # pyright: ignore[reportUnknownMemberType]  # typed for one word
    return pack(words)
