"""Importing GPT-2 as OpenAI released it: TensorFlow's checkpoints read without TensorFlow."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from bot.core.models import ModelShape
from bot.errors import ModelFileError
from bot.model.checkpoint.crc32c import crc32c
from bot.model.gguf_file import read_gguf
from bot.model.importing import import_checkpoint
from bot.model.tensors import tensor_specs
from tests import tensorflow_files as tf
from tests.model_files import SHAPE, make_huggingface_folder, random_weights
from tests.tensorflow_files import make_openai_folder, tensorflow_weights, write_bundle
from tests.unit.model.test_import import values_of

WRITTEN_BY_TENSORFLOW = Path(__file__).parent / "tensorflow_folder"


def imported(folder: Path, target: Path) -> dict[str, np.ndarray]:
    """Every tensor after an import without loss, by Hugging Face's names."""
    import_checkpoint(folder, target, "m", "f32")
    return values_of(read_gguf(target))


def assert_same(shape: ModelShape, values: dict[str, np.ndarray]) -> None:
    """These are `random_weights`, to the last bit."""
    weights = random_weights(shape, prefix="")
    assert weights.keys() == values.keys()
    for spec in tensor_specs(shape):
        expected = weights[spec.huggingface].T if spec.transposed else weights[spec.huggingface]
        assert np.array_equal(expected, values[spec.huggingface]), spec.huggingface


def test_checkpoint_that_tensorflow_wrote_is_read(tmp_path: Path):
    """TensorFlow 2.21 wrote it; every number arrives, turned where it must be."""
    shape = ModelShape(n_vocab=259, n_ctx=8, n_embd=4, n_head=2, n_layer=1)

    assert_same(shape, imported(WRITTEN_BY_TENSORFLOW, tmp_path / "m.gguf"))


def test_our_own_writer_writes_what_tensorflow_does(tmp_path: Path):
    """So the other tests test against the real thing: the data is the same, byte for byte."""
    shape = ModelShape(n_vocab=259, n_ctx=8, n_embd=4, n_head=2, n_layer=1)
    folder = make_openai_folder(tmp_path / "ours", shape)

    name = "model.ckpt.data-00000-of-00001"
    assert (WRITTEN_BY_TENSORFLOW / name).read_bytes() == (folder / name).read_bytes()


def test_folder_becomes_the_same_file_as_hugging_faces(tmp_path: Path):
    """Two forms of one model: one result."""
    import_checkpoint(make_openai_folder(tmp_path / "tf"), tmp_path / "a.gguf", "m", "q8_0")
    import_checkpoint(make_huggingface_folder(tmp_path / "hf"), tmp_path / "b.gguf", "m", "q8_0")

    assert (tmp_path / "a.gguf").read_bytes() == (tmp_path / "b.gguf").read_bytes()


def test_several_data_files_are_one_checkpoint(tmp_path: Path):
    """Each tensor says which file it is in."""
    folder = make_openai_folder(tmp_path / "tf")
    for path in folder.glob("model.ckpt*"):
        path.unlink()
    write_bundle(folder, *tf.bundle(tensorflow_weights(), n_files=3))

    assert_same(SHAPE, imported(folder, tmp_path / "m.gguf"))


@pytest.mark.parametrize("dtype", [tf.DT_HALF, tf.DT_BFLOAT16])
def test_half_numbers_are_read(tmp_path: Path, dtype: int):
    """Fine-tuned checkpoints are often kept at half size."""
    folder = make_openai_folder(tmp_path / "tf")
    write_bundle(folder, *tf.bundle(tensorflow_weights(), dtype))

    found = imported(folder, tmp_path / "m.gguf")["h.1.mlp.c_proj.weight"]

    expected = random_weights(SHAPE, prefix="")["h.1.mlp.c_proj.weight"].T
    assert 0 < np.abs(found - expected).max() < 2e-3


def test_the_named_checkpoint_of_several_is_taken(tmp_path: Path):
    """Training leaves several behind, and says which is the last one, maybe by a whole path."""
    folder = make_openai_folder(tmp_path / "tf")
    write_bundle(folder, *tf.bundle(tensorflow_weights(seed=1)), name="model-1000")
    (folder / "checkpoint").write_text('model_checkpoint_path: "/other/machine/model.ckpt"\n')

    assert_same(SHAPE, imported(folder, tmp_path / "m.gguf"))

    (folder / "checkpoint").unlink()
    with pytest.raises(ModelFileError, match="2 checkpoints"):
        import_checkpoint(folder, tmp_path / "m.gguf", "m", "f32")


@pytest.mark.parametrize(
    ("name", "values", "named"),
    [
        ("model/h1/mlp/c_fc/b", None, "model/h1/mlp/c_fc/b is missing"),
        ("model/wpe", np.zeros((63, 64), np.float32), r"model/wpe has the shape \(63, 64\)"),
        ("model/h1/attn/c_attn/w/Adam", np.zeros(4, np.float32), "c_attn/w/Adam, which no GPT-2"),
        ("model/ln_f/g", np.full(64, np.inf, np.float32), "model/ln_f/g holds a number that is"),
    ],
)
def test_wrong_tensor_is_named(tmp_path: Path, name: str, values: np.ndarray | None, named: str):
    """By the name that it has in this checkpoint."""
    folder = make_openai_folder(tmp_path / "tf")
    weights = tensorflow_weights()
    weights.pop(name, None)
    if values is not None:
        weights[name] = values
    write_bundle(folder, *tf.bundle(weights))

    with pytest.raises(ModelFileError, match=named):
        import_checkpoint(folder, tmp_path / "m.gguf", "m", "f32")

    assert [] == [*tmp_path.glob("*.gguf"), *tmp_path.glob(".*")], "it leaves nothing"


@pytest.mark.parametrize(
    "missing",
    ["hparams.json", "encoder.json", "vocab.bpe", "model.ckpt.index",
     "model.ckpt.data-00000-of-00001"],
)  # fmt: skip
def test_missing_part_is_a_sentence(tmp_path: Path, missing: str):
    """Each file that a folder needs."""
    folder = make_openai_folder(tmp_path / "tf")
    (folder / missing).unlink()

    with pytest.raises(ModelFileError):
        import_checkpoint(folder, tmp_path / "m.gguf", "m", "f32")


def test_checkpoint_and_graph_are_not_needed(tmp_path: Path):
    """What only TensorFlow needs may be missing."""
    folder = shutil.copytree(WRITTEN_BY_TENSORFLOW, tmp_path / "tf")
    (folder / "checkpoint").unlink()

    import_checkpoint(folder, tmp_path / "m.gguf", "m", "f32")


@pytest.mark.parametrize(
    ("change", "named"),
    [({"n_head": 7}, "n_head"), ({"n_embd": 10**30}, "n_embd"), ({"n_ctx": True}, "no sense")],
)
def test_hparams_that_make_no_sense_are_refused(tmp_path: Path, change: dict, named: str):
    """The same bounds as everywhere."""
    folder = make_openai_folder(tmp_path / "tf")
    path = folder / "hparams.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | change))

    with pytest.raises(ModelFileError, match=named):
        import_checkpoint(folder, tmp_path / "m.gguf", "m", "f32")


@pytest.mark.parametrize(
    ("data", "checksum"),
    [
        (b"", 0),
        (b"123456789", 0xE3069283),
        (bytes(32), 0x8A9136AA),
        (bytes([0xFF] * 32), 0x62A8AB43),
        (bytes(range(32)), 0x46DD794E),
    ],
)
def test_checksum_is_that_of_the_standard(data: bytes, checksum: int):
    """The catalogue's check value, and those of RFC 3720."""
    assert checksum == crc32c(data)


@pytest.mark.parametrize("size", [1, 3, 4, 5, 1023, 4097, (1 << 20) - 1, (1 << 20) + 5])
def test_checksum_is_the_textbooks_at_every_length(size: int):
    """Odd ends, and more than one chunk."""
    data = np.random.default_rng(size).bytes(size)
    crc = crc32c(data)

    assert tf.masked_crc32c(data) == ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF
