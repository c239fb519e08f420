"""What a member is told of the data that is kept of them. Used by `services/privacy`.

The words of a host's own policy stand elsewhere; these say what this program does.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from bot.core.usage import RECORD_DAYS
from bot.language import number, slash, tr, tr_n


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    """What one store keeps of somebody.

    Attributes:
        what: such as "Texts", in the language that is spoken; begins a line.
        count: how many.
        until_s: when the last of them goes by itself (Unix time); None where there are none, or
            where nobody knows.
        stays: whether it stays until then, also where the member wants it deleted.
    """

    what: str
    count: int
    until_s: float | None = None
    stays: bool = False

    def line(self) -> str:
        """As it stands in a list."""
        if not self.count or self.until_s is None:
            return _line(self.what, self.count)
        return "- " + tr(
            "{what}: {count}, the last until {when}",
            what=self.what,
            count=number(self.count),
            when=f"<t:{int(self.until_s)}:f>",
        )


def policy(keep_days: int, url: str) -> str:
    """What this program keeps, how long, and who sees it.

    Args:
        keep_days: how long texts are kept.
        url: the host's own policy, or "".
    """
    sentences = (
        tr_n(
            "A text is kept for {n} day with its prompt, for its buttons, {replay} and {verify}.",
            "A text is kept for {n} days with its prompt, for its buttons, {replay} and {verify}.",
            keep_days,
            replay=slash("replay"),
            verify=slash("verify"),
        ),
        tr(
            "Of each request in a server its time, place, size and your id are noted for {days} "
            "days, without a word of it.",
            days=number(RECORD_DAYS),
        ),
        tr("Limits count what you used until it has come back, mostly within a day."),
        tr(
            "A text in the making is kept for an hour after its end at most, or until the host "
            "has looked at it where it failed for good."
        ),
        tr("Server settings name who changed them."),
        tr(
            "Nobody but the host of this bot can look into all this; admins see counts and the "
            "log of their settings."
        ),
    )
    lines = ["-# " + " ".join(sentences)]
    if url:
        lines.append("-# " + tr("The host's own privacy policy: {link}", link=f"<{url}>"))
    return "\n".join(lines)


def shown(holdings: Sequence[Holding], keep_days: int, url: str) -> str:
    """The answer to `/privacy show`."""
    lines = [tr("**What I keep of you**"), *(holding.line() for holding in holdings)]
    lines.append(
        tr(
            "{export} gives you a copy; {delete} removes it, in all servers at once.",
            export=slash("privacy export"),
            delete=slash("privacy delete"),
        )
    )
    return "\n".join((*lines, policy(keep_days, url)))


def question(holdings: Sequence[Holding]) -> str:
    """What is asked before anything is deleted."""
    goes = [holding.line() for holding in holdings if not holding.stays]
    lines = [
        tr(
            "**Delete what I keep of you?** It can't be taken back. Your texts stay where they are "
            "in Discord, but their buttons, {replay} and reports no longer find them.",
            replay=slash("replay"),
        ),
        *goes,
    ]
    if stays := _staying(holdings):
        lines.append(stays)
    return "\n".join(lines)


def deleted(before: Sequence[Holding], counts: Sequence[int]) -> str:
    """What is said when it is done.

    Args:
        before: what there was.
        counts: how many of each were removed, in the same order.
    """
    gone = zip(before, counts, strict=True)
    lines = [tr("**Deleted**"), *(_line(one.what, n) for one, n in gone if not one.stays)]
    if stays := _staying(before):
        lines.append(stays)
    lines.append(tr("A text that is still being written is kept anew when it is done."))
    return "\n".join(lines)


def _line(what: str, count: int) -> str:
    return "- " + tr("{what}: {count}", what=what, count=number(count))


def _staying(holdings: Sequence[Holding]) -> str:
    """Why something is not deleted; "" where there is nothing of that kind."""
    staying = [holding for holding in holdings if holding.stays and holding.count]
    if not staying:
        return ""
    return "\n".join(
        (
            tr("This stays until it lapses, because deleting it would give you a fresh allowance:"),
            *(holding.line() for holding in staying),
        )
    )
