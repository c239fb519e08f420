"""How a reply looks at each moment of its life: waiting, growing, finished, failed.

The worker and the cogs render with it; it knows Discord's markup and bounds, and sends nothing.
"""

from dataclasses import dataclass, field, replace
from typing import Any

from bot.core.markdown import MAX_MESSAGE, cut, escape, length, newest, shortened
from bot.core.queue_words import duration
from bot.core.showable import has_visible
from bot.language import number, tr, tr_n

UNFINISHED_MARK = "▌"
FILE_NAME = "rest-of-the-text.txt"  # of what does not fit into the messages
MAX_PARTS = 3  # messages a text may take; what is left comes as a file
_SPOILER = "||||"
_MAX_SHOWN_PROMPT = 1000  # of a longer prompt the end is shown: what the text goes on from


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """A picture at a message.

    Attributes:
        png: its bytes.
        name: of the file, ending in .png.
        description: what it shows, for those who don't see it; at most 1,024 characters.
    """

    png: bytes
    name: str
    description: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplyMessage:
    """One message as it is to be posted.

    Attributes:
        content: at most 2,000 characters of Discord's markdown.
        components: rows of buttons as Discord's JSON; empty takes them away.
        file_text: a text to attach as a file, or None.
        picture: a picture to attach instead, or None.
    """

    content: str
    components: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    file_text: str | None = None
    picture: Picture | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """The small line under every text: it is a machine's, whose, and how to make it again.

    Attributes:
        model: its name.
        quantization: of its weights.
        seed: the text's.
        is_repeatable: whether the same seed makes the same text again, to the letter.
        notes: what else there is to say.
        receipt: the text's code, or "" where nothing is kept of it.
    """

    model: str
    quantization: str
    seed: int
    is_repeatable: bool = True
    notes: tuple[str, ...] = ()
    receipt: str = ""

    def line(self) -> str:
        """The line in Discord's small print, with the line break before it."""
        shown = (
            f"{escape(self.model)} {escape(self.quantization)}",
            tr("machine-written"),
            tr("seed {seed}", seed=self.seed)
            if self.is_repeatable
            else tr("seed {seed} (may differ next time)", seed=self.seed),
            *((tr("receipt {code}", code=self.receipt),) if self.receipt else ()),
            *self.notes,
        )
        return "\n-# " + " · ".join(shown)


@dataclass(frozen=True, slots=True, kw_only=True)
class FinalReply:
    """A finished text as messages.

    Attributes:
        parts: one to three messages, the label under the last one.
        file_text: what did not fit into them, for a file at the last one; None if all did.
        pieces: the continuation as it was cut: one piece a part, then the file's.
        label: the line under the text.
    """

    parts: tuple[str, ...]
    file_text: str | None
    pieces: tuple[str, ...]
    label: str

    def from_part_on(self, index: int) -> str:
        """The plain text of all parts from `index` (0 = the first) on, file included."""
        return "".join(self.pieces[index:])


def waiting(
    place: int, *, eta_s: float | None = None, own_share: bool = False, workers_alive: bool = True
) -> str:
    """The notice of a text that has to wait.

    Args:
        place: in line, from 1.
        eta_s: seconds until it starts, where somebody knows.
        own_share: whether it waits for its own server's texts more than for others.
        workers_alive: whether any worker is there to serve the line.
    """
    if not workers_alive:
        return tr(
            "No worker is running right now. Your text is number {place} in line and starts as "
            "soon as one is back.",
            place=number(place),
        )
    if eta_s is None:
        told = tr(
            "All hands are writing. Your text is number {place} in line.", place=number(place)
        )
    else:
        told = tr(
            "All hands are writing. Your text is number {place} in line and starts in {wait}.",
            place=number(place),
            wait=duration(eta_s),
        )
    if not own_share:
        return told
    why = tr("Most texts before it are this server's own: each server has its share of the time.")
    return f"{told}\n{why}"


def running(prompt: str, text: str) -> str:
    """A text that still grows: its newest part where it is longer than a message."""
    head = _head(prompt)
    room = MAX_MESSAGE - length(head) - length(UNFINISHED_MARK)
    return head + escape(newest(text, room)) + UNFINISHED_MARK


def final(prompt: str, text: str, label: Label, *, max_parts: int = MAX_PARTS) -> FinalReply:
    """A text that is finished.

    Args:
        prompt: shown in bold before the text; of a long one, the end.
        text: the continuation, shown whole: in up to three messages, then as a file.
        label: says what wrote it.
        max_parts: messages that it may take.
    """
    head, line = _head(prompt), label.line()
    if not has_visible(text):
        line += " · " + tr("the model had nothing to add")
    room = MAX_MESSAGE - length(line) - 1  # for what `_visible` may add
    pieces = cut(text, [room - length(head), room]) or [""]
    # Discord refuses a message of blanks alone.
    shown = [_visible(piece) for piece in pieces[:max_parts]]
    if head:
        shown[0] = head + escape(pieces[0])
    shown[-1] += line
    return FinalReply(
        parts=tuple(shown),
        file_text="".join(pieces[max_parts:]) or None,
        pieces=tuple(pieces),
        label=line,
    )


def page(prompt: str, text: str, label: Label, *, is_hidden: bool = False) -> ReplyMessage:
    """One version of a text as a single message, for a reply whose versions can be turned over.

    Args:
        prompt: as in `final`.
        text: shown as far as there is room; the rest comes as a file.
        label: says what wrote it.
        is_hidden: whether all of it is behind a click, because somebody reported it.

    Returns:
        A message without buttons.
    """
    notes = (*label.notes, tr("hidden after a report")) if is_hidden else label.notes
    reply = final(prompt, text, replace(label, notes=notes), max_parts=1)
    content, rest = reply.parts[0].removesuffix(reply.label), reply.file_text
    if not is_hidden:
        return ReplyMessage(content=reply.parts[0], file_text=rest)
    room = MAX_MESSAGE - length(reply.label) - length(_SPOILER)
    if length(content) > room:  # the little that the marks take
        pieces = cut(text, [room - length(_head(prompt))]) or [""]
        content, rest = _head(prompt) + escape(pieces[0]), text[len(pieces[0]) :]
    # Escaped, the text has no bar of its own that could end the spoiler.
    return ReplyMessage(content=f"||{content}||{reply.label}", file_text=rest)


def shown_text(prompt: str, text: str) -> str:
    """What a member can read of a finished text, all of its messages and its file together.

    This is what a receipt signs (`receipts.sign`). Of a long prompt it is the end.

    Args:
        prompt: as it was asked for.
        text: the continuation as it is shown: with what the server's word filter hides.
    """
    return newest(prompt, _MAX_SHOWN_PROMPT) + text


def _visible(piece: str) -> str:
    """A piece as it is shown; where nothing of it is to be seen, with an ellipsis."""
    return escape(piece) if has_visible(piece) else escape(piece).strip() + "…"


def stopped_in_line(shown: str) -> str:
    """What becomes of a reply whose text was stopped while no worker had it.

    Args:
        shown: the reply's content; a part of a text stands there when a worker went away.
    """
    line = "\n-# " + tr("machine-written") + " · " + tr("stopped by request")
    if shown.endswith(line):  # by an earlier click
        return shown
    if not shown.endswith(UNFINISHED_MARK):
        return tr("Stopped before it began.")
    text = shown.removesuffix(UNFINISHED_MARK)
    return shortened(text, MAX_MESSAGE - length(line)) + line


def dropped(*, is_server: bool) -> str:
    """What becomes of a reply whose text waited when the host shut its asker or server out."""
    if is_server:
        return tr("This text was dropped because the host of this bot has blocked this server.")
    return tr("This text was dropped because the host of this bot has blocked you.")


def failure(sentence: str, error_id: str) -> str:
    """A sentence in place of a text, with the id that the log has too."""
    return f"{sentence}\n-# " + tr("Error {id}", id=error_id)


def left_out(*, prompt: int, pinned: int) -> tuple[str, ...]:
    """Notes for the label on what the model did not read.

    Args:
        prompt: tokens of the prompt's beginning.
        pinned: tokens of the pinned text's end.
    """
    notes: list[str] = []
    if pinned:
        notes.append(
            tr_n(
                "the last token of the pinned text did not fit",
                "the last {n} tokens of the pinned text did not fit",
                pinned,
            )
        )
    if prompt:
        notes.append(
            tr_n(
                "the first token of the prompt did not fit",
                "the first {n} tokens of the prompt did not fit",
                prompt,
            )
        )
    return tuple(notes)


def tried_again(error_id: str) -> str:
    """The engine failed, and somebody is about to write the text anew."""
    return failure(tr("The engine failed on this text; it is tried again."), error_id)


def expired(error_id: str) -> str:
    """Nobody could write the text before Discord closed its reply."""
    return failure(tr("This text waited too long and was not written; please ask again."), error_id)


def exhausted(error_id: str) -> str:
    """Every attempt ended without a text."""
    return failure(
        tr(
            "I tried several times and could not write this text; please ask again, or ask the "
            "host."
        ),
        error_id,
    )


def _head(prompt: str) -> str:
    """The prompt in bold. Escaped, so that nothing in it can end the bold or open a fence.

    Empty where there is none: a text that the model began by itself.
    """
    if not prompt:
        return ""
    return f"**{escape(newest(prompt, _MAX_SHOWN_PROMPT))}**"
