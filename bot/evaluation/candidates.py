"""Models to be tried: which engine runs them, and what is known of one before it runs.

Used by `verify` and `compare`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from pathlib import Path

from bot.core.models import ModelInfo
from bot.engine.ctransformers_engine import safe_sizes
from bot.engine.select import ENGINE_FILE_FORMAT, choose_engine
from bot.model.gguf_file import MAGIC as GGUF_MAGIC
from bot.model.store import find_model, open_model
from bot.model.tensors import tensor_specs
from bot.model.tokenizers.api import Tokenizer


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A checked model.

    Attributes:
        path: the file that was named.
        info: the file that the engine reads: the same one, or its twin.
        engine: what runs it.
        window: positions of its window that this engine can fill.
    """

    path: Path
    info: ModelInfo
    tokenizer: Tokenizer
    engine: str
    window: int

    @property
    def file_bytes(self) -> int:
        """Size of the file that was named."""
        return self.path.stat().st_size

    @property
    def file_bits_per_weight(self) -> float:
        """Of the file that is read; the tokenizer in it is spread over the weights, too."""
        n_weights = sum(prod(spec.shape) for spec in tensor_specs(self.info.shape))
        return 8 * Path(self.info.path).stat().st_size / n_weights


def engine_for(wanted: str, paths: Sequence[Path]) -> str:
    """The engine that runs all these files: the one wanted, or for "auto" the best that can.

    llama.cpp reads no legacy file, so one among them decides for ctransformers.

    Raises:
        EngineError: the one wanted is not installed.
    """
    if wanted == "auto" and any(_is_legacy(path) for path in paths):
        return "ctransformers"
    return choose_engine(wanted)


def open_candidate(name_or_path: str, engine: str, home: Path) -> Candidate:
    """Finds and checks a model for an engine.

    Raises:
        ModelFileError: there is no such model, or its file can't be used with this engine.
    """
    opened = open_model(name_or_path, ENGINE_FILE_FORMAT[engine], home)
    shape = opened.info.shape
    return Candidate(
        path=find_model(name_or_path, home),
        info=opened.info,
        tokenizer=opened.tokenizer,
        engine=engine,
        window=safe_sizes(shape)[1] if engine == "ctransformers" else shape.n_ctx,
    )


def _is_legacy(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return file.read(len(GGUF_MAGIC)) != GGUF_MAGIC
    except OSError:
        return False  # the check of the file will tell what is wrong with it
