"""`bardling models verify`: structure, checksum, and a smoke test in a process of its own."""

import sys
from pathlib import Path

import pytest

from bot.__main__ import main
from bot.errors import EngineError, ModelFileError
from bot.evaluation.smoke import NEW_TOKENS
from bot.evaluation.verify import verify_model
from bot.model.checksum import write_checksum
from tests.unit.evaluation.conftest import MakeModel

pytestmark = pytest.mark.usefixtures("own_logging")


def test_shipped_model_passes(engine: str, tmp_path: Path):
    """By its name, on each engine; three lines, the last with some of its text."""
    structure, checksum, tried = verify_model("small", tmp_path, engine=engine)
    assert ": bardling-small, gguf, " in structure
    assert checksum.startswith("checksum: as in bardling-small")
    assert tried.startswith(f"smoke test: {engine}, window of ")
    text = tried.partition("tokens/s, ")[2]
    assert text.startswith(("'Once upon a time", '"Once upon a time'))
    assert len(text) > len("'Once upon a time'") + NEW_TOKENS


def test_legacy_file_is_tried_on_the_engine_that_reads_it(make_model: MakeModel, tmp_path: Path):
    """Though llama.cpp, where it is installed, comes first otherwise."""
    path = make_model("f16", suffix="ggml")
    _, checksum, tried = verify_model(str(path), tmp_path)
    assert f"checksum: none, there is no {path.name}.sha256 beside it" == checksum
    assert tried.startswith("smoke test: ctransformers, window of 64, ")


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        ({"ln_f.weight": 3e38}, "not finite"),
        ({"wte.weight": 0.0}, "it finds every token equally likely"),
        ({"ln_f.weight": 0.0}, "it expects the same after every token"),
    ],
    ids=["overflow", "all equal", "deaf"],
)
def test_model_that_computes_nonsense_is_refused(
    engine: str, spoil: dict[str, float], reason: str, make_model: MakeModel, tmp_path: Path
):
    """Though its file is in order; the sentence names it."""
    path = make_model(spoil=spoil)
    lines = verify_model(str(path), tmp_path, engine=engine)
    assert next(lines).startswith(f"{path}: tiny, gguf, f32, ")
    assert next(lines).startswith("checksum: none")
    with pytest.raises(ModelFileError, match=reason) as refused:
        next(lines)
    assert str(path) == refused.value.path


def test_changed_file_is_refused_before_it_is_tried(make_model: MakeModel, tmp_path: Path):
    """One weight is another one; the structure is as good as before."""
    path = make_model()
    write_checksum(path)
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    with pytest.raises(ModelFileError, match="its SHA-256 is"):
        list(verify_model(str(path), tmp_path))


def test_engine_that_is_not_installed_keeps_its_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """It is no fault of the file."""
    monkeypatch.setitem(sys.modules, "llama_cpp", None)
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    with pytest.raises(EngineError, match="llama-cpp-python is not installed"):
        list(verify_model("small", tmp_path, engine="llama_cpp"))


def test_command_ends_with_a_sentence_and_78(
    make_model: MakeModel,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
):
    """What was found right before stands on standard output."""
    monkeypatch.setenv("BARDLING_HOME", str(tmp_path))
    path = make_model(spoil={"wte.weight": 0.0})
    assert 78 == main(["models", "verify", str(path), "--engine", "ctransformers"])
    output, errors = capsys.readouterr()
    assert 2 == len(output.splitlines())
    assert errors.splitlines()[-1] == (
        f"bardling: The model file {path} can't be used: tried on ctransformers, "
        "it finds every token equally likely."
    )
