"""What a step spends outside the model."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.bench.steps import Call, ComputeLog, outside_share
from bot.core.sampling import SamplingParams
from bot.engine.scripted import ScriptedEngine


def test_gaps_between_writing_steps_are_the_share():
    """Passes of 8 s that begin every 10 s."""
    calls = [Call(start, start + 8, 2, 2) for start in (0, 10, 20)]

    assert 0.2 == pytest.approx(outside_share(calls, 2))


def test_steps_that_read_or_are_not_full_do_not_count():
    """Nor does the gap before or after them."""
    reading, alone = Call(0, 1, 2, 60), Call(50, 51, 1, 1)
    writing = [Call(start, start + 9, 2, 2) for start in (20, 30)]

    assert 0.1 == pytest.approx(outside_share([reading, *writing, alone], 2))


def test_no_writing_step_has_no_share():
    """Unknown is not 0."""
    assert outside_share([Call(0, 1, 2, 60)], 2) is None


@given(st.lists(st.tuples(st.floats(0.01, 10), st.floats(0, 10)), min_size=2, max_size=20))
def test_share_is_between_0_and_1(passes: list[tuple[float, float]]):
    """Whatever the passes and the gaps."""
    calls, now_s = [], 0.0
    for inside_s, gap_s in passes:
        calls.append(Call(now_s, now_s + inside_s, 1, 1))
        now_s += inside_s + gap_s

    share = outside_share(calls, 1)

    assert share is not None
    assert -1e-9 <= share < 1


def test_log_sees_each_pass_and_leaves_the_engine_as_it_was():
    """Prompt, then tokens; nothing is noted after the block."""
    engine = ScriptedEngine(n_vocab=300, n_ctx=64, slots=2)
    engine.add(0, [1, 2, 3], SamplingParams())

    with ComputeLog(engine) as log:
        engine.step({0: 3})
        engine.step({0: 1})
    engine.step({0: 1})

    assert [(1, 3), (1, 1)] == [(call.n_sequences, call.n_tokens) for call in log.calls]
