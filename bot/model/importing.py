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
from bot.model.checkpoint import Checkpoint, check_tensors, load_tensor
from bot.model.ggml_file import tokenizer_path, write_ggml
from bot.model.gguf_writer import write_gguf
from bot.model.huggingface import SafetensorsCheckpoint, read_config
from bot.model.pytorch_file import PytorchCheckpoint, pytorch_files
from bot.model.quantize import QUANTIZATIONS, Quantization, can_pack, pack
from bot.model.tensorflow_checkpoint import TensorflowCheckpoint, index_file, read_hparams
from bot.model.tensors import STORAGE_TYPES, StorageType, TensorSpec, tensor_specs
from bot.model.tokenizer import TOKENIZER_FILES, Tokenizer
from bot.model.whole_file import writing

_MAX_TOKENIZER_BYTES = 64 << 20


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
        part = stack.enter_context(writing(target))
        tensors = _pack(checkpoint, shape, recipe)
        if is_legacy:
            with writing(tokenizer_path(target)) as beside:
                beside.write_text(tokenizer.to_json(), encoding="utf-8")
            write_ggml(part, shape, recipe.main, tokenizer, tensors)
        else:
            write_gguf(part, name, shape, recipe, tokenizer, tensors)


def _quantization(folder: Path, name: str, *, is_legacy: bool) -> Quantization:
    found = QUANTIZATIONS.get(name)
    if found is None:
        names = ", ".join(QUANTIZATIONS)
        raise ModelFileError(folder, f"there is no quantization {name!r}; there are {names}")
    if is_legacy and found.main.name not in STORAGE_TYPES:
        names = ", ".join(STORAGE_TYPES)
        raise ModelFileError(folder, f"the legacy format has no {name}; it has {names}")
    if not can_pack(found):
        raise ModelFileError(folder, f"only llama.cpp packs {name}; pip install 'bardling[llama]'")
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
            if path.exists() and path.stat().st_size > _MAX_TOKENIZER_BYTES:
                raise ModelFileError(path, "it is too large for a tokenizer")
        tokenizer = Tokenizer.from_folder(folder)
    except (OSError, ValueError, RecursionError) as error:
        raise ModelFileError(folder, f"its tokenizer can't be read ({error})") from error
    if tokenizer.n_vocab != shape.n_vocab:
        reason = f"its tokenizer has {tokenizer.n_vocab} tokens, its model {shape.n_vocab}"
        raise ModelFileError(folder, reason)
    return tokenizer


def _pack(
    checkpoint: Checkpoint, shape: ModelShape, recipe: Quantization
) -> Iterator[tuple[TensorSpec, npt.NDArray[np.generic], StorageType]]:
    """The tensors as they are stored, one at a time."""
    for spec in tensor_specs(shape):
        storage = recipe.storage_of(spec, shape)
        yield spec, pack(load_tensor(checkpoint, spec), storage), storage
