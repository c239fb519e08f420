"""Which engine is taken: what is asked for, what is installed, and one line that says so."""

import importlib.util
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from bot.engine.select import ENGINE_FILE_FORMAT, choose_engine, default_threads, open_engine
from bot.errors import EngineError
from bot.model.store import open_model

needs_llama = pytest.mark.skipif(
    importlib.util.find_spec("llama_cpp") is None, reason="llama-cpp-python is not installed"
)


def without_llama(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a machine with the base install only."""
    find_spec = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == "llama_cpp" else find_spec(name)
    )


@needs_llama
def test_auto_takes_llama_cpp_where_it_is_installed():
    """And says so in one line."""
    with capture_logs() as lines:
        assert choose_engine("auto") == "llama_cpp"
    assert [(line["event"], line["engine"]) for line in lines] == [("engine chosen", "llama_cpp")]


def test_auto_falls_back_to_ctransformers(monkeypatch: pytest.MonkeyPatch):
    """The base install is enough to run."""
    without_llama(monkeypatch)
    with capture_logs() as lines:
        assert choose_engine("auto") == "ctransformers"
    assert [line["reason"] for line in lines] == ["llama.cpp is not installed"]


def test_llama_cpp_that_is_not_installed_is_refused_with_the_way_out(
    monkeypatch: pytest.MonkeyPatch,
):
    """Asked for by name, nothing else is taken in its stead."""
    without_llama(monkeypatch)
    with pytest.raises(EngineError, match=r"pip install 'bardling\[llama\]'"):
        choose_engine("llama_cpp")


def test_what_is_asked_for_is_taken():
    """No look at what would be better."""
    assert choose_engine("ctransformers") == "ctransformers"


def test_unknown_engine_is_an_error(tmp_path: Path):
    """The settings refuse it earlier; a caller's slip must not pass."""
    info = open_model("small", "gguf", tmp_path).info
    with pytest.raises(EngineError, match="no engine 'gpt5'"):
        open_engine("gpt5", info)


def test_only_engines_that_can_be_opened_have_a_file_format(tmp_path: Path):
    """Each opens the small model in its own format."""
    for name in ENGINE_FILE_FORMAT:
        if name == "llama_cpp" and importlib.util.find_spec(name) is None:
            continue
        opened = open_model("small", ENGINE_FILE_FORMAT[name], tmp_path)
        engine = open_engine(name, opened.info, n_threads=1)
        assert engine.info.name == name
        assert engine.info.n_vocab == opened.info.shape.n_vocab
        engine.close()


def test_threads_leave_one_core_free(monkeypatch: pytest.MonkeyPatch):
    """And never go below one."""
    for cores, expected in ((1, 1), (2, 1), (16, 15)):
        monkeypatch.setattr("os.sched_getaffinity", lambda _pid, n=cores: set(range(n)))
        assert default_threads() == expected
