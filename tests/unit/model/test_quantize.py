"""Which tensor is stored in which type, and how much of its numbers is left."""

from collections import Counter
from importlib.util import find_spec

import gguf
import numpy as np
import pytest

from bot.core.models import ModelShape
from bot.errors import EngineError
from bot.llama.library import BUILDS
from bot.model import quantize
from bot.model.quantize import QUANTIZATIONS, NoPackerError, pack
from bot.model.tensors import Q6_K, STORAGE_BY_ID, StorageType, tensor_specs

SMALL = ModelShape(n_vocab=50_257, n_ctx=1024, n_embd=768, n_head=12, n_layer=12)
XL = ModelShape(n_vocab=50_257, n_ctx=1024, n_embd=1600, n_head=25, n_layer=48)
needs_llama = pytest.mark.skipif(
    not any(find_spec(module) for module in BUILDS), reason="no llama.cpp is installed"
)

# Root mean square of the error, as a share of the numbers' own; for normal ones.
ERRORS = {
    "f32": 0.0, "f16": 3e-4, "q8_0": 0.006, "q6_K": 0.02, "q5_1": 0.04, "q5_0": 0.045,
    "q5_K": 0.04, "q4_K": 0.075, "q4_0": 0.09,
}  # fmt: skip


def types_of(name: str, shape: ModelShape) -> dict[str, str]:
    """Each tensor's type by its GGUF name."""
    quantization = QUANTIZATIONS[name]
    return {spec.gguf: quantization.storage_of(spec, shape).name for spec in tensor_specs(shape)}


@pytest.mark.parametrize("name", QUANTIZATIONS)
@pytest.mark.parametrize("shape", [SMALL, XL], ids=["124M", "1558M"])
def test_every_row_is_whole_blocks_and_only_matrices_are_packed(name: str, shape: ModelShape):
    """Also where 256 does not fit: the rows of the largest model are 1,600 long."""
    for spec in tensor_specs(shape):
        storage = QUANTIZATIONS[name].storage_of(spec, shape)
        assert spec.shape[-1] % storage.block_size == 0
        assert spec.is_weight or storage.name == "f32"


def test_q4_k_m_is_mixed_as_llama_cpp_mixes_it():
    """Embeddings and half of the second feed-forward matrices finer, attention in between."""
    types = types_of("q4_K_M", SMALL)

    assert "q6_K" == types["token_embd.weight"]
    assert "q5_K" == types["blk.3.attn_qkv.weight"]
    assert "q4_K" == types["blk.3.ffn_up.weight"]
    finer = [n for n in range(12) if types[f"blk.{n}.ffn_down.weight"] == "q6_K"]
    assert [0, 3, 6, 9, 10, 11] == finer


def test_largest_model_falls_back_where_256_does_not_fit():
    """Its 6,400 numbers a row do fit, its 1,600 don't."""
    types = types_of("q4_K_M", XL)

    assert "q8_0" == types["token_embd.weight"]
    assert "q5_1" == types["blk.3.attn_qkv.weight"]
    assert "q5_0" == types["blk.3.ffn_up.weight"]
    assert {"q4_K", "q6_K"} == {types[f"blk.{n}.ffn_down.weight"] for n in range(48)}
    assert Counter(types_of("q6_K", XL).values())["q8_0"] == 1 + 3 * 48


@pytest.mark.parametrize("storage", STORAGE_BY_ID.values(), ids=lambda one: one.name)
def test_packed_numbers_are_close(storage: StorageType):
    """Packed by ours, unpacked by the `gguf` package; bytes as many as the table says."""
    if storage.block_size == 256 and not any(find_spec(module) for module in BUILDS):
        pytest.skip("no llama.cpp is installed")
    values = np.random.default_rng(3).normal(0, 0.1, (32, 512)).astype(np.float32)

    packed = pack(values, storage)

    assert packed.nbytes == storage.n_bytes(values.shape)
    kind = gguf.GGMLQuantizationType(storage.id)
    raw = np.ascontiguousarray(packed).view(np.uint8).reshape(32, -1)
    error = gguf.quants.dequantize(raw, kind) - values
    assert np.sqrt((error**2).mean()) / values.std() <= ERRORS[storage.name]


@needs_llama
def test_scales_are_where_the_table_says():
    """The check for numbers that are not finite looks there."""
    values = np.random.default_rng(3).normal(0, 1, (1, 256)).astype(np.float32)
    for storage in STORAGE_BY_ID.values():
        if storage.block_size == 1:
            continue
        start, end = storage.scales
        blocks = np.asarray(pack(values, storage)).view(np.uint8).reshape(-1, storage.block_bytes)
        scales = np.ascontiguousarray(blocks[:, start:end]).view(np.float16)
        assert (np.abs(scales) < 4).all()
        assert (scales[:, 0] != 0).all()


@pytest.mark.parametrize("module", BUILDS)
def test_each_llama_cpp_packs_the_same(module: str, monkeypatch: pytest.MonkeyPatch):
    """Whichever is installed, a K-quant has the bytes that the `gguf` package unpacks."""
    if find_spec(module) is None:
        pytest.skip(f"{module} is not installed")
    monkeypatch.setattr(quantize, "BUILDS", {module: BUILDS[module]})
    values = np.random.default_rng(3).normal(0, 0.1, (4, 256)).astype(np.float32)

    packed = np.asarray(pack(values, Q6_K)).view(np.uint8).reshape(4, -1)

    back = gguf.quants.dequantize(packed, gguf.GGMLQuantizationType(Q6_K.id))
    assert np.abs(back - values).max() < 0.02


def test_k_quants_without_llama_cpp_are_an_error(monkeypatch: pytest.MonkeyPatch):
    """Nothing else packs them, and only it runs them; the way out is in the sentence."""

    def missing(module: str) -> None:
        raise EngineError(f"{module} is not installed; pip install it.")

    monkeypatch.setattr(quantize, "load_library", missing)
    with pytest.raises(NoPackerError, match="pip install"):
        pack(np.zeros((1, 256), dtype=np.float32), Q6_K)
