"""Importing a Hugging Face folder: every tensor in its place, everything wrong named."""

import json
import os
import struct
from pathlib import Path

import gguf
import numpy as np
import pytest
from safetensors.numpy import save_file

from bot.core.models import ModelShape
from bot.errors import ModelFileError
from bot.model.commands import import_folder
from bot.model.convert import convert_to_ggml
from bot.model.ggml_file import read_ggml
from bot.model.gguf_file import read_gguf
from bot.model.importing import import_checkpoint
from bot.model.model_file import ModelFile
from bot.model.store import list_models, open_model, read_model
from bot.model.whole_file import writing
from tests.model_files import SHAPE, make_huggingface_folder, random_weights


def values_of(model: ModelFile) -> dict[str, np.ndarray]:
    """Every tensor of a file as f32, by its Hugging Face name."""
    data = model.path.read_bytes()
    found = {}
    for tensor in model.tensors:
        raw = np.frombuffer(data, np.uint8, tensor.n_bytes, tensor.offset)
        rows = raw.reshape(*tensor.spec.shape[:-1], -1)
        kind = gguf.GGMLQuantizationType(tensor.storage.id)
        found[tensor.spec.huggingface] = gguf.quants.dequantize(rows, kind)
    return found


@pytest.mark.parametrize("suffix", [".gguf", ".ggml"])
@pytest.mark.parametrize(
    ("quantization", "tolerance"),
    [("f32", 0.0), ("f16", 1e-3), ("q8_0", 4e-3), ("q5_0", 3e-2), ("q4_0", 7e-2)],
)
def test_every_tensor_arrives_transposed_where_it_must(
    tmp_path: Path, suffix: str, quantization: str, tolerance: float
):
    """All values are those of the checkpoint, the square matrix the right way round."""
    folder = make_huggingface_folder(tmp_path / "hf")
    target = tmp_path / f"m{suffix}"

    import_checkpoint(folder, target, "m", quantization)
    model = read_gguf(target) if suffix == ".gguf" else read_ggml(target)

    weights = random_weights(SHAPE, prefix="")
    values = values_of(model)
    assert weights.keys() == values.keys()
    for tensor in model.tensors:
        name = tensor.spec.huggingface
        expected = weights[name].T if tensor.spec.transposed else weights[name]
        assert expected.shape == values[name].shape
        assert np.abs(expected - values[name]).max() <= tolerance
    assert quantization == model.storage.name
    assert SHAPE == model.shape


def test_names_without_prefix_and_mask_buffers_are_taken(tmp_path: Path):
    """Older checkpoints have no prefix, mask buffers and a tied output matrix."""
    folder = make_huggingface_folder(tmp_path / "hf", prefix="")
    weights = random_weights(SHAPE, prefix="")
    weights["h.0.attn.bias"] = np.ones((1, 1, 64, 64), dtype=np.float32)
    weights["h.1.attn.masked_bias"] = np.array(-1e4, dtype=np.float32)
    weights["lm_head.weight"] = weights["wte.weight"]
    save_file(weights, folder / "model.safetensors")

    import_checkpoint(folder, tmp_path / "m.gguf", "m", "f32")

    assert SHAPE == read_gguf(tmp_path / "m.gguf").shape


def _remove(name: str):
    return lambda weights: weights.pop(name)


def _replace(name: str, values: np.ndarray):
    return lambda weights: weights.update({name: values})


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (_remove("transformer.h.1.mlp.c_fc.bias"), "h.1.mlp.c_fc.bias is missing"),
        (
            _replace("transformer.wpe.weight", np.zeros((63, 64), np.float32)),
            r"wpe.weight has the shape \(63, 64\) instead of \(64, 64\)",
        ),
        (_replace("transformer.h.2.ln_1.weight", np.zeros(64, np.float32)), "h.2.ln_1.weight"),
        (_replace("lm_head.weight", np.zeros((300, 64), np.float32)), "tied"),
        (_replace("transformer.ln_f.bias", np.full(64, np.nan, np.float32)), "not finite"),
    ],
)
def test_wrong_tensor_is_named(tmp_path: Path, change, named: str):
    """Missing, misshapen, surplus, untied or broken: the sentence says which and why."""
    folder = make_huggingface_folder(tmp_path / "hf")
    weights = random_weights(SHAPE)
    change(weights)
    save_file(weights, folder / "model.safetensors")

    with pytest.raises(ModelFileError, match=named):
        import_checkpoint(folder, tmp_path / "m.gguf", "m", "f32")

    assert [] == list(tmp_path.glob("*.gguf")), "a refused import leaves nothing"
    assert [] == list(tmp_path.glob(".*")), "nor a part of a file"


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"model_type": "llama"}, "model_type"),
        ({"activation_function": "relu"}, "activation_function"),
        ({"scale_attn_by_inverse_layer_idx": True}, "scale_attn_by_inverse_layer_idx"),
        ({"layer_norm_epsilon": 1e-6}, "layer_norm_epsilon"),
        ({"n_inner": 100}, "n_inner"),
        ({"n_head": 7}, "n_head"),
        ({"n_embd": "x"}, "numbers make no sense"),
    ],
)
def test_other_architecture_is_named(tmp_path: Path, change: dict[str, object], named: str):
    """A folder that would load and write rubbish is refused."""
    folder = make_huggingface_folder(tmp_path / "hf")
    config = json.loads((folder / "config.json").read_text()) | change
    (folder / "config.json").write_text(json.dumps(config))

    with pytest.raises(ModelFileError, match=named):
        import_checkpoint(folder, tmp_path / "m.gguf", "m", "f32")


@pytest.mark.parametrize("missing", ["config.json", "model.safetensors", "tokenizer"])
def test_missing_part_is_named(tmp_path: Path, missing: str):
    """Each file that a folder needs."""
    folder = make_huggingface_folder(tmp_path / "hf")
    names = {"tokenizer": ["tokenizer.json", "vocab.json", "merges.txt"]}.get(missing, [missing])
    for name in names:
        (folder / name).unlink()

    with pytest.raises(ModelFileError):
        import_checkpoint(folder, tmp_path / "m.gguf", "m", "f32")


def test_width_that_no_block_fits_is_refused(tmp_path: Path):
    """q8_0 packs 32 numbers; a width of 40 can't be packed."""
    shape = ModelShape(n_vocab=300, n_ctx=16, n_embd=40, n_head=4, n_layer=1)
    folder = make_huggingface_folder(tmp_path / "hf", shape)

    with pytest.raises(ModelFileError, match="no multiple of 32"):
        import_checkpoint(folder, tmp_path / "m.gguf", "m", "q8_0")


@pytest.mark.parametrize("quantization", ["f16", "q8_0"])
def test_twin_for_ctransformers_is_the_same_bytes(tmp_path: Path, quantization: str):
    """GGUF and legacy GGML pack alike: converting equals importing directly."""
    folder = make_huggingface_folder(tmp_path / "hf")
    import_checkpoint(folder, tmp_path / "m.gguf", "m", quantization)
    import_checkpoint(folder, tmp_path / "direct.ggml", "m", quantization)

    convert_to_ggml(read_gguf(tmp_path / "m.gguf"), tmp_path / "converted.ggml")

    assert (tmp_path / "direct.ggml").read_bytes() == (tmp_path / "converted.ggml").read_bytes()


def test_imported_model_is_found_by_name_for_both_engines(tmp_path: Path):
    """`models import` and then the name is all a host needs."""
    folder = make_huggingface_folder(tmp_path / "hf")
    home = tmp_path / "home"

    import_folder(folder, home, "mine", "q8_0")

    for_llama = open_model("mine", "gguf", home)
    for_ctransformers = open_model("mine", "ggml", home)
    again = open_model("mine", "ggml", home)
    assert ("gguf", "ggml") == (for_llama.info.file_format, for_ctransformers.info.file_format)
    assert for_ctransformers.info == again.info
    assert home / "models" / "mine.gguf" == list_models(home)["mine"]
    assert "q8_0" == read_model(Path(for_ctransformers.info.path)).quantization


def test_damaged_twin_is_made_anew(tmp_path: Path):
    """A derived file is nobody's only copy."""
    home = tmp_path / "home"
    first = open_model("small", "ggml", home)
    twin = Path(first.info.path)
    whole = twin.read_bytes()
    twin.write_bytes(whole[:-1])

    open_model("small", "ggml", home)

    assert whole == twin.read_bytes()


def test_unknown_name_lists_what_there_is(tmp_path: Path):
    """The sentence helps further."""
    with pytest.raises(ModelFileError, match=r"there are bardling-small"):
        open_model("medium", "gguf", tmp_path)


@pytest.mark.parametrize("name", ["", "../up", "a b", "-x", "x" * 70])
def test_name_that_is_no_file_name_is_refused(tmp_path: Path, name: str):
    """A model's name can't lead out of the folder."""
    with pytest.raises(ModelFileError, match="is no name"):
        import_folder(tmp_path, tmp_path, name, "q8_0")


def test_bfloat16_is_read(tmp_path: Path):
    """Numpy has no such type, and many checkpoints are in it."""
    folder = make_huggingface_folder(tmp_path / "hf")
    weights = random_weights(SHAPE)
    header, data = {}, b""
    for name, values in weights.items():
        upper = (values.view(np.uint32) >> 16).astype("<u2").tobytes()
        header[name] = {
            "dtype": "BF16",
            "shape": values.shape,
            "data_offsets": [len(data), len(data) + len(upper)],
        }
        data += upper
    text = json.dumps(header).encode()
    size = struct.pack("<Q", len(text))
    (folder / "model.safetensors").write_bytes(size + text + data)

    import_checkpoint(folder, tmp_path / "m.gguf", "m", "f32")

    found = values_of(read_gguf(tmp_path / "m.gguf"))["h.1.mlp.c_proj.weight"]
    expected = weights["transformer.h.1.mlp.c_proj.weight"].T
    assert 0 < np.abs(found - expected).max() < 2e-3


@pytest.mark.parametrize(
    "change",
    [
        {"pre_tokenizer": {"type": "Metaspace"}},
        {"model": {"type": "WordPiece", "vocab": {}}},
        {"model": {"type": "BPE", "vocab": {"a": 0}, "merges": ["x y"]}},
    ],
)
def test_other_tokenizers_are_refused(tmp_path: Path, change: dict[str, object]):
    """Read as a byte-level BPE they would write rubbish."""
    folder = make_huggingface_folder(tmp_path / "hf")
    path = folder / "tokenizer.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | change))

    with pytest.raises(ModelFileError, match="tokenizer"):
        import_checkpoint(folder, tmp_path / "m.gguf", "m", "f32")


def test_parts_of_a_killed_import_are_swept(tmp_path: Path):
    """They may be gigabytes; one that is still written to stays."""
    old, new = tmp_path / ".m.gguf.1-ab.part", tmp_path / ".m.gguf.2-cd.part"
    old.touch()
    new.touch()
    os.utime(old, (0, 0))

    with writing(tmp_path / "m.gguf") as part:
        part.write_bytes(b"whole")

    assert [new, tmp_path / "m.gguf"] == sorted(tmp_path.iterdir())
