"""The engines that every contract test runs on, and how one is opened over a tiny model."""

import importlib.util
from pathlib import Path

import pytest

from bot.core.sampling import SamplingParams
from bot.engine.api import Engine, Progress
from bot.engine.scripted import ScriptedEngine
from bot.engine.select import ENGINE_FILE_FORMAT, open_engine
from bot.model.importing import import_checkpoint
from bot.model.store import open_model
from tests.model_files import SHAPE, make_huggingface_folder

ENGINES = ["wide", "llama_cpp", "xllamacpp", "ctransformers", "scripted"]
_MODULES = {
    "scripted": "bot",
    "wide": "numba",
}  # what must be installed, where it isn't called as the engine

# How far the log-probabilities of one text may lie apart, computed in chunks of other sizes: both
# libraries add in another order then, and round GELU to f16. 0.0016 and 2.7e-6 were the most seen.
ROUNDING = {
    "wide": 0.0, "llama_cpp": 1e-2, "xllamacpp": 1e-2, "ctransformers": 1e-4, "scripted": 0.0
}  # fmt: skip

GREEDY = SamplingParams(temperature=0.0, repetition_penalty=1.0, logprobs=True)
SAMPLED = SamplingParams(temperature=1.0, top_k=0, repetition_penalty=1.2, seed=11, logprobs=True)
PROMPTS = [[5, 6, 7, 8, 9], [200, 17], [33], list(range(40, 60)), [7] * 12]


def open_tiny(name: str, folder: Path, slots: int | None = None) -> Engine:
    """An engine over 300 ids and a window of 64; random weights where it has any."""
    if name == "scripted":
        return ScriptedEngine(n_vocab=SHAPE.n_vocab, n_ctx=SHAPE.n_ctx, slots=slots or 8)
    skip_without(name)
    file_format = ENGINE_FILE_FORMAT[name]
    target = folder / f"tiny.{file_format}"
    if not target.exists():
        import_checkpoint(make_huggingface_folder(folder / "hf"), target, "tiny", "f32")
    opened = open_model(str(target), file_format, folder)
    return open_engine(name, opened.info, slots=slots, n_threads=1)


def skip_without(name: str) -> None:
    """Skips a test whose engine is not installed."""
    if importlib.util.find_spec(_MODULES.get(name, name)) is None:
        pytest.skip(
            f"{name} is not installed (make llama adds llama_cpp, make wide the wide engine)"
        )


def write(
    engine: Engine, prompt: list[int], n: int, sampling: SamplingParams = GREEDY, *, chunk: int = 64
) -> list[Progress]:
    """One sequence alone, from its prompt to its n-th token; the steps that drew."""
    left, drawn = len(prompt) - engine.add(0, prompt, sampling), list[Progress]()
    assert left > 0
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
    """The text alone."""
    return [progress.token for progress in steps]
