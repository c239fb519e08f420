"""An imported model computes what `transformers` computes from the same weights."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest

from bot.core.models import ModelShape
from bot.core.sampling import SamplingParams
from bot.engine.select import ENGINE_FILE_FORMAT, open_engine
from bot.engine.sequences import Chunk, SequenceEngine
from bot.model.importing import import_checkpoint
from bot.model.store import open_model
from tests.golden.reference import GOLDEN_FILE, SEED, TOKENS, digest, reference_logits
from tests.model_files import SHAPE, make_huggingface_folder, random_weights

# Largest difference of any logit. f32 and f16 bear the engines' own rounding (llama.cpp keeps
# keys and values in f16, both look GELU up in an f16 table); the others that of their weights.
TOLERANCES = {"f32": 3e-3, "f16": 6e-3, "q8_0": 0.15}
_WIDER = 1e-2  # f32 on the wider shapes below: more numbers to add, more rounding


def imported_logits(
    folder: Path, engine_name: str, quantization: str, tokens: list[int]
) -> np.ndarray:
    """Logits of every position, by import, model file and engine; shape [n_tokens, n_vocab]."""
    if importlib.util.find_spec(engine_name) is None:
        pytest.skip(f"{engine_name} is not installed (make llama adds llama_cpp)")
    file_format = ENGINE_FILE_FORMAT[engine_name]
    target = folder / f"golden.{quantization}.{file_format}"
    import_checkpoint(folder, target, "golden", quantization)
    opened = open_model(str(target), file_format, folder)
    engine = open_engine(engine_name, opened.info, slots=1, n_threads=1)
    assert isinstance(engine, SequenceEngine)
    engine.add(0, tokens, SamplingParams())
    rows, size = [], engine.info.max_chunk_tokens
    for start in range(0, len(tokens), size):
        # Rows of logits are an engine's own business; only this test looks at them.
        chunk = Chunk(0, tokens[start : start + size], start, "all")
        rows.append(engine._compute([chunk]).copy())
    engine.close()
    return np.concatenate(rows)


@pytest.mark.parametrize("quantization", TOLERANCES)
@pytest.mark.parametrize("engine_name", ["llama_cpp", "ctransformers"])
def test_logits_are_those_of_the_committed_reference(
    tmp_path: Path, engine_name: str, quantization: str
):
    """Over the whole window of the tiny model, on weights from a seed."""
    with np.load(GOLDEN_FILE) as golden:
        expected, weights_sha256 = golden["logits"], str(golden["weights_sha256"])
    weights = random_weights(SHAPE, SEED)
    assert digest(weights) == weights_sha256, "numpy's random numbers changed"
    folder = make_huggingface_folder(tmp_path, seed=SEED)
    found = imported_logits(folder, engine_name, quantization, TOKENS)
    assert found.shape == expected.shape

    assert np.abs(found - expected).max() < TOLERANCES[quantization]


@pytest.mark.parametrize("engine_name", ["llama_cpp", "ctransformers"])
@pytest.mark.parametrize(
    "shape",
    [
        ModelShape(n_vocab=300, n_ctx=128, n_embd=192, n_head=12, n_layer=3),
        ModelShape(n_vocab=300, n_ctx=128, n_embd=160, n_head=5, n_layer=2),
    ],
    ids=["12 heads", "5 heads"],
)
def test_logits_are_those_of_transformers(tmp_path: Path, engine_name: str, shape: ModelShape):
    """Other shapes, against the library itself where it is installed."""
    pytest.importorskip("torch", reason="torch is not installed (make golden)")
    pytest.importorskip("transformers", reason="transformers is not installed (make golden)")
    tokens = [int(token) for token in np.linspace(1, 299, 100)]
    expected = reference_logits(random_weights(shape, SEED), shape, tokens)
    folder = make_huggingface_folder(tmp_path, shape, seed=SEED)
    found = imported_logits(folder, engine_name, "f32", tokens)

    assert np.abs(found - expected).max() < _WIDER
