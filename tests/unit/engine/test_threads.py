"""How many threads: given what others use of the cores; no clock, no sleep."""

import os
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.engine import threads
from bot.engine.threads import (
    CpuSample,
    FixedThreads,
    GovernedThreads,
    ThreadGovernor,
    open_threads,
    read_cpu_sample,
)


def samples(others: list[float], own: float = 0.9, every_s: float = 0.25) -> list[CpuSample]:
    """Samples at a steady pace, in which others use so many cores."""
    found = [CpuSample(at_s=10.0, busy_s=100.0, own_s=50.0)]
    for cores in others:
        last = found[-1]
        found.append(
            CpuSample(
                at_s=last.at_s + every_s,
                busy_s=last.busy_s + (cores + own) * every_s,
                own_s=last.own_s + own * every_s,
            )
        )
    return found


def decide(governor: ThreadGovernor, others: list[float]) -> list[int]:
    """What the governor says after each sample."""
    taken = samples(others)
    return [governor.observe(before, now) for before, now in pairwise(taken)]


def test_all_cores_are_taken_once_they_were_idle_for_a_second():
    """Until then one is left free, for nobody knows yet."""
    governor = ThreadGovernor(n_cores=2, limit=2)
    assert governor.threads == 1
    assert decide(governor, [0.0] * 5) == [1, 1, 1, 2, 2]


def test_a_busy_neighbor_gets_a_core_at_once():
    """At the first sample in which it shows; beside two threads it gets half a core only."""
    governor = ThreadGovernor(n_cores=2, limit=2)
    decide(governor, [0.0] * 5)
    assert decide(governor, [0.5]) == [1]


def test_a_neighbor_that_comes_and_goes_does_not_make_it_flap():
    """Half a second of work, half of idleness: the core is left to it."""
    governor = ThreadGovernor(n_cores=4, limit=4)
    decide(governor, [0.0] * 5)
    assert set(decide(governor, [1.0, 1.0, 0.0, 0.0] * 10)) == {3}


def test_a_little_use_by_others_costs_no_thread():
    """Redis, logs and the bot itself."""
    governor = ThreadGovernor(n_cores=2, limit=2)
    assert decide(governor, [0.1] * 8)[-1] == 2


def test_threads_come_back_only_as_far_as_it_was_calm_throughout():
    """Of three neighbors two leave, and one of them looks in again."""
    governor = ThreadGovernor(n_cores=8, limit=8)
    decide(governor, [3.0])
    assert decide(governor, [1.0, 2.0, 1.0, 1.0])[-1] == 6


def test_a_container_may_have_fewer_threads_than_cores():
    """Its quota limits the number; a neighbor on one of sixteen cores takes none of its two."""
    governor = ThreadGovernor(n_cores=16, limit=2)
    assert decide(governor, [1.0] * 5)[-1] == 2
    assert decide(governor, [15.5])[-1] == 1


@given(
    n_cores=st.integers(1, 64),
    limit=st.integers(1, 64),
    others=st.lists(st.floats(-1, 200), max_size=30),
)
def test_there_is_always_a_thread_and_never_one_too_many(
    n_cores: int, limit: int, others: list[float]
):
    """Also where the kernel's numbers don't fit together."""
    limit = min(limit, n_cores)
    governor = ThreadGovernor(n_cores=n_cores, limit=limit)
    assert all(1 <= one <= limit for one in [governor.threads, *decide(governor, others)])


def test_the_kernel_is_asked_four_times_a_second_at_most():
    """Steps of a small model are a hundred a second."""
    taken = iter(samples([0.0] * 30))
    asked: list[CpuSample] = []
    now_s = 10.0

    def sample() -> CpuSample:
        asked.append(next(taken))
        return asked[-1]

    governed = GovernedThreads(
        ThreadGovernor(n_cores=2, limit=2), most=2, sample=sample, clock=lambda: now_s
    )
    said = []
    for step in range(200):
        now_s = 10.0 + step / 100
        said.append(governed.now())
    assert len(asked) == 8
    assert (said[0], said[-1]) == (1, 2)


def test_what_was_long_ago_decides_nothing():
    """Between two texts an hour may lie, in which a neighbor came and went."""
    taken = iter(
        [
            CpuSample(at_s=0.0, busy_s=0.0, own_s=0.0),
            CpuSample(at_s=3600.0, busy_s=0.0, own_s=0.0),
            CpuSample(at_s=3600.5, busy_s=0.5, own_s=0.0),
        ]
    )
    now_s = 0.0
    governor = ThreadGovernor(n_cores=4, limit=4)
    governed = GovernedThreads(governor, most=4, sample=lambda: next(taken), clock=lambda: now_s)
    now_s = 3600.0
    assert governed.now() == 3
    now_s = 3600.5
    assert governed.now() == 3


def test_a_number_that_was_asked_for_is_kept(monkeypatch: pytest.MonkeyPatch):
    """Whatever others do."""
    monkeypatch.setattr(threads, "read_cpu_sample", lambda _cores: pytest.fail("no look needed"))
    assert open_threads(7) == FixedThreads(7)


def test_without_the_kernels_count_one_core_is_left_free(monkeypatch: pytest.MonkeyPatch):
    """As on macOS; never below one thread."""
    monkeypatch.setattr(threads, "read_cpu_sample", lambda _cores: None)
    monkeypatch.setattr(threads, "core_quota", lambda: None)
    for n_cores, expected in ((1, 1), (2, 1), (16, 15)):
        cores = frozenset(range(n_cores))
        monkeypatch.setattr(threads, "allowed_cores", lambda cores=cores: cores)
        assert open_threads(None) == FixedThreads(expected)


def test_a_quota_of_one_and_a_half_cores_is_one_thread(monkeypatch: pytest.MonkeyPatch):
    """Two would be stopped for a quarter of the time, and each waits for the other."""
    monkeypatch.setattr(threads, "core_quota", lambda: 1.5)
    monkeypatch.setattr(threads, "allowed_cores", lambda: frozenset(range(8)))
    assert open_threads(None).most == 1


def test_samples_count_the_cores_that_may_be_used(tmp_path: Path):
    """Neither the sum of all nor idle time; time stolen by the hypervisor counts as used."""
    stat = tmp_path / "stat"
    stat.write_text(
        "cpu  9 9 9 9 9 9 9 9 9 9\n"
        "cpu0 10 20 30 1000 5000 1 2 300 7 7\n"
        "cpu1 1 1 1 1 1 1 1 1 1 1\n"
        "cpu10 7 0 0 50 0 0 0 0 0 0\n"
    )
    sample = read_cpu_sample(frozenset({0, 10}), stat)
    assert sample is not None
    assert sample.busy_s * os.sysconf("SC_CLK_TCK") == pytest.approx(363 + 7)


@pytest.mark.parametrize(
    "text", ["", "cpu0 a b c d e f g h\n", "cpu0 0 0 0 9 9 0 0 0\n", "cpu1 1 1 1 1 1 1 1 1\n"]
)
def test_a_kernel_that_counts_nothing_gives_no_sample(tmp_path: Path, text: str):
    """Some sandboxes have the file and fill it with zeros."""
    (tmp_path / "stat").write_text(text)
    assert read_cpu_sample(frozenset({0}), tmp_path / "stat") is None
    assert read_cpu_sample(frozenset({0}), tmp_path / "missing") is None
