"""What every engine promises of sequences: the same tests on all engines."""

import pytest

from bot.core.sampling import SamplingParams
from bot.engine.api import Engine
from tests.contract.engines import GREEDY, PROMPTS, SAMPLED, tokens_of, write
from tests.model_files import SHAPE


@pytest.mark.parametrize("sampling", [GREEDY, SAMPLED], ids=["greedy", "sampled"])
def test_same_prompt_and_seed_give_the_same_text(engine: Engine, sampling: SamplingParams):
    """Also after others had the place, and whatever the size of the prompt's chunks."""
    first = write(engine, PROMPTS[3], 15, sampling)
    write(engine, PROMPTS[4], 5, sampling)
    assert tokens_of(write(engine, PROMPTS[3], 15, sampling)) == tokens_of(first)
    assert tokens_of(write(engine, PROMPTS[3], 15, sampling, chunk=3)) == tokens_of(first)


def test_each_drawn_token_carries_its_logprob(engine: Engine):
    """Of the model's own distribution; below zero, and a number."""
    assert all(progress.logprob is not None for progress in write(engine, PROMPTS[0], 5))
    assert all(-30 < (progress.logprob or 0) <= 0 for progress in write(engine, PROMPTS[0], 5))


def test_sequences_in_one_batch_are_as_if_alone(engine: Engine):
    """They join and leave at different steps; none sees another."""
    n_places = engine.info.max_sequences  # 1 on ctransformers: there each waits for the last
    alone = [tokens_of(write(engine, prompt, 10, SAMPLED)) for prompt in PROMPTS]
    engine.forget()
    left: dict[int, int] = {}
    texts: dict[int, list[int | None]] = {}
    waiting = list(enumerate(PROMPTS))
    while waiting or left:
        if waiting and len(left) < n_places:  # one joins at each step, while others write
            sequence_id, prompt = waiting.pop(0)
            left[sequence_id] = len(prompt) - engine.add(sequence_id, prompt, SAMPLED)
            texts[sequence_id] = []
        plan = {sequence_id: min(count, 7) for sequence_id, count in left.items()}
        for progress in engine.step(plan):
            left[progress.sequence_id] -= plan[progress.sequence_id]
            if progress.token is not None:
                texts[progress.sequence_id].append(progress.token)
                left[progress.sequence_id] = 1
            if len(texts[progress.sequence_id]) == 10:
                engine.remove(progress.sequence_id)
                del left[progress.sequence_id]
    assert [texts[index] for index in range(len(PROMPTS))] == alone


def test_a_place_and_an_id_can_be_used_again(engine: Engine):
    """Nothing of the sequence before is left in it."""
    expected = tokens_of(write(engine, PROMPTS[0], 8))
    for _ in range(2 * engine.info.max_sequences):
        write(engine, PROMPTS[3], 2)
    assert tokens_of(write(engine, PROMPTS[0], 8)) == expected


def test_the_window_can_be_filled_and_is_never_exceeded(engine: Engine):
    """Its last position still draws a token; after that the sequence is at its end."""
    steps = write(engine, list(range(50)), SHAPE.n_ctx - 50 + 1)
    assert steps[-1].computed == engine.info.n_ctx == SHAPE.n_ctx
    engine.add(1, [1] * SHAPE.n_ctx, GREEDY)
    left = SHAPE.n_ctx
    while left:
        size = min(left, engine.info.max_chunk_tokens)
        engine.step({1: size})
        left -= size
    with pytest.raises(ValueError, match="can't compute 1 of 0"):
        engine.step({1: 1})
    engine.remove(1)


@pytest.mark.parametrize(
    ("tokens", "reason"),
    [
        ([], "1 to 64 tokens"),
        ([1] * 65, "1 to 64 tokens"),
        ([1, 300], "id from 0 to 299"),
        ([-1], "id from 0 to 299"),
    ],
)
def test_tokens_that_are_none_are_refused(engine: Engine, tokens: list[int], reason: str):
    """Before a library that doesn't check sees them; a full engine still has its place."""
    with pytest.raises(ValueError, match=reason):
        engine.add(0, tokens, GREEDY)
    with pytest.raises(ValueError, match=reason):
        engine.score(tokens)
    assert len(write(engine, PROMPTS[0], 2)) == 2


def test_a_plan_beyond_the_limits_is_refused(engine: Engine):
    """Unknown ids, nothing, more than is known, more than fits; nothing is lost by it."""
    engine.add(0, PROMPTS[0], GREEDY)
    for plan in ({1: 1}, {0: 0}, {0: 6}, {0: engine.info.max_batch_tokens + 1}):
        with pytest.raises(ValueError, match=r"sequence|computes at most"):
            engine.step(plan)
    assert engine.step({0: 5})[0].token is not None
    engine.remove(0)


def test_an_id_in_use_and_one_too_many_are_refused(engine: Engine):
    """The worker's mistakes must not reach the library."""
    for sequence_id in range(engine.info.max_sequences):
        engine.add(sequence_id, [1], GREEDY)
    with pytest.raises(ValueError, match="exists already"):
        engine.add(0, [1], GREEDY)
    with pytest.raises(ValueError, match="places are taken"):
        engine.add(99, [1], GREEDY)
    for sequence_id in range(engine.info.max_sequences):
        engine.remove(sequence_id)
    engine.remove(12345)  # ignored
    assert len(write(engine, [1], 1)) == 1


def test_closing_twice_is_safe(engine: Engine):
    """The fixture closes once more."""
    engine.close()
