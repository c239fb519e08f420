"""A GPT-2's tensors: their names in every format, their shapes, and how they are stored.

Used by readers, importer and converter, so that the table exists once. Sources: OpenAI's
`src/model.py`, Hugging Face's `modeling_gpt2.py`, ggml's gpt-2 example, llama.cpp's `gpt2.cpp`.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from math import prod

from bot.core.models import ModelShape


@dataclass(frozen=True, slots=True)
class StorageType:
    """How numbers are packed: `block_bytes` for each `block_size` numbers of a row.

    Attributes:
        id: ggml's number of the type, the same in both formats.
        file_type: the number that a legacy GGML file's header gives for it.
        scales: where in a block its f16 scales lie, from and to which byte; empty without blocks.
    """

    name: str
    id: int
    file_type: int
    block_size: int
    block_bytes: int
    scales: tuple[int, int] = (0, 0)

    def n_bytes(self, shape: tuple[int, ...]) -> int:
        """Bytes of a tensor whose rows (last axis) are whole blocks."""
        return prod(shape) // self.block_size * self.block_bytes


F32 = StorageType("f32", 0, 0, 1, 4)
F16 = StorageType("f16", 1, 1, 1, 2)
Q4_0 = StorageType("q4_0", 2, 2, 32, 18, (0, 2))
Q5_0 = StorageType("q5_0", 6, 8, 32, 22, (0, 2))
Q5_1 = StorageType("q5_1", 7, 9, 32, 24, (0, 4))
Q8_0 = StorageType("q8_0", 8, 7, 32, 34, (0, 2))
Q4_K = StorageType("q4_K", 12, 12, 256, 144, (0, 4))
Q5_K = StorageType("q5_K", 13, 13, 256, 176, (0, 4))
Q6_K = StorageType("q6_K", 14, 14, 256, 210, (208, 210))
STORAGE_TYPES = {one.name: one for one in (F32, F16, Q4_0, Q5_0, Q8_0)}  # of legacy files
STORAGE_BY_ID = {one.id: one for one in (*STORAGE_TYPES.values(), Q5_1, Q4_K, Q5_K, Q6_K)}


@dataclass(frozen=True, slots=True)
class TensorSpec:
    """One tensor under its three names.

    Attributes:
        shape: [rows, columns] or [columns] as stored in both model-file formats.
        is_weight: a matrix that is stored in the file's own type; all others are f32.
        transposed: Hugging Face (and OpenAI) keep it the other way round.
    """

    huggingface: str
    gguf: str
    ggml: str
    shape: tuple[int, ...]
    is_weight: bool = False
    transposed: bool = False


def tensor_specs(shape: ModelShape) -> Iterator[TensorSpec]:
    """All tensors of a GPT-2 with tied embeddings, in file order: 4 + 12 for each block."""
    wide = shape.n_embd
    yield TensorSpec(
        "wte.weight", "token_embd.weight", "model/wte", (shape.n_vocab, wide), is_weight=True
    )
    yield TensorSpec("wpe.weight", "position_embd.weight", "model/wpe", (shape.n_ctx, wide))
    yield TensorSpec("ln_f.weight", "output_norm.weight", "model/ln_f/g", (wide,))
    yield TensorSpec("ln_f.bias", "output_norm.bias", "model/ln_f/b", (wide,))
    for layer in range(shape.n_layer):
        yield from _block_specs(layer, wide)


def _block_specs(layer: int, wide: int) -> Iterator[TensorSpec]:
    norms = (("ln_1", "attn_norm"), ("ln_2", "ffn_norm"))
    for ours, gguf in norms:
        for part, letter in (("weight", "g"), ("bias", "b")):
            yield TensorSpec(
                f"h.{layer}.{ours}.{part}",
                f"blk.{layer}.{gguf}.{part}",
                f"model/h{layer}/{ours}/{letter}",
                (wide,),
            )
    matrices = (
        ("attn.c_attn", "attn_qkv", "attn/c_attn", 3 * wide, wide),
        ("attn.c_proj", "attn_output", "attn/c_proj", wide, wide),  # square: a missing transpose
        ("mlp.c_fc", "ffn_up", "mlp/c_fc", 4 * wide, wide),  # would go unnoticed by shape
        ("mlp.c_proj", "ffn_down", "mlp/c_proj", wide, 4 * wide),
    )
    for ours, gguf, ggml, rows, columns in matrices:
        yield TensorSpec(
            f"h.{layer}.{ours}.weight",
            f"blk.{layer}.{gguf}.weight",
            f"model/h{layer}/{ggml}/w",
            (rows, columns),
            is_weight=True,
            transposed=True,
        )
        yield TensorSpec(
            f"h.{layer}.{ours}.bias",
            f"blk.{layer}.{gguf}.bias",
            f"model/h{layer}/{ggml}/b",
            (rows,),
        )


def implausible(shape: ModelShape) -> str | None:
    """Why these numbers are no GPT-2's, or None."""
    bounds = {
        "n_vocab": (shape.n_vocab, 2, 1_000_000),
        "n_ctx": (shape.n_ctx, 2, 8_192),
        "n_embd": (shape.n_embd, 1, 65_536),
        "n_head": (shape.n_head, 1, 1_024),
        "n_layer": (shape.n_layer, 1, 200),
    }
    for name, (value, low, high) in bounds.items():
        if not low <= value <= high:
            return f"its {name} is {value}, which no GPT-2 has"
    # ctransformers counts with 32 bits, and ends the process where that overflows.
    if max(shape.n_layer * shape.n_ctx, shape.n_vocab) * shape.n_embd >= 2**31:
        return "its numbers together are larger than any GPT-2's"
    if shape.n_embd % shape.n_head:
        return f"its n_embd ({shape.n_embd}) is no multiple of its n_head ({shape.n_head})"
    return None
