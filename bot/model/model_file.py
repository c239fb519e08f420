"""A checked model file: its numbers, its tensors' places, its tokenizer. No weights are loaded.

Made by the two readers, used by the store and the converter.
"""

import mmap
from dataclasses import dataclass
from math import prod
from pathlib import Path

import numpy as np
import numpy.typing as npt

from bot.core.models import ModelShape
from bot.errors import ModelFileError
from bot.model.tensors import F16, F32, StorageType, TensorSpec
from bot.model.tokenizers.api import Tokenizer

_PIECE_BYTES = 1 << 22


@dataclass(frozen=True, slots=True)
class StoredTensor:
    """Where a tensor's bytes lie in its file."""

    spec: TensorSpec
    storage: StorageType
    offset: int
    n_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelFile:
    """What a reader found out.

    Attributes:
        file_format: "gguf" or "ggml".
        name: the model's own, or the file's.
        tensors: in file order.
        tokenizer: from the file, or None where the format has no room for merges.
    """

    path: Path
    file_format: str
    name: str
    shape: ModelShape
    tensors: tuple[StoredTensor, ...]
    tokenizer: Tokenizer | None

    @property
    def storage(self) -> StorageType:
        """The type that most numbers of its matrices are stored in."""
        counts: dict[StorageType, int] = {}
        for tensor in self.tensors:
            if tensor.spec.is_weight:
                counts[tensor.storage] = counts.get(tensor.storage, 0) + prod(tensor.spec.shape)
        return max(counts, key=lambda storage: counts[storage])

    @property
    def quantization(self) -> str:
        """How it is stored: the one type of its matrices, or "…_M" for a mixture around one."""
        types = {tensor.storage for tensor in self.tensors if tensor.spec.is_weight}
        return self.storage.name if len(types) == 1 else f"{self.storage.name}_M"


def check_numbers(path: Path, data: mmap.mmap, tensors: tuple[StoredTensor, ...]) -> None:
    """Refuses a file in which a number that is cheap to see is not finite.

    Looks at every f32 and f16 tensor and at every block's scale: one broken scale makes every
    logit not-a-number. A few at a time, and what was seen goes from memory: a file may be large.
    """
    for tensor in tensors:
        storage = tensor.storage
        step = _PIECE_BYTES // storage.block_bytes * storage.block_bytes
        end = tensor.offset + tensor.n_bytes
        for start in range(tensor.offset, end, step):
            raw = np.frombuffer(data[start : min(start + step, end)], dtype=np.uint8)
            data.madvise(mmap.MADV_DONTNEED)
            if not np.isfinite(_visible_numbers(raw, storage)).all():
                reason = f"its tensor {tensor.spec.gguf} holds a number that is not finite"
                raise ModelFileError(path, reason)


def _visible_numbers(
    raw: npt.NDArray[np.uint8], storage: StorageType
) -> npt.NDArray[np.float32] | npt.NDArray[np.float16]:
    if storage == F32:
        return raw.view(np.float32).copy()
    if storage == F16:
        return raw.view(np.float16).copy()
    blocks = raw.reshape(-1, storage.block_bytes)
    return np.ascontiguousarray(blocks[:, slice(*storage.scales)]).view(np.float16)
