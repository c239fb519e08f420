"""Tiny GPT-2s for tests: a Hugging Face folder with random weights, made without torch."""

import json
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file
from tokenizers import Tokenizer as Bpe
from tokenizers import models, pre_tokenizers, trainers

from bot.core.models import ModelShape
from bot.model.tensors import tensor_specs

SHAPE = ModelShape(n_vocab=300, n_ctx=64, n_embd=64, n_head=4, n_layer=2)
_TEXTS = ["Once upon a time there was a fox.", "The fox went home. Ünïcode 🦊!"] * 20


def make_huggingface_folder(
    folder: Path,
    shape: ModelShape = SHAPE,
    seed: int = 0,
    prefix: str = "transformer.",
    *,
    save_tokenizer: bool = True,
    n_tokens: int | None = None,
) -> Path:
    """A folder as `save_pretrained` writes it: config, weights, tokenizer.

    Args:
        n_tokens: of the tokenizer, where the model has rows for more.
    """
    folder.mkdir(parents=True, exist_ok=True)
    config = {
        "model_type": "gpt2",
        "vocab_size": shape.n_vocab,
        "n_positions": shape.n_ctx,
        "n_embd": shape.n_embd,
        "n_head": shape.n_head,
        "n_layer": shape.n_layer,
        "activation_function": "gelu_new",
        "layer_norm_epsilon": 1e-5,
    }
    (folder / "config.json").write_text(json.dumps(config))
    save_file(random_weights(shape, seed, prefix), folder / "model.safetensors")
    if save_tokenizer:
        _save_tokenizer(folder, n_tokens or shape.n_vocab)
    return folder


def random_weights(
    shape: ModelShape, seed: int = 0, prefix: str = "transformer."
) -> dict[str, np.ndarray]:
    """Weights by Hugging Face's names, in its orientation."""
    random = np.random.default_rng(seed)
    weights = {}
    for spec in tensor_specs(shape):
        stored = spec.shape[::-1] if spec.transposed else spec.shape
        values = random.normal(0, 0.1, stored).astype(np.float32)
        if spec.huggingface.endswith(("ln_1.weight", "ln_2.weight", "ln_f.weight")):
            values += 1
        weights[prefix + spec.huggingface] = values
    return weights


def _save_tokenizer(folder: Path, n_vocab: int) -> None:
    bpe = Bpe(models.BPE())
    bpe.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
    trainer = trainers.BpeTrainer(
        vocab_size=n_vocab - 1,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    bpe.train_from_iterator(_TEXTS, trainer)
    bpe.add_special_tokens(["<|endoftext|>"])
    assert n_vocab == bpe.get_vocab_size()
    bpe.save(str(folder / "tokenizer.json"))
    bpe.model.save(str(folder))
