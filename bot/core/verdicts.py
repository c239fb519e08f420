"""Whether a copied text is the bot's and unaltered, and how that is said. Used by `receipts`."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, auto

from bot.core.departures import Departure, departure
from bot.core.markdown import escape, unescape
from bot.core.outputs import Output
from bot.core.receipts import Receipt, canonical, is_signed, is_signed_character
from bot.language import tr

_LINK = re.compile(
    r"https://(?:ptb\.|canary\.)?discord(?:app)?\.com/channels/"
    r"(?P<guild>@me|[0-9]{1,20})/(?P<channel>[0-9]{1,20})/(?P<message>[0-9]{1,20})/?"
)
_IDS = re.compile(r"(?:(?P<channel>[0-9]{1,20})-)?(?P<message>[0-9]{1,20})")


class Finding(Enum):
    """What was found out about a copied text."""

    GENUINE = auto()  # the bot's, and unaltered
    ALTERED = auto()  # the bot wrote another text with this receipt
    MISFIT = auto()  # its signature does not fit, and nothing is kept to compare with
    UNKNOWN = auto()  # there is neither a signature nor a text that is kept


@dataclass(frozen=True, slots=True)
class MessagePlace:
    """Where a message is.

    Attributes:
        guild_id: as the link says it; None where it names no server.
    """

    guild_id: int | None
    channel_id: int
    message_id: int


def read_message_link(text: str, *, here: int) -> MessagePlace | None:
    """The message that a link or an id means; None where it is neither.

    Args:
        text: as somebody typed it.
        here: the channel in which an id alone is looked for.
    """
    text = text.strip().strip("<>")
    if link := _LINK.fullmatch(text):
        guild = None if link["guild"] == "@me" else int(link["guild"])
        return MessagePlace(guild, int(link["channel"]), int(link["message"]))
    if ids := _IDS.fullmatch(text):
        return MessagePlace(None, int(ids["channel"] or here), int(ids["message"]))
    return None


def judge(
    bodies: Sequence[str], receipt: Receipt, *, kept: Sequence[str], keys: Sequence[bytes]
) -> Finding:
    """Whether a copied text is the bot's and unaltered.

    Args:
        bodies: the text without the line under it, in each way in which it may be meant.
        receipt: that came with it.
        kept: the text with this code as it may have been shown; none where it is not kept.
        keys: the host's.
    """
    wanted = set(map(canonical, kept))
    if any(canonical(body) in wanted or is_signed(body, receipt, keys) for body in bodies):
        return Finding.GENUINE
    if kept:
        return Finding.ALTERED
    return Finding.MISFIT if receipt.tag and keys else Finding.UNKNOWN


def first_alteration(body: str, shown: str) -> Departure | None:
    """Where a copied text departs from the one that was shown; None where no letter differs."""
    return departure(unescape(body), shown, counts=is_signed_character)


def verdict_words(
    finding: Finding, output: Output | None, altered_at: Departure | None = None
) -> str:
    """The answer for the one who wants to know. Who asked for the text is nobody's business.

    Args:
        finding: of `judge`.
        output: the text that is kept, or None.
        altered_at: where they depart, if that may be shown.
    """
    match finding:
        case Finding.GENUINE if output is not None:
            return tr("This is a text of mine, and it is unaltered.") + " " + _made(output)
        case Finding.GENUINE:
            return tr(
                "This is a text of mine, and it is unaltered: its signature is right. I don't keep "
                "it any more, so I can't say when it was written, or by which model."
            )
        case Finding.ALTERED if output is not None:
            return _altered(output, altered_at)
        case Finding.MISFIT:
            return tr(
                "This is not what I wrote: the signature of this receipt does not fit the text. "
                "Either the text was altered, or the receipt belongs to another one."
            )
        case _:
            return tr(
                "I can't tell. I keep no text with this receipt (any more), and it has no "
                "signature that I could check."
            )


def _altered(output: Output, altered_at: Departure | None) -> str:
    lines = [tr("This is not what I wrote: it was altered."), _made(output)]
    if altered_at is not None:
        lines += [
            "> " + tr("Here it says: {text}", text=altered_at.quoted(altered_at.here)),
            "> " + tr("I wrote: {text}", text=altered_at.quoted(altered_at.there)),
        ]
    return "\n".join(lines)


def _made(output: Output) -> str:
    return tr(
        "The text with receipt {code} was written by {model} with seed {seed}, {when}.",
        code=output.code,
        model=f"{escape(output.model)} {escape(output.quantization)}",
        seed=output.sampling.seed,
        when=f"<t:{int(output.created_at_s)}:f>",
    )
