"""Importing `pytorch_model.bin`: the weights come out, and nothing in it is run."""

import json
from pathlib import Path

import numpy as np
import pytest

from bot.errors import ModelFileError
from bot.model.importing import import_checkpoint
from tests.model_files import SHAPE, make_huggingface_folder, random_weights
from tests.pytorch_files import archive, make_pytorch_folder, parts, pickled, tensor
from tests.unit.model.test_tensorflow_checkpoint import assert_same, imported

WTE = "transformer.wte.weight"


def write(folder: Path, weights: dict[str, np.ndarray], name: str = "pytorch_model.bin") -> None:
    """These weights as one file, without torch."""
    entries, storages = parts(weights)
    (folder / name).write_bytes(archive(pickled(entries), storages))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a tokenizer, a configuration and a whole `pytorch_model.bin`."""
    return make_pytorch_folder(tmp_path / "pt")


def test_folder_becomes_the_same_file_as_with_safetensors(tmp_path: Path, folder: Path):
    """Two forms of one model: one result."""
    import_checkpoint(folder, tmp_path / "a.gguf", "m", "q8_0")
    import_checkpoint(make_huggingface_folder(tmp_path / "hf"), tmp_path / "b.gguf", "m", "q8_0")

    assert (tmp_path / "a.gguf").read_bytes() == (tmp_path / "b.gguf").read_bytes()


@pytest.mark.parametrize("prefix", ["transformer.", ""])
def test_file_that_torch_wrote_is_read(tmp_path: Path, folder: Path, prefix: str):
    """With masks, a tied output matrix and one tensor that lies transposed in memory."""
    torch = pytest.importorskip("torch", reason="torch is not installed (make golden)")
    weights = {
        name: torch.from_numpy(values)
        for name, values in random_weights(SHAPE, prefix=prefix).items()
    }
    turned = f"{prefix}h.1.mlp.c_fc.weight"
    weights[turned] = weights[turned].t().contiguous().t()
    weights["lm_head.weight"] = weights[f"{prefix}wte.weight"]
    mask = torch.tril(torch.ones(64, 64, dtype=torch.uint8)).view(1, 1, 64, 64)
    weights[f"{prefix}h.0.attn.bias"] = mask
    weights[f"{prefix}h.1.attn.bias"] = mask.bool()
    weights[f"{prefix}h.0.attn.masked_bias"] = torch.tensor(-1e4)
    torch.save(weights, folder / "pytorch_model.bin")

    assert_same(SHAPE, imported(folder, tmp_path / "m.gguf"))


def test_state_of_a_real_module_is_read(tmp_path: Path, folder: Path):
    """`torch.save(model.state_dict())`: an OrderedDict with attributes of its own."""
    torch = pytest.importorskip("torch", reason="torch is not installed (make golden)")
    transformers = pytest.importorskip("transformers", reason="transformers is not installed")
    config = transformers.GPT2Config(vocab_size=300, n_positions=64, n_embd=64, n_head=4, n_layer=2)
    model = transformers.GPT2LMHeadModel(config)
    model.transformer.load_state_dict(
        {k: torch.from_numpy(v) for k, v in random_weights(SHAPE, prefix="").items()}, strict=False
    )
    torch.save(model.state_dict(), folder / "pytorch_model.bin")

    assert_same(SHAPE, imported(folder, tmp_path / "m.gguf"))


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float64"])
def test_other_numbers_that_torch_wrote_are_read(tmp_path: Path, folder: Path, dtype: str):
    """Half and double sizes."""
    torch = pytest.importorskip("torch", reason="torch is not installed (make golden)")
    weights = random_weights(SHAPE)
    cast = {k: torch.from_numpy(v).to(getattr(torch, dtype)) for k, v in weights.items()}
    torch.save(cast, folder / "pytorch_model.bin")

    found = imported(folder, tmp_path / "m.gguf")["h.1.mlp.c_proj.weight"]

    expected = weights["transformer.h.1.mlp.c_proj.weight"].T
    assert np.abs(found - expected).max() < 2e-3


def test_form_before_1_6_is_named(tmp_path: Path, folder: Path):
    """It is no zip archive; torch still writes it where it is asked to."""
    torch = pytest.importorskip("torch", reason="torch is not installed (make golden)")
    path = folder / "pytorch_model.bin"
    torch.save({"a": torch.ones(2)}, path, _use_new_zipfile_serialization=False)

    with pytest.raises(ModelFileError, match=r"before 1\.6"):
        import_checkpoint(folder, tmp_path / "m.gguf", "m", "f32")


@pytest.mark.parametrize("n_files", [1, 3])
def test_sharded_files_are_one_checkpoint(tmp_path: Path, folder: Path, n_files: int):
    """The list says which files there are."""
    (folder / "pytorch_model.bin").unlink()
    weights = list(random_weights(SHAPE).items())
    weight_map = {}
    for index in range(n_files):
        name = f"pytorch_model-{index + 1:05d}-of-{n_files:05d}.bin"
        write(folder, dict(weights[index::n_files]), name)
        weight_map |= {key: name for key, _ in weights[index::n_files]}
    listing = {"metadata": {}, "weight_map": weight_map}
    (folder / "pytorch_model.bin.index.json").write_text(json.dumps(listing))

    assert_same(SHAPE, imported(folder, tmp_path / "m.gguf"))


@pytest.mark.parametrize(
    ("listing", "named"),
    [
        ("{}", "names no files"),
        ("[]", "no JSON object"),
        ("[" * 100_000, "no JSON"),
        ('{"weight_map": {"a": "../other.bin"}}', "no plain name"),
        ('{"weight_map": {"a": "/etc/passwd"}}', "no plain name"),
        ('{"weight_map": {"a": "\\ud800"}}', "no plain name"),
        ('{"weight_map": {"a": 7}}', "no such file"),
        ('{"weight_map": {"a": "b.bin"}}', "no such file"),
    ],
)
def test_list_that_makes_no_sense_is_refused(
    tmp_path: Path, folder: Path, listing: str, named: str
):
    """It can't lead out of the folder."""
    (folder / "pytorch_model.bin").unlink()
    (folder / "pytorch_model.bin.index.json").write_text(listing)

    with pytest.raises(ModelFileError, match=named):
        import_checkpoint(folder, tmp_path / "m.gguf", "m", "f32")


def test_safetensors_go_first(tmp_path: Path, folder: Path):
    """Where a folder holds both, the form that can hold no code is read."""
    (folder / "pytorch_model.bin").write_bytes(b"rubbish")
    make_huggingface_folder(folder)

    assert_same(SHAPE, imported(folder, tmp_path / "m.gguf"))


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (lambda w: w.pop("transformer.h.1.mlp.c_fc.bias"), "h.1.mlp.c_fc.bias is missing"),
        (
            lambda w: w.update({"transformer.wpe.weight": np.zeros((63, 64), np.float32)}),
            r"wpe.weight has the shape \(63, 64\) instead of \(64, 64\)",
        ),
        (lambda w: w.update({"x\x1b[2J": np.zeros(1, np.float32)}), r"'x\\x1b\[2J', which no"),
        (lambda w: w.update({"lm_head.weight": np.zeros((300, 64), np.float32)}), "tied"),
        (lambda w: w.update({"wte.weight": w[WTE]}), "wte.weight is in the folder twice"),
        (lambda w: w.update({WTE: np.zeros((300, 64), np.int64)}), "of the type i64"),
        (lambda w: w.update({WTE: np.full((300, 64), 1e300)}), "not finite"),
    ],
)
def test_wrong_tensor_is_named(tmp_path: Path, folder: Path, change, named: str):
    """The same sentences as for safetensors."""
    weights = random_weights(SHAPE)
    change(weights)
    write(folder, weights)

    with pytest.raises(ModelFileError, match=named):
        import_checkpoint(folder, tmp_path / "m.gguf", "m", "f32")

    assert [] == [*tmp_path.glob("*.gguf"), *tmp_path.glob(".*")], "it leaves nothing"


@pytest.mark.parametrize(
    ("view", "named"),
    [
        (tensor("0", (300, 64), (64, 1), 300 * 64, offset=1), "beyond its storage"),
        (tensor("0", (300, 64), (64, 1), 2**40), "another size"),
        (tensor("0", (300, 64), (0, 0), 300 * 64), "gaps"),
        (tensor("0", (300, 64), (64, 2), 300 * 64), "gaps"),
        (tensor("0", (300, 64), (64,), 300 * 64), "makes no sense"),
        (tensor("0", (300, -64), (64, 1), 300 * 64), "makes no sense"),
        (tensor("0", (2**62, 2**62), (64, 1), 300 * 64), "beyond its storage"),
        (tensor("0", (1,) * 70, (1,) * 70, 300 * 64), "makes no sense"),
        (tensor("1", (64, 64), (64, 1), 64 * 64), "shares its numbers"),
        (tensor("nowhere", (300, 64), (64, 1), 300 * 64), "storage nowhere is missing"),
        (tensor("0", (300, 64), (64, 1), 300 * 64, storage="QInt8Storage"), "asks for torch.QInt8"),
    ],
)
def test_view_that_is_no_whole_tensor_is_refused(
    tmp_path: Path, folder: Path, view: bytes, named: str
):
    """Views decide which bytes are read, and how many numbers become of them."""
    entries, storages = parts(random_weights(SHAPE))
    entries[WTE] = view
    (folder / "pytorch_model.bin").write_bytes(archive(pickled(entries), storages))

    with pytest.raises(ModelFileError, match=named):
        import_checkpoint(folder, tmp_path / "m.gguf", "m", "f32")
