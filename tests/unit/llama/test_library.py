"""Which libraries are loaded, and the sentences for those that are not."""

import importlib.metadata
import importlib.util
from dataclasses import replace

import pytest

from bot.errors import EngineError
from bot.llama import library
from bot.llama.layouts import CONTEXT_FIELDS, CONTEXT_FIELDS_WITH_MOE_CACHE, LayoutError
from bot.llama.library import (
    BUILDS,
    LlamaLibrary,
    check_processor,
    find_library,
    load_library,
    wait_politely,
)


def installed(module: str) -> None:
    """Skips a test whose library is not there."""
    if importlib.util.find_spec(module) is None:
        pytest.skip(f"{module} is not installed")


@pytest.mark.parametrize("module", BUILDS)
def test_library_is_found_and_its_structs_are_proved(module: str):
    """Both live in one process."""
    installed(module)
    loaded = load_library(module)
    assert loaded.build is BUILDS[module]
    assert loaded.context_params().n_batch == 2048


@pytest.mark.parametrize("module", BUILDS)
def test_parameters_are_copies(module: str):
    """What one engine sets doesn't reach the next."""
    installed(module)
    load_library(module).context_params().n_ctx = 7
    assert load_library(module).context_params().n_ctx == 512


@pytest.mark.parametrize("module", BUILDS)
def test_library_with_the_other_layout_is_refused(module: str):
    """The real libraries, each taken for the other one's build."""
    installed(module)
    functions = load_library(module).functions
    others = {CONTEXT_FIELDS: CONTEXT_FIELDS_WITH_MOE_CACHE}
    fields = others.get(BUILDS[module].context_fields, CONTEXT_FIELDS)
    build = replace(BUILDS[module], context_fields=fields)
    try:
        with pytest.raises(LayoutError, match="llama_context_params"):
            LlamaLibrary(functions, build, in_place=library.returns_in_place())
    finally:
        library._load.cache_clear()  # the failed proof has changed how the function is called


@pytest.mark.parametrize("module", BUILDS)
def test_unknown_version_is_refused_before_it_is_loaded(
    module: str, monkeypatch: pytest.MonkeyPatch
):
    """The sentence names both versions and the command; one for a GPU is the same build."""
    installed(module)
    build = BUILDS[module]
    monkeypatch.setattr(importlib.metadata, "version", lambda _: "9.9")
    with pytest.raises(EngineError, match=rf"9\.9 is not known here, {build.version} is"):
        find_library(build)
    monkeypatch.setattr(importlib.metadata, "version", lambda _: f"{build.version}+cu128")
    assert find_library(build).exists()


def test_package_without_its_library_is_refused():
    """A wheel for another system, say."""
    installed("xllamacpp")
    with pytest.raises(EngineError, match="brings no library"):
        find_library(replace(BUILDS["xllamacpp"], patterns=("nothing.so",)))


@pytest.mark.parametrize("missing", ["avx2", "bmi2", "f16c", "fma"])
def test_processor_that_would_end_the_process_is_refused(
    missing: str, monkeypatch: pytest.MonkeyPatch
):
    """One instruction set less is enough; what is compiled for the machine needs no check."""
    has = frozenset({"avx2", "bmi2", "f16c", "fma"} - {missing})
    monkeypatch.setattr(library, "processor_flags", lambda: has)
    with pytest.raises(EngineError, match=f"needs a processor with {missing}"):
        check_processor(BUILDS["xllamacpp"])
    check_processor(BUILDS["llama_cpp"])


def test_missing_openmp_is_a_sentence_with_the_package(monkeypatch: pytest.MonkeyPatch):
    """The loader's own words name a file only."""
    installed("xllamacpp")

    def fail(_: str) -> None:
        raise OSError("libgomp.so.1: cannot open shared object file: No such file or directory")

    library._load.cache_clear()
    monkeypatch.setattr(library.ctypes, "CDLL", fail)
    with pytest.raises(EngineError, match="apt-get install libgomp1"):
        load_library("xllamacpp")


def test_threads_spin_for_moments_unless_the_host_says_otherwise(monkeypatch: pytest.MonkeyPatch):
    """Either of OpenMP's settings is the host's to choose."""
    monkeypatch.setenv("GOMP_SPINCOUNT", "5")
    wait_politely()
    assert library.os.environ["GOMP_SPINCOUNT"] == "5"
    monkeypatch.delenv("GOMP_SPINCOUNT")
    monkeypatch.setenv("OMP_WAIT_POLICY", "active")
    wait_politely()
    assert "GOMP_SPINCOUNT" not in library.os.environ
    monkeypatch.delenv("OMP_WAIT_POLICY")
    wait_politely()
    assert library.os.environ["GOMP_SPINCOUNT"] == "1000"
