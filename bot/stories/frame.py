"""What the model reads of a passage, and how names are made safe to stand in it.

Nothing that a player writes or is called can look like another player's line: that is what the
model's text is cut at, and what tells whose turn it was.
"""

import re
import unicodedata
from collections.abc import Collection, Sequence

from bot.core.confusables import is_invisible
from bot.core.showable import showable
from bot.stories.passages import Kind, Passage
from bot.stories.story import MAX_NAME_CHARACTERS, Mode, Story

_PROMPT_MARK = ">"  # at the beginning of a player's line in an adventure
_SAFE_MARK = "›"
_NOT_IN_NAMES = re.compile(r"[>:@#<*_`~|\\\"“”„«»'\[\](){}]")
_LINE_MARKS = re.compile(r"^([ \t]*)>", re.MULTILINE)
_FIRST_PERSON = re.compile(r"^i\b(?!['’])", re.IGNORECASE)
_QUOTES = ('"', "“", "«", "„")


def player_name(raw: str, taken: Collection[str], user_id: int) -> str:
    """How a player is called in a story: one line of plain letters, unlike all others.

    Args:
        raw: how Discord shows them.
        taken: names of others.
        user_id: makes a name where nothing else does.
    """
    plain = "".join(
        " " if unicodedata.category(one)[0] in "CZ" else one
        for one in unicodedata.normalize("NFC", raw)
        if not is_invisible(one)
    )
    name = " ".join(_NOT_IN_NAMES.sub("", showable(plain)).split())[:MAX_NAME_CHARACTERS].strip()
    if not any(one.isalnum() for one in name):
        name = f"Player {user_id % 10_000}"
    others = {one.casefold() for one in taken}
    base, number = name, 2
    while name.casefold() in others:
        name = f"{base[: MAX_NAME_CHARACTERS - 4].rstrip()} {number}"
        number += 1
    return name


def framed(passage: Passage, mode: Mode, is_party: bool) -> str:
    """What the model reads of a passage.

    Args:
        passage: any.
        mode: of its story.
        is_party: whether several play, so that it has to be said who acts.
    """
    text = passage.text
    if passage.is_the_models:
        return text
    safe = _LINE_MARKS.sub(rf"\1{_SAFE_MARK}", text.strip())
    if mode is Mode.ADVENTURE and passage.kind in {Kind.DO, Kind.SAY}:
        line = " ".join((_said(safe) if passage.kind is Kind.SAY else _done(safe)).split())
        who = f"{passage.author}: " if is_party and passage.author else ""
        return f"\n\n{_PROMPT_MARK} {who}{line}\n\n"
    if passage.kind is Kind.SAY:
        quoted = safe if safe.startswith(_QUOTES) else f'"{safe}"'
        who = f"{passage.author}: " if passage.author else ""
        return f"\n\n{who}{quoted}\n\n"
    return f"\n\n{safe}" if passage.kind is not Kind.OPENING else safe


def story_text(path: Sequence[Passage], story: Story) -> str:
    """What the model reads of a path, the oldest passage first."""
    is_party = len(story.players) > 1
    return "".join(framed(passage, story.mode, is_party) for passage in path)


def _said(text: str) -> str:
    return f"You say {text}" if text.startswith(_QUOTES) else f'You say "{text}"'


def _done(text: str) -> str:
    """In the second person, and a whole sentence."""
    text = _FIRST_PERSON.sub("You", text)
    if not text.casefold().startswith("you "):
        text = f"You {text[:1].lower()}{text[1:]}"
    return text if text.endswith((".", "!", "?", "…", '"', "”")) else f"{text}."
