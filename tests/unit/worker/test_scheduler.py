"""Who computes how much in a step."""

from hypothesis import given
from hypothesis import strategies as st

from bot.engine.api import EngineInfo
from bot.worker.scheduler import SequenceState, jobs_to_claim, plan_step


def info(batch: int = 64, chunk: int = 32, sequences: int = 4) -> EngineInfo:
    """An engine's bounds."""
    return EngineInfo(
        name="any", n_ctx=1024, n_vocab=10, max_sequences=sequences,
        max_batch_tokens=batch, max_chunk_tokens=chunk, n_threads=1,
        batch_invariant=True, kv_bytes=0,
    )  # fmt: skip


def state(sequence_id: int, known: int, computed: int = 0, last_step: int = 0) -> SequenceState:
    """A sequence."""
    return SequenceState(
        sequence_id=sequence_id, known=known, computed=computed, last_step=last_step
    )


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


def test_claims_follow_the_free_places():
    """Full means none; texts that only wait to be posted take no place, up to a bound."""
    assert 4 == jobs_to_claim(info(), running=0, held=0)
    assert 0 == jobs_to_claim(info(), running=4, held=4)
    assert 3 == jobs_to_claim(info(), running=1, held=9)
    assert 0 == jobs_to_claim(info(), running=0, held=16)
