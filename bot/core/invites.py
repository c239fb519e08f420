"""Finds invitations to Discord servers in a text, for servers that do not want them.

`ServerSettings` masks what the model wrote, `services` refuses prompts. Finds them also in other
case, in fullwidth letters, with invisible characters or blanks in between.
"""

import re

from bot.core.confusables import soft_fold_character
from bot.core.word_filter import MASK, fold

_DOT = r"[ \t]?[.\u3002][ \t]?"
_SLASH = r"[ \t]?[/\\]+[ \t]?"
_INVITE = re.compile(
    rf"(?:discord{_DOT}(?:gg|io|me|li)|dsc{_DOT}gg|invite{_DOT}gg){_SLASH}(?:invite{_SLASH})?[\w-]+"
    rf"|discord(?:app)?{_DOT}com{_SLASH}invite{_SLASH}[\w-]+",
    re.IGNORECASE | re.ASCII,
)


def has_invite(text: str) -> bool:
    """Whether an invitation is in the text."""
    return bool(_spans(text))


def without_invites(text: str) -> str:
    """The text with a block in place of each character of an invitation; its length stays."""
    pieces: list[str] = []
    done = 0
    for start, end in _spans(text):
        hidden = "".join(one if one.isspace() else MASK for one in text[start:end])
        pieces += text[done:start], hidden
        done = end
    return "".join((*pieces, text[done:]))


def _spans(text: str) -> list[tuple[int, int]]:
    """Where invitations stand: in order, apart from each other."""
    if "." not in text and text.isascii():
        return []
    view = fold(text, soft_fold_character)
    return [
        (view.origin[match.start()], view.origin[match.end() - 1] + 1)
        for match in _INVITE.finditer(view.text)
    ]
