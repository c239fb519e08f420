"""The text that models are compared on: where it comes from, and how it is cut for each of them."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bot.errors import SettingError
from bot.model.tokenizers.api import Tokenizer

_OWN_TEXT = Path(__file__).with_name("compare_text.txt")
_MAX_CHARACTERS_PER_TOKEN = 16  # of any text's average; more of it need not be looked at
_LONGEST_WORD = 100


@dataclass(frozen=True, slots=True)
class Text:
    """What all models read.

    Attributes:
        name: its file's.
        text: as much of it as is used.
    """

    name: str
    text: str

    @property
    def n_bytes(self) -> int:
        """Its size in UTF-8."""
        return len(self.text.encode())

    @property
    def sha256(self) -> str:
        """By which two comparisons can be told to be on the same text."""
        return hashlib.sha256(self.text.encode()).hexdigest()


def read_text(path: Path | None) -> Text:
    """The text in a file, or the one that ships: a story and a page of facts, written for this.

    Raises:
        SettingError: the file can't be read or holds no text.
    """
    origin = "the command line"
    try:
        text = (path or _OWN_TEXT).read_text(encoding="utf-8")
    except OSError as error:
        reason = f"it can't be read ({error.strerror or error})"
        raise SettingError("--text", str(path), origin, reason) from error
    except UnicodeDecodeError as error:
        raise SettingError("--text", str(path), origin, "it is no text in UTF-8") from error
    if not text.strip():
        raise SettingError("--text", str(path), origin, "there is no text in it")
    return Text((path or _OWN_TEXT).name, text)


def shorten(text: Text, tokenizers: Sequence[Tokenizer], max_tokens: int) -> Text:
    """The text's beginning, up to the end of a word, that no tokenizer has more tokens for.

    All models get the same text, so that their bits per byte compare, whatever their tokens.
    """
    whole = text.text[: max_tokens * _MAX_CHARACTERS_PER_TOKEN]

    def fits(n_characters: int) -> bool:
        part = whole[:n_characters]
        return all(len(tokenizer.encode(part)) <= max_tokens for tokenizer in tokenizers)

    if fits(len(whole)):
        return Text(text.name, whole)
    low, high = 1, len(whole)  # the first fits (or nothing does), the second does not
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if fits(middle) else (low, middle)
    return Text(text.name, _up_to_a_space(whole, low))


def windows(tokens: Sequence[int], size: int) -> list[list[int]]:
    """Tokens in pieces of a size that do not overlap; one that has nothing to guess is left out."""
    pieces = [list(tokens[start : start + size]) for start in range(0, len(tokens), size)]
    return [piece for piece in pieces if len(piece) > 1]


def _up_to_a_space(text: str, end: int) -> str:
    """The text up to the last space before its end; not all languages have any near."""
    for index in range(end, max(0, end - _LONGEST_WORD), -1):
        if text[index].isspace():
            return text[:index].rstrip() or text[:end]
    return text[:end]
