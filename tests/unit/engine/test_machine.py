"""Cores and memory of a machine or a container, and how many places fit into it."""

from pathlib import Path

import pytest

from bot.engine.machine import available_bytes, choose_slots, core_quota
from bot.errors import EngineError

MB = 2**20


def write(root: Path, files: dict[str, str]) -> Path:
    """A root of a file system with these files."""
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


MEMINFO = {"proc/meminfo": "MemTotal:  9000 kB\nMemAvailable:    4096 kB\n"}
V2 = {"proc/self/cgroup": "0::/a/b\n"}
V1 = {"proc/self/cgroup": "5:cpu,cpuacct:/a\n4:memory:/a\n0::/\n"}


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        (MEMINFO, 4 * MB),
        ({}, None),
        (MEMINFO | V2 | {"sys/fs/cgroup/a/b/memory.max": "max\n"}, 4 * MB),
        (
            MEMINFO | V2
            | {
                "sys/fs/cgroup/a/memory.max": "3145728",
                "sys/fs/cgroup/a/memory.current": "1048576",
            },
            2 * MB,
        ),
        (
            MEMINFO
            | {"sys/fs/cgroup/memory.max": "1048576", "sys/fs/cgroup/memory.current": "2097152"},
            0,
        ),
        (
            MEMINFO | V1
            | {
                "sys/fs/cgroup/memory/a/memory.limit_in_bytes": "2097152",
                "sys/fs/cgroup/memory/a/memory.usage_in_bytes": "1048576",
                "sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712",
                "sys/fs/cgroup/memory/memory.usage_in_bytes": "1048576",
            },
            MB,
        ),
    ],
    ids=["machine", "unknown", "no limit", "group above", "used up", "version 1"],
)  # fmt: skip
def test_memory_is_what_machine_and_container_both_have(
    tmp_path: Path, files: dict[str, str], expected: int | None
):
    """The smallest of all limits counts, also one of a group above."""
    assert available_bytes(write(tmp_path, files)) == expected


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({}, None),
        (V2 | {"sys/fs/cgroup/a/b/cpu.max": "max 100000\n"}, None),
        (V2 | {"sys/fs/cgroup/a/cpu.max": "150000 100000\n"}, 1.5),
        (
            V1
            | {
                "sys/fs/cgroup/cpu/a/cpu.cfs_quota_us": "200000\n",
                "sys/fs/cgroup/cpu/a/cpu.cfs_period_us": "100000\n",
                "sys/fs/cgroup/cpu/cpu.cfs_quota_us": "-1\n",
                "sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000\n",
            },
            2.0,
        ),
    ],
    ids=["none", "no limit", "group above", "version 1"],
)
def test_quota_is_read_from_both_versions(
    tmp_path: Path, files: dict[str, str], expected: float | None
):
    """In cores."""
    assert core_quota(write(tmp_path, files)) == expected


@pytest.mark.parametrize(
    ("kv_mb", "available", "expected"),
    [
        (None, 4000 * MB, 27),  # a quarter is 1,000 MB
        (None, 400_000 * MB, 32),
        (None, 10 * MB, 1),
        (None, None, 32),
        (72, 4000 * MB, 2),
        (71, 4000 * MB, 1),
        (1, 4000 * MB, 1),
    ],
)
def test_places_are_what_the_budget_holds(kv_mb: int | None, available: int | None, expected: int):
    """At most 32 and at least one; the 124M has 36 MB each."""
    slots = choose_slots(None, place_bytes=36 * MB, kv_mb=kv_mb, available=available)
    assert slots == expected


def test_a_number_that_fits_is_kept():
    """Also above 32, and above a quarter."""
    assert choose_slots(40, place_bytes=36 * MB, kv_mb=None, available=2000 * MB) == 40


def test_a_number_that_does_not_fit_is_refused_with_the_numbers():
    """What is needed, and what there is."""
    with pytest.raises(EngineError, match=r"40 slots of 36\.0 MB .* 1440 MB, but 1000 MB are"):
        choose_slots(40, place_bytes=36 * MB, kv_mb=None, available=1000 * MB)
    with pytest.raises(EngineError, match=r"1440 MB, but the budget \(kv_mb\) is 100 MB"):
        choose_slots(40, place_bytes=36 * MB, kv_mb=100, available=None)
