"""Folders with random weights, as the engine benchmark and the golden tests use them."""

import json
from pathlib import Path

import numpy as np
import pytest
from safetensors import safe_open

from bot.bench.options import SHAPE_NAMES
from bot.bench.shapes import SHAPES, make_random_folder
from bot.core.models import ModelShape
from bot.model.importing import import_checkpoint
from bot.model.store import open_model

_TINY = ModelShape(n_vocab=320, n_ctx=64, n_embd=64, n_head=2, n_layer=2)


def _weights(folder: Path, name: str) -> np.ndarray:
    with safe_open(folder / "model.safetensors", framework="numpy") as file:
        return file.get_tensor(f"transformer.{name}")


def test_what_is_made_can_be_imported(tmp_path: Path):
    """Shape, vocabulary and end of the text survive the way into a model file."""
    folder = make_random_folder(tmp_path / "folder", _TINY, seed=1)
    import_checkpoint(folder, tmp_path / "tiny.gguf", "tiny", "q8_0")

    opened = open_model(str(tmp_path / "tiny.gguf"), "gguf", tmp_path)

    assert _TINY == opened.info.shape
    assert _TINY.n_vocab - 1 == opened.info.end_of_text_id
    assert "a" == opened.tokenizer.decode(opened.tokenizer.encode("a"))


def test_weights_are_as_gpt2_starts(tmp_path: Path):
    """Spread 0.02, less where the residual stream is added to; norms of 1 and 0."""
    folder = make_random_folder(tmp_path, _TINY, seed=1)

    assert 0.02 == pytest.approx(_weights(folder, "wte.weight").std(), rel=0.05)
    assert 0.01 == pytest.approx(_weights(folder, "h.0.mlp.c_proj.weight").std(), rel=0.05)
    assert np.all(1 == _weights(folder, "ln_f.weight"))
    assert np.all(0 == _weights(folder, "h.1.ln_1.bias"))
    assert (64, 192) == _weights(folder, "h.0.attn.c_attn.weight").shape


def test_norms_can_be_told_apart(tmp_path: Path):
    """With a spread of their own, as the golden tests need it."""
    folder = make_random_folder(tmp_path, _TINY, seed=1, norm_std=0.1)

    assert 0.05 < _weights(folder, "ln_f.weight").std() < 0.2


def test_same_seed_makes_the_same_file(tmp_path: Path):
    """And another seed another one."""
    files = [
        (make_random_folder(tmp_path / str(index), _TINY, seed) / "model.safetensors").read_bytes()
        for index, seed in enumerate((1, 1, 2))
    ]

    assert files[0] == files[1] != files[2]


def test_command_line_knows_all_shapes():
    """Its list stands apart, so that `bardling --version` imports no numpy."""
    assert tuple(SHAPES) == SHAPE_NAMES


def test_config_is_that_of_a_plain_gpt2(tmp_path: Path):
    """What other libraries read of it."""
    folder = make_random_folder(tmp_path, _TINY, seed=1)

    config = json.loads((folder / "config.json").read_text())

    assert ("gpt2", 320, 2) == (config["model_type"], config["vocab_size"], config["n_layer"])
