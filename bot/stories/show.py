"""How a story looks in Discord: the living message, its status lines, lists and help.

Used by services, the cogs and the worker; sends nothing. All that people wrote is escaped, so that
it can neither ping nor look like a status line.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from bot.core.markdown import MAX_MESSAGE, cut, escape, length, newest
from bot.core.replies import ReplyMessage
from bot.core.showable import has_visible
from bot.language import listed, mark, number, tr, tr_n
from bot.stories.buttons import LETTERS, story_rows
from bot.stories.moves import Near
from bot.stories.passages import Kind, Passage
from bot.stories.story import Mode, Status, Story

STATUS_MARK = "-# 🎲 "
FULL, EMPTY = "▰", "▱"  # of a bar
_BAR = 10  # pieces of a bar
_MOST_NAMES = 6  # in a status line

WORKERS_MARK = "w"  # before a job's id, in the source of what a worker made
_PLAYERS_KINDS = (Kind.SAY, Kind.DO, Kind.TELL)

Mask = Callable[[str], str]

_MODES = {
    Mode.ADVENTURE: mark("adventure"),
    Mode.RELAY: mark("relay"),
    Mode.BRANCHES: mark("branches"),
    Mode.FREE: mark("free writing"),
}
_STATUSES = {
    Status.ACTIVE: mark("being played"),
    Status.PAUSED: mark("paused"),
    Status.LOCKED: mark("locked"),
    Status.ENDED: mark("over"),
}

_BY_NAME = {mode.value: words for mode, words in _MODES.items()}
_BY_STATUS = {status.value: words for status, words in _STATUSES.items()}


def _unmasked(text: str) -> str:
    return text


def without_status(content: str) -> str:
    """A living message's content without its status lines: what remains is the story."""
    lines = content.split("\n")
    while lines and lines[-1].startswith(STATUS_MARK.rstrip()):
        lines.pop()
    return "\n".join(lines)


def mode_name(mode: str) -> str:
    """How people call a mode; of a newer program's as it is."""
    found = _BY_NAME.get(mode)
    return tr(found) if found else escape(mode)


def status_name(status: str) -> str:
    """How people call a status; of a newer program's as it is."""
    found = _BY_STATUS.get(status)
    return tr(found) if found else escape(status)


def one_line(text: str, most: int = 80) -> str:
    """A title or name as it is shown within a line: escaped, without line breaks."""
    flat = " ".join(text.split())
    return escape(flat if len(flat) <= most else flat[: most - 1] + "…")


def moment(at_s: float) -> str:
    """A time as Discord shows it to each reader: "in 5 minutes"."""
    return f"<t:{int(at_s)}:R>"


def bar(count: int, total: int) -> str:
    """A share as a bar that needs no color."""
    full = round(_BAR * count / total) if total else 0
    return FULL * full + EMPTY * (_BAR - full)


def standing(story: Story, near: Near) -> tuple[int, ...]:
    """Which passages the living message shows, where no rule says so.

    The options of an open vote; else where the story stands, with the player's words that brought
    it about.
    """
    if story.vote is not None:
        return story.vote.options
    head = near.passages.get(story.head)
    if head is None:
        return ()
    before = near.passages.get(head.parent)
    if head.is_the_models and before is not None and is_lead(story, before, head.source):
        return (before.number, head.number)
    return (head.number,)


def is_lead(story: Story, before: Passage, source: str) -> bool:
    """Whether a passage stands above the model's words that follow it, in the same message.

    Args:
        story: whose they are.
        before: the passage that the model's follows.
        source: what made the model's, or what is making it.
    """
    if before.kind not in _PLAYERS_KINDS:
        return False
    # There the model answers a player's passage at once, and a retry is in the same message.
    answers = story.mode in {Mode.ADVENTURE, Mode.RELAY}
    return answers or before.source == source.removeprefix(WORKERS_MARK)


def is_party(story: Story) -> bool:
    """Whether it has to be said who wrote what."""
    return len(story.players) > 1 or story.mode is not Mode.ADVENTURE


def words_of(passage: Passage, *, with_name: bool) -> str:
    """A player's words as they are shown, in one string without markup."""
    text = passage.text.strip()
    if passage.kind is Kind.SAY and not text.startswith(('"', "“", "«", "„")):
        text = f"“{text}”"
    return f"{passage.author} ▸ {text}" if with_name and passage.author else text


def lead_text(story: Story, lead: Sequence[Passage]) -> str:
    """Players' words above the model's, as a worker shows them in bold while it writes."""
    party = is_party(story)
    return "\n".join(words_of(one, with_name=party) for one in lead if not one.is_the_models)


@dataclass(frozen=True, slots=True)
class _Part:
    """A piece of the living message's text."""

    text: str
    is_bold: bool = False
    letter: str = ""  # of an option

    def fitting(self, budget: int | None = None) -> str:
        """Escaped; within so many UTF-16 units: of players' words the end, else the beginning."""
        frame = 4 if self.is_bold else len(self.letter) + 6
        text = self.text
        if budget is not None and length(escape(text)) + frame > budget:
            room = max(budget - frame - 1, 1)
            text = newest(text, room + 1) if self.is_bold else cut(text, [room])[0].rstrip() + "…"
        if self.letter:
            return f"**{self.letter}** · {escape(text)}"
        return f"**{escape(text)}**" if self.is_bold else escape(text)

    def plain(self) -> str:
        """For the file."""
        return f"{self.letter}: {self.text}" if self.letter else self.text


def living(
    story: Story,
    shown: Sequence[Passage],
    *,
    mask: Mask = _unmasked,
    lead: str = "",
    label: str | None = None,
    with_status: bool = True,
) -> ReplyMessage:
    """The newest turn's message.

    Args:
        story: as it is now.
        shown: the passages that it shows: those of the newest turn, or a vote's options.
        mask: hides what the server's word filter finds.
        lead: players' words above them (`lead_text`), where they are not in `shown`.
        label: the small line under the text, its line break included; None = made of the passages.
        with_status: False for a message whose turn is over: no status lines and no buttons.

    Returns:
        A message of at most 2,000 units; what does not fit comes as a file that has all of it.
    """
    line = _label(shown) if label is None else label
    status = "".join(f"\n{one}" for one in status_lines(story, mask)) if with_status else ""
    parts = _parts(story, shown, lead, mask)
    body, file_text = _body(parts, MAX_MESSAGE - length(line) - length(status))
    content = body + line + status
    return ReplyMessage(
        content=content if has_visible(body) else content.lstrip("\n"),
        components=story_rows(story) if with_status else [],
        file_text=file_text,
    )


def _parts(story: Story, shown: Sequence[Passage], lead: str, mask: Mask) -> list[_Part]:
    with_name = is_party(story)
    parts = [_Part(mask(lead), is_bold=True)] if has_visible(lead) else []
    options = story.vote.options if story.vote is not None else ()
    for one in shown:
        if one.number in options:
            letter = LETTERS[options.index(one.number)] if len(options) <= len(LETTERS) else "?"
            parts.append(_Part(mask(one.text.strip()), letter=letter))
        elif one.author and one.kind in _PLAYERS_KINDS:
            parts.append(_Part(mask(words_of(one, with_name=with_name)), is_bold=True))
        else:
            parts.append(_Part(mask(one.text.strip("\n"))))
    parts = [part for part in parts if has_visible(part.text)]
    if not parts and story.status is not Status.ENDED:
        return [_Part(tr("The story has no words yet; the first ones are yours."))]
    return parts


def _body(parts: Sequence[_Part], room: int) -> tuple[str, str | None]:
    """The text, and all of it as a file where it does not fit."""
    joined = "\n".join(part.fitting() for part in parts)
    if length(joined) <= room:
        return joined, None
    left, shown = room - len(parts), dict[int, str]()
    # The short ones first: what they don't need is for the long ones.
    order = sorted(range(len(parts)), key=lambda index: length(parts[index].fitting()))
    for done, index in enumerate(order):
        shown[index] = parts[index].fitting(left // (len(parts) - done))
        left -= length(shown[index])
    text = "\n".join(shown[index] for index in range(len(parts)))
    return text, "\n\n".join(part.plain() for part in parts)


def _label(shown: Sequence[Passage]) -> str:
    """Says of the model's words what they are, and of a single text where its record is."""
    written = [one for one in shown if one.is_the_models]
    if len(written) == 1 and written[0].label:
        return written[0].label
    receipts = [one.receipt for one in written]
    if not receipts:
        return ""
    line = "\n-# " + tr("machine-written")
    if len(receipts) == 1 and receipts[0]:
        line += " · " + tr("receipt {code}", code=escape(receipts[0]))
    return line


def status_lines(story: Story, mask: Mask = _unmasked) -> list[str]:
    """What stands below the text: title, whose turn, vote, time left; each marked as such."""
    title = tr(
        "{title} · {mode} · passage {number}",
        title=f"**{one_line(mask(story.title))}**",
        mode=mode_name(story.mode),
        number=story.head,
    )
    return [STATUS_MARK + line for line in (title, *_state_lines(story))]


def _state_lines(story: Story) -> list[str]:
    if story.status is not Status.ACTIVE:
        return [_stopped_line(story)]
    if story.pending is not None:
        return [tr("The model is writing.")]
    if story.vote is not None:
        return vote_lines(story)
    if story.mode is Mode.RELAY:
        return [_turn_line(story)]
    if story.mode is Mode.ADVENTURE and story.players:
        return [tr("Players: {names}", names=_names([one.name for one in story.players]))]
    return []


def _stopped_line(story: Story) -> str:
    if story.status is Status.PAUSED:
        return tr("⏸️ Paused: no time runs, and nobody can write until it goes on.")
    if story.status is Status.LOCKED:
        return tr("🔒 Locked by a moderator, who alone can unlock it.")
    return tr("🏁 The story is over; it can be read, exported and loaded again.")


def vote_lines(story: Story) -> list[str]:
    """How a vote stands: bars with numbers, and when it ends."""
    vote = story.vote
    if vote is None:
        return []
    tally, total = vote.tally(), len(vote.ballots)
    lines = [
        f"{letter} {bar(tally[option], total)} {number(tally[option])}"
        for letter, option in zip(LETTERS, vote.options, strict=False)
    ]
    ends = tr_n(
        "The vote closes {when}, or with {n} vote.",
        "The vote closes {when}, or with {n} votes.",
        story.quorum,
        when=moment(vote.closes_at_s),
    )
    return [*lines, ends]


def _turn_line(story: Story) -> str:
    if not story.players:
        return tr("Nobody plays yet: join to take the first turn.")
    count = len(story.players)
    now = story.players[story.turn % count]
    then = [story.players[(story.turn + step) % count].name for step in range(1, count)]
    name = f"**{one_line(now.name)}**"
    if story.turn_until_s is None:
        line = tr("▶ {name} writes now", name=name)
    else:
        line = tr(
            "▶ {name} writes now; the turn passes {when}",
            name=name,
            when=moment(story.turn_until_s),
        )
    return line + (" · " + tr("then {names}", names=_names(then)) if then else "")


def _names(names: Collection[str]) -> str:
    shown = [one_line(name) for name in list(names)[:_MOST_NAMES]]
    if more := len(names) - len(shown):
        return tr_n("{names} and {n} more", "{names} and {n} more", more, names=listed(shown))
    return listed(shown)
