"""Goes on from a model file of an earlier training: its weights, its tokenizer.

Called by ``tools/train_small.py --start``. Knows model files by the bot's own reader.
"""

from __future__ import annotations

from pathlib import Path

import gguf
import numpy as np
import torch
from tokenizers import Tokenizer

from bot.model.gguf_file import read_gguf
from bot.model.model_file import ModelFile, StoredTensor
from tools.small_model.tokenizer import byte_level


def read_earlier(path: Path) -> tuple[dict[str, torch.Tensor], Tokenizer]:
    """The weights under the names of `transformers`, and the tokenizer.

    Raises:
        ModelFileError: it is no model file.
    """
    file = read_gguf(path)
    return _weights(file), _tokenizer(file)


def _weights(file: ModelFile) -> dict[str, torch.Tensor]:
    data = np.memmap(file.path, dtype=np.uint8, mode="r")
    weights = {f"transformer.{one.spec.huggingface}": _unpack(one, data) for one in file.tensors}
    return weights | {"lm_head.weight": weights["transformer.wte.weight"]}  # tied


def _unpack(tensor: StoredTensor, data: np.memmap) -> torch.Tensor:
    packed = np.array(data[tensor.offset : tensor.offset + tensor.n_bytes])
    rows = packed.reshape(*tensor.spec.shape[:-1], -1)
    values = gguf.quants.dequantize(rows, gguf.GGMLQuantizationType(tensor.storage.id))
    values = values.astype(np.float32).reshape(tensor.spec.shape)
    return torch.from_numpy(np.ascontiguousarray(values.T if tensor.spec.transposed else values))


def _tokenizer(file: ModelFile) -> Tokenizer:
    assert file.tokenizer is not None  # GGUF files have one
    *tokens, _ = file.tokenizer.tokens  # the end mark comes last, as `train_tokenizer` puts it
    return byte_level({token: index for index, token in enumerate(tokens)}, file.tokenizer.merges)
