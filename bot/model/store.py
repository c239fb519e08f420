"""Where models are found: the one that ships, those in the home folder, and any path.

Used by `app`, the command line and the benchmarks. Every file is checked before it is handed out.
"""

import re
from dataclasses import dataclass, replace
from pathlib import Path

import structlog

from bot.core.models import ModelInfo
from bot.errors import ModelFileError
from bot.model.byte_reader import open_reader
from bot.model.convert import convert_to_ggml
from bot.model.download.catalogue import SHIPPED, SMALL, known_entry
from bot.model.ggml_file import read_ggml, tokenizer_path
from bot.model.gguf_file import MAGIC as GGUF_MAGIC
from bot.model.gguf_file import read_gguf
from bot.model.model_file import ModelFile
from bot.model.tokenizers.api import MAX_TOKENIZER_BYTES, Tokenizer, read_tokenizer
from bot.model.weights_hash import weights_sha256

_log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

_SMALL_FILE = Path(__file__).parent / "small" / "bardling-small.q8_0.gguf"
_ALIASES = dict.fromkeys(SHIPPED, SMALL)


@dataclass(frozen=True, slots=True)
class OpenedModel:
    """A checked model and its tokenizer."""

    info: ModelInfo
    tokenizer: Tokenizer


def open_model(
    name_or_path: str, file_format: str, home: Path, *, with_hash: bool = False
) -> OpenedModel:
    """Finds and checks a model; makes the GGML twin of a GGUF file where that is wanted.

    Args:
        name_or_path: "small", a model's name in `home`, or a path.
        file_format: "gguf" or "ggml", what the engine reads.
        home: where imported and derived files lie.
        with_hash: whether to compute the file's SHA-256, which takes seconds for the first time
            that a large file is opened.

    Raises:
        ModelFileError: there is no such model, or its file can't be used.
    """
    path = find_model(name_or_path, home)
    model = read_model(path)
    tokenizer = model.tokenizer or _sidecar(path)
    if tokenizer.n_vocab != model.shape.n_vocab:
        reason = f"its tokenizer has {tokenizer.n_vocab} tokens, its model {model.shape.n_vocab}"
        raise ModelFileError(path, reason)
    if model.file_format == "ggml" and file_format == "gguf":
        reason = "it is a legacy GGML file; import the model anew for llama.cpp, or use the engine"
        raise ModelFileError(path, f"{reason} ctransformers")
    if model.file_format == "gguf" and file_format == "ggml":
        model = _twin(model, home)
    info = _info(model, shown_name(name_or_path), tokenizer)
    if with_hash:
        info = replace(info, sha256=weights_sha256(path))
    return OpenedModel(info, tokenizer)


def find_model(name_or_path: str, home: Path) -> Path:
    """The file that a name or a path means.

    Raises:
        ModelFileError: there is none; the message lists what there is.
    """
    models = list_models(home)
    entry = known_entry(name_or_path)
    for name in (name_or_path, _ALIASES.get(name_or_path), entry and entry.name):
        if name in models:
            return models[name]
    if "/" in name_or_path or Path(name_or_path).suffix or Path(name_or_path).exists():
        return Path(name_or_path).expanduser()
    reason = f"there is no model of this name; there are {', '.join(models)}"
    if entry:
        reason += f"; 'bardling models download {entry.name}' gets it"
    raise ModelFileError(name_or_path, reason)


def list_models(home: Path) -> dict[str, Path]:
    """The models there are, by name."""
    found = {SMALL: _SMALL_FILE}
    folder = home / "models"
    for path in sorted([*folder.glob("*.gguf"), *folder.glob("*.ggml")]):
        name = path.name.removesuffix(path.suffix)
        found.setdefault(name if path.suffix == ".gguf" else path.name, path)
    return found


def check_name(name: str) -> None:
    """Refuses what can't be a model's name and a file's.

    Raises:
        ModelFileError: it is none.
    """
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}", name):
        raise ModelFileError(repr(name), "this is no name for a model: use letters, digits, - _ .")


def read_model(path: Path) -> ModelFile:
    """Checks a file of either format, told by its first bytes.

    Raises:
        ModelFileError: it can't be used.
    """
    with open_reader(path) as reader:
        is_gguf = reader.bytes(min(4, reader.size), "its first word") == GGUF_MAGIC
    return read_gguf(path) if is_gguf else read_ggml(path)


def shown_name(name_or_path: str) -> str:
    """What members read, and what a worker announces; the file need not be there."""
    known = _ALIASES.get(name_or_path, name_or_path)
    return SMALL if known == SMALL else Path(name_or_path).name.split(".")[0]


def _info(model: ModelFile, name: str, tokenizer: Tokenizer) -> ModelInfo:
    return ModelInfo(
        name=name,
        quantization=model.quantization,
        file_format=model.file_format,
        path=str(model.path),
        shape=model.shape,
        end_of_text_id=tokenizer.end_of_text_id,
        suppressed_ids=tokenizer.suppressed_ids,
    )


def _sidecar(path: Path) -> Tokenizer:
    """The tokenizer beside a GGML file, which has no room for merges."""
    beside = tokenizer_path(path)
    try:
        if beside.stat().st_size > MAX_TOKENIZER_BYTES:
            raise ModelFileError(path, f"its tokenizer {beside.name} is too large for one")
        return read_tokenizer(beside.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        reason = f"its tokenizer {beside.name} is missing beside it or damaged"
        raise ModelFileError(path, reason) from error


def _twin(model: ModelFile, home: Path) -> ModelFile:
    """The GGML twin, made on first use; its name holds the source's hash, so none is stale."""
    digest = weights_sha256(model.path)[:16]
    target = home / "derived" / f"{model.path.stem}.{digest}.ggml"
    if target.exists():
        try:
            return read_ggml(target)
        except ModelFileError as error:
            _log.warning("derived model file damaged, making it anew", reason=error.reason)
    try:
        convert_to_ggml(model, target)
    except OSError as error:
        reason = f"its twin for ctransformers can't be written ({error.strerror or error})"
        raise ModelFileError(model.path, reason) from error
    _log.info("model file made for ctransformers", path=str(target))
    return read_ggml(target)
