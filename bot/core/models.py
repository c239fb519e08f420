"""What is known of a model file once it has been checked: shapes, not weights."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelShape:
    """The numbers that make a GPT-2 (names as in OpenAI's hparams.json).

    Attributes:
        n_vocab: ids the model knows (embedding rows).
        n_ctx: positions in its window.
        n_embd: width; a multiple of n_head.
        n_head: attention heads.
        n_layer: blocks.
    """

    n_vocab: int
    n_ctx: int
    n_embd: int
    n_head: int
    n_layer: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelInfo:
    """A checked model file.

    Attributes:
        name: how the model is called in replies, such as "bardling-small".
        quantization: how the 2-D weights are stored, such as "q8_0" or "f16".
        file_format: "gguf" (llama.cpp) or "ggml" (ctransformers).
        path: where the file lies.
        shape: its numbers.
        end_of_text_id: the id that ends a document, or None where the file has none.
        sha256: of the file, in hex; "" where nobody computed it.
        suppressed_ids: ids that are no text and must never be drawn: [CLS] and the like, padding.
        sha256: of the file that the host named, in hexadecimal digits, also where the engine reads
            a twin of it; "" where nobody asked for it.
    """

    name: str
    quantization: str
    file_format: str
    path: str
    shape: ModelShape
    end_of_text_id: int | None
    suppressed_ids: tuple[int, ...] = ()
    sha256: str = ""
