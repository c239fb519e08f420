"""Which engine runs here, and how it is opened. Used by `app` and the benchmarks."""

import importlib.util

import structlog

from bot.core.models import ModelInfo
from bot.engine.api import Engine
from bot.engine.llama_cpp_engine import LlamaCppEngine, place_bytes
from bot.engine.machine import allowed_cores, available_bytes, choose_slots
from bot.engine.threads import open_threads
from bot.errors import EngineError
from bot.llama.library import BUILDS, is_installed, load_library

_log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

ENGINE_FILE_FORMAT = {
    "wide": "gguf", "llama_cpp": "gguf", "xllamacpp": "gguf", "ctransformers": "ggml",
    "scripted": "gguf",
}  # fmt: skip
_SCRIPTED_SLOTS = 8
_WIDE_AS_IT_IS = ("q8_0", "q5_0", "q4_0")  # types whose numbers the wide engine takes over


def choose_engine(wanted: str) -> str:
    """The engine to use: the one wanted, or for "auto" the best that works here.

    That is llama.cpp compiled for the machine, else the one that xllamacpp brings, else
    ctransformers. A package that is there but can't be used is told of in the log.

    Raises:
        EngineError: the one wanted is not installed or can't be used.
    """
    if wanted in BUILDS:
        load_library(wanted)
    if wanted == "wide" and not has_numba():
        raise EngineError("The wide engine needs numba; pip install 'bardling[wide]' adds it.")
    if wanted != "auto":
        return wanted
    chosen, reason = _best_engine()
    _log.info("engine chosen", engine=chosen, reason=reason)
    return chosen


def _best_engine() -> tuple[str, str]:
    """The engine that "auto" stands for, and why."""
    for name in BUILDS:
        if not is_installed(name):
            continue
        try:
            load_library(name)
        except EngineError as error:
            _log.warning("engine can't be used", engine=name, reason=str(error))
        else:
            return name, f"{BUILDS[name].distribution} is installed"
    return "ctransformers", "no llama.cpp can be used here"


def has_numba() -> bool:
    """Whether what compiles the wide engine is installed."""
    return importlib.util.find_spec("numba") is not None


def suits_wide(info: ModelInfo, instead_of: str) -> bool:
    """Whether "auto" takes the wide engine, where it is installed, for this model.

    It was twice as fast at eight texts and about as fast at one; but it computes on the processor
    alone, and it rounds weights of more than 8 bits, which who chose such a file wants.

    Args:
        instead_of: the engine that there is without it.
    """
    if instead_of in BUILDS and has_graphics_card(instead_of):
        return False
    if not has_numba() or info.file_format != "gguf" or info.quantization not in _WIDE_AS_IT_IS:
        return False
    from bot.engine.wide.engine import why_not  # noqa: PLC0415  # an extra

    reason = why_not(info)
    if reason is None:
        _log.info("engine chosen", engine="wide", reason="numba is installed")
    else:
        _log.warning("engine can't be used", engine="wide", reason=reason)
    return reason is None


def has_graphics_card(name: str) -> bool:
    """Whether this build of llama.cpp computes on a card that is there."""
    return bool(load_library(name).functions.llama_supports_gpu_offload())


def default_threads() -> int:
    """One less than there are cores: for measurements, where the number must not change."""
    return max(1, len(allowed_cores()) - 1)


def open_engine(
    name: str,
    info: ModelInfo,
    *,
    slots: int | None = None,
    n_threads: int | None = None,
    kv_mb: int | None = None,
) -> Engine:
    """Loads a checked model.

    Args:
        name: a key of `ENGINE_FILE_FORMAT`.
        info: the model, in that engine's file format.
        slots: sequences at once; None = what the memory for keys and values holds, see
            `choose_slots`.
        n_threads: processor threads; None = all cores while others leave them idle.
        kv_mb: MiB for keys and values; None = a quarter of what is available.

    Raises:
        EngineError: this engine can't run this model here.
    """
    match name:
        case "llama_cpp" | "xllamacpp":
            places = choose_slots(
                slots, place_bytes=place_bytes(info), kv_mb=kv_mb, available=available_bytes()
            )
            return LlamaCppEngine(info, package=name, slots=places, threads=open_threads(n_threads))
        case "wide":
            from bot.engine.wide import engine as wide  # noqa: PLC0415  # an extra

            places = choose_slots(
                slots, place_bytes=wide.place_bytes(info), kv_mb=kv_mb, available=available_bytes()
            )
            return wide.WideEngine(info, slots=places, threads=open_threads(n_threads))
        case "ctransformers":
            from bot.engine.ctransformers_engine import CTransformersEngine  # noqa: PLC0415  # slow

            if slots not in (None, 1):
                _log.warning("ctransformers writes one text at a time", slots=slots)
            return CTransformersEngine(info, threads=open_threads(n_threads))
        case "scripted":
            from bot.engine.scripted import ScriptedEngine  # noqa: PLC0415

            return ScriptedEngine(
                n_vocab=info.shape.n_vocab, n_ctx=info.shape.n_ctx, slots=slots or _SCRIPTED_SLOTS
            )
        case _:
            raise EngineError(f"There is no engine {name!r}.")
