"""BERT's WordPiece, which Chinese GPT-2s use, by the `tokenizers` library. Made by `tokenizer`.

It loses spaces, and letters' case where its vocabulary has none, so its text is put together by
rules: no space beside Chinese characters, before a full stop, inside brackets.
Source: https://github.com/google-research/bert, tokenization.py.
"""

import unicodedata
from collections.abc import Sequence

from tokenizers import Tokenizer as _WordPiece
from tokenizers import models, normalizers, pre_tokenizers

from bot.model.tokenizers.tokens import ids_of, without_surrogates

PREFIX = "##"
_UNKNOWN, _END = "[UNK]", "[SEP]"
SPECIAL = ("[PAD]", _UNKNOWN, "[CLS]", _END, "[MASK]")
_MAX_WORD_CHARACTERS = 100
# The blocks that BERT sets apart as Chinese, and the punctuation that is written among them.
_CHINESE = (
    (0x3000, 0x303F), (0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0xF900, 0xFAFF), (0xFF00, 0xFFEF),
    (0x20000, 0x2FA1F), (0x3040, 0x30FF),
)  # fmt: skip
_CHINESE_MARKS = "…—·"
_CURLY_QUOTES = "“”‘’"


class WordPieceTokenizer:
    """A vocabulary of words and, with "##" before them, of their later parts.

    Args:
        tokens: in order of the ids.
        lowercase: whether text is lower-cased first.
        strip_accents: whether accents are dropped; None = where it is lower-cased.

    Raises:
        ValueError: a token is there twice, or there is none for what it does not know.
    """

    def __init__(
        self, tokens: Sequence[str], *, lowercase: bool = True, strip_accents: bool | None = None
    ) -> None:
        vocabulary = ids_of(tokens)
        if _UNKNOWN not in vocabulary:
            raise ValueError(f"the vocabulary has no {_UNKNOWN}")
        self.end_of_text_id = vocabulary.get(_END)
        self.tokens = tuple(tokens)
        self.lowercase = lowercase
        self.strip_accents = lowercase if strip_accents is None else strip_accents
        self.suppressed_ids = tuple(
            index
            for index, token in enumerate(tokens)
            if is_special(token) and index != self.end_of_text_id
        )
        model = models.WordPiece(
            vocab=vocabulary, unk_token=_UNKNOWN, max_input_chars_per_word=_MAX_WORD_CHARACTERS
        )
        self._pieces = _WordPiece(model)
        self._pieces.normalizer = normalizers.BertNormalizer(  # pyright: ignore[reportAttributeAccessIssue]  # stub lacks the setter
            lowercase=lowercase, strip_accents=self.strip_accents
        )
        self._pieces.pre_tokenizer = pre_tokenizers.BertPreTokenizer()  # pyright: ignore[reportAttributeAccessIssue]  # stub lacks the setter

    @property
    def n_vocab(self) -> int:
        """How many ids there are."""
        return len(self.tokens)

    def encode(self, text: str) -> list[int]:
        """The ids of a text, without [CLS] and [SEP]; halves of surrogate pairs as U+FFFD."""
        return self._pieces.encode(without_surrogates(text)).ids

    def decode(self, ids: Sequence[int]) -> str:
        """The text of ids, its spaces by rule."""
        decoder = self.stream_decoder()
        return "".join(decoder.feed(one) for one in ids)

    def token_bytes(self, token_id: int) -> bytes:
        """The bytes of one token as its vocabulary has it."""
        return self.tokens[token_id].encode()

    def stream_decoder(self, after: str = "") -> "WordPieceDecoder":
        """A decoder for one growing text that goes on from `after`."""
        return WordPieceDecoder(self.tokens, after)

    def padded(self, n_vocab: int) -> "WordPieceTokenizer":
        """The same with ids that mean nothing up to `n_vocab`."""
        added = [f"[unused_{index}]" for index in range(self.n_vocab, n_vocab)]
        return WordPieceTokenizer(
            [*self.tokens, *added], lowercase=self.lowercase, strip_accents=self.strip_accents
        )

    def to_json(self) -> str:
        """The form kept beside a model file: a `tokenizer.json` of the `tokenizers` library."""
        return self._pieces.to_str()


class WordPieceDecoder:
    """Turns tokens into text as they come; each is a whole number of characters."""

    def __init__(self, tokens: Sequence[str], after: str) -> None:
        self._tokens = tokens
        self._last = after[-1:]
        self._in_quotes = after.count('"') % 2 == 1

    def feed(self, token_id: int) -> str:
        """The characters of this token, after a space where one belongs."""
        token = self._tokens[token_id]
        if is_special(token) and token != _UNKNOWN:
            return ""
        is_later_part = token.startswith(PREFIX) and len(token) > len(PREFIX)
        piece = token.removeprefix(PREFIX) if is_later_part else token
        space = "" if is_later_part or not _needs_space(self._last, piece[:1]) else " "
        self._last = piece[-1:]
        if piece == '"':  # looks alike on both sides: every second one closes
            self._in_quotes = not self._in_quotes
            space, self._last = (space, "(") if self._in_quotes else ("", piece)
        return space + piece

    def flush(self) -> str:
        """Nothing is ever held back."""
        return ""


def is_special(token: str) -> bool:
    """Whether a token is no text: [CLS] and the like, and the vocabulary's unused places."""
    return token in SPECIAL or token.startswith("[unused")


def read_vocabulary(text: str) -> list[str]:
    """The tokens of a vocab.txt, one a line."""
    return [line.rstrip("\r") for line in text.removesuffix("\n").split("\n")]


def _needs_space(last: str, first: str) -> bool:
    """Whether a space belongs between two tokens that were not one word."""
    if not last or last.isspace() or _is_chinese(last) or _is_chinese(first):
        return False
    if last in _CURLY_QUOTES and first in _CURLY_QUOTES:  # as Chinese is written
        return False
    opens, closes = ("Ps", "Pi"), ("Pe", "Pf")
    if unicodedata.category(last) in opens or unicodedata.category(first) in closes:
        return False
    return first not in ".,;:!?%'’-" and last not in "'’-"


def _is_chinese(character: str) -> bool:
    code = ord(character)
    return character in _CHINESE_MARKS or any(low <= code <= high for low, high in _CHINESE)
