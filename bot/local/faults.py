"""Faults to inject: what goes wrong with the next requests that match, once or for good.

Tests add them, in process or over the fault front; `bardling try --fault` adds those with a name.
The REST front takes them. Decides nothing about how a fault looks on the wire.
"""

import fnmatch
import random
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

_EDITS = "/webhooks/*/messages/*"
_REPLIES = "/webhooks/*"
_CHANNELS = "/channels/*"


class FaultKind(StrEnum):
    """What goes wrong."""

    STATUS = "status"  # answered with an error status, such as 429, 500 or 502
    NEVER = "never"  # accepted and never answered
    DROP = "drop"  # the connection is cut
    SLOW = "slow"  # answered rightly, but late


class LimitScope(StrEnum):
    """Whose limit a 429 is about, as its header says it."""

    USER = "user"  # this bot's, of this route
    SHARED = "shared"  # of everybody who writes there; Discord counts no offence
    GLOBAL = "global"  # this bot's, of all routes


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One fault.

    Attributes:
        method: of the requests it hits; "*" for any.
        path: a pattern of their path after `/api/v10`, such as "/webhooks/*".
        status: for STATUS: the answer's status.
        code: for STATUS: Discord's own error code, such as 50013; 0 = a general error.
        scope: for a 429: whose limit it is.
        delay_s: for SLOW: how late the answer is; for a 429: its `retry_after`.
        longest_delay_s: with it, each delay is drawn anew, from `delay_s` up to here.
        every: hits each so-many-th of the requests that match; 1 = all.
        applied: whether Discord did what was asked before it went wrong, so that only the answer
            is lost.
    """

    kind: FaultKind
    method: str = "*"
    path: str = "*"
    status: int = 500
    code: int = 0
    scope: LimitScope = LimitScope.USER
    delay_s: float = 1.0
    longest_delay_s: float | None = None
    every: int = 1
    applied: bool = False


def _answers(status: int, code: int, path: str, method: str = "*") -> Fault:
    return Fault(kind=FaultKind.STATUS, method=method, path=path, status=status, code=code)


_REFUSED = Fault(kind=FaultKind.STATUS, path=_EDITS, status=429, delay_s=0.5)

# By name, for the command line and other processes; each goes on until it is called off.
NAMED_FAULTS: Mapping[str, tuple[Fault, ...]] = {
    "storm": (replace(_REFUSED, method="PATCH", longest_delay_s=10.0, every=2),),
    "shared-limit": (replace(_REFUSED, scope=LimitScope.SHARED, every=3),),
    "global-limit": (
        replace(_REFUSED, path=_REPLIES, scope=LimitScope.GLOBAL, delay_s=2.0, every=20),
    ),
    "server-errors": (replace(_answers(502, 0, _REPLIES), every=2),),
    "cut": (Fault(kind=FaultKind.DROP, path=_REPLIES, every=3),),
    "cut-after": (Fault(kind=FaultKind.DROP, path=_REPLIES, every=3, applied=True),),
    "never": (Fault(kind=FaultKind.NEVER, path=_EDITS, every=5),),
    "slow": (Fault(kind=FaultKind.SLOW, path=_EDITS, delay_s=1.0, longest_delay_s=4.0),),
    "message-deleted": (_answers(404, 10008, _EDITS, "PATCH"),),
    "channel-deleted": (_answers(404, 10003, _REPLIES), _answers(404, 10003, _CHANNELS)),
    "no-permission": (_answers(403, 50013, _CHANNELS),),
    "no-access": (_answers(403, 50001, _CHANNELS),),
    "token-expired": (_answers(401, 50027, _REPLIES),),
    "webhook-unknown": (_answers(404, 10015, _REPLIES),),
}


@dataclass(slots=True)
class _Waiting:
    """A fault, how many more requests it hits (None: no end), and how many matched so far."""

    fault: Fault
    left: int | None
    seen: int = 0

    def hits(self, method: str, path: str) -> bool:
        """Counts a request; whether it goes wrong."""
        fault = self.fault
        if fault.method not in (method, "*") or not fnmatch.fnmatchcase(path, fault.path):
            return False
        self.seen += 1
        return self.seen % fault.every == 0


class Faults:
    """The faults that still wait for a request."""

    def __init__(self) -> None:
        self._waiting: list[_Waiting] = []
        self._rng = random.Random(0)  # so that a test meets the same delays each time

    def add(self, fault: Fault, times: int | None = 1) -> None:
        """Makes the next `times` matching requests fail; None: until `clear`."""
        self._waiting.append(_Waiting(fault, times))

    def add_named(self, name: str) -> None:
        """Adds what `NAMED_FAULTS` has under a name, until `clear`.

        Raises:
            KeyError: there is no such name.
        """
        for fault in NAMED_FAULTS[name]:
            self.add(fault, None)

    def clear(self) -> None:
        """Forgets the faults that have not hit anything yet."""
        self._waiting.clear()

    def take(self, method: str, path: str) -> Fault | None:
        """The fault that hits this request; one of its times is used up by it."""
        for waiting in self._waiting:
            if not waiting.hits(method, path):
                continue
            if waiting.left is not None:
                waiting.left -= 1
                if waiting.left == 0:
                    self._waiting.remove(waiting)
            return self._drawn(waiting.fault)
        return None

    def waiting(self) -> list[tuple[Fault, int | None]]:
        """Each fault, and how often it still hits (None: no end)."""
        return [(one.fault, one.left) for one in self._waiting]

    def __len__(self) -> int:
        return sum(1 if one.left is None else one.left for one in self._waiting)

    def _drawn(self, fault: Fault) -> Fault:
        if fault.longest_delay_s is None:
            return fault
        return replace(fault, delay_s=self._rng.uniform(fault.delay_s, fault.longest_delay_s))
