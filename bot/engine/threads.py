"""How many threads to compute with: all cores while they are idle, fewer while others use them.

All threads of a step wait for each other at every matrix, so one thread that shares its core with
a neighbor holds up all of them: with two threads on two cores and one busy neighbor, a step takes
longer than with one thread alone. The engines ask before each step; `ThreadGovernor` decides from
samples and reads no clock. Opened by `select`.
"""

import math
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from bot.engine.machine import allowed_cores, core_quota

_SAMPLE_S = 0.25  # the kernel counts in hundredths of a second
_STALE_S = 2.0  # between texts nobody asks, and what was long ago says nothing of now
_CALM_S = 1.0
# What others may use of a core without a thread giving way. Logs, Redis and the bot itself use
# about a tenth; a program that computes, beside two of our threads on two cores, gets 0.5 to 0.7.
_TOLERATED_CORES = 0.25


@dataclass(frozen=True, slots=True, kw_only=True)
class CpuSample:
    """Processor time used since the machine started.

    Attributes:
        at_s: when it was taken, by a clock that only goes forward.
        busy_s: by everybody, on the cores this process may use.
        own_s: by this process.
    """

    at_s: float
    busy_s: float
    own_s: float


class ThreadGovernor:
    """Decides from what others use.

    It gives way at once and takes a core back only after it was left idle for a second, so that a
    neighbor that comes and goes doesn't make it flap.

    Args:
        n_cores: cores this process may use.
        limit: threads there may be at most: fewer where a container may use less of its cores.
    """

    def __init__(self, *, n_cores: int, limit: int) -> None:
        self._n_cores = n_cores
        self._limit = limit
        self._threads = max(1, min(limit, n_cores - 1))  # until it is known that nobody is there
        self._calm_since_s: float | None = None
        self._calm_threads = 0

    @property
    def threads(self) -> int:
        """As many as to use now."""
        return self._threads

    def observe(self, before: CpuSample, now: CpuSample) -> int:
        """Takes in what happened between two samples; as many threads as to use now."""
        fitting = self._fitting(before, now)
        if fitting <= self._threads:
            self._threads, self._calm_since_s = fitting, None
            return fitting
        if self._calm_since_s is None:
            self._calm_since_s, self._calm_threads = before.at_s, fitting
        self._calm_threads = min(self._calm_threads, fitting)
        if now.at_s - self._calm_since_s >= _CALM_S:
            self._threads, self._calm_since_s = self._calm_threads, None
        return self._threads

    def _fitting(self, before: CpuSample, now: CpuSample) -> int:
        """Threads that would each have had a core to itself."""
        everybody_s = now.busy_s - before.busy_s
        others_s = max(0.0, everybody_s - (now.own_s - before.own_s))
        others = others_s / (now.at_s - before.at_s)
        taken = max(0, math.ceil(others - _TOLERATED_CORES))
        return max(1, min(self._limit, self._n_cores - taken))


class Threads(Protocol):
    """What an engine asks before each step."""

    @property
    def most(self) -> int:
        """As many as there may ever be."""
        ...

    def now(self) -> int:
        """As many as to use for the next step."""
        ...


@dataclass(frozen=True, slots=True)
class FixedThreads:
    """Always the same number."""

    most: int

    def now(self) -> int:
        """As many as to use for the next step."""
        return self.most


class GovernedThreads:
    """Asks the kernel four times a second at most, and the governor what to make of it.

    Args:
        governor: decides.
        most: as many threads as there may ever be.
        sample: takes a sample, or returns None where there is none to have.
        clock: seconds that only go forward.
    """

    def __init__(
        self,
        governor: ThreadGovernor,
        *,
        most: int,
        sample: Callable[[], CpuSample | None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.most = most
        self._governor = governor
        self._sample = sample
        self._clock = clock
        self._before = sample()

    def now(self) -> int:
        """As many as to use for the next step."""
        before = self._before
        if before is None or self._clock() - before.at_s < _SAMPLE_S:
            return self._governor.threads
        self._before = sample = self._sample()
        if sample is not None and sample.at_s - before.at_s <= _STALE_S:
            return self._governor.observe(before, sample)
        return self._governor.threads


def open_threads(wanted: int | None) -> Threads:
    """The threads to compute with.

    Args:
        wanted: a fixed number, or None = all cores while others leave them idle. Where the kernel
            doesn't say what others use (no /proc/stat), one less than there are cores.
    """
    if wanted is not None:
        return FixedThreads(wanted)
    cores = allowed_cores()
    quota = core_quota()
    limit = len(cores) if quota is None else max(1, min(len(cores), math.floor(quota)))
    if limit == 1 or read_cpu_sample(cores) is None:
        return FixedThreads(max(1, min(limit, len(cores) - 1)))
    return GovernedThreads(
        ThreadGovernor(n_cores=len(cores), limit=limit),
        most=limit,
        sample=lambda: read_cpu_sample(cores),
    )


def read_cpu_sample(cores: frozenset[int], stat: Path = Path("/proc/stat")) -> CpuSample | None:
    """A sample of now, or None where the kernel gives none.

    Format: proc_stat(5). Time that a hypervisor gave to others counts as used.
    """
    try:
        lines = stat.read_text(encoding="ascii").splitlines()
    except (OSError, UnicodeDecodeError):
        return None
    names = {f"cpu{core}" for core in cores}
    rows = [row for line in lines if (row := line.split()) and row[0] in names]
    try:
        ticks = sum(_busy_ticks(row) for row in rows)
    except ValueError:
        return None
    if len(rows) != len(cores) or ticks == 0:
        return None
    return CpuSample(
        at_s=time.monotonic(), busy_s=ticks / os.sysconf("SC_CLK_TCK"), own_s=time.process_time()
    )


def _busy_ticks(row: list[str]) -> int:
    """user, nice, system, irq, softirq, steal; neither idle nor waiting for a disk."""
    numbers = [int(number) for number in row[1:9]]
    return sum(numbers[:3]) + sum(numbers[5:])
