"""How llama.cpp's structs lie in memory, build by build, and the proof that a library agrees.

The functions that give default parameters return them by value. A build with other fields would
read our settings from the wrong places, or write past the end of our memory; so the defaults are
taken into memory with room to spare and compared before anything else is called. Fields that are
zero by default could still trade places unseen; against that stand exact versions, and tests that
use each field that is set. Used by `library`. Source of the layouts: llama.h of each build,
https://github.com/ggml-org/llama.cpp/blob/master/include/llama.h
"""

import ctypes
import platform
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

SPARE_BYTES = 512  # a struct is about 170; no release added more than a few fields
_FILLS = (0xA5, 0x5A)

F16 = 1  # ggml_type
F32 = 0
FLASH_ATTENTION_OFF = 0  # llama_flash_attn_type

AbortCallback = ctypes.CFUNCTYPE(ctypes.c_bool, ctypes.c_void_p)
LogCallback = ctypes.CFUNCTYPE(None, ctypes.c_int, ctypes.c_char_p, ctypes.c_void_p)


class Field(NamedTuple):
    """One field of a struct and what a library puts there by default (None: a null pointer)."""

    name: str
    kind: Any
    default: float | None


Fields = tuple[Field, ...]


class LayoutError(Exception):
    """A library's structs are not those that are known; the message is a clause that says where."""


class Batch(ctypes.Structure):
    """llama_batch: the tokens of one call; the same in all builds that are known.

    It is passed by value and holds no defaults to check, so it relies on the build's version.
    """

    _fields_ = (
        ("n_tokens", ctypes.c_int32),
        ("token", ctypes.c_void_p),
        ("embd", ctypes.c_void_p),
        ("pos", ctypes.c_void_p),
        ("n_seq_id", ctypes.c_void_p),
        ("seq_id", ctypes.c_void_p),
        ("logits", ctypes.c_void_p),
    )


def _fields(kind: Any, default: float | None, names: str) -> Fields:
    return tuple(Field(name, kind, default) for name in names.split())


_INT, _UINT, _FLOAT = ctypes.c_int32, ctypes.c_uint32, ctypes.c_float
_POINTER, _FLAG, _SIZE = ctypes.c_void_p, ctypes.c_bool, ctypes.c_size_t

MODEL_FIELDS: Fields = (
    *_fields(_POINTER, None, "devices tensor_buft_overrides"),
    Field("n_gpu_layers", _INT, -1),
    Field("split_mode", _INT, 1),
    Field("load_mode", _INT, -1),
    Field("lazy_mode", _INT, 1),
    Field("main_gpu", _INT, 0),
    *_fields(_POINTER, None, "tensor_split progress_callback progress_callback_user_data"),
    *_fields(_POINTER, None, "kv_overrides"),
    *_fields(_FLAG, 0, "vocab_only check_tensors"),
    Field("use_extra_bufts", _FLAG, 1),
    *_fields(_FLAG, 0, "no_host no_alloc load_mtp"),
)
_CONTEXT_NUMBERS: Fields = (
    Field("n_ctx", _UINT, 512),
    Field("n_batch", _UINT, 2048),
    Field("n_ubatch", _UINT, 512),
    Field("n_seq_max", _UINT, 1),
    *_fields(_UINT, 0, "n_rs_seq n_outputs_max"),
    Field("n_outputs_max_per_seq", _UINT, 1),
    *_fields(_INT, 4, "n_threads n_threads_batch"),
    Field("ctx_type", _INT, 0),
    *_fields(_INT, -1, "rope_scaling_type pooling_type attention_type flash_attn_type"),
    *_fields(_FLOAT, 0.0, "rope_freq_base rope_freq_scale"),
    *_fields(_FLOAT, -1.0, "yarn_ext_factor yarn_attn_factor yarn_beta_fast yarn_beta_slow"),
    Field("yarn_orig_ctx", _UINT, 0),
    Field("defrag_thold", _FLOAT, -1.0),
    *_fields(_POINTER, None, "cb_eval cb_eval_user_data"),
    *_fields(_INT, F16, "type_k type_v"),
)
_CONTEXT_REST: Fields = (
    *_fields(_POINTER, None, "abort_callback abort_callback_data"),
    Field("embeddings", _FLAG, 0),
    *_fields(_FLAG, 1, "offload_kqv no_perf op_offload swa_full"),
    Field("kv_unified", _FLAG, 0),
    Field("samplers", _POINTER, None),
    Field("n_samplers", _SIZE, 0),
    Field("ctx_other", _POINTER, None),
)
CONTEXT_FIELDS: Fields = (*_CONTEXT_NUMBERS, *_CONTEXT_REST)
CONTEXT_FIELDS_WITH_MOE_CACHE: Fields = (
    *_CONTEXT_NUMBERS,
    Field("moe_cache_size", _SIZE, 0),
    *_CONTEXT_REST,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """One struct of one build.

    Attributes:
        name: llama.h's.
        fields: in order.
        n_bytes: what the struct itself takes.
        padded: a ctypes structure of these fields and `SPARE_BYTES` after them.
    """

    name: str
    fields: Fields
    n_bytes: int
    padded: Any


def make_layout(name: str, fields: Fields) -> Layout:
    """A layout and the ctypes structures that go with it."""
    bare = [(field.name, field.kind) for field in fields]
    struct: Any = type(name, (ctypes.Structure,), {"_fields_": bare})
    spare = ("spare", ctypes.c_uint8 * SPARE_BYTES)
    padded: Any = type(name, (ctypes.Structure,), {"_fields_": [*bare, spare]})
    return Layout(name=name, fields=fields, n_bytes=ctypes.sizeof(struct), padded=padded)


def returns_in_place(machine: str | None = None) -> bool:
    """Whether a function that returns a large struct takes the place for it as its first argument.

    So do the x86-64 conventions of all systems (System V ABI 3.2.3; Windows alike). AArch64 has a
    register of its own for it, which ctypes can't set.
    """
    return (machine or platform.machine()).lower() in ("x86_64", "amd64")


def proved_defaults(function: Any, layout: Layout, *, in_place: bool) -> Any:
    """The parameters a library has by default, once each of them was found where it should be.

    Args:
        function: `llama_model_default_params` or `llama_context_default_params`.
        layout: what it should return.
        in_place: see `returns_in_place`; if so, every byte written is known as well.

    Returns:
        A structure of the type `layout.padded`.

    Raises:
        LayoutError: a field has another value, or another size or place.
    """
    if in_place:
        found = [_taken(function, layout, fill) for fill in _FILLS]
        _check_extent(layout, found)
        params = layout.padded.from_buffer_copy(found[0])
        ctypes.memset(ctypes.addressof(params) + layout.padded.spare.offset, 0, SPARE_BYTES)
    else:
        function.argtypes, function.restype = [], layout.padded
        params = function()
    _check_values(layout, params)
    return params


def _taken(function: Any, layout: Layout, fill: int) -> bytes:
    """What lies in memory full of one byte after the function has written its struct there."""
    n_bytes = layout.n_bytes + SPARE_BYTES
    memory = ctypes.create_string_buffer(bytes([fill]) * n_bytes, n_bytes)
    function.argtypes, function.restype = [ctypes.c_void_p], None
    function(ctypes.addressof(memory))
    return memory.raw


def _check_extent(layout: Layout, found: Sequence[bytes]) -> None:
    """Whether exactly the fields were written; gaps between them may be or not."""
    untouched = [pair == _FILLS for pair in zip(*found, strict=True)]
    if not all(untouched[layout.n_bytes :]):
        raise LayoutError(f"{layout.name} has more than {layout.n_bytes} bytes")
    for field in layout.fields:
        place = getattr(layout.padded, field.name)
        if any(untouched[place.offset : place.offset + place.size]):
            raise LayoutError(f"{layout.name}.{field.name} isn't set")


def _check_values(layout: Layout, params: Any) -> None:
    for field in layout.fields:
        value = getattr(params, field.name)
        if value != field.default:
            raise LayoutError(f"{layout.name}.{field.name} is {value}, not {field.default}")
