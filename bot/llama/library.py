"""Finds a package's llama.cpp, refuses what is not known to work, and binds its C functions.

Two packages bring it: `llama-cpp-python`, compiled for the machine, and `xllamacpp`, a wheel that
needs no compiler, whose extension module exports the C functions. Neither package is imported: one
takes a second and more, the other starts with code that isn't needed. Used by the llama.cpp engine
and by the packing of K-quants. API: llama.h, see `layouts`.

On xllamacpp: MIT like llama.cpp; a release about every two weeks, each with another llama.cpp,
so exactly one is known here and in pyproject.toml. Its Linux wheel is compiled for AVX2 and
computes with the system's OpenMP.
"""

import ctypes
import importlib.metadata
import importlib.util
import os
import platform
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import structlog

from bot.errors import EngineError
from bot.llama.layouts import (
    CONTEXT_FIELDS,
    CONTEXT_FIELDS_WITH_MOE_CACHE,
    MODEL_FIELDS,
    Batch,
    Fields,
    LayoutError,
    LogCallback,
    make_layout,
    proved_defaults,
    returns_in_place,
)

_log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

_TOLD_LEVELS = (3, 4)  # ggml_log_level: warnings and errors


@dataclass(frozen=True, slots=True, kw_only=True)
class Build:
    """A package's build of llama.cpp that is known here.

    Attributes:
        module: the package as Python imports it; also the engine's name.
        distribution: the package as pip knows it.
        version: the one whose structs are known.
        install: what a person types to get it.
        patterns: where its library lies in the package's folder, the first that is there.
        context_fields: its llama_context_params.
        cpu_flags: what it may use of an x86-64 processor without asking it.
    """

    module: str
    distribution: str
    version: str
    install: str
    patterns: tuple[str, ...]
    context_fields: Fields
    cpu_flags: frozenset[str]


BUILDS = {
    build.module: build
    for build in (
        Build(
            module="llama_cpp",
            distribution="llama-cpp-python",
            version="0.3.36",
            install="pip install 'bardling[llama]'",
            patterns=("lib/libllama.so", "lib/libllama.dylib", "lib/llama.dll"),
            context_fields=CONTEXT_FIELDS,
            cpu_flags=frozenset(),  # compiled for the machine it is on
        ),
        Build(
            module="xllamacpp",
            distribution="xllamacpp",
            version="2026.10.11549",
            install="pip install xllamacpp==2026.10.11549",
            patterns=("xllamacpp*.so",),
            context_fields=CONTEXT_FIELDS_WITH_MOE_CACHE,
            cpu_flags=frozenset({"avx2", "bmi2", "f16c", "fma"}),
        ),
    )
}

_PTR, _I32, _U32, _I64 = ctypes.c_void_p, ctypes.c_int32, ctypes.c_uint32, ctypes.c_int64
# Name -> what it returns, what it takes; those that take parameters by value are bound apart.
_FUNCTIONS: dict[str, tuple[Any, list[Any]]] = {
    "llama_backend_init": (None, []),
    "llama_log_set": (None, [LogCallback, _PTR]),
    "llama_print_system_info": (ctypes.c_char_p, []),
    "llama_supports_gpu_offload": (ctypes.c_bool, []),
    "llama_model_free": (None, [_PTR]),
    "llama_free": (None, [_PTR]),
    "llama_n_ctx": (_U32, [_PTR]),
    "llama_set_n_threads": (None, [_PTR, _I32, _I32]),
    "llama_decode": (_I32, [_PTR, Batch]),
    "llama_get_logits": (ctypes.POINTER(ctypes.c_float), [_PTR]),
    "llama_get_memory": (_PTR, [_PTR]),
    "llama_memory_seq_rm": (ctypes.c_bool, [_PTR, _I32, _I32, _I32]),
    "llama_memory_seq_cp": (None, [_PTR, _I32, _I32, _I32, _I32]),
    "llama_memory_seq_pos_max": (_I32, [_PTR, _I32]),
    "ggml_quantize_chunk": (ctypes.c_size_t, [ctypes.c_int, _PTR, _PTR, _I64, _I64, _I64, _PTR]),
}


class LlamaLibrary:
    """llama.cpp's functions, and parameters to start from.

    Attributes:
        functions: llama.h's and ggml.h's by their names; those in `_FUNCTIONS`, and
            `llama_model_load_from_file` and `llama_init_from_model`.
        build: whose they are.
    """

    def __init__(self, functions: Any, build: Build, *, in_place: bool) -> None:
        """Binds a library that is loaded.

        Raises:
            LayoutError: its structs are not those of that build.
        """
        self.functions = functions
        self.build = build
        self._model = model = make_layout("llama_model_params", MODEL_FIELDS)
        self._context = context = make_layout("llama_context_params", build.context_fields)
        self._model_params = proved_defaults(
            functions.llama_model_default_params, model, in_place=in_place
        )
        self._context_params = proved_defaults(
            functions.llama_context_default_params, context, in_place=in_place
        )
        for name, (result, arguments) in _FUNCTIONS.items():
            function = getattr(functions, name)
            function.restype, function.argtypes = result, arguments
        # The parameters go with their spare bytes: a build that reads more finds zeros of ours.
        load, start = functions.llama_model_load_from_file, functions.llama_init_from_model
        load.restype, load.argtypes = _PTR, [ctypes.c_char_p, model.padded]
        start.restype, start.argtypes = _PTR, [_PTR, context.padded]

    def model_params(self) -> Any:
        """A copy of the defaults of llama_model_params."""
        return self._model.padded.from_buffer_copy(self._model_params)

    def context_params(self) -> Any:
        """A copy of the defaults of llama_context_params."""
        return self._context.padded.from_buffer_copy(self._context_params)


def is_installed(module: str) -> bool:
    """Whether the package is there, in whatever version."""
    return importlib.util.find_spec(module) is not None


def load_library(module: str) -> LlamaLibrary:
    """A package's llama.cpp, loaded once for the process.

    Args:
        module: a key of `BUILDS`.

    Raises:
        EngineError: it is not installed, or not one that is known to work here.
    """
    build = BUILDS[module]
    path = find_library(build)
    check_processor(build)
    return _load(module, path)


@cache
def _load(module: str, path: Path) -> LlamaLibrary:
    """Loads, proves and binds; raises like `load_library`."""
    build = BUILDS[module]
    wait_politely()
    try:
        functions = ctypes.CDLL(str(path))
    except OSError as error:
        raise EngineError(_load_failure(build, str(error))) from error
    try:
        library = LlamaLibrary(functions, build, in_place=returns_in_place())
    except (LayoutError, AttributeError) as error:
        raise EngineError(
            f"{build.distribution} {build.version} is not the build that is known: {error}; "
            f"install it anew ({build.install}) or choose another engine."
        ) from error
    functions.llama_log_set(_LOG_CALLBACK, None)
    functions.llama_backend_init()
    return library


def find_library(build: Build) -> Path:
    """The file with the functions, found without running anything of the package.

    Raises:
        EngineError: the package is not installed, has another version, or lacks the file.
    """
    spec = importlib.util.find_spec(build.module)
    if spec is None:
        raise EngineError(f"{build.distribution} is not installed; {build.install} adds it.")
    try:
        version = importlib.metadata.version(build.distribution)
    except importlib.metadata.PackageNotFoundError:
        version = "of unknown version"
    if version.partition("+")[0] != build.version:  # after + stands which GPU it is for
        raise EngineError(
            f"{build.distribution} {version} is not known here, {build.version} is; "
            f"{build.install} puts it in its place."
        )
    for folder in spec.submodule_search_locations or ():
        for pattern in build.patterns:
            for path in sorted(Path(folder).glob(pattern)):
                return path
    raise EngineError(f"{build.distribution} {version} brings no library that can be used here.")


def check_processor(build: Build) -> None:
    """Refuses a processor on which the library would end the process (SIGILL).

    Raises:
        EngineError: it lacks instructions that the library was compiled with.
    """
    flags = processor_flags()
    missing = build.cpu_flags - flags if flags is not None else None
    if missing:
        raise EngineError(
            f"{build.distribution} needs a processor with {', '.join(sorted(missing))}; "
            "choose another engine, or compile llama.cpp for this one "
            f"({BUILDS['llama_cpp'].install})."
        )


def processor_flags() -> frozenset[str] | None:
    """What an x86-64 processor can do by Linux' names, or None where that can't be asked."""
    if platform.system() != "Linux" or platform.machine() != "x86_64":
        return None
    try:
        return frozenset(Path("/proc/cpuinfo").read_text(encoding="utf-8").split())
    except OSError:
        return None


def wait_politely() -> None:
    """Lets threads that wait for each other spin for moments only; before OpenMP is loaded.

    By default they spin for milliseconds, on cores that the one they wait for may need: beside a
    busy neighbor two threads were several times slower than one. What the host sets is kept.
    Source: https://gcc.gnu.org/onlinedocs/libgomp/GOMP_005fSPINCOUNT.html
    """
    if "OMP_WAIT_POLICY" not in os.environ:
        os.environ.setdefault("GOMP_SPINCOUNT", "1000")


def _load_failure(build: Build, reason: str) -> str:
    if "libgomp" in reason:
        return (
            f"{build.distribution} needs the OpenMP library, which is not installed: "
            "on Debian and Ubuntu, apt-get install libgomp1."
        )
    return f"{build.distribution} can't be loaded: {reason}."


def _forward_log(level: int, text: bytes, _: object) -> None:
    """llama.cpp's warnings and errors; of its other lines there are hundreds at every load."""
    if level in _TOLD_LEVELS:
        _log.warning("llama.cpp", line=text.decode(errors="replace").strip())


_LOG_CALLBACK = LogCallback(_forward_log)  # it must outlive the C code that calls it
