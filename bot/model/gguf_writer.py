"""Writes GGUF files by the `gguf` package, one tensor at a time in memory. Used by the importer."""

import contextlib
import math
from collections.abc import Iterable
from pathlib import Path

import gguf
import numpy as np
import numpy.typing as npt

from bot.core.models import ModelShape
from bot.model.gguf_file import LAYER_NORM_EPSILON
from bot.model.quantize import Quantization
from bot.model.tensors import StorageType, TensorSpec, tensor_specs
from bot.model.tokenizers.api import Tokenizer
from bot.model.tokenizers.gguf_keys import add_tokenizer


def write_gguf(
    path: Path,
    name: str,
    shape: ModelShape,
    quantization: Quantization,
    tokenizer: Tokenizer,
    tensors: Iterable[tuple[TensorSpec, npt.NDArray[np.generic], StorageType]],
) -> None:
    """Writes a GGUF file, holding one tensor at a time.

    Args:
        path: a file that nobody reads yet; the caller renames it.
        name: the model's.
        shape: its numbers.
        quantization: says how each tensor is stored.
        tokenizer: goes into the file.
        tensors: (spec, numbers or packed bytes, type) for every tensor of the shape, in the
            order of `tensor_specs`.
    """
    with contextlib.closing(gguf.GGUFWriter(str(path), "gpt2")) as writer:
        _describe(writer, name, shape, quantization, tokenizer)
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_ti_data_to_file()
        for _, data, _ in tensors:
            writer.write_tensor_data(data)


def _describe(
    writer: gguf.GGUFWriter,
    name: str,
    shape: ModelShape,
    quantization: Quantization,
    tokenizer: Tokenizer,
) -> None:
    """Everything that stands before the numbers."""
    writer.add_type("model")
    writer.add_name(name)
    writer.add_file_type(quantization.gguf_file_type)
    writer.add_quantization_version(2)
    writer.add_block_count(shape.n_layer)
    writer.add_context_length(shape.n_ctx)
    writer.add_embedding_length(shape.n_embd)
    writer.add_feed_forward_length(4 * shape.n_embd)
    writer.add_head_count(shape.n_head)
    writer.add_layer_norm_eps(LAYER_NORM_EPSILON)
    add_tokenizer(writer, tokenizer)
    for spec in tensor_specs(shape):
        _announce(writer, spec, quantization.storage_of(spec, shape))


def _announce(writer: gguf.GGUFWriter, spec: TensorSpec, storage: StorageType) -> None:
    """Puts a tensor into the list at the head of the file; its numbers come later."""
    n_bytes = storage.n_bytes(spec.shape)
    n_rows = math.prod(spec.shape[:-1])
    writer.add_tensor_info(
        spec.gguf,
        (*spec.shape[:-1], n_bytes // n_rows),  # the writer takes rows of packed bytes
        np.dtype(np.uint8),
        n_bytes,
        raw_dtype=gguf.GGMLQuantizationType(storage.id),
    )
