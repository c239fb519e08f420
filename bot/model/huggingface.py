"""A Hugging Face folder: its config.json, and its safetensors files as a checkpoint.

Used by `importing`. No code can hide in safetensors files.
"""

import json
import struct
from contextlib import ExitStack
from pathlib import Path
from typing import Any, cast

import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError, safe_open

from bot.core.models import ModelShape
from bot.errors import ModelFileError
from bot.model.checkpoint import as_f32, read_json, shown
from bot.model.tensors import TensorSpec, implausible

PREFIX = "transformer."
_NUMBER_TYPES = {"F32": "f32", "F16": "f16", "F64": "f64", "BF16": "bf16"}

# What the engines compute; a folder that asks for anything else would load and write rubbish.
_REQUIRED: dict[str, tuple[object, ...]] = {
    "activation_function": ("gelu_new", None),
    "scale_attn_weights": (True, None),
    "scale_attn_by_inverse_layer_idx": (False, None),
    "reorder_and_upcast_attn": (False, None),
    "tie_word_embeddings": (True, None),
    "add_cross_attention": (False, None),
    "layer_norm_epsilon": (1e-5, None),
}


def read_config(path: Path) -> ModelShape:
    """The shape from a config.json.

    Raises:
        ModelFileError: it is missing, or describes something else than a plain GPT-2.
    """
    config = read_json(path)
    if config.get("model_type") != "gpt2":
        reason = f"its model_type is {config.get('model_type')!r}, and Bardling runs gpt2 only"
        raise ModelFileError(path, reason)
    for key, allowed in _REQUIRED.items():
        if config.get(key) not in allowed:
            raise ModelFileError(path, f"its {key} is {config[key]!r}; only {allowed[0]!r} works")
    shape = shape_of(
        path,
        {
            "n_vocab": config.get("vocab_size"),
            "n_ctx": config.get("n_positions", config.get("n_ctx")),
            "n_embd": config.get("n_embd"),
            "n_head": config.get("n_head"),
            "n_layer": config.get("n_layer"),
        },
    )
    if config.get("n_inner") not in (None, 4 * shape.n_embd):
        raise ModelFileError(path, f"its n_inner is {config['n_inner']}, not four times n_embd")
    return shape


def shape_of(path: Path, numbers: dict[str, Any]) -> ModelShape:
    """The shape that these numbers make.

    Raises:
        ModelFileError: they are no numbers, or no GPT-2's.
    """
    if not all(type(value) is int for value in numbers.values()):
        raise ModelFileError(path, f"its numbers make no sense ({numbers})")
    shape = ModelShape(**numbers)
    if reason := implausible(shape):
        raise ModelFileError(path, reason)
    return shape


class SafetensorsCheckpoint:
    """All safetensors files of a folder as one, names without the optional prefix.

    Args:
        folder: where they are.
        stack: closes them.

    Raises:
        ModelFileError: one is no such file, or two hold the same tensor.
    """

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self.path = folder
        self.shapes: dict[str, tuple[int, ...]] = {}
        self._found: dict[str, tuple[Any, Path, str]] = {}
        for path in sorted(folder.glob("*.safetensors")):
            self._open(path, stack)

    def _open(self, path: Path, stack: ExitStack) -> None:
        try:
            opened = cast(Any, safe_open)(str(path), framework="numpy")
            file: Any = stack.enter_context(opened)
        except (SafetensorError, OSError) as error:
            raise ModelFileError(path, f"it is no safetensors file ({error})") from error
        for key in cast(list[str], file.keys()):
            name = key.removeprefix(PREFIX)
            if name in self._found:
                raise ModelFileError(path, f"the tensor {shown(name)} is in the folder twice")
            self._found[name] = (file, path, key)
            self.shapes[name] = tuple(file.get_slice(key).get_shape())

    def name_of(self, spec: TensorSpec) -> str:
        """Hugging Face's name, without the prefix."""
        return spec.huggingface

    def load(self, name: str) -> npt.NDArray[np.float32]:
        """One tensor.

        Raises:
            ModelFileError: its numbers are of a type that holds no weights.
        """
        file, path, key = self._found[name]
        number_type: str = file.get_slice(key).get_dtype()
        if number_type not in _NUMBER_TYPES:
            reason = f"the tensor {name} is of the type {number_type}; known are f32, f16, bf16"
            raise ModelFileError(path, reason)
        if number_type == "BF16":
            return _read_bfloat16(path, key)
        with np.errstate(all="ignore"):  # what is too large becomes infinite, and is refused
            return file.get_tensor(key).astype(np.float32, copy=False)


def _read_bfloat16(path: Path, key: str) -> npt.NDArray[np.float32]:
    """A tensor in bfloat16, which numpy has not.

    Only of files whose header `safe_open` has checked. Format: 8 bytes with the header's size,
    the header as JSON, the tensors' bytes.
    """
    with path.open("rb") as file:
        (n_header,) = struct.unpack("<Q", file.read(8))
        entry = json.loads(file.read(n_header))[key]
        start, end = entry["data_offsets"]
        file.seek(8 + n_header + start)
        return as_f32(file.read(end - start), "bf16", entry["shape"])
