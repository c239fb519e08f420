"""Who computes how much in a step."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.engine.api import EngineInfo
from bot.worker.scheduler import SequenceState, StepCost, jobs_to_claim, plan_step


def info(batch: int = 64, chunk: int = 32, sequences: int = 4) -> EngineInfo:
    """An engine's bounds."""
    return EngineInfo(
        name="any", n_ctx=1024, n_vocab=10, max_sequences=sequences,
        max_batch_tokens=batch, max_chunk_tokens=chunk, n_threads=1,
        batch_invariant=True, kv_bytes=0,
    )  # fmt: skip


def state(
    sequence_id: int,
    known: int,
    computed: int = 0,
    last_step: int = 0,
    shared: dict[int, int] | None = None,
) -> SequenceState:
    """A sequence."""
    return SequenceState(
        sequence_id=sequence_id,
        known=known,
        computed=computed,
        last_step=last_step,
        shared=shared or {},
    )


def timed(fixed_s: float, each_s: float, sizes: list[int]) -> StepCost:
    """What was learned of steps of some sizes, on a machine of that speed."""
    cost = StepCost()
    for size in sizes:
        cost = cost.after(size, fixed_s + each_s * size)
    return cost


STATES = st.lists(
    st.tuples(st.integers(1, 900), st.integers(0, 900), st.integers(0, 9)), max_size=9
)


@given(states=STATES, batch=st.integers(1, 600), chunk=st.integers(1, 600))
def test_no_plan_breaks_the_engines_bounds(
    states: list[tuple[int, int, int]], batch: int, chunk: int
):
    """Not too much in all, nor of one sequence, never more than is known, and never idle."""
    sequences = [
        state(n, known, min(known, done), at) for n, (known, done, at) in enumerate(states)
    ]

    plan = plan_step(sequences, info(batch, chunk))

    assert sum(plan.values()) <= batch
    assert all(1 <= n <= min(chunk, sequences[i].remaining) for i, n in plan.items())
    assert bool(plan) == any(sequence.remaining for sequence in sequences)


def test_writers_are_served_while_a_long_prompt_is_read():
    """The prompt gets a part of the step, so that nobody waits for all of it."""
    plan = plan_step([state(1, 900), state(2, 10, 9), state(3, 20, 19)], info(512, 512))

    assert {1: 128, 2: 1, 3: 1} == plan


def test_prompt_alone_gets_the_whole_step():
    """With nobody to stall, reading goes as fast as it can, first come first served."""
    assert {1: 32, 2: 32} == plan_step([state(2, 50), state(1, 900)], info())


def test_prompt_is_read_even_among_many_writers():
    """One place of a full batch is the reader's."""
    plan = plan_step([state(1, 9), *(state(n, 5, 4) for n in range(2, 9))], info(4, 4))

    assert {1, 2, 3, 4} == set(plan)


def test_more_writers_than_places_take_turns():
    """Whoever was served longest ago comes first."""
    plan = plan_step([state(1, 5, 4, last_step=7), state(2, 5, 4, last_step=6)], info(1))

    assert {2: 1} == plan


def test_texts_that_begin_alike_wait_for_the_first():
    """It computes what they share, once for all; nobody else waits."""
    plan = plan_step(
        [
            state(1, 900, 128, last_step=1),
            state(2, 900, shared={1: 900}),
            state(3, 20),
            state(4, 890, shared={1: 850, 2: 850}),
        ],
        info(512, 256),
    )

    assert {1: 256, 3: 20} == plan


def test_followers_start_all_together_once_there_is_something_to_copy():
    """Only the rest counts as work then: they share one step, and don't take turns."""
    plan = plan_step(
        [
            state(1, 905, 900, last_step=9),
            *(state(n, 901, shared={1: 900}) for n in range(2, 32)),
        ],
        info(512, 256),
    )

    assert {1: 5} | dict.fromkeys(range(2, 32), 1) == plan


def test_wait_ends_when_the_first_is_gone():
    """Stopped, or failed: the next one computes what is shared."""
    sequences = [state(2, 900, shared={1: 900}), state(3, 900, shared={1: 900, 2: 900})]

    assert {2: 256} == plan_step(sequences, info(512, 256))


def test_nobody_waits_for_a_few_tokens():
    """Nor for those that a place held from before, nor in mid-text."""
    first = state(1, 900)
    few, held, begun = (
        state(2, 900, shared={1: 15}),
        state(3, 900, 880, shared={1: 890}),
        state(4, 900, 10, last_step=1, shared={1: 900}),
    )

    assert {1, 2, 3, 4} == set(plan_step([first, few, held, begun], info(2048, 256)))


@given(
    data=st.lists(
        st.tuples(st.integers(1, 300), st.lists(st.integers(0, 300), max_size=5)), max_size=8
    )
)
def test_waiting_ends_whatever_the_prompts_share(data: list[tuple[int, list[int]]]):
    """Steps that are all taken compute everything, and none of them is empty."""
    states = [
        state(n, known, shared={n - 1 - k: share for k, share in enumerate(shares) if k < n})
        for n, (known, shares) in enumerate(data)
    ]
    n_steps = 0
    while any(sequence.remaining for sequence in states):
        plan = plan_step(states, info(64, 32))
        n_steps += 1
        assert plan
        for sequence_id, n in plan.items():
            states[sequence_id].computed += n
            states[sequence_id].last_step = n_steps
    assert n_steps <= sum(known for known, _ in data)


def test_reader_gets_what_fits_into_a_short_step():
    """31 streams of a 124M on two cores: 50 ms a step, 1 ms for each token more."""
    writers = [state(n, 20, 19) for n in range(2, 33)]
    cost = timed(0.019, 0.001, [31, 159, 31, 159])

    plan = plan_step([state(1, 900), *writers], info(512, 256), cost)

    assert 50 == plan[1]  # 0.1 s in all, twice what the writers alone take
    assert all(1 == plan[n] for n in range(2, 33))


def test_reader_gets_no_more_than_the_writers_time_on_a_slow_machine():
    """0.42 s for a step of the writers alone: as much again is for the prompt, not a batch."""
    writers = [state(n, 20, 19) for n in range(2, 33)]
    cost = timed(0.017, 0.013, [31] * 20 + [63, 31, 159] * 2)

    assert 30 <= plan_step([state(1, 900), *writers], info(512, 256), cost)[1] <= 33


def test_reader_gets_more_on_a_quick_machine():
    """Where a token takes next to nothing, the whole prompt goes into one step."""
    cost = timed(0.004, 0.00002, [31, 200, 31])

    assert (
        481
        == plan_step(
            [state(1, 900), *(state(n, 20, 19) for n in range(2, 33))], info(512, 512), cost
        )[1]
    )


@given(
    fixed_s=st.floats(0, 2),
    each_s=st.floats(1e-6, 0.1),
    sizes=st.lists(st.integers(1, 512), min_size=1, max_size=30),
    n_writing=st.integers(1, 31),
)
def test_step_beside_writers_is_within_the_bounds(
    fixed_s: float, each_s: float, sizes: list[int], n_writing: int
):
    """However slow the machine, a prompt goes on; however quick, the batch is the bound."""
    states = [state(0, 1024), *(state(n, 9, 8) for n in range(1, n_writing + 1))]

    plan = plan_step(states, info(512, 512), timed(fixed_s, each_s, sizes))

    assert 16 <= plan[0] <= 512 - n_writing


def test_cost_of_steps_is_learned_within_a_few():
    """From steps of one size it errs to the safe side, then it knows."""
    fixed_s, each_s = 0.008, 0.0004
    cost = timed(fixed_s, each_s, [1] * 50)
    n_read = [int(cost.prefill(1))]
    for _ in range(3):
        size = max(16, n_read[-1])
        cost = cost.after(1 + size, fixed_s + each_s * (1 + size))
        n_read.append(int(cost.prefill(1)))

    assert n_read[0] < 16
    assert n_read[-1] == pytest.approx((0.08 - 0.008) / 0.0004 - 1, rel=0.05)


def test_one_hiccup_is_soon_forgotten():
    """A minute in which the machine slept doesn't slow prompts down for good."""
    cost = timed(0.01, 0.0005, [20, 100] * 10).after(20, 60)
    for size in [20, 100] * 60:
        cost = cost.after(size, 0.01 + 0.0005 * size)

    assert cost.prefill(20) == pytest.approx((0.08 - 0.02) / 0.0005, rel=0.15)


def test_claims_follow_the_free_places():
    """Full means none; texts that only wait to be posted take no place, up to a bound."""
    assert 4 == jobs_to_claim(info(), running=0, held=0)
    assert 0 == jobs_to_claim(info(), running=4, held=4)
    assert 3 == jobs_to_claim(info(), running=1, held=9)
    assert 0 == jobs_to_claim(info(), running=0, held=16)
