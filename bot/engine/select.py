"""Which engine runs here, and how it is opened. Used by `app` and the benchmarks."""

import importlib.util
import os

import structlog

from bot.core.models import ModelInfo
from bot.engine.api import Engine
from bot.errors import EngineError

_log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

ENGINE_FILE_FORMAT = {"llama_cpp": "gguf", "ctransformers": "ggml", "scripted": "gguf"}
_DEFAULT_SLOTS = 8


def choose_engine(wanted: str) -> str:
    """The engine to use: the one wanted, or for "auto" the best that is installed.

    Raises:
        EngineError: the one wanted is not installed.
    """
    has_llama = importlib.util.find_spec("llama_cpp") is not None
    if wanted == "llama_cpp" and not has_llama:
        raise EngineError("llama.cpp is not installed; pip install 'bardling[llama]' adds it.")
    if wanted != "auto":
        return wanted
    chosen = "llama_cpp" if has_llama else "ctransformers"
    reason = "llama.cpp is installed" if has_llama else "llama.cpp is not installed"
    _log.info("engine chosen", engine=chosen, reason=reason)
    return chosen


def default_threads() -> int:
    """One less than there are cores: a neighbor on the last one would stall every step."""
    has_affinity = hasattr(os, "sched_getaffinity")  # macOS has none
    n_cores = len(os.sched_getaffinity(0)) if has_affinity else os.cpu_count() or 1
    return max(1, n_cores - 1)


def open_engine(
    name: str, info: ModelInfo, *, slots: int | None = None, n_threads: int | None = None
) -> Engine:
    """Loads a checked model.

    Args:
        name: a key of `ENGINE_FILE_FORMAT`.
        info: the model, in that engine's file format.
        slots: sequences at once; None = what suits the engine.
        n_threads: processor threads; None = one less than there are cores.

    Raises:
        EngineError: this engine can't run this model here.
    """
    threads = n_threads or default_threads()
    match name:
        case "llama_cpp":
            from bot.engine.llama_cpp_engine import LlamaCppEngine  # noqa: PLC0415  # an extra

            return LlamaCppEngine(info, slots=slots or _DEFAULT_SLOTS, n_threads=threads)
        case "ctransformers":
            from bot.engine.ctransformers_engine import CTransformersEngine  # noqa: PLC0415  # slow

            if slots not in (None, 1):
                _log.warning("ctransformers writes one text at a time", slots=slots)
            return CTransformersEngine(info, n_threads=threads)
        case "scripted":
            from bot.engine.scripted import ScriptedEngine  # noqa: PLC0415

            return ScriptedEngine(
                n_vocab=info.shape.n_vocab, n_ctx=info.shape.n_ctx, slots=slots or _DEFAULT_SLOTS
            )
        case _:
            raise EngineError(f"There is no engine {name!r}.")
