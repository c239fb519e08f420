"""How late the event loop is, measured from within."""

import asyncio
import time

import pytest

from bot.worker.loop_lag import LoopLag


def test_quantiles_of_what_was_noted():
    """To half a millisecond, from above."""
    lag = LoopLag()
    for n in range(1, 101):
        lag.note(n / 10_000)
    found = lag.figures()
    assert 100 == found.n_samples
    assert found.p50_s == pytest.approx(0.005, abs=0.0006)
    assert found.p99_s == pytest.approx(0.010, abs=0.0006)
    assert found.longest_s == pytest.approx(0.010)


def test_a_standstill_counts_for_all_looks_it_hid():
    """A second without a look is not one slow look among many quick ones."""
    lag = LoopLag()
    lag.note(1.0)
    assert 20 == lag.figures().n_samples
    assert lag.figures().p50_s == pytest.approx(0.5, abs=0.06)


def test_nothing_measured_is_nothing_late():
    """Nor is a call that came early, as clocks go."""
    lag = LoopLag()
    assert 0.0 == lag.figures().p99_s
    lag.note(-0.001)
    assert 0.0 == lag.figures().longest_s
    lag.note(1e9 / 1e6)
    assert lag.figures().n_samples > 1


async def test_a_blocked_loop_is_noticed():
    """Somebody computes for 0.2 s."""
    lag = LoopLag()
    task = asyncio.create_task(lag.run())
    await asyncio.sleep(0.06)
    time.sleep(0.2)  # noqa: ASYNC251  # that is the point
    await asyncio.sleep(0.06)
    task.cancel()
    assert lag.figures().longest_s > 0.1
