"""What this process may use of the machine: cores and memory, also inside a container.

Used by `select` and `threads`. Formats: proc_meminfo(5); cgroup v2,
https://docs.kernel.org/admin-guide/cgroup-v2.html; v1, kernel.org's cgroup-v1/memory.rst and
scheduler/sched-bwc.rst.
"""

import os
from collections.abc import Sequence
from pathlib import Path

from bot.errors import EngineError

MAX_SLOTS = 32
_SHARE_FOR_KV = 4  # a quarter of what is available; the rest is for the model and others
_UNLIMITED_BYTES = 2**60  # cgroup v1 has a number near 2^63 for "no limit"


def allowed_cores() -> frozenset[int]:
    """The cores this process may run on, by the kernel's numbers."""
    if hasattr(os, "sched_getaffinity"):  # macOS has none
        return frozenset(os.sched_getaffinity(0))
    return frozenset(range(os.cpu_count() or 1))


def core_quota(files: Path = Path("/")) -> float | None:
    """How many cores' time a container may use (such as 1.5), or None where it has no quota."""
    quotas = [
        *(_quota(_read(group / "cpu.max").split()) for group in _groups(files, "")),
        *(
            _quota([_read(group / f"cpu.cfs_{one}_us") for one in ("quota", "period")])
            for group in _groups(files, "cpu")
        ),
    ]
    known = [quota for quota in quotas if quota is not None]
    return min(known) if known else None


def available_bytes(files: Path = Path("/")) -> int | None:
    """Memory that can be had without pushing anybody out, or None where nobody says."""
    found = [
        _meminfo_available(files / "proc/meminfo"),
        *(_left(group / "memory.max", group / "memory.current") for group in _groups(files, "")),
        *(
            _left(group / "memory.limit_in_bytes", group / "memory.usage_in_bytes")
            for group in _groups(files, "memory")
        ),
    ]
    known = [one for one in found if one is not None]
    return min(known) if known else None


def choose_slots(
    wanted: int | None, *, place_bytes: int, kv_mb: int | None, available: int | None
) -> int:
    """How many texts are written at once.

    Each place has keys and values for the model's whole window from the start, so a text that was
    taken in never fails for want of memory. Their memory has a budget: `kv_mb`, or else a quarter
    of what is available now. There are as many places as the budget holds, at most 32 and at
    least one; more than 32 make each of the texts slower and hardly more of them.

    Args:
        wanted: a fixed number, or None = by the rule above.
        place_bytes: keys and values of one place.
        kv_mb: the budget in MiB, or None = a quarter of what is available.
        available: bytes of memory that can be had, or None = unknown.

    Raises:
        EngineError: the number that is wanted does not fit.
    """
    if wanted is None:
        budget = _budget(kv_mb, available)
        return MAX_SLOTS if budget is None else min(MAX_SLOTS, max(1, budget // place_bytes))
    needed = wanted * place_bytes
    if kv_mb is not None and needed > kv_mb * 2**20:
        raise EngineError(_too_many(wanted, place_bytes, f"the budget (kv_mb) is {kv_mb} MB"))
    if available is not None and needed > available:
        raise EngineError(_too_many(wanted, place_bytes, f"{available // 2**20} MB are available"))
    return wanted


def _budget(kv_mb: int | None, available: int | None) -> int | None:
    if kv_mb is not None:
        return kv_mb * 2**20
    return None if available is None else available // _SHARE_FOR_KV


def _too_many(wanted: int, place_bytes: int, limit: str) -> str:
    per_place = f"{place_bytes / 2**20:.1f}"
    needed = -(-wanted * place_bytes // 2**20)
    return f"{wanted} slots of {per_place} MB each need {needed} MB, but {limit}; use fewer slots."


def _groups(files: Path, controller: str) -> list[Path]:
    """The folders of this process's control group and of those it is in; each may set a limit.

    Args:
        files: the root of the file system.
        controller: "memory" or "cpu" of cgroup v1, or "" for v2, which has one tree for all.
    """
    root = files / "sys/fs/cgroup" / controller
    for line in _read(files / "proc/self/cgroup").splitlines():
        _, controllers, path = (*line.split(":", 2), "", "")[:3]
        if controller in controllers.split(","):
            group = root / path.lstrip("/")
            return [group, *(one for one in group.parents if one.is_relative_to(root))]
    return [root]


def _quota(words: Sequence[str]) -> float | None:
    """ "150000 100000" is one and a half cores; "max" and -1 are no quota."""
    numbers = [int(word) for word in words if word.strip().isdecimal()]
    return numbers[0] / numbers[1] if len(numbers) == 2 and numbers[1] else None


def _meminfo_available(path: Path) -> int | None:
    for line in _read(path).splitlines():
        words = line.split()
        if len(words) == 3 and words[0] == "MemAvailable:" and words[1].isdecimal():
            return int(words[1]) * 1024
    return None


def _left(limit: Path, used: Path) -> int | None:
    """What a container has left of its limit, or None where it has none."""
    at_most, in_use = _number(limit), _number(used)
    if at_most is None or in_use is None or at_most >= _UNLIMITED_BYTES:
        return None
    return max(0, at_most - in_use)


def _number(path: Path) -> int | None:
    """The number a file holds; None for none, for "max" and for -1."""
    text = _read(path).strip()
    return int(text) if text.isdecimal() else None


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii")
    except (OSError, UnicodeDecodeError):
        return ""
