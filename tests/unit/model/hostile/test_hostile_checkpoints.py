"""Checkpoints that nobody should import: each is refused with a sentence, and none is run."""

import io
import os
import pickle
import random
import shutil
import struct
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from bot.core.models import ModelShape
from bot.errors import ModelFileError
from bot.model.importing import import_checkpoint
from tests import tensorflow_files as tf
from tests.model_files import random_weights
from tests.pytorch_files import ORDERED_DICT, archive, make_pytorch_folder, parts, pickled, text
from tests.tensorflow_files import make_openai_folder

TINY = ModelShape(n_vocab=300, n_ctx=8, n_embd=8, n_head=2, n_layer=1)
MAKERS = {"pytorch_model.bin": make_pytorch_folder, "model.ckpt.index": make_openai_folder}
DATA = "model.ckpt.data-00000-of-00001"
N_FUZZED = 200


def refused(folder: Path) -> bool:
    """Whether the folder is; if not, it is imported."""
    target = folder.parent / "fuzzed.gguf"
    try:
        import_checkpoint(folder, target, "m", "f32")
    except ModelFileError:
        return True
    return False


def test_signed_index_is_refused_or_harmless(tmp_path: Path):
    """Who damages on purpose mends the checksums: still nothing but a ModelFileError comes out."""
    folder = make_openai_folder(tmp_path / "in", TINY)
    entries, _ = tf.bundle(tf.tensorflow_weights(TINY))
    chance = random.Random(7)

    def change(block: bytes) -> bytes:
        changed = bytearray(block)
        for _ in range(chance.choice([0, 1, 4])):
            changed[chance.randrange(len(block))] = chance.choice([0, 0xFF, chance.randrange(256)])
        return bytes(changed)

    n_refused = 0
    for _ in range(N_FUZZED):
        (folder / "model.ckpt.index").write_bytes(tf.table(entries, change=change))
        n_refused += refused(folder)

    assert n_refused > N_FUZZED * 0.6


def test_signed_pickle_is_refused_or_harmless(tmp_path: Path):
    """The same for the pickle in a PyTorch file."""
    folder = make_pytorch_folder(tmp_path / "in", TINY)
    entries, storages = parts(random_weights(TINY))
    whole = pickled(entries)
    chance = random.Random(7)
    n_refused = 0
    for index in range(N_FUZZED):
        changed = bytearray(whole)
        for _ in range(chance.choice([1, 4])):
            place = chance.randrange(len(whole))
            if index % 2:
                changed[place] = chance.randrange(256)
            else:
                changed[place:place] = chance.choice(
                    [b"(", b"t", b")", b"R", b"u", b"b", b"}", b"q\0h\0", b"Q", b"\x86", b"s"]
                )
        (folder / "pytorch_model.bin").write_bytes(archive(bytes(changed), storages))
        n_refused += refused(folder)

    assert n_refused > N_FUZZED * 0.6


class Hostile:
    """Runs a command where it is unpickled."""

    def __reduce__(self) -> tuple[Callable[[str], int], tuple[str]]:
        return os.system, ("touch was-run",)


@pytest.mark.parametrize("protocol", range(6))
def test_pickle_with_code_is_refused_and_not_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, protocol: int
):
    """Whatever form it has, and wherever in the dictionary it stands."""
    folder = make_pytorch_folder(tmp_path / "in", TINY)
    monkeypatch.chdir(tmp_path)
    data = archive(pickle.dumps({"wte.weight": Hostile()}, protocol), {})
    (folder / "pytorch_model.bin").write_bytes(data)

    with pytest.raises(ModelFileError, match="pickle"):
        import_checkpoint(folder, tmp_path / "m.gguf", "m", "f32")

    assert not (tmp_path / "was-run").exists()


@pytest.mark.parametrize(
    ("pickle_bytes", "named"),
    [
        (b"\x80\x02cos\nsystem\n" + text("true") + b"\x85R.", "asks for os.system"),
        (b"\x80\x02cbuiltins\neval\n" + text("1") + b"\x85R.", "asks for builtins.eval"),
        (b"\x80\x02ctorch._utils\n_rebuild_tensor_v2\n)R.", "makes no sense"),
        (b"\x80\x02ctorch\nFloatStorage\n)R.", "calls what it should not"),
        (b"\x80\x02ccollections\nOrderedDict\n" + text("a") + b"\x85R.", "calls what it should"),
        (b"\x80\x02ctorch.jit\n_pickle\n.", "asks for torch.jit._pickle"),
        (b"\x80\x02c\x1b]0;x\n\x1b[2J\n.", r"asks for '\\x1b\]0;x"),
        (b"\x80\x02c" + b"x" * 100_000 + b"\ny\n.", "asks for 'xxx"),
        (b"\x80\x02(ios\nsystem\n.", "which no"),
        (b"\x80\x04\x95" + bytes(8) + b"}.", "protocol 4"),
        (b"\x80\x02X\xff\xff\xff\xffabc.", "ends too early"),
        (b"\x80\x02\x8b\xff\xff\xff\x7f.", "which no"),
        (b"\x80\x02h\x05.", "what is not there"),
        (b"\x80\x02.", "does not end where"),
        (b"\x80\x02}.}.", "does not end where"),
        (b"\x80\x02}", "ends too early"),
        (b"", "ends too early"),
        (b"\x80\x02\x86.", "what is not there"),
        (b"\x80\x02(s.", "what is not there"),
        (b"\x80\x02u.", "what is not there"),
        (b"\x80\x02}(K\x01K\x02u.", "no dictionary"),
        (b"\x80\x02})" + b"\x85" * 200_000 + b"N" + b"s.", "no dictionary"),
        (b"\x80\x02})" + b"\x85" * 200_000 + b".", "does not end where"),
        (b"\x80\x02}q\0" + text("a") + b"h\0s.", "entry a is no tensor"),
        (b"\x80\x02K\x07.", "no dictionary of tensors"),
        (b"\x80\x02}" + text("state_dict") + ORDERED_DICT + b"s.", "state_dict is no tensor"),
        (b"\x80\x02N" + b"Q.", "no storage"),
        (b"\x80\x02" + b"}" * 2_000_000, "too large"),
        (b"\x80\x02X\x01\0\0\0\xff.", "text that is none"),
    ],
)
def test_hostile_pickle_is_named(tmp_path: Path, pickle_bytes: bytes, named: str):
    """Code, depth, cycles, counts, and opcodes where they make no sense."""
    folder = make_pytorch_folder(tmp_path / "in", TINY)
    (folder / "pytorch_model.bin").write_bytes(archive(pickle_bytes, {}))

    with pytest.raises(ModelFileError, match=named):
        import_checkpoint(folder, tmp_path / "m.gguf", "m", "f32")


def compressed() -> bytes:
    """A zip bomb: 200 MB of zeros in 200 kB."""
    return archive(b"\x80\x02}.", {"0": bytes(200_000_000)}, zipfile.ZIP_DEFLATED)


def overlapping() -> bytes:
    """Two files of the archive at one place, the other kind of zip bomb."""
    data = bytearray(archive(b"\x80\x02}.", {"0": bytes(64), "1": bytes(64)}))
    first, second = (data.index(f"archive/data/{key}".encode()) - 30 for key in "01")
    listed = data.rindex(struct.pack("<I", second) + b"archive/data/1")
    struct.pack_into("<I", data, listed, first)
    return bytes(data)


def crowded() -> bytes:
    """More files than any model has."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as file:
        for index in range(11_000):
            file.writestr(f"archive/data/{index}", b"")
    return out.getvalue()


def doubled() -> bytes:
    """One name twice: programs differ in which of them they read."""
    data = archive(b"\x80\x02}.", {"0": b"a", "1": b"b"})
    return data.replace(b"archive/data/1", b"archive/data/0")


def two_sizes() -> bytes:
    """A stored file that says it is smaller packed than it is."""
    data = bytearray(archive(b"\x80\x02}.", {"0": bytes(64)}))
    listed = data.rindex(b"PK\x01\x02", 0, data.rindex(b"archive/data/0"))
    struct.pack_into("<I", data, listed + 20, 32)
    return bytes(data)


@pytest.mark.parametrize(
    ("make", "named"),
    [
        (compressed, "compressed"),
        (two_sizes, "two sizes"),
        (overlapping, "lie over each other"),
        (crowded, "directory makes no sense"),
        (doubled, "same name"),
        (lambda: b"", "it is empty"),
        (lambda: b"PK\x05\x06" + bytes(18), "PyTorch did not write it"),
        (lambda: b"<!doctype html><title>Not found</title>", "does not end as a zip archive"),
        (lambda: b"PK\x05\x06" + bytes(4) + b"\xff" * 12 + bytes(2), "makes no sense"),
        (lambda: b"PK\x06\x07" + b"\xff" * 16 + b"PK\x05\x06" + bytes(18), "makes no sense"),
        (lambda: archive(b"\x80\x02}.", {}).replace(b"little", b"bigbig"), "little-endian"),
    ],
)
def test_hostile_archive_is_named(tmp_path: Path, make: Callable[[], bytes], named: str):
    """Bombs, lies, and what hosts download by mistake; in little memory."""
    folder = make_pytorch_folder(tmp_path / "in", TINY)
    (folder / "pytorch_model.bin").write_bytes(make())

    tracemalloc.start()
    with pytest.raises(ModelFileError, match=named):
        import_checkpoint(folder, tmp_path / "m.gguf", "m", "f32")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert peak < 20_000_000


def repeated() -> bytes:
    """One empty block that the index names twice; named a million times it would cost hours."""
    content = tf.block([])
    signed = content + b"\0"
    out = signed + struct.pack("<I", tf.masked_crc32c(signed))
    place = tf.varint(0) + tf.varint(len(content))
    index = tf.block([(b"a", place), (b"b", place)])
    signed = index + b"\0"
    handles = place + tf.varint(len(out)) + tf.varint(len(index))
    out += signed + struct.pack("<I", tf.masked_crc32c(signed))
    return out + handles.ljust(40, b"\0") + struct.pack("<Q", 0xDB4775248B80FB57)


HEADER = (b"", tf.field(1, 1))
WTE = b"model/wte"


def entry(**changes: int) -> bytes:
    """A tensor's entry with some numbers changed."""
    good = {"dtype": 1, "shape": (300, 8), "offset": 0, "size": 9600, "crc": 0}
    return tf.bundle_entry(**(good | changes))


@pytest.mark.parametrize(
    ("index", "named"),
    [
        (b"", "it is empty"),
        (b"<!doctype html>", "too short"),
        (b"x" * 100, "does not end as the index"),
        (bytes(40) + struct.pack("<Q", 0xDB4775248B80FB57), "lies outside"),
        (b"\xff" * 40 + struct.pack("<Q", 0xDB4775248B80FB57), "without an end"),
        (repeated(), "blocks are not in order"),
        (tf.table([HEADER]).replace(HEADER[1], tf.field(1, 2)), "checksum of one of its blocks"),
        (tf.table([HEADER], compression=1), "compressed"),
        (tf.table([(b"", b"")]), "0 data files"),
        (tf.table([(b"", tf.field(1, 2**31))]), "2147483648 data files"),
        (tf.table([(b"", tf.field(1, 1) + tf.field(2, 1))]), "big-endian"),
        (tf.table([(b"", b"\x0b")]), "field of kind 3"),
        (tf.table([(b"", b"\x08" + b"\xff" * 20)]), "without an end"),
        (tf.table([(b"", b"\x08" + b"\xff" * 9 + b"\x7f")]), "more than 64 bits"),
        (tf.table([(b"", tf.field(1, 1) + b"\x12\x7f")]), "ends too early"),
        (tf.table([HEADER, (WTE, entry(dtype=7))]), "model/wte is of TensorFlow's type 7"),
        (tf.table([HEADER, (WTE, entry(size=2**40))]), "not the size of its shape"),
        (tf.table([HEADER, (WTE, entry(shape=(2**40, 2**40)))]), "not the size of its shape"),
        (tf.table([HEADER, (WTE, entry(shape=(1,) * 900))]), "900 axes"),
        (tf.table([HEADER, (WTE, entry(offset=2**62))]), "ends before the tensor model/wte"),
        (tf.table([HEADER, (WTE, entry() + tf.field(3, 5))]), "data file that there is not"),
        (tf.table([HEADER, (WTE, entry() + tf.field(7, b""))]), "slices"),
        (tf.table([HEADER, (WTE, entry()), (b"model/wtf", entry())]), "lies over another"),
        (tf.table([HEADER, (b"model/wtz", entry()), (WTE, entry())]), "not in order"),
        (tf.table([HEADER, (WTE, entry())]), "model/wpe is missing"),
        (tf.table([HEADER, (b"x" * 600, entry())]), "longer names"),
        (tf.table([(b"%07d" % n, b"") for n in range(10_100)]), "more or longer names"),
    ],
)
def test_hostile_index_is_named(tmp_path: Path, index: bytes, named: str):
    """Counts, places and sizes that are lies, all with checksums that fit."""
    folder = make_openai_folder(tmp_path / "in", TINY)
    (folder / "model.ckpt.index").write_bytes(index)

    with pytest.raises(ModelFileError, match=named):
        import_checkpoint(folder, tmp_path / "m.gguf", "m", "f32")


@pytest.mark.parametrize("name", ["pytorch_model.bin", DATA])
def test_one_flipped_bit_of_a_weight_is_seen(tmp_path: Path, name: str):
    """Each tensor has a checksum, and it is looked at."""
    make = MAKERS.get(name, make_openai_folder)
    path = make(tmp_path / "in", TINY) / name
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)

    with pytest.raises(ModelFileError, match="checksum of the tensor"):
        import_checkpoint(path.parent, tmp_path / "m.gguf", "m", "f32")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("hparams.json", "[" * 100_000),
        ("hparams.json", "[]"),
        ("hparams.json", "\ud800".encode("utf-8", "surrogatepass").decode("latin-1")),
        ("encoder.json", "[" * 100_000),
        ("encoder.json", '{"a": "x", "b": 1}'),
        ("encoder.json", '{"a": null}'),
        ("encoder.json", "7"),
        ("vocab.bpe", "a b c\n"),
        ("vocab.bpe", "nobody knows\n"),
        ("checkpoint", 'model_checkpoint_path: "../../etc/passwd"'),
    ],
)
def test_hostile_texts_end_in_a_sentence(tmp_path: Path, name: str, text: str):
    """The small files beside the weights may be anything, too; the note is only a hint."""
    folder = make_openai_folder(tmp_path / "in", TINY)
    (folder / name).write_text(text)

    assert refused(folder) == (name != "checkpoint")


@pytest.mark.parametrize("make", MAKERS.values())
def test_import_holds_one_tensor_at_a_time(tmp_path: Path, make: Callable[..., Path]):
    """A model of 7 MB in a fraction of that, its largest tensor a few times over."""
    shape = ModelShape(n_vocab=300, n_ctx=64, n_embd=128, n_head=4, n_layer=9)
    folder = make(tmp_path / "in", shape)
    import_checkpoint(folder, tmp_path / "warm.gguf", "m", "f32")

    tracemalloc.start()
    import_checkpoint(folder, tmp_path / "m.gguf", "m", "f32")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert (tmp_path / "m.gguf").stat().st_size > 7_000_000
    assert peak < 2_500_000
    shutil.rmtree(folder)
