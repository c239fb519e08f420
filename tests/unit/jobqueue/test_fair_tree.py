"""The tree's arithmetic: places are what comes true, shares are bounded, nothing is left over."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.jobqueue.fair_tree import Entry, FairTree


def entry(sequence: int, job_class: str, tenant: str, user_id: int, cost: int = 24) -> Entry:
    """A job named by its sequence."""
    return Entry(sequence, str(sequence), job_class, tenant, user_id, cost)


WHOSE = st.tuples(st.sampled_from("iiib"), st.sampled_from(["A", "B", "C", "D"]), st.integers(1, 4))
STEP = st.one_of(
    st.tuples(st.just("add"), WHOSE),
    st.tuples(st.just("add"), WHOSE),
    st.tuples(st.just("serve"), st.just(None)),
    st.tuples(st.just("end"), st.integers(-40, 24)),
    st.tuples(st.just("remove"), st.integers(0, 50)),
)
WEIGHTS = st.dictionaries(st.sampled_from("ABC"), st.sampled_from([0.3, 0.5, 2.0, 3.0, 7.0]))


class Line:
    """A tree and what is in it."""

    def __init__(self, **caps: int) -> None:
        self.tree = FairTree(**caps)
        self.waiting: list[Entry] = []
        self.running: list[Entry] = []
        self._n = 0

    def step(self, name: str, argument: Any) -> None:
        """Does one thing, where it can be done."""
        if name == "add":
            self._n += 1
            self.waiting.append(entry(self._n, *argument))
            self.tree.add(self.waiting[-1])
        elif name == "serve":
            self.serve()
        elif name == "end" and self.running:
            self.tree.end(self.running.pop(0), unused=argument)
        elif name == "remove" and self.waiting:
            self.tree.remove(self.waiting.pop(argument % len(self.waiting)))

    def serve(self) -> Entry | None:
        """Serves the next job."""
        served = self.tree.serve_next()
        if served is not None:
            self.waiting.remove(served)
            self.running.append(served)
        return served


@settings(max_examples=200, deadline=None)
@given(steps=st.lists(STEP, max_size=60), weights=WEIGHTS)
def test_place_is_what_comes_true(steps: list[tuple[str, Any]], weights: dict[str, float]):
    """With equal costs, every job is served at the very place that was foretold."""
    line = Line()
    line.tree.weights |= weights
    for step in steps:
        line.step(*step)

    foretold = {job: line.tree.ahead(job).jobs for job in line.waiting}

    served = [line.serve() for _ in foretold]
    assert foretold == {job: served.index(job) for job in foretold}


@settings(max_examples=100, deadline=None)
@given(
    steps=st.lists(STEP, max_size=60),
    caps=st.tuples(st.sampled_from([0, 1, 3]), st.sampled_from([0, 1])),
)
def test_nothing_is_left_and_nobody_over_a_cap(steps: list[tuple[str, Any]], caps: tuple[int, int]):
    """Whatever happened, all jobs are served in the end and the tree is empty then."""
    line = Line(max_running_per_server=caps[0], max_running_per_user=caps[1])
    for step in steps:
        line.step(*step)
        for job in line.running:
            of_server = sum(other.tenant == job.tenant for other in line.running)
            of_user = sum(other.lane[1:] == job.lane[1:] for other in line.running)
            assert not caps[0] or of_server <= caps[0]
            assert not caps[1] or of_user <= caps[1]
    while line.waiting or line.running:
        if line.serve() is None:
            line.step("end", 0)

    assert not line.tree._nodes
    assert not line.tree._lines


@settings(max_examples=100, deadline=None)
@given(
    costs=st.lists(st.integers(1, 600), min_size=40, max_size=80),
    weights=st.tuples(st.sampled_from([0.5, 1.0, 3.0]), st.sampled_from([1.0, 2.0])),
)
def test_shares_of_two_who_always_have_work_differ_by_a_job_each(
    costs: list[int], weights: tuple[float, float]
):
    """The bound of start-time fair queueing, at every moment, whatever the jobs cost."""
    tree = FairTree()
    tree.weights |= dict(zip("AB", weights, strict=True))
    jobs = [entry(n, "i", "AB"[n % 2], 1, cost) for n, cost in enumerate(costs)]
    for job in jobs:
        tree.add(job)
    most = {t: max(j.cost for j in jobs if j.tenant == t) / w for t, w in tree.weights.items()}
    left = {t: sum(j.tenant == t for j in jobs) for t in "AB"}
    served = {"A": 0.0, "B": 0.0}

    while all(left.values()):
        job = tree.serve_next()
        assert job is not None
        left[job.tenant] -= 1
        served[job.tenant] += job.cost / tree.weights[job.tenant]
        assert abs(served["A"] - served["B"]) <= most["A"] + most["B"] + 0.001


def test_refund_brings_the_tenants_waiting_jobs_forward():
    """Its next job is served as if the last one had been charged right from the start."""
    tree = FairTree()
    for n in range(6):
        tree.add(entry(n, "i", "AB"[n % 2], 1, 100))
    first = [tree.serve_next(), tree.serve_next()]
    assert ["A", "B"] == [job.tenant for job in first if job]
    assert first[1] is not None
    tree.end(first[1], unused=90)

    assert "B" == getattr(tree.serve_next(), "tenant", None)


def test_refund_never_buys_time_before_now():
    """Who was refunded a lot does not get the next turns one after the other."""
    tree = FairTree()
    n_jobs = iter(range(100))
    tree.add(entry(next(n_jobs), "i", "A", 1, 1000))
    big = tree.serve_next()
    assert big is not None
    for _ in range(4):
        tree.add(entry(next(n_jobs), "i", "B", 1, 100))
        tree.add(entry(next(n_jobs), "i", "A", 1, 100))
    for _ in range(2):
        tree.serve_next()
    tree.end(big, unused=1000)

    served = [getattr(tree.serve_next(), "tenant", "") for _ in range(4)]
    assert served.count("A") in (2, 3)
    assert "A" == served[0]


@pytest.mark.parametrize("n_users", [300, 1000])
def test_place_among_very_many_is_guessed_well(n_users: int):
    """More siblings than are looked at: within a tenth of the truth."""
    tree = FairTree()
    jobs = [entry(n, "i", "A", n % n_users) for n in range(3 * n_users)]
    for job in jobs:
        tree.add(job)

    assert 2 * n_users == pytest.approx(tree.ahead(jobs[2 * n_users]).jobs, rel=0.1)
