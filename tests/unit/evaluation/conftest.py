"""Models to try: tiny ones with random weights, some of them spoiled."""

import importlib.util
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from bot.core.models import ModelShape
from bot.model.importing import import_checkpoint
from tests.model_files import SHAPE, make_huggingface_folder, random_weights

MakeModel = Callable[..., Path]


@pytest.fixture(params=["llama_cpp", "ctransformers"])
def engine(request: pytest.FixtureRequest) -> str:
    """Each engine with a library."""
    if importlib.util.find_spec(request.param) is None:
        pytest.skip(f"{request.param} is not installed (make llama adds llama_cpp)")
    return request.param


@pytest.fixture(scope="session")
def make_model(tmp_path_factory: pytest.TempPathFactory) -> MakeModel:
    """Writes a tiny model; `spoil` gives other values for the tensors whose names end so."""

    def make(
        quantization: str = "f32",
        *,
        shape: ModelShape = SHAPE,
        seed: int = 0,
        spoil: dict[str, float] | None = None,
        suffix: str = "gguf",
    ) -> Path:
        folder = tmp_path_factory.mktemp("tiny")
        make_huggingface_folder(folder, shape, seed)
        weights = random_weights(shape, seed)
        for ending, value in (spoil or {}).items():
            for name in weights:
                if name.endswith(ending):
                    weights[name] = np.full_like(weights[name], value)
        save_file(weights, folder / "model.safetensors")
        target = folder / f"tiny-{quantization}.{suffix}"
        import_checkpoint(folder, target, "tiny", quantization)
        return target

    return make
