"""Imports a folder with a GPT-2 into the two model-file formats, tensor by tensor.

Used by `bardling models import`. Tells by the files what kind of folder it is, checks every name
and shape against its configuration, and never holds more than one tensor. Runs no code of it.
"""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import numpy.typing as npt

from bot.core.models import ModelShape
from bot.errors import ModelFileError
from bot.model.checkpoint.api import Checkpoint, check_tensors, load_tensor
from bot.model.checkpoint.huggingface import SafetensorsCheckpoint, read_config
from bot.model.checkpoint.pytorch_file import PytorchCheckpoint, pytorch_files
from bot.model.checkpoint.tensorflow_checkpoint import (
    TensorflowCheckpoint,
    index_file,
    read_hparams,
)
from bot.model.ggml_file import read_ggml, tokenizer_path, write_ggml
from bot.model.gguf_file import read_gguf
from bot.model.gguf_writer import write_gguf
from bot.model.quantize import Quantization, find_quantization, pack
from bot.model.tensors import STORAGE_TYPES, StorageType, TensorSpec, tensor_specs
from bot.model.tokenizers.api import (
    MAX_TOKENIZER_BYTES,
    TOKENIZER_FILES,
    Tokenizer,
    read_tokenizer_folder,
)
from bot.model.whole_file import writing

# Models are padded to round numbers of tokens; more than that is another model's tokenizer.
_MAX_PADDING = 1024


def import_checkpoint(folder: Path, target: Path, name: str, quantization: str) -> None:
    """Writes one model file of a folder.

    Args:
        folder: holds a Hugging Face GPT-2 (config.json, *.safetensors or pytorch_model.bin, a
            tokenizer) or one as OpenAI released it (hparams.json, a TensorFlow checkpoint,
            encoder.json, vocab.bpe).
        target: ends in .gguf, or in .ggml for the legacy format, which gets a file with the
            tokenizer beside it.
        name: kept in the file and shown under texts.
        quantization: a name of `QUANTIZATIONS`; the legacy format knows none of the K-quants.

    Raises:
        ModelFileError: the folder is no GPT-2 in such a form; the message names the part.
    """
    is_legacy = target.suffix == ".ggml"
    recipe = _quantization(folder, quantization, is_legacy=is_legacy)
    with ExitStack() as stack:
        shape, checkpoint = _open_folder(folder, stack)
        tokenizer = _read_tokenizer(folder, shape)
        for spec in tensor_specs(shape):
            storage = recipe.storage_of(spec, shape)
            if spec.shape[-1] % storage.block_size:
                reason = f"its n_embd ({shape.n_embd}) is no multiple of {storage.block_size}"
                raise ModelFileError(folder, f"{reason}, so it can't be stored as {recipe.name}")
        check_tensors(checkpoint, shape)
        part = stack.enter_context(writing(target, _n_bytes(shape, recipe)))
        tensors = _pack(checkpoint, shape, recipe)
        if is_legacy:
            beside = stack.enter_context(writing(tokenizer_path(target)))
            beside.write_text(tokenizer.to_json(), encoding="utf-8")
            write_ggml(part, shape, recipe.main, tokenizer, tensors)
        else:
            write_gguf(part, name, shape, recipe, tokenizer, tensors)
        _check_written(part, folder, recipe, is_legacy=is_legacy)


def _quantization(folder: Path, name: str, *, is_legacy: bool) -> Quantization:
    found = find_quantization(folder, name)
    if is_legacy and found.main.name not in STORAGE_TYPES:
        names = ", ".join(STORAGE_TYPES)
        raise ModelFileError(folder, f"the legacy format has no {name}; it has {names}")
    return found


def _open_folder(folder: Path, stack: ExitStack) -> tuple[ModelShape, Checkpoint]:
    """The checkpoint in a folder, the safest form first where there are several."""
    try:
        if any(folder.glob("*.safetensors")):
            shape = read_config(folder / "config.json")
            return shape, SafetensorsCheckpoint(folder, stack)
        if paths := pytorch_files(folder):
            shape = read_config(folder / "config.json")
            return shape, PytorchCheckpoint(folder, paths, stack)
        if path := index_file(folder):
            shape = read_hparams(folder / "hparams.json")
            return shape, TensorflowCheckpoint(path, stack)
    except OSError as error:
        raise ModelFileError(folder, (error.strerror or "it can't be read").lower()) from error
    reason = "there are no weights in it: no *.safetensors, no pytorch_model.bin and no TensorFlow"
    raise ModelFileError(folder, f"{reason} checkpoint (*.index)")


def _read_tokenizer(folder: Path, shape: ModelShape) -> Tokenizer:
    try:
        for one in TOKENIZER_FILES:
            path = folder / one
            if path.exists() and path.stat().st_size > MAX_TOKENIZER_BYTES:
                raise ModelFileError(path, "it is too large for a tokenizer")
        tokenizer = read_tokenizer_folder(folder)
    except (OSError, ValueError, RecursionError) as error:
        raise ModelFileError(folder, f"its tokenizer can't be read ({error})") from error
    n_padding = shape.n_vocab - tokenizer.n_vocab
    if not 0 <= n_padding <= _MAX_PADDING:
        reason = f"its tokenizer has {tokenizer.n_vocab} tokens, its model {shape.n_vocab}"
        raise ModelFileError(folder, reason)
    return tokenizer.padded(shape.n_vocab) if n_padding else tokenizer


def _n_bytes(shape: ModelShape, recipe: Quantization) -> int:
    """Of the model file, but for its tokenizer."""
    return sum(recipe.storage_of(spec, shape).n_bytes(spec.shape) for spec in tensor_specs(shape))


def _check_written(part: Path, folder: Path, recipe: Quantization, *, is_legacy: bool) -> None:
    """Whether what was written can be read: some numbers are too large for their new type."""
    try:
        read_ggml(part) if is_legacy else read_gguf(part)
    except ModelFileError as error:
        reason = f"as {recipe.name} it can't be stored ({error.reason})"
        raise ModelFileError(folder, reason) from error


def _pack(
    checkpoint: Checkpoint, shape: ModelShape, recipe: Quantization
) -> Iterator[tuple[TensorSpec, npt.NDArray[np.generic], StorageType]]:
    """The tensors as they are stored, one at a time."""
    for spec in tensor_specs(shape):
        storage = recipe.storage_of(spec, shape)
        with np.errstate(all="ignore"):  # what becomes infinite is refused once it is written
            packed = pack(load_tensor(checkpoint, spec), storage)
        yield spec, packed, storage
