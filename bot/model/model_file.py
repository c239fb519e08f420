"""A checked model file: its numbers, its tensors' places, its tokenizer. No weights are loaded.

Made by the two readers, used by the store and the converter.
"""

import mmap
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from bot.core.models import ModelShape
from bot.errors import ModelFileError
from bot.model.tensors import F16, F32, Q4_0, Q5_0, Q8_0, StorageType, TensorSpec
from bot.model.tokenizer import Tokenizer


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
        storage: how its matrices are stored.
        tensors: in file order.
        tokenizer: from the file, or None where the format has no room for merges.
    """

    path: Path
    file_format: str
    name: str
    shape: ModelShape
    storage: StorageType
    tensors: tuple[StoredTensor, ...]
    tokenizer: Tokenizer | None


def check_numbers(path: Path, data: mmap.mmap, tensors: tuple[StoredTensor, ...]) -> None:
    """Refuses a file in which a number that is cheap to see is not finite.

    Looks at every f32 and f16 tensor and at every block's scale: one broken scale makes every
    logit not-a-number.
    """
    for tensor in tensors:
        raw = np.frombuffer(data, dtype=np.uint8, count=tensor.n_bytes, offset=tensor.offset)
        finite = bool(np.isfinite(_visible_numbers(raw, tensor.storage)).all())
        del raw  # or the file could not be unmapped
        if not finite:
            reason = f"its tensor {tensor.spec.gguf} holds a number that is not finite"
            raise ModelFileError(path, reason)


def _visible_numbers(
    raw: npt.NDArray[np.uint8], storage: StorageType
) -> npt.NDArray[np.float32] | npt.NDArray[np.float16]:
    if storage == F32:
        return raw.view(np.float32).copy()
    if storage == F16:
        return raw.view(np.float16).copy()
    assert storage in (Q4_0, Q5_0, Q8_0)
    blocks = raw.reshape(-1, storage.block_bytes)
    return np.ascontiguousarray(blocks[:, :2]).view(np.float16)  # each block begins with its scale
