"""Cancelled tasks end, also where the library they wait in forgets the cancel."""

import asyncio

import pytest

from bot.storage.cancellation import heed_cancel


async def forgetful(started: asyncio.Event) -> str:
    """What asyncio.wait_for does before Python 3.12 when its call ends at the same time."""
    try:
        started.set()
        await asyncio.sleep(60)
    except asyncio.CancelledError:
        pass
    return "done"


async def test_forgotten_cancel_is_raised_all_the_same():
    """The result is dropped: nobody waits for it any more."""
    started = asyncio.Event()
    task = asyncio.create_task(heed_cancel(forgetful(started)))
    await started.wait()

    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await task


async def test_without_a_cancel_it_is_out_of_the_way():
    """Results and errors pass."""

    async def fail() -> None:
        raise KeyError("x")

    assert 3 == await heed_cancel(asyncio.sleep(0, 3))
    with pytest.raises(KeyError):
        await heed_cancel(fail())


async def test_time_out_around_a_forgotten_cancel_still_is_a_time_out():
    """asyncio.timeout works by cancelling."""
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await heed_cancel(forgetful(asyncio.Event()))
