"""The wide engine computes what `transformers` computes in f32 from the very weights of the file.

Its own part of the error, apart from what storing the weights in 8 or 4 bits costs.
"""

from pathlib import Path

import gguf
import numpy as np
import pytest

from bot.core.sampling import SamplingParams
from bot.engine.select import open_engine
from bot.evaluation.text import read_text
from bot.model.importing import import_checkpoint
from bot.model.store import OpenedModel, open_model
from bot.model.tensors import tensor_specs

pytest.importorskip("numba", reason="numba is not installed (make wide)")
pytest.importorskip("torch", reason="torch is not installed (make golden)")
pytest.importorskip("transformers", reason="transformers is not installed (make golden)")
pytestmark = pytest.mark.timeout(180)

WEIGHTS = Path(__file__).parent / "small"
_N_TOKENS = 400


def _reference(model: OpenedModel):
    """A GPT-2 of `transformers` with the file's weights, unpacked to f32."""
    import torch
    from transformers import GPT2LMHeadModel

    reference = GPT2LMHeadModel.from_pretrained(WEIGHTS, dtype=torch.float32).eval()
    parameters = dict(reference.transformer.named_parameters())
    stored = {tensor.name: tensor for tensor in gguf.GGUFReader(model.info.path).tensors}
    with torch.no_grad():
        for spec in tensor_specs(model.info.shape):
            tensor = stored[spec.gguf]
            values = gguf.quants.dequantize(tensor.data, tensor.tensor_type).astype(np.float32)
            values = values.reshape(spec.shape)
            parameters[spec.huggingface].copy_(
                torch.from_numpy((values.T if spec.transposed else values).copy())
            )
    return reference


def _logprobs(logits: np.ndarray) -> np.ndarray:
    wide = logits.astype(np.float64)
    return wide - np.logaddexp.reduce(wide, axis=1)[:, None]


# Largest difference of any log-probability of the whole distribution, and the mean KL divergence
# in nats. Seen: q8_0 0.014 and 2.4e-7; q4_0, whose activations have 8 bits, 0.40 and 8.7e-4.
@pytest.mark.parametrize(
    ("quantization", "largest", "mean_kl"), [("q8_0", 0.05, 2e-6), ("q4_0", 0.8, 2e-3)]
)
def test_its_own_error_is_small(tmp_path: Path, quantization: str, largest: float, mean_kl: float):
    """Over a text's whole distributions, and the same greedy text where none is nearly a tie."""
    import torch

    target = tmp_path / f"m.{quantization}.gguf"
    import_checkpoint(WEIGHTS, target, "m", quantization)
    model = open_model(str(target), "gguf", tmp_path)
    tokens = model.tokenizer.encode(read_text(None).text)[:_N_TOKENS]
    with torch.no_grad():
        expected = _logprobs(_reference(model)(torch.tensor([tokens])).logits[0].numpy())
    engine = open_engine("wide", model.info, slots=1, n_threads=1)
    found = _logprobs(np.concatenate(list(engine.logits(tokens))))
    engine.close()
    kl = (np.exp(expected) * (expected - found)).sum(axis=1).mean()

    assert np.abs(found - expected).max() < largest
    assert kl < mean_kl


def test_greedy_texts_are_those_of_transformers(tmp_path: Path):
    """Twenty beginnings in one batch, as far as the likeliest token is no near tie."""
    import torch

    target = tmp_path / "m.gguf"
    import_checkpoint(WEIGHTS, target, "m", "q8_0")
    model = open_model(str(target), "gguf", tmp_path)
    reference = _reference(model)
    tokens = model.tokenizer.encode(read_text(None).text)
    engine = open_engine("wide", model.info, slots=20, n_threads=1)
    greedy = SamplingParams(temperature=0.0, repetition_penalty=1.0)
    prompts = [tokens[30 * index : 30 * index + 12] for index in range(20)]
    for index, prompt in enumerate(prompts):
        engine.add(index, prompt, greedy)
    texts: list[list[int]] = [[] for _ in prompts]
    plan = dict.fromkeys(range(20), 12)
    for _ in range(30):
        for progress in engine.step(plan):
            texts[progress.sequence_id].append(progress.token or 0)
        plan = dict.fromkeys(range(20), 1)
    engine.close()
    n_compared = 0
    for prompt, text in zip(prompts, texts, strict=True):
        with torch.no_grad():
            logits = reference(torch.tensor([prompt + text])).logits[0].numpy()
        for token, row in zip(text, logits[len(prompt) - 1 :], strict=False):
            if row[token] > row.max() - 0.01 and token != int(row.argmax()):
                break  # a near tie: from here on both texts are right
            assert token == int(row.argmax())
            n_compared += 1
    assert n_compared > 400
