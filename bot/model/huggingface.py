"""Imports a Hugging Face GPT-2 folder into the two model-file formats, tensor by tensor.

Used by `bardling models import`. Reads safetensors (no code can hide in them), checks every name
and shape against config.json, and never holds more than one tensor.
"""

import json
import struct
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, cast

import gguf
import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError, safe_open

from bot.core.models import ModelShape
from bot.errors import ModelFileError
from bot.model.ggml_file import tokenizer_path, write_ggml
from bot.model.gguf_writer import write_gguf
from bot.model.tensors import (
    F32,
    STORAGE_TYPES,
    StorageType,
    TensorSpec,
    implausible,
    tensor_specs,
)
from bot.model.tokenizer import Tokenizer
from bot.model.whole_file import writing

_PREFIX = "transformer."
_MASKS = (".attn.bias", ".attn.masked_bias")  # buffers of older checkpoints, not weights
_TIED = "lm_head.weight"

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


def import_huggingface(folder: Path, target: Path, name: str, quantization: str) -> None:
    """Writes one model file of a Hugging Face folder.

    Args:
        folder: holds config.json, *.safetensors and a tokenizer.
        target: ends in .gguf, or in .ggml for the legacy format, which gets a file with the
            tokenizer beside it.
        name: kept in the file and shown under texts.
        quantization: a name of `STORAGE_TYPES`.

    Raises:
        ModelFileError: the folder is no GPT-2 in this form; the message names the part.
    """
    storage = _storage(folder, quantization)
    shape = read_config(folder / "config.json")
    tokenizer = _read_tokenizer(folder, shape)
    if shape.n_embd % storage.block_size:
        reason = f"its n_embd ({shape.n_embd}) is no multiple of {storage.block_size}"
        raise ModelFileError(folder, f"{reason}, so it can't be stored as {storage.name}")
    with ExitStack() as stack:
        weights = _Weights(folder, stack)
        weights.check(shape)
        part = stack.enter_context(writing(target))
        tensors = _pack(weights, shape, storage)
        if target.suffix == ".ggml":
            with writing(tokenizer_path(target)) as beside:
                beside.write_text(tokenizer.to_json(), encoding="utf-8")
            write_ggml(part, shape, storage, tokenizer, tensors)
        else:
            write_gguf(part, name, shape, storage, tokenizer, tensors)


def _storage(folder: Path, quantization: str) -> StorageType:
    storage = STORAGE_TYPES.get(quantization)
    if storage is None:
        names = ", ".join(STORAGE_TYPES)
        reason = f"there is no quantization {quantization!r}; there are {names}"
        raise ModelFileError(folder, reason)
    return storage


def read_config(path: Path) -> ModelShape:
    """The shape from a config.json.

    Raises:
        ModelFileError: it is missing, or describes something else than a plain GPT-2.
    """
    try:
        config: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        if config.get("model_type") != "gpt2":
            reason = f"its model_type is {config.get('model_type')!r}, and Bardling runs gpt2 only"
            raise ModelFileError(path, reason)
        numbers: dict[str, Any] = {
            "n_vocab": config["vocab_size"],
            "n_ctx": config.get("n_positions", config.get("n_ctx")),
            "n_embd": config["n_embd"],
            "n_head": config["n_head"],
            "n_layer": config["n_layer"],
        }
    except OSError as error:
        raise ModelFileError(path, (error.strerror or "it can't be read").lower()) from error
    except (ValueError, KeyError, AttributeError) as error:
        raise ModelFileError(path, f"it is no GPT-2's configuration ({error!r})") from error
    for key, allowed in _REQUIRED.items():
        if config.get(key) not in allowed:
            raise ModelFileError(path, f"its {key} is {config[key]!r}; only {allowed[0]!r} works")
    if not all(isinstance(value, int) for value in numbers.values()):
        raise ModelFileError(path, f"its numbers make no sense ({numbers})")
    shape = ModelShape(**numbers)
    if config.get("n_inner") not in (None, 4 * shape.n_embd):
        raise ModelFileError(path, f"its n_inner is {config['n_inner']}, not four times n_embd")
    if reason := implausible(shape):
        raise ModelFileError(path, reason)
    return shape


def _read_tokenizer(folder: Path, shape: ModelShape) -> Tokenizer:
    try:
        tokenizer = Tokenizer.from_folder(folder)
    except (OSError, ValueError) as error:
        raise ModelFileError(folder, f"its tokenizer can't be read ({error})") from error
    if tokenizer.n_vocab != shape.n_vocab:
        reason = f"its tokenizer has {tokenizer.n_vocab} tokens, its model {shape.n_vocab}"
        raise ModelFileError(folder, reason)
    return tokenizer


class _Weights:
    """All safetensors files of a folder as one, names without the optional prefix."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self._folder = folder
        self._files: dict[str, tuple[Any, str]] = {}
        self._path_of: dict[str, Path] = {}
        for path in sorted(folder.glob("*.safetensors")):
            try:
                opened = cast(Any, safe_open)(str(path), framework="numpy")
                file: Any = stack.enter_context(opened)
            except (SafetensorError, OSError) as error:
                raise ModelFileError(path, f"it is no safetensors file ({error})") from error
            for key in cast(list[str], file.keys()):
                self._files[key.removeprefix(_PREFIX)] = (file, key)
                self._path_of[key] = path
        if not self._files:
            raise ModelFileError(folder, "there is no .safetensors file in it")

    def check(self, shape: ModelShape) -> None:
        """Every tensor is there in its shape, and no other one."""
        specs = {spec.huggingface: spec for spec in tensor_specs(shape)}
        for name, spec in specs.items():
            if name not in self._files:
                raise ModelFileError(self._folder, f"the tensor {name} is missing")
            file, key = self._files[name]
            found = tuple(file.get_slice(key).get_shape())
            expected = spec.shape[::-1] if spec.transposed else spec.shape
            if found != expected:
                reason = f"the tensor {name} has the shape {found} instead of {expected}"
                raise ModelFileError(self._folder, reason)
        extra = [n for n in self._files if n not in specs and not n.endswith(_MASKS) and n != _TIED]
        if extra:
            raise ModelFileError(self._folder, f"it has a tensor {min(extra)}, which no GPT-2 has")
        if _TIED in self._files and not np.array_equal(self._raw(_TIED), self._raw("wte.weight")):
            reason = "its lm_head.weight differs from wte.weight; only tied embeddings work"
            raise ModelFileError(self._folder, reason)

    def _raw(self, name: str) -> npt.NDArray[np.generic]:
        file, key = self._files[name]
        if file.get_slice(key).get_dtype() == "BF16":
            return _read_bfloat16(self._path_of[key], key)
        return cast("npt.NDArray[np.generic]", file.get_tensor(key))

    def load(self, spec: TensorSpec) -> npt.NDArray[np.float32]:
        """A tensor as f32 in the model files' orientation, shape `spec.shape`."""
        values = self._raw(spec.huggingface).astype(np.float32)
        if not np.isfinite(values).all():
            reason = f"the tensor {spec.huggingface} holds a number that is not finite"
            raise ModelFileError(self._folder, reason)
        # Conv1D keeps [in, out]; both formats want a row per output.
        return np.ascontiguousarray(values.T) if spec.transposed else values


def _read_bfloat16(path: Path, key: str) -> npt.NDArray[np.float32]:
    """A tensor in bfloat16, which numpy has not: the upper half of each f32.

    Only of files whose header `safe_open` has checked. Format: 8 bytes with the header's size,
    the header as JSON, the tensors' bytes.
    """
    with path.open("rb") as file:
        (n_header,) = struct.unpack("<Q", file.read(8))
        entry = json.loads(file.read(n_header))[key]
        start, end = entry["data_offsets"]
        file.seek(8 + n_header + start)
        upper = np.frombuffer(file.read(end - start), dtype="<u2")
    return (upper.astype(np.uint32) << 16).view(np.float32).reshape(entry["shape"])


def _pack(
    weights: _Weights, shape: ModelShape, storage: StorageType
) -> Iterator[tuple[TensorSpec, npt.NDArray[np.generic], StorageType]]:
    """The tensors as they are stored: matrices in `storage`, all else in f32."""
    for spec in tensor_specs(shape):
        values = weights.load(spec)
        stored_as = storage if spec.is_weight else F32
        kind = gguf.GGMLQuantizationType(stored_as.id)
        yield spec, gguf.quants.quantize(values, kind), stored_as
