"""What every engine promises: the same tests on llama.cpp, ctransformers and the scripted one."""

import importlib.util
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from bot.core.models import ModelShape
from bot.core.sampling import SamplingParams
from bot.engine.api import Engine, Progress
from bot.engine.scripted import ScriptedEngine
from bot.engine.select import ENGINE_FILE_FORMAT, open_engine
from bot.errors import EngineError
from bot.model.importing import import_checkpoint
from bot.model.quantize import QUANTIZATIONS
from bot.model.store import open_model
from tests.model_files import SHAPE, make_huggingface_folder

GREEDY = SamplingParams(temperature=0.0, repetition_penalty=1.0, logprobs=True)
SAMPLED = SamplingParams(temperature=1.0, top_k=0, repetition_penalty=1.2, seed=11)
PROMPTS = [[5, 6, 7, 8, 9], [200, 17], [33], list(range(40, 60)), [7] * 12]


def open_tiny(name: str, folder: Path, slots: int | None = None) -> Engine:
    """An engine over 300 ids and a window of 64; random weights where it has any."""
    if name == "scripted":
        return ScriptedEngine(n_vocab=SHAPE.n_vocab, n_ctx=SHAPE.n_ctx, slots=slots or 8)
    if importlib.util.find_spec(name) is None:
        pytest.skip(f"{name} is not installed (make llama adds llama_cpp)")
    file_format = ENGINE_FILE_FORMAT[name]
    target = folder / f"tiny.{file_format}"
    if not target.exists():
        import_checkpoint(make_huggingface_folder(folder / "hf"), target, "tiny", "f32")
    opened = open_model(str(target), file_format, folder)
    return open_engine(name, opened.info, slots=slots, n_threads=1)


@pytest.fixture(params=["llama_cpp", "ctransformers", "scripted"])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    """Each test runs on all three."""
    opened = open_tiny(request.param, tmp_path)
    yield opened
    opened.close()


def write(
    engine: Engine, prompt: list[int], n: int, sampling: SamplingParams = GREEDY, *, chunk: int = 64
) -> list[Progress]:
    """One sequence alone, from its prompt to its n-th token; the steps that drew."""
    engine.add(0, prompt, sampling)
    left, drawn = len(prompt), list[Progress]()
    try:
        while len(drawn) < n:
            size = min(left, chunk, engine.info.max_chunk_tokens, engine.info.max_batch_tokens)
            (progress,) = engine.step({0: size})
            left -= size
            assert progress.computed == len(prompt) + len(drawn) - left
            if progress.token is not None:
                assert left == 0
                drawn.append(progress)
                left = 1
    finally:
        engine.remove(0)
    return drawn


def tokens_of(steps: list[Progress]) -> list[int | None]:
    return [progress.token for progress in steps]


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
    left: dict[int, int] = {}
    texts: dict[int, list[int | None]] = {}
    waiting = list(enumerate(PROMPTS))
    while waiting or left:
        if waiting and len(left) < n_places:  # one joins at each step, while others write
            sequence_id, prompt = waiting.pop(0)
            engine.add(sequence_id, prompt, SAMPLED)
            left[sequence_id], texts[sequence_id] = len(prompt), []
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


def test_scores_are_those_of_the_steps(engine: Engine):
    """Greedy text has rank 0 throughout, and the same logprobs as when it was drawn."""
    steps = write(engine, PROMPTS[0], 20)
    text = PROMPTS[0] + [progress.token or 0 for progress in steps]
    scores = engine.score(text)
    assert scores.logprobs.shape == scores.ranks.shape == (len(text) - 1,)
    assert (scores.ranks[len(PROMPTS[0]) - 1 :] == 0).all()
    drawn = [progress.logprob for progress in steps]
    assert scores.logprobs[len(PROMPTS[0]) - 1 :] == pytest.approx(drawn, abs=1e-3)
    assert len(engine.score([4]).logprobs) == 0


def test_logits_are_those_that_scores_are_made_of(engine: Engine):
    """One row after each token, over the whole window, in chunks of the engine's size."""
    tokens = [(7 * index) % SHAPE.n_vocab for index in range(SHAPE.n_ctx)]
    chunks = list(engine.logits(tokens))
    assert all(len(chunk) <= engine.info.max_chunk_tokens for chunk in chunks)
    rows = np.concatenate(chunks)
    assert (rows.shape, rows.dtype) == ((SHAPE.n_ctx, SHAPE.n_vocab), np.float32)
    wide = rows[:-1].astype(np.float64)
    logprobs = wide[np.arange(len(wide)), tokens[1:]] - np.logaddexp.reduce(wide, axis=1)
    # A batch of another size is rounded in another way: 0.0016 was the largest seen.
    assert logprobs == pytest.approx(engine.score(tokens).logprobs, abs=1e-2)


def test_logits_stay_as_they_were_handed_out(engine: Engine):
    """A chunk is the caller's: what is computed later doesn't change it."""
    first = next(iter(engine.logits(PROMPTS[0])))
    kept = first.copy()
    engine.score(PROMPTS[3])
    assert (first == kept).all()


def test_logits_dropped_half_way_free_their_place(engine: Engine):
    """Who looks at the first chunk only leaves room for the next text."""
    for _ in range(engine.info.max_sequences + 1):
        rows = engine.logits([1] * SHAPE.n_ctx)
        next(rows)
        del rows
    assert len(write(engine, PROMPTS[0], 2)) == 2


@pytest.mark.parametrize("tokens", [[], [1] * 65, [1, 300], [-1]])
def test_logits_of_tokens_that_are_none_are_refused(engine: Engine, tokens: list[int]):
    """As `add` refuses them, where the first chunk is asked for."""
    with pytest.raises(ValueError, match=r"tokens|id from"):
        next(iter(engine.logits(tokens)))


def test_closing_twice_is_safe(engine: Engine):
    """The fixture closes once more."""
    engine.close()


def test_a_failed_step_leaves_the_engine_usable(tmp_path: Path):
    """The sequences in the plan go; the next one works."""
    engine = ScriptedEngine(n_vocab=300, fail_at_step=1)
    engine.add(0, [1], GREEDY)
    with pytest.raises(RuntimeError, match="this step fails"):
        engine.step({0: 1})
    engine.remove(0)
    assert len(write(engine, [1], 3)) == 3


def test_engines_agree(tmp_path: Path):
    """Two libraries, two file formats, one model: the same greedy text and nearly equal scores."""
    texts, logprobs = [], []
    for name in ("llama_cpp", "ctransformers"):
        engine = open_tiny(name, tmp_path)
        texts.append([tokens_of(write(engine, prompt, 20)) for prompt in PROMPTS])
        logprobs.append(engine.score(list(range(3, 60))).logprobs)
        engine.close()
    assert texts[0] == texts[1]
    assert np.abs(logprobs[0] - logprobs[1]).max() < 2e-3


def test_small_model_says_the_same_on_both_engines(tmp_path: Path):
    """The one that ships, quantized: scores of a real text differ by rounding only.

    Both round what they multiply with q8_0, too, each in its own way: 0.11 was the largest seen.
    """
    text = "Once upon a time there was a little fox. He lived in a big forest with his mother."
    found = []
    for name in ("llama_cpp", "ctransformers"):
        if importlib.util.find_spec(name) is None:
            pytest.skip(f"{name} is not installed")
        opened = open_model("small", ENGINE_FILE_FORMAT[name], tmp_path)
        engine = open_engine(name, opened.info, slots=1, n_threads=1)
        found.append(engine.score(opened.tokenizer.encode(text)))
        engine.close()
    assert np.abs(found[0].logprobs - found[1].logprobs).max() < 0.25
    assert abs(found[0].logprobs.mean() - found[1].logprobs.mean()) < 0.02


@pytest.mark.parametrize("quantization", QUANTIZATIONS)
def test_every_quantization_runs_on_llama_cpp(tmp_path: Path, quantization: str):
    """Rows of 256 numbers, as K-quants want them; scores stay close to those of f32."""
    shape = ModelShape(n_vocab=300, n_ctx=64, n_embd=256, n_head=4, n_layer=2)
    folder = make_huggingface_folder(tmp_path / "hf", shape)
    found = []
    for name in ("f32", quantization):
        if importlib.util.find_spec("llama_cpp") is None:
            pytest.skip("llama_cpp is not installed (make llama adds it)")
        target = tmp_path / f"{name}.gguf"
        import_checkpoint(folder, target, "m", name)
        opened = open_model(str(target), "gguf", tmp_path)
        assert name == opened.info.quantization
        engine = open_engine("llama_cpp", opened.info, slots=1, n_threads=1)
        found.append(engine.score(list(range(5, 60))).logprobs)
        engine.close()
    assert np.corrcoef(found[0], found[1])[0, 1] > 0.9


def test_two_models_at_once_are_refused_by_ctransformers(tmp_path: Path):
    """Its scratch memory is one for the process."""
    engine = open_tiny("ctransformers", tmp_path)
    with pytest.raises(EngineError, match="one model in a process"):
        open_tiny("ctransformers", tmp_path)
    engine.close()
    open_tiny("ctransformers", tmp_path).close()


def test_abort_ends_a_step_from_another_thread(tmp_path: Path):
    """So that a worker told to leave need not wait for a large model."""
    engine = open_tiny("llama_cpp", tmp_path)
    engine.add(0, PROMPTS[0], GREEDY)
    thread = threading.Thread(target=engine.abort)
    thread.start()
    thread.join(5)
    with pytest.raises(RuntimeError, match="could not compute"):
        engine.step({0: 5})
    engine.close()


def test_scripted_engine_can_be_slow():
    """Each step waits; the wait can be given."""
    waits: list[float] = []
    engine = ScriptedEngine(n_vocab=300, step_delay_s=0.5, sleep=waits.append)
    began_s = time.monotonic()
    write(engine, [1], 4)
    assert waits == [0.5] * 4
    assert time.monotonic() - began_s < 0.5
