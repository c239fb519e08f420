"""Checkpoints of other programs: PyTorch's pickles without running them, TensorFlow's bundles."""

import io
import json
import pickle
import random
import shutil
import struct
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bot.errors import ModelFileError
from bot.model.crc32c import crc32c, masked_crc32c
from bot.model.gguf_file import read_gguf
from bot.model.importing import import_checkpoint
from bot.model.tensors import tensor_specs
from tests.model_files import SHAPE, make_huggingface_folder, random_weights
from tests.unit.model.test_import import values_of

N_FUZZED = 150


def expected() -> dict[str, np.ndarray]:
    """What an imported f32 file must hold, in its own orientation."""
    weights = random_weights(SHAPE, prefix="")
    return {
        spec.huggingface: weights[spec.huggingface].T
        if spec.transposed
        else weights[spec.huggingface]
        for spec in tensor_specs(SHAPE)
    }


def assert_imported(folder: Path, tmp_path: Path) -> None:
    import_checkpoint(folder, tmp_path / "m.gguf", "m", "f32")
    values = values_of(read_gguf(tmp_path / "m.gguf"))
    for name, wanted in expected().items():
        assert np.array_equal(wanted, values[name]), name


def pytorch_folder(folder: Path, state: dict[str, Any] | None = None, **options: Any) -> Path:
    """A Hugging Face folder whose weights were saved by torch."""
    torch = pytest.importorskip("torch", reason="torch is not installed (make golden)")
    make_huggingface_folder(folder)
    (folder / "model.safetensors").unlink()
    weights = {name: torch.from_numpy(one) for name, one in random_weights(SHAPE).items()}
    torch.save(state or weights, folder / "pytorch_model.bin", **options)
    return folder


def test_pytorch_file_is_imported(tmp_path: Path):
    """Written by torch itself; every tensor in its place."""
    assert_imported(pytorch_folder(tmp_path / "hf"), tmp_path)


def test_views_and_half_precision_of_pytorch_are_read(tmp_path: Path):
    """Tensors that share a storage, lie transposed in it, or are f16 or bf16."""
    torch = pytest.importorskip("torch", reason="torch is not installed (make golden)")
    weights = {name: torch.from_numpy(one) for name, one in random_weights(SHAPE).items()}
    name = "transformer.h.0.mlp.c_fc.weight"
    weights[name] = weights[name].T.contiguous().T
    whole = torch.cat([weights["transformer.h.0.ln_1.bias"], weights["transformer.h.0.ln_2.bias"]])
    weights["transformer.h.0.ln_1.bias"], weights["transformer.h.0.ln_2.bias"] = whole.split(64)
    weights["transformer.ln_f.bias"] = weights["transformer.ln_f.bias"].bfloat16()
    folder = pytorch_folder(tmp_path / "hf", weights)

    import_checkpoint(folder, tmp_path / "m.gguf", "m", "f32")

    values = values_of(read_gguf(tmp_path / "m.gguf"))
    for one, wanted in expected().items():
        tolerance = 2e-3 if one == "ln_f.bias" else 0.0
        assert np.abs(wanted - values[one]).max() <= tolerance, one


class _Evil:
    """Runs code when it is unpickled by pickle itself."""

    def __init__(self, marker: Path) -> None:
        self._marker = marker

    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.touch, (self._marker,))


def test_pickle_with_code_is_refused_and_not_run(tmp_path: Path):
    """The reason why nobody should load a pickle from the net."""
    marker = tmp_path / "ran"
    folder = make_huggingface_folder(tmp_path / "hf")
    (folder / "model.safetensors").unlink()
    with zipfile.ZipFile(folder / "pytorch_model.bin", "w") as archive:
        archive.writestr(
            "archive/data.pkl", pickle.dumps({"wte.weight": _Evil(marker)}, protocol=2)
        )
        archive.writestr("archive/version", "3\n")

    with pytest.raises(ModelFileError, match=r"pytorch_model\.bin"):
        import_checkpoint(folder, tmp_path / "m.gguf", "m", "f32")

    assert not marker.exists()
    pickle.loads(pickle.dumps(_Evil(marker)))
    assert marker.exists()  # it would have run


def test_zip_bomb_is_refused(tmp_path: Path):
    """A pickle of zeros that unpacks to a hundred times its size is never unpacked."""
    folder = make_huggingface_folder(tmp_path / "hf")
    (folder / "model.safetensors").unlink()
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("archive/data.pkl", bytes(300 << 20))
    (folder / "pytorch_model.bin").write_bytes(packed.getvalue())

    with pytest.raises(ModelFileError):
        import_checkpoint(folder, tmp_path / "m.gguf", "m", "f32")


def fuzzed(data: bytes, seed: int) -> list[bytes]:
    """Cuts, flips and noise, at the start, at the end and in between."""
    chance = random.Random(seed)
    made = []
    for index in range(N_FUZZED):
        damaged = bytearray(data)
        at = chance.choice([chance.randrange(len(data)), chance.randrange(min(len(data), 2000)),
                            len(data) - 1 - chance.randrange(min(len(data), 2000))])  # fmt: skip
        if index % 3 == 0:
            damaged = damaged[:at]
        elif index % 3 == 1:
            damaged[at] ^= 1 << chance.randrange(8)
        else:
            damaged[at : at + 8] = chance.randbytes(8)
        made.append(bytes(damaged))
    return made


def test_damaged_pytorch_file_is_refused_or_harmless(tmp_path: Path):
    """A ModelFileError that names the folder or file, or numbers; nothing else."""
    folder = pytorch_folder(tmp_path / "hf")
    path = folder / "pytorch_model.bin"
    for damaged in fuzzed(path.read_bytes(), seed=5):
        path.write_bytes(damaged)
        try:
            import_checkpoint(folder, tmp_path / "m.gguf", "m", "f32")
        except ModelFileError as error:
            assert str(folder) in str(error)


# TensorFlow's bundle, written by hand: an SSTable of protobufs beside the raw numbers.


def varint(number: int) -> bytes:
    out = b""
    while number > 127:
        out += bytes([number & 127 | 128])
        number >>= 7
    return out + bytes([number])


def field(number: int, value: int | bytes) -> bytes:
    """One field of a protobuf: a varint or bytes."""
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    return varint(number << 3 | 2) + varint(len(value)) + value


def bundle_entry(shape: tuple[int, ...], offset: int, data: bytes) -> bytes:
    dimensions = b"".join(field(2, field(1, size)) for size in shape)
    crc = varint(6 << 3 | 5) + struct.pack("<I", masked_crc32c(data))
    return (
        field(1, 1) + field(2, dimensions) + (field(4, offset) if offset else b"")
        + field(5, len(data)) + crc
    )  # fmt: skip


def block(pairs: list[tuple[bytes, bytes]]) -> bytes:
    """An SSTable block whose keys share prefixes, with a restart every 16."""
    out, restarts, last = b"", [], b""
    for index, (key, value) in enumerate(pairs):
        shared = 0
        if index % 16 == 0:
            restarts.append(len(out))
        else:
            while shared < min(len(key), len(last)) and key[shared] == last[shared]:
                shared += 1
        out += (
            varint(shared) + varint(len(key) - shared) + varint(len(value)) + key[shared:] + value
        )
        last = key
    restarts = restarts or [0]
    return (
        out
        + b"".join(struct.pack("<I", one) for one in restarts)
        + struct.pack("<I", len(restarts))
    )


def write_table(path: Path, pairs: list[tuple[bytes, bytes]], per_block: int = 9) -> None:
    out, index = b"", []

    def add(body: bytes) -> bytes:
        nonlocal out
        handle = varint(len(out)) + varint(len(body))
        out += body + b"\0" + struct.pack("<I", masked_crc32c(body + b"\0"))
        return handle

    for start in range(0, len(pairs), per_block):
        some = pairs[start : start + per_block]
        index.append((some[-1][0], add(block(some))))
    handles = add(block([])) + add(block(index))
    path.write_bytes(out + handles.ljust(40, b"\0") + struct.pack("<Q", 0xDB4775248B80FB57))


def openai_folder(folder: Path) -> Path:
    """A folder as OpenAI's download script leaves it."""
    source = make_huggingface_folder(folder / "source")
    shutil.copy(source / "vocab.json", folder / "encoder.json")
    shutil.copy(source / "merges.txt", folder / "vocab.bpe")
    vocabulary = json.loads((folder / "encoder.json").read_text())
    vocabulary.setdefault("<|endoftext|>", len(vocabulary))
    (folder / "encoder.json").write_text(json.dumps(vocabulary))
    shutil.rmtree(source)
    numbers = {"n_vocab": SHAPE.n_vocab, "n_ctx": SHAPE.n_ctx, "n_embd": SHAPE.n_embd,
               "n_head": SHAPE.n_head, "n_layer": SHAPE.n_layer}  # fmt: skip
    (folder / "hparams.json").write_text(json.dumps(numbers))
    (folder / "checkpoint").write_text('model_checkpoint_path: "model.ckpt"\n')
    weights, data = random_weights(SHAPE, prefix=""), b""
    pairs = [(b"", field(1, 1) + field(3, field(1, 1)))]
    for spec in sorted(tensor_specs(SHAPE), key=lambda one: one.ggml):
        values = weights[spec.huggingface]
        raw = values.tobytes()
        shape = (1, *values.shape) if spec.transposed else values.shape
        pairs.append((spec.ggml.encode(), bundle_entry(shape, len(data), raw)))
        data += raw
    write_table(folder / "model.ckpt.index", pairs)
    (folder / "model.ckpt.data-00000-of-00001").write_bytes(data)
    return folder


def test_openai_checkpoint_is_imported(tmp_path: Path):
    """Without TensorFlow: every tensor in its place, its checksum right."""
    (tmp_path / "124M").mkdir()
    assert_imported(openai_folder(tmp_path / "124M"), tmp_path)


def test_flipped_bit_in_a_tensor_of_tensorflow_is_seen(tmp_path: Path):
    """Each tensor carries its checksum."""
    (tmp_path / "124M").mkdir()
    folder = openai_folder(tmp_path / "124M")
    path = folder / "model.ckpt.data-00000-of-00001"
    damaged = bytearray(path.read_bytes())
    damaged[5000] ^= 1
    path.write_bytes(damaged)

    with pytest.raises(ModelFileError, match="checksum"):
        import_checkpoint(folder, tmp_path / "m.gguf", "m", "f32")


def test_damaged_index_of_tensorflow_is_refused(tmp_path: Path):
    """Cut, flipped or noisy: a sentence, never another error."""
    (tmp_path / "124M").mkdir()
    folder = openai_folder(tmp_path / "124M")
    path = folder / "model.ckpt.index"
    refused = 0
    for damaged in fuzzed(path.read_bytes(), seed=6):
        path.write_bytes(damaged)
        try:
            import_checkpoint(folder, tmp_path / "m.gguf", "m", "f32")
        except ModelFileError as error:
            refused += str(folder) in str(error)
    assert refused > N_FUZZED * 0.9


def test_folder_without_weights_says_what_was_looked_for(tmp_path: Path):
    """A host who downloaded half of it learns what is missing."""
    folder = make_huggingface_folder(tmp_path / "hf")
    (folder / "model.safetensors").unlink()

    with pytest.raises(ModelFileError, match="no weights in it"):
        import_checkpoint(folder, tmp_path / "m.gguf", "m", "f32")


@pytest.mark.parametrize(
    ("data", "crc"),
    [
        (b"", 0),
        (b"123456789", 0xE3069283),
        (bytes(32), 0x8A9136AA),
        (b"\xff" * 32, 0x62A8AB43),
        (bytes(range(32)), 0x46DD794E),
    ],
)
def test_crc32c_of_the_published_examples(data: bytes, crc: int):
    """RFC 3720, B.4, and the polynomial's check value."""
    assert crc == crc32c(data)


def test_crc32c_of_more_than_a_chunk():
    """In chunks as in one: the register is carried on, odd lengths included."""
    data = random.Random(1).randbytes((1 << 20) + 7)
    slow = 0xFFFFFFFF
    for byte in data[:3000]:
        slow ^= byte
        for _ in range(8):
            slow = slow >> 1 ^ (0x82F63B78 if slow & 1 else 0)
    assert slow ^ 0xFFFFFFFF == crc32c(data[:3000])
    assert crc32c(data) != crc32c(data[:-1] + b"\0")
