"""The reference for golden tests: logits of `transformers`' GPT-2 on weights made from a seed.

Run by hand to write the committed file again: ``python -m tests.golden.reference``. Needs torch
and transformers (`make golden`); the tests need only the file that it writes.
"""

import hashlib
from pathlib import Path

import numpy as np

from bot.core.models import ModelShape
from tests.model_files import SHAPE, random_weights

GOLDEN_FILE = Path(__file__).parent / "gpt2_logits.npz"
SEED = 20
TOKENS = [int(token) for token in np.linspace(1, 299, SHAPE.n_ctx)]


def digest(weights: dict[str, np.ndarray]) -> str:
    """Tells whether weights made again from the seed are the ones the file was made with."""
    whole = hashlib.sha256()
    for name in sorted(weights):
        whole.update(name.encode() + weights[name].tobytes())
    return whole.hexdigest()


def reference_logits(
    weights: dict[str, np.ndarray], shape: ModelShape, tokens: list[int]
) -> np.ndarray:
    """Logits of `transformers` in f32, shape [len(tokens), n_vocab]."""
    import torch
    from transformers import GPT2Config, GPT2LMHeadModel

    config = GPT2Config(
        vocab_size=shape.n_vocab, n_positions=shape.n_ctx, n_embd=shape.n_embd,
        n_head=shape.n_head, n_layer=shape.n_layer,
        bos_token_id=shape.n_vocab - 1, eos_token_id=shape.n_vocab - 1,
    )  # fmt: skip
    model = GPT2LMHeadModel(config).eval()
    state = {name: torch.from_numpy(values) for name, values in weights.items()}
    missing, unexpected = model.load_state_dict(state, strict=False)
    assert (missing, unexpected) == (["lm_head.weight"], [])  # tied to wte
    model.tie_weights()
    with torch.no_grad():
        return model(torch.tensor([tokens])).logits[0].numpy()


def main() -> None:
    """Writes the committed file."""
    weights = random_weights(SHAPE, SEED)
    logits = reference_logits(weights, SHAPE, TOKENS)
    np.savez_compressed(GOLDEN_FILE, logits=logits, weights_sha256=digest(weights))
    print(f"{GOLDEN_FILE.name}: {logits.shape}, from {logits.min():.2f} to {logits.max():.2f}")


if __name__ == "__main__":
    main()
