"""GPT-2s of the real sizes with random weights: what is measured needs no download.

A Hugging Face folder of each is made in seconds; the weights go to disk tensor by tensor, as the
774M's are 3 GB. Used by the engine benchmark and by the golden tests of the real shapes.
"""

import json
import struct
from itertools import islice, product
from math import prod, sqrt
from pathlib import Path
from statistics import NormalDist

import numpy as np
import numpy.typing as npt

from bot.core.models import ModelShape
from bot.model.checkpoint.huggingface import PREFIX
from bot.model.tensors import TensorSpec, tensor_specs
from bot.model.whole_file import writing

N_VOCAB = 50_257
SHAPES = {
    "124M": ModelShape(n_vocab=N_VOCAB, n_ctx=1024, n_embd=768, n_head=12, n_layer=12),
    "355M": ModelShape(n_vocab=N_VOCAB, n_ctx=1024, n_embd=1024, n_head=16, n_layer=24),
    "774M": ModelShape(n_vocab=N_VOCAB, n_ctx=1024, n_embd=1280, n_head=20, n_layer=36),
    "1558M": ModelShape(n_vocab=N_VOCAB, n_ctx=1024, n_embd=1600, n_head=25, n_layer=48),
}
_STD = 0.02  # of GPT-2's own initialization
_N_LETTERS = 256


def make_random_folder(
    folder: Path, shape: ModelShape, seed: int, *, norm_std: float = 0.0
) -> Path:
    """A folder as `save_pretrained` writes it: config, tokenizer, weights (the last file written).

    Args:
        folder: where; it is made.
        shape: any.
        seed: of the weights.
        norm_std: spread of the norms' weights around 1, and of their biases around 0. GPT-2
            starts with none, where a mix-up of the two would not show.

    Raises:
        OSError: it can't be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(_config(shape), indent=1), encoding="utf-8")
    _write_vocabulary(folder, shape.n_vocab)
    n_bytes = sum(4 * prod(spec.shape) for spec in tensor_specs(shape))
    with writing(folder / "model.safetensors", n_bytes) as part:
        _write_weights(part, shape, seed, norm_std)
    return folder


def _config(shape: ModelShape) -> dict[str, object]:
    end_of_text_id = shape.n_vocab - 1
    return {
        "architectures": ["GPT2LMHeadModel"],
        "model_type": "gpt2",
        "activation_function": "gelu_new",
        "layer_norm_epsilon": 1e-5,
        "tie_word_embeddings": True,
        "vocab_size": shape.n_vocab,
        "n_positions": shape.n_ctx,
        "n_embd": shape.n_embd,
        "n_head": shape.n_head,
        "n_layer": shape.n_layer,
        "bos_token_id": end_of_text_id,
        "eos_token_id": end_of_text_id,
    }


def _write_vocabulary(folder: Path, n_vocab: int) -> None:
    """A byte-level BPE: 256 bytes, pairs of them (50,000 for GPT-2's size), the end of the text."""
    visible = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    hidden = range(0x100, 0x100 + _N_LETTERS - len(visible))
    letters = [chr(one) for one in (*visible, *hidden)]
    merges = list(islice(product(letters, letters), n_vocab - _N_LETTERS - 1))
    tokens = [*letters, *(left + right for left, right in merges), "<|endoftext|>"]
    vocabulary = {token: index for index, token in enumerate(tokens)}
    (folder / "vocab.json").write_text(json.dumps(vocabulary), encoding="utf-8")
    lines = ["#version: 0.2", *(f"{left} {right}" for left, right in merges)]
    (folder / "merges.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")


def _write_weights(path: Path, shape: ModelShape, seed: int, norm_std: float) -> None:
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
    # Each of 65,536 equal parts of the normal distribution by its middle: looking them up is ten
    # times faster than drawing, and the four sizes have 2.9 billion numbers.
    normal = np.array([NormalDist().inv_cdf((one + 0.5) / 65_536) for one in range(65_536)])
    with path.open("wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for spec in specs:
            mean, std = _distribution(spec, shape, norm_std)
            values = (normal * std + mean).astype(np.float32)
            if spec.is_weight:
                # Rounding the weights alone moves logits by 2.0e-3 (124M) to 2.6e-3 (774M), also
                # in `transformers`; then what is computed with them could not be seen in f16.
                values = values.astype(np.float16).astype(np.float32)
            file.write(_drawn(random, values, prod(spec.shape)).data)


def _drawn(
    random: np.random.Generator, values: npt.NDArray[np.float32], count: int
) -> npt.NDArray[np.float32]:
    return values[random.integers(0, len(values), count, dtype=np.uint16)]


def _distribution(spec: TensorSpec, shape: ModelShape, norm_std: float) -> tuple[float, float]:
    """GPT-2's initialization: what adds to the residual stream is smaller, by its depth."""
    name = spec.huggingface
    if "ln_" in name:
        return float(name.endswith(".weight")), norm_std
    return 0.0, _STD / sqrt(2 * shape.n_layer) if "c_proj" in name else _STD
