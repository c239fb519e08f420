"""Who is served next: hierarchical start-time fair queueing, as pure rules.

Used by `memory_queue` and by simulations; `scripts/tree.lua` does the same in Redis.

A tree shares the pool's time: the root between two classes, a class between servers (tenants), a
server between its users; a user's jobs are served in order. Each inner node has a virtual time,
and each of its children a start tag; the eligible child with the lowest tag is served next. That
sets the node's virtual time to the tag, and the tag grows by cost / weight, on all three levels:
tags are charged when a job is served, so waiting jobs have none, and one cancelled while it waits
costs nothing. A child that becomes eligible starts at its last tag, but not in the past (virtual
time). When a job ends, the tags are corrected by what it did not use. A node where nothing waits
or runs is forgotten.
"""

import math
from bisect import bisect_left, insort
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

INTERACTIVE, BACKGROUND = "i", "b"
CLASS_WEIGHTS = {INTERACTIVE: 9.0, BACKGROUND: 1.0}
MAX_SIBLINGS = 256  # looked at for a place; where more come first, the rest is guessed from these
_FRACTION = 2**20

_Path = tuple[str, ...]


@dataclass(frozen=True, slots=True, order=True)
class Entry:
    """A job in the tree: `sequence` says which came first, `cost` is in tokens, at least 1."""

    sequence: int
    job_id: str
    job_class: str
    tenant: str
    user_id: int
    cost: int

    @property
    def lane(self) -> _Path:
        """The way from the root to its user."""
        return self.job_class, self.tenant, str(self.user_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ahead:
    """What is served before a waiting job.

    Attributes:
        jobs: how many, exact while all cost the same and nobody new comes.
        cost: their tokens, about.
        own: how many of them are of its own tenant.
        is_capped: whether too many of its tenant or user run, so that it can't be served now.
    """

    jobs: int
    cost: float
    own: int
    is_capped: bool


@dataclass(slots=True)
class _Node:
    """An inner node, and what it knows of its children."""

    virtual_time: float = 0.0
    eligible: list[tuple[float, int, str]] = field(default_factory=list[tuple[float, int, str]])
    standing: dict[str, tuple[float, int, str]] = field(
        default_factory=dict[str, tuple[float, int, str]]
    )  # of the eligible: tag, turn, child
    finish: dict[str, float] = field(default_factory=dict[str, float])  # of the others
    queued: Counter[str] = field(default_factory=Counter[str])
    cost: Counter[str] = field(default_factory=Counter[str])
    running: Counter[str] = field(default_factory=Counter[str])

    def tag_of(self, child: str) -> float:
        if child in self.standing:
            return self.standing[child][0]
        return max(self.virtual_time, self.finish.get(child, 0.0))

    def set_tag(self, child: str, tag: float) -> None:
        if child in self.standing:
            turn = self.standing[child][1]
            self.drop(child)
            self.admit(child, tag, turn)
        elif tag > self.virtual_time:
            self.finish[child] = tag
        else:
            self.finish.pop(child, None)

    def admit(self, child: str, tag: float, turn: int) -> None:
        self.finish.pop(child, None)
        self.standing[child] = (tag, turn, child)
        insort(self.eligible, self.standing[child])

    def drop(self, child: str) -> None:
        del self.eligible[bisect_left(self.eligible, self.standing.pop(child))]

    def sweep(self) -> None:
        past = [child for child, tag in self.finish.items() if tag <= self.virtual_time]
        for child in past:
            del self.finish[child]


class FairTree:
    """The jobs of a pool that wait in line, and the shares of those that run.

    Args:
        max_running_per_server: jobs of one tenant served and not ended, both classes together;
            0 = no cap.
        max_running_per_user: the same of one member in one tenant.
    """

    def __init__(self, *, max_running_per_server: int = 0, max_running_per_user: int = 0) -> None:
        self.weights: dict[str, float] = {}  # of tenants, where it is not 1
        self._max_server = max_running_per_server
        self._max_user = max_running_per_user
        self._nodes: dict[_Path, _Node] = {}
        self._lines: dict[_Path, list[Entry]] = {}
        self._turns = 0

    def add(self, entry: Entry) -> None:
        """Puts a job into its user's line."""
        insort(self._lines.setdefault(entry.lane, []), entry)
        self._count(entry, queued=1)
        self._refresh(entry)

    def remove(self, entry: Entry, *, serve: bool = False) -> None:
        """Takes a job out of the line, out of turn and uncharged; `serve`: it runs now."""
        line = self._lines[entry.lane]
        del line[bisect_left(line, entry)]
        if not line:
            del self._lines[entry.lane]
        self._count(entry, queued=-1, running=int(serve))
        self._refresh(entry)
        self._prune(entry)

    def serve_next(self) -> Entry | None:
        """Takes the job whose turn it is and charges it; None where none may be served."""
        lane: _Path = ()
        for _ in range(3):
            node = self._nodes.get(lane)
            if node is None or not node.eligible:
                return None
            lane = (*lane, node.eligible[0][2])
        entry = self._lines[lane][0]
        for node, child, weight in self._levels(entry.lane):
            tag = node.tag_of(child)
            node.virtual_time = max(node.virtual_time, tag)
            node.sweep()
            node.set_tag(child, tag + _rounded(entry.cost / weight))
        self.remove(entry, serve=True)
        return entry

    def end(self, entry: Entry, *, unused: int) -> None:
        """A job that was served has ended; gives back the tokens it was charged and did not use."""
        self._count(entry, running=-1)
        for node, child, weight in self._levels(entry.lane):
            earlier = node.tag_of(child) - _rounded(unused / weight)
            node.set_tag(child, max(node.virtual_time, earlier))
        self._refresh(entry)
        self._prune(entry)

    @property
    def queued(self) -> int:
        """Jobs in line."""
        return self._node(()).queued.total()

    def queued_of(self, tenant: str, user_id: int | None = None) -> int:
        """Jobs in line of a tenant, or of one user in it."""
        prefixes = [(job_class,) for job_class in CLASS_WEIGHTS]
        if user_id is None:
            return sum(self._node(prefix).queued[tenant] for prefix in prefixes)
        return sum(self._node((*p, tenant)).queued[str(user_id)] for p in prefixes)

    def users_of(self, tenant: str) -> list[tuple[int, int, int]]:
        """(user id, jobs in line, jobs served and not ended) of a tenant, each class apart."""
        nodes = [self._node((job_class, tenant)) for job_class in CLASS_WEIGHTS]
        return [
            (int(user), node.queued[user], node.running[user])
            for node in nodes
            for user in node.queued.keys() | node.running.keys()
        ]

    def ahead(self, entry: Entry) -> Ahead:
        """What is served before a job in line."""
        node = self._node(entry.lane[:2])
        user = entry.lane[2]
        jobs = bisect_left(self._lines[entry.lane], entry)
        cost: float = jobs * node.cost[user] / node.queued[user]
        own, is_capped = 0, False
        for depth, (node, child, weight) in enumerate(self._levels(entry.lane)):
            mine = node.tag_of(child) + (jobs * _rounded(cost / jobs / weight) if jobs else 0.0)
            n, tokens = self._siblings_ahead(node, child, mine, 2 - depth)
            jobs, cost = jobs + n, cost + tokens
            own = jobs if depth == 0 else own
            is_capped = is_capped or child not in node.standing
        return Ahead(jobs=jobs, cost=cost, own=own, is_capped=is_capped)

    def _siblings_ahead(
        self, node: _Node, child: str, mine: float, depth: int
    ) -> tuple[int, float]:
        """Jobs of a child's siblings that are served before tag `mine`, and their cost."""
        n_lower = bisect_left(node.eligible, (math.nextafter(mine, math.inf), 0, ""))
        turn = node.standing[child][1] if child in node.standing else math.inf
        n_ahead, cost_ahead = 0, 0.0
        for tag, other_turn, other in node.eligible[: min(n_lower, MAX_SIBLINGS)]:
            if other == child:
                continue
            average = node.cost[other] / node.queued[other]
            turns = (mine - tag) / _rounded(average / self._weight(other, depth))
            before = math.ceil(turns)
            if before == turns and other_turn < turn:
                before += 1
            before = min(node.queued[other], before)
            n_ahead, cost_ahead = n_ahead + before, cost_ahead + before * average
        if n_lower >= MAX_SIBLINGS:
            scale = n_lower / MAX_SIBLINGS
            n_ahead, cost_ahead = math.floor(n_ahead * scale + 0.5), cost_ahead * scale
        return n_ahead, cost_ahead

    def _weight(self, child: str, depth: int) -> float:
        """Of a child of a node at a depth (0 = the root)."""
        if depth == 0:
            return CLASS_WEIGHTS[child]
        return self.weights.get(child, 1.0) if depth == 1 else 1.0

    def _node(self, path: _Path) -> _Node:
        return self._nodes.get(path) or _Node()

    def _levels(self, lane: _Path) -> Iterator[tuple[_Node, str, float]]:
        """The way up: node, child, the child's weight."""
        for depth in (2, 1, 0):
            child = lane[depth]
            node = self._nodes.setdefault(lane[:depth], _Node())
            yield node, child, self._weight(child, depth)

    def _count(self, entry: Entry, *, queued: int = 0, running: int = 0) -> None:
        for node, child, _ in self._levels(entry.lane):
            for counter, amount in (
                (node.queued, queued),
                (node.cost, queued * entry.cost),
                (node.running, running),
            ):
                counter[child] += amount
                if counter[child] == 0:
                    del counter[child]

    def _refresh(self, entry: Entry) -> None:
        """Who may be served, after a job came, went or ended. Caps count both classes."""
        self._refresh_way(entry.lane)
        if self._max_server or self._max_user:
            other = BACKGROUND if entry.job_class == INTERACTIVE else INTERACTIVE
            if (other, entry.tenant) in self._nodes:
                self._refresh_way((other, *entry.lane[1:]))

    def _refresh_way(self, lane: _Path) -> None:
        job_class, tenant, user = lane
        runs_user = sum(self._node((c, tenant)).running[user] for c in CLASS_WEIGHTS)
        runs_server = sum(self._node((c,)).running[tenant] for c in CLASS_WEIGHTS)
        (server, *_), (of_class, *_), (root, *_) = self._levels(lane)
        is_below = not self._max_user or runs_user < self._max_user
        self._set_eligible(server, user, server.queued[user] > 0 and is_below)
        is_below = not self._max_server or runs_server < self._max_server
        self._set_eligible(of_class, tenant, bool(server.eligible) and is_below)
        self._set_eligible(root, job_class, bool(of_class.eligible))

    def _set_eligible(self, node: _Node, child: str, wanted: bool) -> None:
        if (child in node.standing) == wanted:
            return
        tag = node.tag_of(child)
        if wanted:
            self._turns += 1
            node.admit(child, tag, self._turns)
        else:
            node.drop(child)
            node.set_tag(child, tag)

    def _prune(self, entry: Entry) -> None:
        """A node without jobs starts anew with its next one."""
        for depth in (2, 1):
            node, child = self._node(entry.lane[: depth - 1]), entry.lane[depth - 1]
            if node.queued[child] or node.running[child]:
                return
            self._nodes.pop(entry.lane[:depth], None)
        root = self._node(())
        if not (root.queued or root.running):
            self._nodes.pop((), None)


def _rounded(tokens: float) -> float:
    """A multiple of 2^-20, so that sums of tags are exact and equal turns stay equal."""
    return math.floor(tokens * _FRACTION + 0.5) / _FRACTION
