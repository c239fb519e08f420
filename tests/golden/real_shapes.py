"""GPT-2s of the real sizes with random weights: a Hugging Face folder of each, made in seconds.

Used by `test_real_shapes`. The weights go to disk tensor by tensor: the 774M's are 3 GB.
"""

import json
import struct
from itertools import islice, product
from math import prod, sqrt
from pathlib import Path
from statistics import NormalDist

import numpy as np

from bot.core.models import ModelShape
from bot.model.checkpoint.huggingface import PREFIX
from bot.model.tensors import TensorSpec, tensor_specs

N_VOCAB = 50_257
_STD = 0.02  # of GPT-2's own initialization
_NORM_STD = 0.1  # GPT-2 starts with norms of 1 and biases of 0, where a mix-up would not show


def make_real_folder(folder: Path, shape: ModelShape, seed: int) -> Path:
    """A folder as `save_pretrained` writes it: config, weights, tokenizer."""
    from transformers import GPT2Config

    GPT2Config(
        vocab_size=shape.n_vocab, n_positions=shape.n_ctx, n_embd=shape.n_embd,
        n_head=shape.n_head, n_layer=shape.n_layer,
    ).save_pretrained(folder)  # fmt: skip
    _write_vocabulary(folder)
    _write_weights(folder / "model.safetensors", shape, seed)
    return folder


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


def _write_vocabulary(folder: Path) -> None:
    """A byte-level BPE of GPT-2's size: 256 bytes, 50,000 pairs of them, the end of the text."""
    visible = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    hidden = range(0x100, 0x100 + 256 - len(visible))
    letters = [chr(one) for one in (*visible, *hidden)]
    merges = list(islice(product(letters, letters), N_VOCAB - 257))
    tokens = [*letters, *(left + right for left, right in merges), "<|endoftext|>"]
    vocabulary = {token: index for index, token in enumerate(tokens)}
    (folder / "vocab.json").write_text(json.dumps(vocabulary), encoding="utf-8")
    lines = ["#version: 0.2", *(f"{left} {right}" for left, right in merges)]
    (folder / "merges.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")


def _write_weights(path: Path, shape: ModelShape, seed: int) -> None:
    """Format: 8 bytes with the header's size, the header as JSON, the tensors' bytes."""
    specs = list(tensor_specs(shape))
    header: dict[str, object] = {"__metadata__": {"format": "pt"}}
    end = 0
    for spec in specs:
        start, end = end, end + 4 * prod(spec.shape)
        sizes = spec.shape[::-1] if spec.transposed else spec.shape
        header[PREFIX + spec.huggingface] = {
            "dtype": "F32", "shape": sizes, "data_offsets": [start, end]
        }  # fmt: skip
    text = json.dumps(header).encode()
    random = np.random.default_rng(seed)
    with path.open("wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for spec in specs:
            file.write(_numbers(random, spec, shape).data)


# Each of 65,536 equal parts of the normal distribution by its middle: looking them up is ten
# times faster than drawing, and the four sizes have 1.4 billion numbers.
_NORMAL = np.array([NormalDist().inv_cdf((one + 0.5) / 65_536) for one in range(65_536)])


def _numbers(random: np.random.Generator, spec: TensorSpec, shape: ModelShape) -> np.ndarray:
    """GPT-2's initialization: what adds to the residual stream is smaller, by its depth."""
    name = spec.huggingface
    mean = float("ln_" in name and name.endswith(".weight"))
    if "ln_" in name:
        std = _NORM_STD
    else:
        std = _STD / sqrt(2 * shape.n_layer) if "c_proj" in name else _STD
    values = (_NORMAL * std + mean).astype(np.float32)
    if spec.is_weight:
        # Rounding the weights alone moves logits by 2.0e-3 (124M) to 2.6e-3 (774M), also in
        # `transformers`; then what is computed with them could not be seen in f16 files.
        values = values.astype(np.float16).astype(np.float32)
    return values[random.integers(0, 65_536, prod(spec.shape), dtype=np.uint16)]
