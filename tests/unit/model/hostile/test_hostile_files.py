"""Files that nobody should load: each is refused with a sentence, whatever its bytes say."""

import struct
from pathlib import Path

import pytest

from bot.errors import ModelFileError
from bot.model.ggml_file import read_ggml
from bot.model.gguf_file import read_gguf
from bot.model.importing import import_checkpoint
from bot.model.store import read_model
from tests.model_files import make_huggingface_folder

READERS = {"gguf": read_gguf, "ggml": read_ggml}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """A good file of each format."""
    folder = tmp_path_factory.mktemp("models")
    make_huggingface_folder(folder / "hf")
    for suffix in READERS:
        import_checkpoint(folder / "hf", folder / f"m.{suffix}", "m", "q8_0")
    return {suffix: (folder / f"m.{suffix}").read_bytes() for suffix in READERS}


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


def with_key(data: bytes, key: str, kind: int, value: bytes) -> bytes:
    """A GGUF file with one more key, and a note beside it that keeps the tensors aligned."""

    def pair(name: str, value_kind: int, raw: bytes) -> bytes:
        return struct.pack("<Q", len(name)) + name.encode() + struct.pack("<I", value_kind) + raw

    added = pair(key, kind, value)
    empty_note = pair("note", 8, struct.pack("<Q", 0))
    n_filler = -(len(added) + len(empty_note)) % 32
    note = pair("note", 8, struct.pack("<Q", n_filler) + b"x" * n_filler)
    (n_keys,) = struct.unpack_from("<Q", data, 16)
    return data[:16] + struct.pack("<Q", n_keys + 2) + added + note + data[24:]


def test_unused_keys_are_passed_over(tmp_path: Path, whole: dict[str, bytes]):
    """Files of other programs have keys of their own, lists included."""
    path = tmp_path / "keys.gguf"
    values = struct.pack("<IQ3I", 4, 3, 1, 2, 3)
    path.write_bytes(with_key(whole["gguf"], "general.numbers", 9, values))

    assert "gguf" == read_model(path).file_format


@pytest.mark.parametrize(
    ("key", "kind", "value"),
    [
        ("gpt2.expert_count", 4, struct.pack("<I", 99_999)),
        ("gpt2.attention.key_length", 4, struct.pack("<I", 8)),
        ("gpt2.attention.causal", 7, b"\0"),
        ("gpt2.attention.layer_norm_epsilon", 6, struct.pack("<f", -1)),
        ("gpt2.attention.layer_norm_epsilon", 6, struct.pack("<f", float("nan"))),
        ("gpt2.feed_forward_length", 4, struct.pack("<I", 7)),
        ("gpt2.attention.head_count_kv", 4, struct.pack("<I", 1)),
        ("tokenizer.ggml.token_type", 9, struct.pack("<IQB", 0, 1, 1)),
        ("tokenizer.ggml.token_type", 9, struct.pack("<IQi", 5, 1, 1)),
        ("general.numbers", 9, struct.pack("<IQ", 0, 2**40)),
    ],
)
def test_key_that_ends_or_changes_llama_cpp_is_refused(
    tmp_path: Path, whole: dict[str, bytes], key: str, kind: int, value: bytes
):
    """Several of these were seen to end the process by a signal, others to change the numbers."""
    path = tmp_path / "key.gguf"
    # A key of the same name that the file has already is hidden, so that ours is the last one.
    data = whole["gguf"].replace(key.encode(), ("note." + key)[: len(key)].encode())
    path.write_bytes(with_key(data, key, kind, value))

    with pytest.raises(ModelFileError, match=r"key|epsilon"):
        read_model(path)


def test_overlapping_tensors_are_refused(tmp_path: Path, whole: dict[str, bytes]):
    """A small file must not become a large one when its tensors are written out."""
    data = bytearray(whole["gguf"])
    name = b"blk.0.attn_norm.bias"
    at = data.index(name) + len(name) + 4 + 8 + 4  # dimensions, size, type
    struct.pack_into("<Q", data, at, 0)
    path = tmp_path / "overlap.gguf"
    path.write_bytes(data)

    with pytest.raises(ModelFileError, match="does not follow"):
        read_model(path)


def test_bytes_after_the_last_tensor_are_refused(tmp_path: Path, whole: dict[str, bytes]):
    """Nothing in a file goes unread."""
    path = tmp_path / "long.gguf"
    path.write_bytes(whole["gguf"] + b"\0" * 64)

    with pytest.raises(ModelFileError, match="follows its last tensor"):
        read_model(path)


def test_numbers_that_overflow_ctransformers_are_refused(tmp_path: Path):
    """It counts with 32 bits: this file ended the process by a signal."""
    path = tmp_path / "large.ggml"
    path.write_bytes(struct.pack("<I7i", 0x67676D6C, 300, 8192, 65_536, 4, 200, 2002, 300))

    with pytest.raises(ModelFileError, match="larger than any GPT-2's"):
        read_model(path)
