"""GPT-2s of the real sizes with random weights, and what `transformers` computes with them.

Used by `test_real_shapes`; the folders themselves are made as for the engine benchmark.
"""

from pathlib import Path

import numpy as np

from bot.bench.shapes import make_random_folder
from bot.core.models import ModelShape

_NORM_STD = 0.1  # GPT-2 starts with norms of 1 and biases of 0, where a mix-up would not show


def make_real_folder(folder: Path, shape: ModelShape, seed: int) -> Path:
    """A folder as `save_pretrained` writes it: config, weights, tokenizer."""
    return make_random_folder(folder, shape, seed, norm_std=_NORM_STD)


def reference_logits(folder: Path, tokens: list[int]) -> np.ndarray:
    """Logits of `transformers` in f32 from that folder, shape [len(tokens), n_vocab]."""
    import torch
    from transformers import GPT2LMHeadModel

    model, loaded = GPT2LMHeadModel.from_pretrained(
        folder, dtype=torch.float32, output_loading_info=True
    )
    assert not any(loaded.values()), loaded  # what is missing would be random numbers of its own
    with torch.no_grad():
        return model.eval()(torch.tensor([tokens])).logits[0].numpy()
