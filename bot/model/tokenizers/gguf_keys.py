"""A tokenizer in a GGUF file's keys, as llama.cpp has them: "gpt2" is byte-level BPE, "bert" is
WordPiece. Used by the GGUF reader and writer.

llama.cpp keeps WordPiece as its converter of BERT does: "▁" before a word, nothing before a later
part. It always lower-cases and drops accents, so those two settings are keys of our own.
"""

from collections.abc import Mapping, Sequence
from itertools import takewhile
from typing import cast

import gguf

from bot.model.tokenizers.api import Tokenizer
from bot.model.tokenizers.byte_pair import BytePairTokenizer
from bot.model.tokenizers.tokens import ids_of
from bot.model.tokenizers.word_piece import PREFIX, WordPieceTokenizer, is_special

_WORD = "\u2581"
_MODEL = "tokenizer.ggml.model"
TOKENS = "tokenizer.ggml.tokens"
MERGES = "tokenizer.ggml.merges"
TYPES = "tokenizer.ggml.token_type"
_LOWERCASE = "bardling.tokenizer.lowercase"
_STRIP_ACCENTS = "bardling.tokenizer.strip_accents"
_SPECIAL_KEYS = {
    "[UNK]": "unknown", "[CLS]": "cls", "[SEP]": "seperator", "[PAD]": "padding", "[MASK]": "mask",
}  # fmt: skip  # llama.cpp spells the third one so
_NORMAL, _CONTROL = int(gguf.TokenType.NORMAL), int(gguf.TokenType.CONTROL)
_USER_DEFINED, _UNUSED = int(gguf.TokenType.USER_DEFINED), int(gguf.TokenType.UNUSED)


def read_tokenizer_keys(metadata: Mapping[str, object]) -> Tokenizer:
    """The tokenizer that a file's keys describe.

    Raises:
        ValueError: they describe none that is known.
    """
    tokens, types = _strings(metadata, TOKENS), _types(metadata)
    ids_of(tokens)  # as they are stored: that is what llama.cpp sees
    match metadata.get(_MODEL):
        case "gpt2":
            merges = [_pair(merge) for merge in _strings(metadata, MERGES)]
            return BytePairTokenizer(tokens, merges, _n_padding(types))
        case "bert":
            lowercase = metadata.get(_LOWERCASE, True)
            accents = metadata.get(_STRIP_ACCENTS, lowercase)
            if not (isinstance(lowercase, bool) and isinstance(accents, bool)):
                raise ValueError("its settings make no sense")
            pieces = [_from_phantom(*one) for one in zip(tokens, types, strict=True)]
            return WordPieceTokenizer(pieces, lowercase=lowercase, strip_accents=accents)
        case other:
            raise ValueError(f"it is {other}, neither byte-level BPE nor BERT's WordPiece")


def add_tokenizer(writer: gguf.GGUFWriter, tokenizer: Tokenizer) -> None:
    """Writes a tokenizer's keys."""
    if isinstance(tokenizer, WordPieceTokenizer):
        _add_word_piece(writer, tokenizer)
    elif isinstance(tokenizer, BytePairTokenizer):
        _add_byte_pair(writer, tokenizer)
    else:
        raise TypeError(f"a {type(tokenizer).__name__} has no keys")
    writer.add_add_bos_token(False)


def _add_byte_pair(writer: gguf.GGUFWriter, tokenizer: BytePairTokenizer) -> None:
    end, suppressed = tokenizer.end_of_text_id, frozenset(tokenizer.suppressed_ids)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2")
    writer.add_token_list(list(tokenizer.tokens))
    writer.add_token_types(
        [
            _CONTROL if index == end else _UNUSED if index in suppressed else _NORMAL
            for index in range(tokenizer.n_vocab)
        ]
    )
    writer.add_token_merges([f"{left} {right}" for left, right in tokenizer.merges])
    if end is not None:
        writer.add_bos_token_id(end)
        writer.add_eos_token_id(end)


def _add_word_piece(writer: gguf.GGUFWriter, tokenizer: WordPieceTokenizer) -> None:
    ids = {token: index for index, token in enumerate(tokenizer.tokens)}
    writer.add_tokenizer_model("bert")
    stored = [_to_phantom(token) for token in tokenizer.tokens]
    writer.add_token_list([text for text, _ in stored])
    writer.add_token_types([kind for _, kind in stored])
    writer.add_bool(_LOWERCASE, tokenizer.lowercase)
    writer.add_bool(_STRIP_ACCENTS, tokenizer.strip_accents)
    writer.add_add_sep_token(False)
    for token, key in _SPECIAL_KEYS.items():
        if token in ids:
            writer.add_uint32(f"tokenizer.ggml.{key}_token_id", ids[token])


def _to_phantom(token: str) -> tuple[str, int]:
    """A token as llama.cpp keeps it, and its type."""
    if is_special(token):
        return token, _CONTROL
    if token.startswith(PREFIX + _WORD):  # without its "##" it would be taken for a word
        return token, _USER_DEFINED
    is_later_part = token.startswith(PREFIX) and len(token) > len(PREFIX)
    return (token.removeprefix(PREFIX) if is_later_part else _WORD + token), _NORMAL


def _from_phantom(token: str, kind: int) -> str:
    if kind != _NORMAL:
        return token
    return token.removeprefix(_WORD) if token.startswith(_WORD) else PREFIX + token


def _strings(metadata: Mapping[str, object], key: str) -> list[str]:
    value = metadata.get(key)
    if not isinstance(value, list):
        raise ValueError(f"the key {key} is missing or no list")
    return [str(one) for one in cast(list[object], value)]


def _types(metadata: Mapping[str, object]) -> Sequence[int]:
    """Each token's type; all normal where the file does not say. The reader checked the length."""
    value = metadata.get(TYPES)
    n_tokens = len(cast(list[object], metadata[TOKENS]))
    return cast(list[int], value) if isinstance(value, list) else [_NORMAL] * n_tokens


def _n_padding(types: Sequence[int]) -> int:
    """How many ids at the end are of no use."""
    return sum(1 for _ in takewhile(lambda kind: kind == _UNUSED, reversed(types)))


def _pair(merge: str) -> tuple[str, str]:
    left, right = merge.split(" ")
    return left, right
