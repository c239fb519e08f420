"""Byte-level BPE as GPT-2's (paper §2.2), by the `tokenizers` library. Made by `tokenizer`.

ctransformers' own GPT-2 tokenizer is no BPE, so every engine gets ids from here.
"""

import codecs
import json
from collections.abc import Sequence

from tokenizers import Tokenizer as _Bpe
from tokenizers import decoders, models, pre_tokenizers

from bot.model.tokenizers.tokens import ids_of, without_surrogates

END_OF_TEXT = "<|endoftext|>"


def _byte_of_character() -> dict[str, int]:
    """GPT-2 writes each byte as a visible character: 188 as themselves, 68 from U+0100 on."""
    visible = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    hidden = [byte for byte in range(256) if byte not in visible]
    return {chr(byte): byte for byte in visible} | {
        chr(0x100 + index): byte for index, byte in enumerate(hidden)
    }


class BytePairTokenizer:
    """A vocabulary with its merges.

    Args:
        tokens: each id's token in GPT-2's visible characters, in order of the ids.
        merges: pairs of tokens, the first learned first.
        n_padding: ids at the end that mean nothing; they fill a model's last rows.

    Raises:
        ValueError: a token is there twice, a merge is of none that is there, or all is padding.
    """

    def __init__(
        self, tokens: Sequence[str], merges: Sequence[tuple[str, str]], n_padding: int = 0
    ) -> None:
        vocabulary = ids_of(tokens)
        if not 0 <= n_padding < len(tokens):
            raise ValueError(f"{n_padding} of its {len(tokens)} tokens can't be padding")
        # The end-of-text token is none of the merges' results, so no typed text encodes to it.
        self.end_of_text_id = vocabulary.get(END_OF_TEXT)
        self.tokens = tuple(tokens)
        self.merges = tuple(merges)
        self.n_padding = n_padding
        self.suppressed_ids = tuple(range(len(tokens) - n_padding, len(tokens)))
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
        return self._bpe.encode(without_surrogates(text)).ids

    def decode(self, ids: Sequence[int]) -> str:
        """The text of ids; bytes that are no UTF-8 become U+FFFD."""
        return b"".join(self.token_bytes(one) for one in ids).decode(errors="replace")

    def token_bytes(self, token_id: int) -> bytes:
        """The bytes of one token, maybe only a part of a character; none for end-of-text."""
        return b"" if token_id == self.end_of_text_id else self._bytes[token_id]

    def stream_decoder(self, after: str = "") -> "StreamDecoder":
        """A decoder for one growing text; what it goes on from makes no difference to bytes."""
        return StreamDecoder(self)

    def padded(self, n_vocab: int) -> "BytePairTokenizer":
        """The same with ids that mean nothing up to `n_vocab`."""
        added = [f"[PAD{index}]" for index in range(self.n_vocab, n_vocab)]
        return BytePairTokenizer(
            [*self.tokens, *added], self.merges, n_padding=self.n_padding + len(added)
        )

    def to_json(self) -> str:
        """The form kept beside a model file that has no room for merges."""
        vocabulary = {token: index for index, token in enumerate(self.tokens)}
        merges = [f"{left} {right}" for left, right in self.merges]
        model = {"type": "BPE", "vocab": vocabulary, "merges": merges}
        return json.dumps({"model": model, "n_padding": self.n_padding})


class StreamDecoder:
    """Turns tokens into text as they come, whole characters only."""

    def __init__(self, tokenizer: BytePairTokenizer) -> None:
        self._tokenizer = tokenizer
        self._decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")

    def feed(self, token_id: int) -> str:
        """The characters that this token completes."""
        return self._decoder.decode(self._tokenizer.token_bytes(token_id))

    def flush(self) -> str:
        """Nothing more will come: a half character at the end is dropped, not shown broken."""
        self._decoder.reset()
        return ""
