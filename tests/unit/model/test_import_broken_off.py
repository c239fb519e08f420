"""Imports that end too early, meet each other, or find no room: nothing that looks whole is left.

In processes of their own, which are killed or have limits of their own.
"""

import random
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections import namedtuple
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from bot.core.models import ModelShape
from bot.errors import ModelFileError
from bot.model.checksum import check_checksum
from bot.model.commands import import_folder
from bot.model.store import list_models, read_model
from tests.model_files import make_huggingface_folder

SHAPE = ModelShape(n_vocab=300, n_ctx=64, n_embd=384, n_head=4, n_layer=10)
N_KILLED = 10
CONFIG = 78
IMPORT = """
import sys
from bot.__main__ import main
from bot.model import importing
print("ready", flush=True)
sys.exit(main(["models", "import", sys.argv[1], "--name", "m"]))
"""
Process = subprocess.Popen[str]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model of 70 MB, so that its import takes a while."""
    return make_huggingface_folder(tmp_path_factory.mktemp("in"), SHAPE)


@contextmanager
def importing(folder: Path, home: Path, max_file_bytes: int | None = None) -> Iterator[Process]:
    """An import that is about to begin; at the end it is over."""

    def limit() -> None:
        if max_file_bytes is not None:
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # then writing fails as on a full disk
            resource.setrlimit(resource.RLIMIT_FSIZE, (max_file_bytes, max_file_bytes))

    process = subprocess.Popen(
        [sys.executable, "-c", IMPORT, str(folder)],
        env={"BARDLING_HOME": str(home)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=limit,  # noqa: PLW1509  # this process has no other threads here
    )
    assert process.stdout
    try:
        assert "ready\n" == process.stdout.readline()
        yield process
    finally:
        process.kill()
        process.communicate(timeout=10)


def parts(home: Path) -> list[Path]:
    """What is left of imports that did not end."""
    return list(home.rglob("*.part"))


@pytest.mark.timeout(90)
def test_killed_at_any_moment_it_leaves_nothing_that_looks_whole(tmp_path: Path, folder: Path):
    """The next import succeeds, and sweeps what the killed one left."""
    with importing(folder, tmp_path / "measured") as process:
        began = time.monotonic()
        _, errors = process.communicate(timeout=30)
        whole_s = time.monotonic() - began
    assert 0 == process.returncode, errors
    chance = random.Random(7)
    n_left = 0
    for index in range(N_KILLED):
        home = tmp_path / str(index)
        with importing(folder, home) as process:
            time.sleep(whole_s * (index + chance.random()) / N_KILLED)
            process.kill()
            process.communicate(timeout=10)
        n_left += bool(parts(home))
        if "m" in list_models(home):  # killed behind its last step but one
            read_model(home / "models" / "m.gguf")

        [made] = import_folder(folder, home, "m", "q8_0")
        assert check_checksum(made)
        assert [] == parts(home)

    assert n_left > 2, "no import was killed in the middle"


@pytest.mark.timeout(60)
def test_two_at_once_do_not_harm_each_other(tmp_path: Path, folder: Path):
    """One of them may be told to wait; what is there in the end is whole."""
    with importing(folder, tmp_path) as first, importing(folder, tmp_path) as second:
        told = [process.communicate(timeout=30)[1] for process in (first, second)]

    for process, errors in zip((first, second), told, strict=True):
        is_told_to_wait = "another process is importing" in errors
        assert process.returncode == (CONFIG if is_told_to_wait else 0), errors
    assert 0 in (first.returncode, second.returncode)
    assert check_checksum(tmp_path / "models" / "m.gguf")
    assert [] == parts(tmp_path)


def test_full_disk_is_told_before(tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch):
    """With what is needed and what there is."""
    usage = namedtuple("usage", "total used free")(10, 9, 1000)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)

    with pytest.raises(ModelFileError, match=r"\d\d\.\d MB of disk are needed .*1\.0 kB are free"):
        import_folder(folder, tmp_path, "m", "q8_0")

    assert [] == parts(tmp_path)


@pytest.mark.parametrize("max_file_bytes", [0, 100_000, 10_000_000])
def test_full_disk_is_told_at_the_moment_and_cleaned_up(
    tmp_path: Path, folder: Path, max_file_bytes: int
):
    """Whether it fills up at the header or in the middle of the weights."""
    with importing(folder, tmp_path, max_file_bytes) as process:
        _, errors = process.communicate(timeout=20)

    assert CONFIG == process.returncode
    assert errors.startswith("bardling: ")
    assert "can't be written" in errors
    assert "Traceback" not in errors
    assert [] == parts(tmp_path)
    assert not list(tmp_path.rglob("*.gguf"))


def test_twin_that_finds_no_room_is_a_sentence(tmp_path: Path):
    """ctransformers' twin of a model is made on first use, perhaps months after the import."""
    code = (
        "import resource, signal, sys\n"
        "from pathlib import Path\n"
        "from bot.errors import ModelFileError\n"
        "from bot.model.store import open_model\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, 1_000_000))\n"
        "try:\n"
        "    open_model('small', 'ggml', Path(sys.argv[1]))\n"
        "except ModelFileError as error:\n"
        "    print(error)\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)],
        capture_output=True, text=True, timeout=20, check=True,
    )  # fmt: skip

    assert "twin for ctransformers can't be written" in ended.stdout
    assert [] == [path for path in tmp_path.rglob("*") if path.is_file()]
