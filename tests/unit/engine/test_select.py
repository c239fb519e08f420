"""Which engine is taken: what is asked for, what is installed, and one line that says so."""

import importlib.util
from dataclasses import replace
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from bot.engine.select import (
    ENGINE_FILE_FORMAT,
    choose_engine,
    default_threads,
    has_graphics_card,
    open_engine,
    suits_wide,
)
from bot.errors import EngineError
from bot.llama.library import BUILDS
from bot.model.store import open_model

needs_llama = pytest.mark.skipif(
    importlib.util.find_spec("llama_cpp") is None, reason="llama-cpp-python is not installed"
)
needs_xllamacpp = pytest.mark.skipif(
    importlib.util.find_spec("xllamacpp") is None, reason="xllamacpp is not installed"
)


def without(monkeypatch: pytest.MonkeyPatch, *missing: str) -> None:
    """As on a machine where some packages are not installed."""
    find_spec = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name in missing else find_spec(name)
    )


@needs_llama
def test_auto_takes_llama_cpp_where_it_is_installed():
    """And says so in one line."""
    with capture_logs() as lines:
        assert choose_engine("auto") == "llama_cpp"
    assert [(line["event"], line["engine"]) for line in lines] == [("engine chosen", "llama_cpp")]


@needs_xllamacpp
def test_auto_takes_the_wheel_where_nothing_was_compiled(monkeypatch: pytest.MonkeyPatch):
    """The base install writes several texts at once."""
    without(monkeypatch, "llama_cpp")
    assert choose_engine("auto") == "xllamacpp"


def test_auto_falls_back_to_ctransformers(monkeypatch: pytest.MonkeyPatch):
    """Where there is no llama.cpp at all."""
    without(monkeypatch, "llama_cpp", "xllamacpp")
    with capture_logs() as lines:
        assert choose_engine("auto") == "ctransformers"
    assert [line["reason"] for line in lines] == ["no llama.cpp can be used here"]


@needs_xllamacpp
def test_auto_passes_over_what_this_processor_can_not_run(monkeypatch: pytest.MonkeyPatch):
    """It would end the process; the log says why it wasn't taken."""
    without(monkeypatch, "llama_cpp")
    monkeypatch.setattr("bot.llama.library.processor_flags", lambda: frozenset({"sse2"}))
    with capture_logs() as lines:
        assert choose_engine("auto") == "ctransformers"
    assert "needs a processor with avx2" in lines[0]["reason"]


@pytest.mark.parametrize("name", BUILDS)
def test_llama_cpp_that_is_not_installed_is_refused_with_the_way_out(
    monkeypatch: pytest.MonkeyPatch, name: str
):
    """Asked for by name, nothing else is taken in its stead."""
    without(monkeypatch, name)
    with pytest.raises(EngineError, match="pip install"):
        choose_engine(name)


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
        package = "numba" if name == "wide" else name
        if name in (*BUILDS, "wide") and importlib.util.find_spec(package) is None:
            continue
        opened = open_model("small", ENGINE_FILE_FORMAT[name], tmp_path)
        engine = open_engine(name, opened.info, n_threads=1)
        assert engine.info.name == name
        assert engine.info.n_vocab == opened.info.shape.n_vocab
        engine.close()


def test_more_slots_than_the_budget_holds_are_refused(tmp_path: Path):
    """Before anything is loaded, with the numbers."""
    info = open_model("small", "gguf", tmp_path).info
    with pytest.raises(EngineError, match=r"1000 slots .* budget \(kv_mb\) is 1 MB"):
        open_engine("xllamacpp", info, slots=1000, kv_mb=1)


def test_threads_leave_one_core_free(monkeypatch: pytest.MonkeyPatch):
    """And never go below one."""
    for cores, expected in ((1, 1), (2, 1), (16, 15)):
        monkeypatch.setattr("os.sched_getaffinity", lambda _pid, n=cores: set(range(n)))
        assert default_threads() == expected


def test_a_worker_takes_the_wide_engine_for_weights_that_are_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """Not for finer ones, nor beside a graphics card, nor where nothing compiles it."""
    pytest.importorskip("numba", reason="numba is not installed (make wide)")
    info = open_model("small", "gguf", tmp_path).info
    assert suits_wide(info, instead_of="ctransformers")
    assert not suits_wide(replace(info, quantization="f16"), instead_of="ctransformers")
    assert not suits_wide(replace(info, file_format="ggml"), instead_of="ctransformers")
    odd = replace(info, shape=replace(info.shape, n_embd=240))
    with capture_logs() as lines:
        assert not suits_wide(odd, instead_of="ctransformers")
    assert "multiple of 32" in lines[0]["reason"]
    monkeypatch.setattr("bot.engine.select.has_graphics_card", lambda name: True)
    assert not suits_wide(info, instead_of="llama_cpp")
    without(monkeypatch, "numba")
    assert not suits_wide(info, instead_of="ctransformers")


@needs_xllamacpp
def test_a_wheel_for_processors_knows_no_graphics_card():
    """So "auto" may take the wide engine before it."""
    assert has_graphics_card("xllamacpp") is False


def test_the_wide_engine_without_its_compiler_is_refused(monkeypatch: pytest.MonkeyPatch):
    """With the command that adds it."""
    without(monkeypatch, "numba")
    with pytest.raises(EngineError, match=r"bardling\[wide\]"):
        choose_engine("wide")
