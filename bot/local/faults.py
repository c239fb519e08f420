"""Faults to inject: what goes wrong with the next requests that match.

Tests add them; the REST front takes them. Decides nothing about how a fault looks on the wire.
"""

import fnmatch
from dataclasses import dataclass
from enum import StrEnum


class FaultKind(StrEnum):
    """What goes wrong."""

    STATUS = "status"  # answered with an error status, such as 429, 500 or 502
    NEVER = "never"  # accepted and never answered
    DROP = "drop"  # the connection is cut
    SLOW = "slow"  # answered rightly, but late


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One fault.

    Attributes:
        method: of the requests it hits; "*" for any.
        path: a pattern of their path after `/api/v10`, such as "/webhooks/*".
        status: for STATUS: the answer's status.
        delay_s: for SLOW: how late the answer is; for a 429: its `retry_after`.
        applied: whether Discord did what was asked before it went wrong, so that only the answer
            is lost.
    """

    kind: FaultKind
    method: str = "*"
    path: str = "*"
    status: int = 500
    delay_s: float = 1.0
    applied: bool = False


class Faults:
    """The faults that still wait for a request."""

    def __init__(self) -> None:
        self._waiting: list[Fault] = []

    def add(self, fault: Fault, times: int = 1) -> None:
        """Makes the next `times` matching requests fail."""
        self._waiting.extend([fault] * times)

    def clear(self) -> None:
        """Forgets the faults that have not hit anything yet."""
        self._waiting.clear()

    def take(self, method: str, path: str) -> Fault | None:
        """The fault that hits this request, which is used up by it."""
        for fault in self._waiting:
            if fault.method in (method, "*") and fnmatch.fnmatchcase(path, fault.path):
                self._waiting.remove(fault)
                return fault
        return None

    def __len__(self) -> int:
        return len(self._waiting)
