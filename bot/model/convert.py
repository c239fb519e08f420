"""Makes the legacy GGML twin of a GGUF file, without loss: both pack numbers alike.

Used by the store when ctransformers is to run a model that exists as GGUF.
"""

import mmap
from pathlib import Path

import gguf
import numpy as np
import numpy.typing as npt

from bot.errors import ModelFileError
from bot.model.ggml_file import write_ggml
from bot.model.model_file import ModelFile, StoredTensor
from bot.model.tensors import F32, StorageType, TensorSpec
from bot.model.whole_file import writing


def convert_to_ggml(source: ModelFile, target: Path) -> None:
    """Writes the GGML twin of a checked GGUF file.

    Raises:
        ModelFileError: the file mixes types in a way the old format has no room for.
    """
    assert source.tokenizer is not None
    mixed = {tensor.storage for tensor in source.tensors if tensor.spec.is_weight}
    if len(mixed) > 1:
        names = ", ".join(sorted(storage.name for storage in mixed))
        reason = f"it mixes {names}, and ctransformers takes one type only; use llama.cpp"
        raise ModelFileError(source.path, reason)
    with (
        source.path.open("rb") as file,
        mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data,
        writing(target, _n_bytes(source)) as part,
    ):
        tensors = (_repack(tensor, data) for tensor in source.tensors)
        write_ggml(part, source.shape, source.storage, source.tokenizer, tensors)


def _n_bytes(source: ModelFile) -> int:
    """Of the twin, but for its vocabulary."""
    return sum(
        (tensor.storage if tensor.spec.is_weight else F32).n_bytes(tensor.spec.shape)
        for tensor in source.tensors
    )


def _repack(
    tensor: StoredTensor, data: mmap.mmap
) -> tuple[TensorSpec, npt.NDArray[np.generic], StorageType]:
    """Matrices as they are; the rest, should it be packed, as f32."""
    packed = np.frombuffer(data[tensor.offset : tensor.offset + tensor.n_bytes], dtype=np.uint8)
    data.madvise(mmap.MADV_DONTNEED)  # or at the end the whole file would be in memory
    if tensor.spec.is_weight or tensor.storage == F32:
        return tensor.spec, packed, tensor.storage
    kind = gguf.GGMLQuantizationType(tensor.storage.id)
    rows = packed.reshape(*tensor.spec.shape[:-1], -1)
    return tensor.spec, gguf.quants.dequantize(rows, kind).astype(np.float32), F32
