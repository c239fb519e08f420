"""The hash that names a model's weights."""

import hashlib
import os
from pathlib import Path

import pytest

from bot.errors import ModelFileError
from bot.model.checksum import check_checksum
from bot.model.store import SMALL, find_model, open_model
from bot.model.weights_hash import hash_path, weights_sha256

NOWHERE = Path("/nonexistent")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Some file."""
    path = tmp_path / "fox.gguf"
    path.write_bytes(b"weights")
    return path


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def test_hash_is_computed_once(file: Path):
    """Shown by what is remembered, which is believed."""
    assert digest(b"weights") == weights_sha256(file, worth_bytes=1)
    known = hash_path(file)
    known.write_text(known.read_text().replace(digest(b"weights"), "ab" * 32))

    assert "ab" * 32 == weights_sha256(file, worth_bytes=1)


@pytest.mark.parametrize("content", [b"changed", b"longer than before"])
def test_changed_file_has_another_hash(file: Path, content: bytes):
    """Of the same size or not."""
    weights_sha256(file, worth_bytes=1)
    file.write_bytes(content)
    os.utime(file, ns=(1, 2))

    assert digest(content) == weights_sha256(file, worth_bytes=1)
    assert digest(content) == weights_sha256(file, worth_bytes=1)


@pytest.mark.parametrize("damage", ["", "{", "[]", '{"v":1}', "\udcff"])
def test_what_was_remembered_may_be_damaged(file: Path, damage: str):
    """Then it is computed anew."""
    hash_path(file).write_bytes(damage.encode(errors="surrogateescape"))

    assert digest(b"weights") == weights_sha256(file)


def test_small_file_leaves_nothing_beside_it(file: Path):
    """It is hashed at each start."""
    weights_sha256(file)

    assert [file] == list(file.parent.iterdir())


def test_folder_that_can_not_be_written_does_no_harm(file: Path):
    """The next start hashes again."""
    hash_path(file).mkdir()  # nothing can be put in its place, not even by root

    assert digest(b"weights") == weights_sha256(file, worth_bytes=1)


def test_missing_file_is_said_so(tmp_path: Path):
    """With its path."""
    with pytest.raises(ModelFileError, match=r"fox\.gguf"):
        weights_sha256(tmp_path / "fox.gguf")


def test_opened_model_names_the_file_that_its_host_named(tmp_path: Path):
    """Also where the engine reads a twin of it; only where that is wanted."""
    shipped = check_checksum(find_model(SMALL, NOWHERE))

    infos = [open_model("small", kind, tmp_path, with_hash=True).info for kind in ("gguf", "ggml")]

    assert [shipped, shipped] == [info.sha256 for info in infos]
    assert "" == open_model("small", "gguf", NOWHERE).info.sha256
