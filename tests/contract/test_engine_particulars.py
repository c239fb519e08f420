"""What is particular to one engine or another, and that they agree."""

import importlib.util
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from bot.core.models import ModelShape
from bot.engine.scripted import ScriptedEngine
from bot.engine.select import ENGINE_FILE_FORMAT, open_engine
from bot.errors import EngineError
from bot.model.importing import import_checkpoint
from bot.model.quantize import QUANTIZATIONS
from bot.model.store import open_model
from tests.contract.engines import GREEDY, PROMPTS, open_tiny, tokens_of, write
from tests.model_files import make_huggingface_folder


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
