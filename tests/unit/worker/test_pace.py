"""How often a reply is edited: less after refusals, never more than usual, never too seldom."""

from hypothesis import given
from hypothesis import strategies as st

from bot.worker.pace import LONGEST_INTERVAL_S, Pace


def test_refusals_double_and_edits_bring_it_back():
    """Two refusals, then as many edits as it takes."""
    pace = Pace(1.2)
    pace.refused()
    pace.refused()
    assert 4.8 == pace.interval_s
    intervals: list[float] = []
    while pace.interval_s > pace.usual_s:
        pace.accepted()
        intervals.append(pace.interval_s)
    assert sorted(intervals, reverse=True) == intervals
    assert 5 == len(intervals)


@given(st.lists(st.booleans()), st.floats(0.01, 30))
def test_interval_stays_in_its_bounds(events: list[bool], usual_s: float):
    """Whatever happens, in any order."""
    pace = Pace(usual_s)
    for is_refused in events:
        if is_refused:
            pace.refused()
        else:
            pace.accepted()
        assert usual_s <= pace.interval_s <= max(usual_s, LONGEST_INTERVAL_S)
