"""Byte-level BPE as GPT-2's (paper §2.2), by the `tokenizers` library; text as whole characters.

Used by the worker and the benchmarks. ctransformers' own GPT-2 tokenizer is no BPE, so every
engine gets ids from here.
"""

import codecs
import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

from tokenizers import Tokenizer as _Bpe
from tokenizers import decoders, models, pre_tokenizers

END_OF_TEXT = "<|endoftext|>"
TOKENIZER_FILES = ("tokenizer.json", "vocab.json", "merges.txt", "encoder.json", "vocab.bpe")
_SURROGATES = re.compile("[\ud800-\udfff]")


def _byte_of_character() -> dict[str, int]:
    """GPT-2 writes each byte as a visible character: 188 as themselves, 68 from U+0100 on."""
    visible = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    hidden = [byte for byte in range(256) if byte not in visible]
    return {chr(byte): byte for byte in visible} | {
        chr(0x100 + index): byte for index, byte in enumerate(hidden)
    }


class Tokenizer:
    """A vocabulary with its merges.

    Args:
        tokens: each id's token in GPT-2's visible characters, in order of the ids.
        merges: pairs of tokens, the first learned first.

    Raises:
        ValueError: a merge is of tokens that there are not.
    """

    def __init__(self, tokens: Sequence[str], merges: Sequence[tuple[str, str]]) -> None:
        vocabulary = {token: index for index, token in enumerate(tokens)}
        # The end-of-text token is none of the merges' results, so no typed text encodes to it.
        self.end_of_text_id = vocabulary.get(END_OF_TEXT)
        self.tokens = tuple(tokens)
        self.merges = tuple(merges)
        try:
            self._bpe = _Bpe(models.BPE(vocab=vocabulary, merges=list(merges)))
        except Exception as error:  # the Rust library raises nothing more exact
            raise ValueError(f"its merges don't fit its tokens ({error})") from error
        self._bpe.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)  # pyright: ignore[reportAttributeAccessIssue]  # stub lacks the setter
        self._bpe.decoder = decoders.ByteLevel()  # pyright: ignore[reportAttributeAccessIssue]  # stub lacks the setter
        byte_of = _byte_of_character()
        self._bytes = [
            bytes(byte_of[character] for character in token)
            if all(character in byte_of for character in token)
            else token.encode()
            for token in tokens
        ]

    @property
    def n_vocab(self) -> int:
        """How many ids there are."""
        return len(self.tokens)

    def encode(self, text: str) -> list[int]:
        """The ids of a text; halves of surrogate pairs are read as U+FFFD."""
        return self._bpe.encode(_SURROGATES.sub("\ufffd", text)).ids

    def decode(self, ids: Sequence[int]) -> str:
        """The text of ids; bytes that are no UTF-8 become U+FFFD."""
        return b"".join(self.token_bytes(one) for one in ids).decode(errors="replace")

    def token_bytes(self, token_id: int) -> bytes:
        """The bytes of one token, maybe only a part of a character; none for end-of-text."""
        return b"" if token_id == self.end_of_text_id else self._bytes[token_id]

    def to_json(self) -> str:
        """The form kept beside a model file that has no room for merges."""
        merges = [f"{left} {right}" for left, right in self.merges]
        return json.dumps({"model": {"vocab": self._vocabulary(), "merges": merges}})

    def _vocabulary(self) -> dict[str, int]:
        return {token: index for index, token in enumerate(self.tokens)}

    @classmethod
    def from_json(cls, text: str) -> "Tokenizer":
        """Reads a `tokenizer.json` of the `tokenizers` library, or our own form.

        Raises:
            ValueError: it holds no byte-level BPE.
        """
        try:
            data = json.loads(text)
            if data["model"].get("type", "BPE") != "BPE" or not _is_byte_level(data):
                raise ValueError("no byte-level BPE tokenizer")
            vocabulary: dict[str, int] = dict(data["model"]["vocab"])
            for added in data.get("added_tokens", []):
                vocabulary.setdefault(added["content"], added["id"])
            return cls(_in_order(vocabulary), [_pair(one) for one in data["model"]["merges"]])
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"no byte-level BPE tokenizer ({error!r})") from error

    @classmethod
    def from_folder(cls, folder: Path) -> "Tokenizer":
        """The tokenizer of a folder: tokenizer.json, or a vocabulary with its merges.

        Those two are vocab.json and merges.txt where Hugging Face's programs wrote them,
        encoder.json and vocab.bpe where OpenAI did.

        Raises:
            OSError: the files are missing.
            ValueError: they hold no byte-level BPE.
        """
        whole, vocabulary, merges, encoder, bpe = (folder / one for one in TOKENIZER_FILES)
        if whole.exists():
            return cls.from_json(whole.read_text(encoding="utf-8"))
        if encoder.exists() and not vocabulary.exists():
            return cls._from_pair(encoder, bpe)
        return cls._from_pair(vocabulary, merges)

    @classmethod
    def _from_pair(cls, vocabulary_path: Path, merges_path: Path) -> "Tokenizer":
        vocabulary = cast(dict[str, int], json.loads(vocabulary_path.read_text(encoding="utf-8")))
        if not isinstance(vocabulary, dict):  # pyright: ignore[reportUnnecessaryIsInstance]  # a file may be anything
            raise ValueError(f"{vocabulary_path.name} holds no vocabulary")
        lines = merges_path.read_text(encoding="utf-8").splitlines()
        merges = [_pair(line) for line in lines if line and not line.startswith("#version")]
        return cls(_in_order(vocabulary), merges)


def _in_order(vocabulary: dict[str, int]) -> list[str]:
    """Tokens by id; the ids must be 0, 1, 2, … without a gap."""
    if not all(type(index) is int for index in vocabulary.values()):
        raise ValueError("the vocabulary's ids are no numbers")
    tokens = sorted(vocabulary, key=vocabulary.__getitem__)
    if [vocabulary[token] for token in tokens] != list(range(len(tokens))):
        raise ValueError("the vocabulary's ids have gaps")
    return tokens


def _is_byte_level(data: dict[str, Any]) -> bool:
    """Whether the text is cut into bytes first; our own form does not say, and always is."""
    if "pre_tokenizer" not in data:
        return True
    first: dict[str, Any] = data["pre_tokenizer"] or {}
    steps: list[dict[str, Any]] = first.get("pretokenizers", [first])
    return any(step.get("type") == "ByteLevel" for step in steps)


def _pair(merge: Any) -> tuple[str, str]:
    """A merge, written "a b" or ["a", "b"]."""
    left, right = merge.split(" ") if isinstance(merge, str) else merge
    return left, right


class StreamDecoder:
    """Turns tokens into text as they come, whole characters only."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._tokenizer = tokenizer
        self._decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")

    def feed(self, token_id: int) -> str:
        """The characters that this token completes."""
        return self._decoder.decode(self._tokenizer.token_bytes(token_id))

    def flush(self) -> str:
        """Nothing more will come: a half character at the end is dropped, not shown broken."""
        self._decoder.reset()
        return ""
