"""What is particular to one engine or another, and that they agree."""

import threading
import time
from pathlib import Path

import numpy as np
import pytest

from bot.core.models import ModelShape
from bot.engine.scripted import ScriptedEngine
from bot.engine.select import ENGINE_FILE_FORMAT, open_engine
from bot.errors import EngineError
from bot.llama.library import BUILDS
from bot.model.importing import import_checkpoint
from bot.model.quantize import QUANTIZATIONS
from bot.model.store import open_model
from tests.contract.engines import GREEDY, PROMPTS, open_tiny, skip_without, tokens_of, write
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
    """Three libraries, two file formats, one model: the same greedy text, nearly equal scores."""
    texts, logprobs = [], []
    for name in ("llama_cpp", "xllamacpp", "ctransformers"):
        engine = open_tiny(name, tmp_path)
        texts.append([tokens_of(write(engine, prompt, 20)) for prompt in PROMPTS])
        logprobs.append(engine.score(list(range(3, 60))).logprobs)
        engine.close()
    assert texts[0] == texts[1] == texts[2]
    assert np.abs(logprobs[0] - logprobs[2]).max() < 2e-3
    assert np.abs(logprobs[1] - logprobs[2]).max() < 2e-3


def test_small_model_says_the_same_on_all_engines(tmp_path: Path):
    """The one that ships, quantized: scores of a real text differ by rounding only.

    All round what they multiply with q8_0, too, each in its own way: 0.11 was the largest seen.
    """
    text = "Once upon a time there was a little fox. He lived in a big forest with his mother."
    found = []
    for name in ("llama_cpp", "xllamacpp", "ctransformers"):
        skip_without(name)
        opened = open_model("small", ENGINE_FILE_FORMAT[name], tmp_path)
        engine = open_engine(name, opened.info, slots=1, n_threads=1)
        found.append(engine.score(opened.tokenizer.encode(text)))
        engine.close()
    for one in found[:2]:
        assert np.abs(one.logprobs - found[2].logprobs).max() < 0.25
        assert abs(one.logprobs.mean() - found[2].logprobs.mean()) < 0.02


@pytest.mark.parametrize("package", BUILDS)
@pytest.mark.parametrize("quantization", QUANTIZATIONS)
def test_every_quantization_runs_on_llama_cpp(tmp_path: Path, quantization: str, package: str):
    """Rows of 256 numbers, as K-quants want them; scores stay close to those of f32."""
    shape = ModelShape(n_vocab=300, n_ctx=64, n_embd=256, n_head=4, n_layer=2)
    folder = make_huggingface_folder(tmp_path / "hf", shape)
    found = []
    for name in ("f32", quantization):
        skip_without(package)
        target = tmp_path / f"{name}.gguf"
        import_checkpoint(folder, target, "m", name)
        opened = open_model(str(target), "gguf", tmp_path)
        assert name == opened.info.quantization
        engine = open_engine(package, opened.info, slots=1, n_threads=1)
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


@pytest.mark.parametrize("package", BUILDS)
def test_abort_ends_a_step_from_another_thread(tmp_path: Path, package: str):
    """So that a worker told to leave need not wait for a large model.

    It also proves where each build has its abort callback: the default, a null pointer, doesn't.
    """
    engine = open_tiny(package, tmp_path)
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
