"""Makes sure that a task that was cancelled while it talked to Redis stays cancelled.

Used by `scripts` and by the rooms that hold a client, around every await of the client.
"""

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

T = TypeVar("T")


async def heed_cancel(call: Awaitable[T]) -> T:
    """Awaits the call; raises CancelledError if the task was cancelled in the meantime.

    redis-py sends through `asyncio.wait_for`. Until Python 3.12 that returns normally where a
    cancel arrives in the moment in which its call ends: the cancel is lost, and a loop that was
    to end with it goes on for ever.
    """
    task = asyncio.current_task()
    assert task is not None  # an await always runs in a task
    before = task.cancelling()
    try:
        return await call
    finally:
        if task.cancelling() > before:
            raise asyncio.CancelledError
