"""What a prompt may be, and how it fits the model's window. Used by services and the worker."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from bot.core.showable import has_visible, showable
from bot.errors import PromptError
from bot.language import number, tr

MAX_PROMPT_CHARACTERS = 6000  # Discord's own bound for a text option
MAX_FILE_BYTES = 64 * 1024
MAX_FILE_CHARACTERS = MAX_FILE_BYTES  # a character takes at least a byte
# More than any GPT-2 reads: its window has 1,024 tokens, of about four characters each.
KEPT_CHARACTERS = 16_000

# Tokens within which a word's border is looked for; scripts without spaces may have none.
_LONGEST_WORD = 32
_APOSTROPHES = "'’"
_SURROGATES = re.compile("[\ud800-\udfff]")


def clean_prompt(text: str, limit: int = MAX_PROMPT_CHARACTERS) -> str:
    """Makes a text that every later step can encode, store and show.

    Halves of surrogate pairs become U+FFFD, control characters go, line ends become line feeds,
    of marks in a row some stay (see `showable`), and trailing white space goes: GPT-2's tokens
    begin with their space, so after a blank it has nothing good to say. Everything else stays as
    it was typed.

    Args:
        text: as it was typed.
        limit: the most characters it may have.

    Raises:
        PromptError: nothing visible is left, or it is too long.
    """
    text = _SURROGATES.sub("\ufffd", text).replace("\r\n", "\n").replace("\r", "\n")
    text = showable(text).rstrip()
    if not has_visible(text):
        raise PromptError(
            tr("There is nothing to go on with: the prompt is empty. Write a few words.")
        )
    if len(text) > limit:
        raise PromptError(
            tr(
                "The prompt has {length} characters; {most} is the most I can take. Keep its end, "
                "that is what the text goes on from.",
                length=number(len(text)),
                most=number(limit),
            )
        )
    return text


def decode_file(data: bytes) -> str:
    """The text of a file that somebody attached; a byte order mark goes.

    Raises:
        PromptError: it is too long, or no UTF-8.
    """
    if len(data) > MAX_FILE_BYTES:
        raise PromptError(tr("The file is too long: 64 KB is the most I can take. Keep its end."))
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise PromptError(
            tr("The file is no plain text in UTF-8. Save it as a .txt file with that encoding.")
        ) from None


def newest_characters(text: str) -> str:
    """The end of a text: as much as any model could read of it."""
    return text[-KEPT_CHARACTERS:]


@dataclass(frozen=True, slots=True, kw_only=True)
class FittedPrompt:
    """A prompt that leaves room for its continuation.

    Attributes:
        tokens: what the model reads: the pinned text, then the prompt.
        pinned_dropped: tokens of the pinned text's end that did not fit.
        dropped: tokens of the prompt's beginning that did not fit.
        max_new_tokens: how many may be written after it.
    """

    tokens: tuple[int, ...]
    pinned_dropped: int
    dropped: int
    max_new_tokens: int


class TokenTexts(Protocol):
    """What a cut needs of a tokenizer."""

    def decode(self, ids: Sequence[int], /) -> str:
        """The text of ids."""
        ...

    def token_bytes(self, token_id: int, /) -> bytes:
        """One token's bytes."""
        ...


def fit_window(
    tokens: Sequence[int],
    n_ctx: int,
    max_new_tokens: int,
    *,
    texts: TokenTexts,
    pinned: Sequence[int] = (),
) -> FittedPrompt:
    """Fits pinned text, prompt and continuation into the window.

    What was asked for comes first, but at most half of the window is kept free for it. Of the
    rest, the pinned text gets all it has, or, where that is more than half and the prompt needs
    the room, half; its beginning stays. The prompt's newest tokens get what is left, and what
    they leave is free again. So a short prompt loses nothing, and a long one never leaves less
    than half a window to write in. A cut text is cut between two words where one is near.

    Args:
        tokens: the prompt, at least one token.
        n_ctx: positions in the window, at least 2.
        max_new_tokens: tokens asked for, at least 1.
        texts: of the tokens.
        pinned: tokens that go before the prompt.
    """
    room = n_ctx - min(max_new_tokens, n_ctx // 2)
    n_pinned = min(len(pinned), max(room // 2, room - len(tokens)))
    if n_pinned < len(pinned):
        n_pinned = _cut_before(pinned, n_pinned, texts)
    start = max(0, len(tokens) - (room - n_pinned))
    if start:
        start = _cut_after(tokens, start, texts)
    kept = (*pinned[:n_pinned], *tokens[start:])
    return FittedPrompt(
        tokens=kept,
        pinned_dropped=len(pinned) - n_pinned,
        dropped=start,
        max_new_tokens=min(max_new_tokens, n_ctx - len(kept)),
    )


def _cut_after(tokens: Sequence[int], start: int, texts: TokenTexts) -> int:
    """The first good place to begin, `start` or a little later; never the end."""
    last = start + min(_LONGEST_WORD, (len(tokens) - start) // 2)
    return _best_cut(tokens, range(start, last + 1), texts)


def _cut_before(tokens: Sequence[int], end: int, texts: TokenTexts) -> int:
    """The last good place to end, `end` or a little earlier; at least half of it stays."""
    first = end - min(_LONGEST_WORD, end // 2)
    return _best_cut(tokens, range(end, first - 1, -1), texts)


def _best_cut(tokens: Sequence[int], places: range, texts: TokenTexts) -> int:
    """The first place between two words, else between two characters, else the first."""
    between_characters = [
        place
        for place in places
        if place == 0 or not _goes_on_in_character(texts.token_bytes(tokens[place]))
    ]
    words = (place for place in between_characters if _begins_word(tokens, place, texts))
    return next(words, next(iter(between_characters), places[0]))


def _goes_on_in_character(piece: bytes) -> bool:
    """Whether a token begins with a byte that never begins a character in UTF-8."""
    return bool(piece) and piece[0] & 0b1100_0000 == 0b1000_0000


def _begins_word(tokens: Sequence[int], place: int, texts: TokenTexts) -> bool:
    """Whether the token begins with a blank, or follows on something that is no letter.

    The text before is looked at together with the token: some tokenizers make up their spaces.
    """
    if place == 0:
        return True
    before = texts.decode(tokens[place - 1 : place])
    piece = texts.decode(tokens[place - 1 : place + 1])[len(before) :]
    if not before or piece[:1].isspace():
        return True
    return not (before[-1].isalnum() or before[-1] in _APOSTROPHES)
