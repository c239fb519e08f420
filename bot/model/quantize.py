"""Quantizations by name: which tensor is stored in which type, and the packing of the numbers.

Used by import. The 32-number blocks are packed by the `gguf` package; the K-quants, of 256
numbers, only llama.cpp can pack, and only it runs mixtures of types.
Source of the mixture: llama.cpp, src/llama-quant.cpp.
"""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gguf
import numpy as np
import numpy.typing as npt

from bot.core.models import ModelShape
from bot.errors import EngineError, ModelFileError, StartupError
from bot.llama.library import BUILDS, is_installed, load_library
from bot.model.tensors import (
    F16,
    F32,
    Q4_0,
    Q4_K,
    Q5_0,
    Q5_1,
    Q5_K,
    Q6_K,
    Q8_0,
    StorageType,
    TensorSpec,
)

# For rows that are no multiple of 256, such as the 1,600 of GPT-2's largest model.
_FALLBACKS = {Q4_K: Q5_0, Q5_K: Q5_1, Q6_K: Q8_0}
_LAYER = re.compile(r"blk\.(\d+)\.(.+)\.weight")


@dataclass(frozen=True, slots=True)
class Quantization:
    """One way to store a model.

    Attributes:
        name: as hosts know it, such as "q8_0" or "q4_K_M".
        main: the type of most matrices.
        gguf_file_type: llama.cpp's number for it.
    """

    name: str
    main: StorageType
    gguf_file_type: int

    @property
    def is_mixture(self) -> bool:
        """Whether some matrices are stored better than the others."""
        return self.name.endswith("_M")

    @property
    def share_of_f32(self) -> float:
        """The size of a model stored so against its size in f32, about."""
        return self.main.block_bytes / self.main.block_size / F32.block_bytes

    def storage_of(self, spec: TensorSpec, shape: ModelShape) -> StorageType:
        """The type of one tensor: vectors and positions stay f32, long rows get what fits."""
        if not spec.is_weight:
            return F32
        wanted = _in_mixture(spec, shape) if self.is_mixture else self.main
        return wanted if spec.shape[-1] % wanted.block_size == 0 else _FALLBACKS.get(wanted, wanted)


QUANTIZATIONS = {
    one.name: one
    for one in (
        Quantization("f32", F32, 0),
        Quantization("f16", F16, 1),
        Quantization("q8_0", Q8_0, 7),
        Quantization("q6_K", Q6_K, 18),
        Quantization("q5_0", Q5_0, 8),
        Quantization("q4_K_M", Q4_K, 15),
        Quantization("q4_0", Q4_0, 2),
    )
}


def _in_mixture(spec: TensorSpec, shape: ModelShape) -> StorageType:
    """q4_K_M as llama.cpp mixes it: what hurts most when it is coarse is stored finer."""
    layer = _LAYER.fullmatch(spec.gguf)
    if layer is None:  # the embeddings, which are the output weights, too
        return Q6_K
    index, part = int(layer[1]), layer[2]
    if part == "attn_qkv":
        return Q5_K
    eighth = shape.n_layer // 8
    is_outer = index < eighth or index >= 7 * shape.n_layer // 8
    if part == "ffn_down" and (is_outer or (index - eighth) % 3 == 2):
        return Q6_K
    return Q4_K


def pack(values: npt.NDArray[np.float32], storage: StorageType) -> npt.NDArray[np.generic]:
    """Numbers as they are stored.

    Args:
        values: shape [rows, columns] or [columns]; the columns fill whole blocks.
        storage: the type to pack them in.

    Returns:
        For f32 and f16 numbers of the same shape, else bytes, shape [rows, bytes of a row].

    Raises:
        NoPackerError: only llama.cpp packs this type, and there is none that can be used.
    """
    if storage.block_size == 256:
        return _pack_by_llama_cpp(np.ascontiguousarray(values), storage)
    return gguf.quants.quantize(values, gguf.GGMLQuantizationType(storage.id))


def find_quantization(wanted_for: Path | str, name: str) -> Quantization:
    """A quantization that can be packed here.

    Args:
        wanted_for: the model, for the message.
        name: a key of `QUANTIZATIONS`.

    Raises:
        ModelFileError: there is none of this name, or what packs it is not installed.
    """
    found = QUANTIZATIONS.get(name)
    if found is None:
        names = ", ".join(QUANTIZATIONS)
        raise ModelFileError(wanted_for, f"there is no quantization {name!r}; there are {names}")
    if found.main.block_size == 256 and not any(is_installed(module) for module in BUILDS):
        reason = f"only llama.cpp packs {name}; pip install 'bardling[llama]'"
        raise ModelFileError(wanted_for, reason)
    return found


class NoPackerError(StartupError):
    """Only llama.cpp packs this type, and there is none that can be used."""


def _pack_by_llama_cpp(
    values: npt.NDArray[np.float32], storage: StorageType
) -> npt.NDArray[np.uint8]:
    n_rows, n_columns = values.shape
    packed = np.empty((n_rows, storage.n_bytes((n_columns,))), dtype=np.uint8)
    written = _packer().ggml_quantize_chunk(
        storage.id, values.ctypes.data, packed.ctypes.data, 0, n_rows, n_columns, None
    )
    assert written == packed.nbytes
    return packed


def _packer() -> Any:
    """llama.cpp's functions, from the first package that can be used."""
    reasons: list[str] = []
    for module in BUILDS:
        try:
            return load_library(module).functions
        except EngineError as error:
            reasons.append(str(error))
    raise NoPackerError(f"Only llama.cpp packs K-quants. {' '.join(reasons)}")
