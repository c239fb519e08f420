"""The tokenizers of GPT-2s: what the worker asks of one, and how one is read from files.

GPT-2's own is a byte-level BPE; Chinese GPT-2s mostly use BERT's WordPiece. Which one a model has
is told by its files, and kept with the model file.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol, cast

from bot.model.tokenizers.byte_pair import BytePairTokenizer
from bot.model.tokenizers.tokens import in_order
from bot.model.tokenizers.word_piece import WordPieceTokenizer, read_vocabulary

MAX_TOKENIZER_BYTES = 8 << 20  # of a file; as objects it takes up to twenty times as much
TOKENIZER_FILES = (
    "tokenizer.json", "vocab.json", "merges.txt", "added_tokens.json", "encoder.json", "vocab.bpe",
    "vocab.txt", "tokenizer_config.json",
)  # fmt: skip


class Decoder(Protocol):
    """Turns tokens into text as they come, whole characters only."""

    def feed(self, token_id: int, /) -> str:
        """The characters that this token completes."""
        ...

    def flush(self) -> str:
        """What is left at the end."""
        ...


class Tokenizer(Protocol):
    """Text to ids and back."""

    @property
    def tokens(self) -> tuple[str, ...]:
        """Each id's token, as the vocabulary writes it."""
        ...

    @property
    def n_vocab(self) -> int:
        """How many ids there are."""
        ...

    @property
    def end_of_text_id(self) -> int | None:
        """The id that ends a document."""
        ...

    @property
    def suppressed_ids(self) -> tuple[int, ...]:
        """Ids that are no text and must never be drawn."""
        ...

    def encode(self, text: str) -> list[int]:
        """The ids of a text; any text has some, and the empty one none."""
        ...

    def decode(self, ids: Sequence[int]) -> str:
        """The text of ids."""
        ...

    def token_bytes(self, token_id: int) -> bytes:
        """One token's bytes, as the legacy GGML format keeps them."""
        ...

    def stream_decoder(self, after: str = "") -> Decoder:
        """A decoder for one growing text that goes on from the text `after`."""
        ...

    def padded(self, n_vocab: int) -> "Tokenizer":
        """The same with ids that mean nothing up to `n_vocab`."""
        ...

    def to_json(self) -> str:
        """The form kept beside a model file that has no room for it; see `read_tokenizer`."""
        ...


def read_tokenizer(text: str) -> Tokenizer:
    """Reads a `tokenizer.json` of the `tokenizers` library, or our own form.

    Raises:
        ValueError: it holds neither byte-level BPE nor BERT's WordPiece.
    """
    try:
        data = json.loads(text)
        vocabulary: dict[str, int] = dict(data["model"]["vocab"])
        for added in data.get("added_tokens", []):
            vocabulary.setdefault(added["content"], added["id"])
        kind = data["model"].get("type", "BPE")
        if kind == "BPE" and _is_byte_level(data):
            merges = [_pair(one) for one in data["model"]["merges"]]
            return BytePairTokenizer(in_order(vocabulary), merges, int(data.get("n_padding", 0)))
        if kind == "WordPiece":
            return _word_piece(in_order(vocabulary), data.get("normalizer") or {})
    except (KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ValueError(f"it is no tokenizer ({error!r})") from error
    raise ValueError(f"it is {kind}, neither byte-level BPE nor BERT's WordPiece")


def read_tokenizer_folder(folder: Path) -> Tokenizer:
    """The tokenizer of a folder: tokenizer.json, a vocabulary with merges, or BERT's vocab.txt.

    Those two are vocab.json and merges.txt where Hugging Face's programs wrote them,
    encoder.json and vocab.bpe where OpenAI did.

    Raises:
        OSError: the files are missing.
        ValueError: they hold neither byte-level BPE nor BERT's WordPiece.
    """
    whole, vocabulary, merges, added, encoder, bpe, words, config = (
        folder / one for one in TOKENIZER_FILES
    )
    if whole.exists():
        return read_tokenizer(whole.read_text(encoding="utf-8"))
    if words.exists() and not vocabulary.exists():
        settings = _json_object(config) if config.exists() else {}
        tokens = read_vocabulary(words.read_text(encoding="utf-8"))
        return _word_piece(tokens, _bert_settings(settings))
    if encoder.exists() and not vocabulary.exists():
        return _from_pair(_json_object(encoder), bpe)
    extra = _json_object(added) if added.exists() else {}
    return _from_pair(extra | _json_object(vocabulary), merges)


def _from_pair(vocabulary: dict[str, Any], merges_path: Path) -> BytePairTokenizer:
    # Only "\n" ends a line here: vocabularies hold characters that `splitlines` takes for ends.
    lines = merges_path.read_text(encoding="utf-8").split("\n")
    merges = [_pair(line) for line in lines if line.strip() and not line.startswith("#version")]
    return BytePairTokenizer(in_order(vocabulary), merges)


def _word_piece(tokens: Sequence[str], normalizer: dict[str, Any]) -> WordPieceTokenizer:
    """Of a vocabulary and a tokenizer.json's "normalizer"."""
    if not normalizer.get("handle_chinese_chars", True):
        raise ValueError("it does not set Chinese characters apart, as BERT's WordPiece does")
    lowercase, accents = normalizer.get("lowercase", True), normalizer.get("strip_accents")
    if type(lowercase) is not bool or type(accents) not in (bool, type(None)):
        raise ValueError("its settings make no sense")
    return WordPieceTokenizer(tokens, lowercase=lowercase, strip_accents=accents)


def _bert_settings(config: dict[str, Any]) -> dict[str, Any]:
    """A tokenizer_config.json's settings under a tokenizer.json's names."""
    names = {
        "do_lower_case": "lowercase",
        "strip_accents": "strip_accents",
        "tokenize_chinese_chars": "handle_chinese_chars",
    }
    return {ours: config[theirs] for theirs, ours in names.items() if theirs in config}


def _json_object(path: Path) -> dict[str, Any]:
    value: object = json.loads(path.read_text(encoding="utf-8"))
    if not isinstance(value, dict):
        raise ValueError(f"{path.name} holds no vocabulary")
    return cast(dict[str, Any], value)


def _is_byte_level(data: dict[str, Any]) -> bool:
    """Whether the text is cut into bytes first; our own form does not say, and always is."""
    if "pre_tokenizer" not in data:
        return True
    first: dict[str, Any] = data["pre_tokenizer"] or {}
    steps: list[dict[str, Any]] = first.get("pretokenizers", [first])
    return any(step.get("type") == "ByteLevel" for step in steps)


def _pair(merge: Any) -> tuple[str, str]:
    """A merge, written "a b" or ["a", "b"]."""
    left, right = merge.rstrip("\r").split(" ") if isinstance(merge, str) else merge
    return left, right
