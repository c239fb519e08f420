"""Reports in words: for the log channel of a server, and for the host. Pure: the cogs send it."""

from collections.abc import Sequence

from bot.core.limit_words import fitting
from bot.core.markdown import MAX_MESSAGE, cut, escape, length, newest
from bot.core.reports import Report
from bot.language import tr

_MAX_CLAUSE = 100  # characters of a text or reason in the host's list
_SPOILER = 4  # its marks
_MAX_SHOWN_PROMPT = 400


def log_notice(report: Report, reporter: str) -> tuple[str, str]:
    """What the moderators read, and what did not fit into it.

    Args:
        report: what was reported.
        reporter: who did; pings nobody.

    Returns:
        A message with the text behind a click, and the rest of the text, maybe none.
    """
    whose = tr(
        "Text {code}, asked for by {member}", code=report.code, member=f"<@{report.user_id}>"
    )
    head = f"{_reported(report, reporter)}\n{report.link}\n-# {whose}\n"
    prompt = newest(report.prompt, _MAX_SHOWN_PROMPT)
    bold = f"**{escape(prompt)}**" if prompt else ""
    room = MAX_MESSAGE - length(head) - _SPOILER - length(bold)
    pieces = cut(report.text, [room]) or [""]
    return f"{head}||{bold}{escape(pieces[0])}||", "".join(pieces[1:])


def reports_shown(reports: Sequence[Report]) -> str:
    """For the host: the newest first, as many as one message holds."""
    if not reports:
        return tr("There are no reports.")
    return fitting([_line(report) for report in reports])


def _reported(report: Report, reporter: str) -> str:
    who, where = escape(reporter), f"<#{report.channel_id}>"
    if not report.reason:
        return tr(
            "{member} reported a text in {channel} without a reason", member=who, channel=where
        )
    why = escape(newest(report.reason, 600))
    return tr(
        "{member} reported a text in {channel}: {reason}", member=who, channel=where, reason=why
    )


def _line(report: Report) -> str:
    if report.guild_id is None:
        where = tr("direct messages")
    else:
        where = tr("server {id}", id=report.guild_id)
    about = tr(
        "{when} {where}, by {reporter}, of {asker}",
        when=f"<t:{report.at_s:.0f}:f>",
        where=where,
        reporter=f"<@{report.reporter_id}>",
        asker=f"<@{report.user_id}>",
    )
    if report.reason:
        about += " · " + tr("“{reason}”", reason=_clause(report.reason))
    return f"- `{report.id}` {about}\n  {report.link}\n  ||{_clause(report.text)}||"


def _clause(text: str) -> str:
    line = " ".join(text.split())
    short = line if len(line) <= _MAX_CLAUSE else line[: _MAX_CLAUSE - 1] + "…"
    return escape(short) or "…"
