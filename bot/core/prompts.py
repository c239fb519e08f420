"""What a prompt may be, and how it fits the model's window. Used by services and the worker."""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from bot.core.markdown import without_controls
from bot.errors import PromptError

MAX_PROMPT_CHARACTERS = 6000  # Discord's own bound for a text option

_SURROGATES = re.compile("[\ud800-\udfff]")


def clean_prompt(text: str) -> str:
    """Makes a text that every later step can encode, store and show.

    Halves of surrogate pairs become U+FFFD, control characters go, line ends become line feeds,
    and trailing white space goes: GPT-2's tokens begin with their space, so after a blank it
    has nothing good to say. Everything else stays as it was typed.

    Raises:
        PromptError: nothing visible is left, or it is too long.
    """
    text = _SURROGATES.sub("\ufffd", text).replace("\r\n", "\n").replace("\r", "\n")
    text = without_controls(text).rstrip()
    if not any(_is_visible(character) for character in text):
        raise PromptError("There is nothing to go on with: the prompt is empty. Write a few words.")
    if len(text) > MAX_PROMPT_CHARACTERS:
        raise PromptError(
            f"The prompt has {len(text):,} characters; {MAX_PROMPT_CHARACTERS:,} is the most "
            "I can take. Keep its end, that is what the text goes on from."
        )
    return text


def _is_visible(character: str) -> bool:
    """Neither white space nor a format character such as a zero-width space."""
    return not character.isspace() and unicodedata.category(character) not in ("Cf", "Cc", "Cn")


@dataclass(frozen=True, slots=True, kw_only=True)
class FittedPrompt:
    """A prompt that leaves room for its continuation.

    Attributes:
        tokens: what the model reads.
        dropped: tokens of the prompt's beginning that did not fit.
        max_new_tokens: how many may be written after it.
    """

    tokens: tuple[int, ...]
    dropped: int
    max_new_tokens: int


def fit_window(tokens: Sequence[int], n_ctx: int, max_new_tokens: int) -> FittedPrompt:
    """Fits prompt and continuation into the window.

    What was asked for comes first, but at most half of the window is kept free for it; the
    prompt's newest tokens get the rest, and what they leave is free again. So a short prompt
    loses nothing, and a long one never leaves less than half a window to write in.

    Args:
        tokens: the prompt, at least one token.
        n_ctx: positions in the window, at least 2.
        max_new_tokens: tokens asked for, at least 1.
    """
    reserved = min(max_new_tokens, n_ctx // 2)
    kept = tuple(tokens[-(n_ctx - reserved) :])
    return FittedPrompt(
        tokens=kept,
        dropped=len(tokens) - len(kept),
        max_new_tokens=min(max_new_tokens, n_ctx - len(kept)),
    )
