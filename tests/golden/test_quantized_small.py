"""What packing costs the small model, on the engines that ship: its q8_0 against its own f32.

The folder `small` holds the weights that the shipped file was packed from.
"""

from importlib.util import find_spec
from pathlib import Path

import pytest

from bot.evaluation.compare import compare
from bot.evaluation.text import read_text
from bot.model.importing import import_checkpoint
from bot.model.store import find_model

WEIGHTS = Path(__file__).parent / "small"
pytestmark = pytest.mark.timeout(120)


def test_shipped_file_is_packed_from_these_weights(tmp_path: Path):
    """To the last byte, so that figures of these weights are figures of that file."""
    import_checkpoint(WEIGHTS, tmp_path / "m.gguf", "bardling-small", "q8_0")

    assert find_model("small", tmp_path).read_bytes() == (tmp_path / "m.gguf").read_bytes()


@pytest.mark.parametrize(
    ("engine_name", "suffix"), [("llama_cpp", "gguf"), ("ctransformers", "ggml")]
)
def test_eight_bits_predict_as_all_do(tmp_path: Path, engine_name: str, suffix: str):
    """So narrow a model is less sure than a large one: its likeliest token changes more often."""
    if find_spec(engine_name) is None:
        pytest.skip(f"{engine_name} is not installed (make llama adds llama_cpp)")
    names = []
    for quantization in ("f32", "f16", "q8_0"):
        names.append(str(tmp_path / f"{quantization}.{suffix}"))
        import_checkpoint(WEIGHTS, Path(names[-1]), quantization, quantization)

    found = compare(
        names, read_text(None), tmp_path, max_tokens=4096, engine=engine_name, n_threads=1
    )

    best, half, eight = found.models
    assert best.is_best
    assert half.likeness
    assert eight.likeness
    assert half.guesses.perplexity == pytest.approx(best.guesses.perplexity, rel=1e-3)
    assert eight.guesses.perplexity == pytest.approx(best.guesses.perplexity, rel=1e-2)
    assert half.likeness.agreement > 0.995
    assert eight.likeness.agreement > 0.96
    assert eight.likeness.kl_nats < 3e-3
