"""Files that nobody should load: each is refused with a sentence, whatever its bytes say."""

import random
import struct
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.errors import ModelFileError
from bot.model.ggml_file import read_ggml
from bot.model.gguf_file import read_gguf
from bot.model.huggingface import import_huggingface
from bot.model.store import read_model
from tests.model_files import make_huggingface_folder

READERS = {"gguf": read_gguf, "ggml": read_ggml}
N_FUZZED = 250


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """A good file of each format."""
    folder = tmp_path_factory.mktemp("models")
    make_huggingface_folder(folder / "hf")
    for suffix in READERS:
        import_huggingface(folder / "hf", folder / f"m.{suffix}", "m", "q8_0")
    return {suffix: (folder / f"m.{suffix}").read_bytes() for suffix in READERS}


def header_size(data: bytes, file_format: str) -> int:
    """Bytes before the first weights, about: where a flip does most harm."""
    if file_format == "ggml":
        return data.index(b"model/wte") + 9
    return data.index(b"blk.1.ffn_down.bias") + 60


def fuzzed(data: bytes, file_format: str) -> Iterator[bytes]:
    """Cuts, flips, noise, and numbers at their extremes, mostly in the header; seeded."""
    chance = random.Random(7)
    head = header_size(data, file_format)
    for index in range(N_FUZZED):
        damaged = bytearray(data)
        match index % 5:
            case 0:
                damaged = damaged[: chance.randrange(len(data))]
            case 1:
                for _ in range(chance.choice([1, 4, 32])):
                    damaged[chance.randrange(min(head, 400))] ^= 1 << chance.randrange(8)
            case 2:
                start = chance.randrange(head)
                damaged[start : start + 16] = chance.randbytes(16)
            case 3:
                extreme = chance.choice([0, 1, 2**31 - 1, 2**31, 2**32 - 1])
                struct.pack_into("<I", damaged, 4 * chance.randrange(1, 12), extreme)
            case _:
                struct.pack_into("<Q", damaged, chance.randrange(8, head - 8), 2**63 - 1)
        yield bytes(damaged)


@pytest.mark.parametrize("file_format", READERS)
def test_damaged_file_is_refused_or_harmless(
    tmp_path: Path, whole: dict[str, bytes], file_format: str
):
    """250 damaged files: a ModelFileError or a file that is whole; nothing else ever comes out."""
    path = tmp_path / "fuzzed"
    refused = 0
    for damaged in fuzzed(whole[file_format], file_format):
        path.write_bytes(damaged)
        try:
            READERS[file_format](path)
        except ModelFileError as error:
            assert str(path) in str(error)
            refused += 1

    assert refused > N_FUZZED * 0.8


@pytest.mark.parametrize("file_format", READERS)
@pytest.mark.parametrize("missing_bytes", [1, 100, 10_000])
def test_cut_file_is_refused(
    tmp_path: Path, whole: dict[str, bytes], file_format: str, missing_bytes: int
):
    """Even by one byte: ctransformers would load it and write rubbish."""
    path = tmp_path / "cut"
    path.write_bytes(whole[file_format][:-missing_bytes])

    with pytest.raises(ModelFileError, match=r"cut off|ends in the middle"):
        read_model(path)


@pytest.mark.parametrize(
    ("data", "named"),
    [
        (b"", "it is empty"),
        (b"GG", "first word|no legacy"),
        (b"<!doctype html><title>Not found</title>", "no legacy GGML file"),
        (b"\x80\x04\x95" + b"pickle" * 20, "no legacy GGML file"),
        (b"GGUF" + struct.pack("<I", 2), "version 2"),
        (b"GGUF" + struct.pack("<IQQ", 3, 2**60, 0), "counts more"),
        (b"GGUF" + struct.pack("<IQQ", 3, 0, 2**60), "counts more"),
        (b"GGUF" + struct.pack("<IQQQ", 3, 0, 1, 2**62), "ends in the middle"),
        (struct.pack("<I7i", 0x67676D6C, 300, 64, 64, 0, 2, 2007, 300), "n_head is 0"),
        (struct.pack("<I7i", 0x67676D6C, 300, -5, 64, 4, 2, 2007, 300), "n_ctx is -5"),
        (struct.pack("<I7i", 0x67676D6C, 300, 64, 64, 4, 2, 99, 300), "type 99"),
        (struct.pack("<I7i", 0x67676D6C, 300, 64, 64, 4, 2, 3007, 300), "version 3"),
    ],
)
def test_known_impostors_are_named(tmp_path: Path, data: bytes, named: str):
    """What hosts download by mistake, and what is known to end ctransformers by a signal."""
    path = tmp_path / "impostor"
    path.write_bytes(data)

    with pytest.raises(ModelFileError, match=named):
        read_model(path)


@pytest.mark.parametrize("file_format", READERS)
def test_scale_that_is_not_finite_is_refused(
    tmp_path: Path, whole: dict[str, bytes], file_format: str
):
    """One broken scale makes every logit not-a-number; the file loads all the same elsewhere."""
    good = tmp_path / "good"
    good.write_bytes(whole[file_format])
    matrix = next(t for t in READERS[file_format](good).tensors if t.spec.is_weight)
    damaged = bytearray(whole[file_format])
    damaged[matrix.offset : matrix.offset + 2] = b"\x00\x7e"  # f16 NaN
    path = tmp_path / "nan"
    path.write_bytes(damaged)

    with pytest.raises(ModelFileError, match="not finite"):
        read_model(path)


def test_missing_file_and_folder_are_sentences(tmp_path: Path):
    """No traceback for a wrong path."""
    for path in (tmp_path / "nowhere.gguf", tmp_path):
        with pytest.raises(ModelFileError):
            read_model(path)
