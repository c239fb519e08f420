"""How long a reply is left alone between two edits. Pure: the reply's writer keeps the clock."""

LONGEST_INTERVAL_S = 10.0
_GROWTH = 2.0
_DECAY = 0.75


class Pace:
    """The interval between the edits of one growing reply.

    Doubles with each refusal, up to a bound, and comes back to the usual one as edits go through:
    a reply that Discord refuses is edited less often, all others as before.

    Args:
        usual_s: the shortest interval.
        longest_s: the longest one.
    """

    def __init__(self, usual_s: float, longest_s: float = LONGEST_INTERVAL_S) -> None:
        self.usual_s = usual_s
        self.interval_s = usual_s
        self._longest_s = max(usual_s, longest_s)

    def accepted(self) -> None:
        """An edit went through."""
        self.interval_s = max(self.usual_s, self.interval_s * _DECAY)

    def refused(self) -> None:
        """Discord refused an edit for its rate limit."""
        self.interval_s = min(self._longest_s, self.interval_s * _GROWTH)
