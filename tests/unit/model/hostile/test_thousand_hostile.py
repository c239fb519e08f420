"""A thousand hostile files of each format: a sentence for each, and nothing else ever comes out.

They are gone through in processes of their own, as a file may end one by a signal.
"""

import contextlib
import importlib.util
import json
import pickle
import random
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.__main__ import main
from bot.model.importing import import_checkpoint
from tests.model_files import make_huggingface_folder
from tests.pytorch_files import make_pytorch_folder
from tests.tensorflow_files import make_openai_folder
from tests.unit.model.hostile.cases import N_CASES, Case
from tests.unit.model.hostile.checkpoints import safetensors_cases, tensorflow_cases
from tests.unit.model.hostile.model_files import ggml_cases, gguf_cases
from tests.unit.model.hostile.pickles import RUN_BY_PYTHON, bait, codes, pytorch_cases
from tests.unit.model.hostile.shapes import TINY
from tests.unit.model.hostile.try_hostile import MAX_BYTES

FORMATS = ("gguf", "ggml", "safetensors", "pytorch", "tensorflow")
# Of a GGUF file, ctransformers reads the twin.
READ_BY = [("gguf", "llama_cpp"), ("gguf", "ctransformers"), ("ggml", "ctransformers")]
CONFIG = 78
_N_SURVIVORS = 150
pytestmark = pytest.mark.timeout(120)


def run(*arguments: object) -> "subprocess.CompletedProcess[str]":
    """A program of the tests' own, to its end."""
    command = [sys.executable, "-m", *(str(one) for one in arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=100, check=False)


@pytest.fixture(scope="module", params=FORMATS)
def tried(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory):
    """A format, the folder in which all its files were tried, and the report."""
    folder = tmp_path_factory.mktemp(request.param)
    ended = run("tests.unit.model.hostile.try_hostile", request.param, folder)
    assert 0 == ended.returncode, ended.stdout[-500:] + ended.stderr[-2_000:]
    return request.param, folder, json.loads((folder / "report.json").read_text())


def test_each_is_refused_with_a_sentence_or_harmless(tried):
    """What passes must be harmless; most of it is refused."""
    _, _, report = tried

    assert [] == report["faults"]
    assert N_CASES == report["n"]
    assert report["n_refused"] > 0.8 * N_CASES


def test_none_takes_much_memory_before_it_is_refused(tried):
    """Above what the process had; counts, bombs and sparse gigabytes included."""
    _, _, report = tried

    assert report["worst"][0] < MAX_BYTES


def test_no_code_is_run(tried):
    """What code in a pickle would leave behind is not there."""
    _, folder, _ = tried

    assert not list(folder.rglob("was-run"))


@pytest.mark.parametrize(("tried", "engine_name"), READ_BY, indirect=["tried"], scope="module")
def test_what_passes_ends_no_engine(tried, engine_name: str):
    """Harmless means that the libraries that trust such files live through them."""
    file_format, folder, report = tried
    if importlib.util.find_spec(engine_name) is None:
        pytest.skip(f"{engine_name} is not installed")
    kept = sorted((folder / "survivors").glob(f"*.{file_format}"))
    assert len(kept) == report["kept"] > 0
    chosen = random.Random(7).sample(kept, min(len(kept), _N_SURVIVORS))
    (folder / "list").write_text("\n".join(map(str, chosen)))

    ended = run("tests.unit.model.hostile.load_survivors", engine_name, folder / "list")

    assert 0 == ended.returncode, ended.stdout[-2_000:] + ended.stderr[-2_000:]


@pytest.mark.parametrize("kind", RUN_BY_PYTHON)
def test_the_baits_would_be_taken(tmp_path: Path, kind: str):
    """Python's own reader runs these, so that a file that is not there does mean something."""
    code = next(code for name, code in codes(bait(tmp_path)).items() if name.startswith(kind))
    with contextlib.suppress(Exception):  # what it makes of the result is not the question
        pickle.loads(code)

    assert (tmp_path / "was-run").exists()


def sample(file_format: str, folder: Path) -> Iterator[tuple[Case, list[str]]]:
    """The first refused case of some kinds, and the command that a person would type."""
    if file_format in ("gguf", "ggml"):
        source = make_huggingface_folder(folder / "source")
        import_checkpoint(source, folder / f"m.{file_format}", "m", "q8_0")
        cases = (gguf_cases if file_format == "gguf" else ggml_cases)(folder)
        command = ["models", "verify", str(folder / f"m.{file_format}")]
    else:
        make, list_cases = {
            "safetensors": (make_huggingface_folder, safetensors_cases),
            "pytorch": (make_pytorch_folder, pytorch_cases),
            "tensorflow": (make_openai_folder, tensorflow_cases),
        }[file_format]
        make(folder, TINY)
        cases, command = list_cases(folder), ["models", "import", str(folder), "--name", "m"]
    seen: set[str] = set()
    for case in cases:
        if case.is_refused and case.kind not in seen and len(seen) < 6:
            seen.add(case.kind)
            yield case, command


@pytest.mark.parametrize("file_format", FORMATS)
def test_command_line_says_it_and_ends_with_78(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    file_format: str,
):
    """One sentence on standard error, no traceback, and nothing that looks like a model."""
    monkeypatch.setenv("BARDLING_HOME", str(tmp_path / "home"))
    folder = tmp_path / "in"
    folder.mkdir()
    n_tried = 0
    for case, command in sample(file_format, folder):
        path = folder / case.name
        good = path.read_bytes()
        path.write_bytes(case.data)
        assert CONFIG == main(command), case.kind
        told = capsys.readouterr().err.splitlines()
        assert told[-1].startswith("bardling: "), case.kind
        assert not any("Traceback" in line for line in told)
        path.write_bytes(good)
        n_tried += 1

    assert n_tried >= 2
    assert not list((tmp_path / "home").rglob("*.gguf"))
