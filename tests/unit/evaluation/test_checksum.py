"""Checksums beside model files."""

import hashlib
from pathlib import Path

import pytest

from bot.errors import ModelFileError
from bot.model.checksum import check_checksum, checksum_path, write_checksum
from bot.model.store import SMALL, find_model

CONTENT = b"weights and more weights"
DIGEST = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Some file."""
    path = tmp_path / "fox.gguf"
    path.write_bytes(CONTENT)
    return path


def test_shipped_model_has_its_checksum():
    """To be made anew, as `bot/model/checksum.py` says, whenever the model is."""
    assert check_checksum(find_model(SMALL, Path("/nonexistent"))) is not None


def test_checksum_is_written_as_sha256sum_does(file: Path):
    """So that `sha256sum -c` reads it; nothing else is left in the folder."""
    beside = write_checksum(file)
    assert (file.with_name("fox.gguf.sha256"), checksum_path(file)) == (beside, beside)
    assert f"{DIGEST}  fox.gguf\n" == beside.read_text()
    assert {file, beside} == set(file.parent.iterdir())
    assert DIGEST == check_checksum(file)


def test_file_without_checksum_is_told_apart(file: Path):
    """It is no fault to have none."""
    assert check_checksum(file) is None


@pytest.mark.parametrize("line", [f"{DIGEST.upper()} *other name.gguf\n", f"{DIGEST}  x"])
def test_other_ways_to_write_the_same_are_read(file: Path, line: str):
    """Binary mode, capitals, another name from before it was moved, no end of line."""
    checksum_path(file).write_text(line)
    assert DIGEST == check_checksum(file)


def test_changed_file_is_refused(file: Path):
    """One bit is enough."""
    write_checksum(file)
    file.write_bytes(CONTENT.replace(b"m", b"l"))
    with pytest.raises(ModelFileError, match=r"but fox.gguf.sha256 says .*damaged or changed"):
        check_checksum(file)


@pytest.mark.parametrize("line", [b"", b"abc  fox.gguf\n", DIGEST.encode(), b"\xff" * 5000])
def test_damaged_checksum_is_refused(file: Path, line: bytes):
    """It is none that could be compared."""
    checksum_path(file).write_bytes(line)
    with pytest.raises(ModelFileError, match="no checksum as sha256sum writes it"):
        check_checksum(file)


def test_missing_file_has_no_checksum_to_write(tmp_path: Path):
    """One sentence, and no checksum without a file."""
    with pytest.raises(ModelFileError, match="no such file"):
        write_checksum(tmp_path / "fox.gguf")
    assert [] == list(tmp_path.iterdir())


def test_folder_that_can_not_be_written_is_one_sentence(file: Path):
    """Here because a folder stands where the checksum shall go."""
    checksum_path(file).mkdir()
    with pytest.raises(ModelFileError, match="its checksum can't be written"):
        write_checksum(file)
    with pytest.raises(ModelFileError, match=r"checksum fox.gguf.sha256 can't be read"):
        check_checksum(file)
