"""Reports in words: for the log channel of a server, and for the host. Pure: the cogs send it."""

from collections.abc import Sequence

from bot.core.limit_words import fitting
from bot.core.markdown import MAX_MESSAGE, cut, escape, length, newest
from bot.core.reports import Report

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
    why = f": {escape(newest(report.reason, 600))}" if report.reason else " without a reason"
    head = (
        f"{escape(reporter)} reported a text in <#{report.channel_id}>{why}\n{report.link}\n"
        f"-# Text {report.code}, asked for by <@{report.user_id}>\n"
    )
    prompt = newest(report.prompt, _MAX_SHOWN_PROMPT)
    bold = f"**{escape(prompt)}**" if prompt else ""
    room = MAX_MESSAGE - length(head) - _SPOILER - length(bold)
    pieces = cut(report.text, [room]) or [""]
    return f"{head}||{bold}{escape(pieces[0])}||", "".join(pieces[1:])


def reports_shown(reports: Sequence[Report]) -> str:
    """For the host: the newest first, as many as one message holds."""
    if not reports:
        return "There are no reports."
    return fitting([_line(report) for report in reports])


def _line(report: Report) -> str:
    where = "direct messages" if report.guild_id is None else f"server {report.guild_id}"
    reason = f" · “{_clause(report.reason)}”" if report.reason else ""
    return (
        f"- `{report.id}` <t:{report.at_s:.0f}:f> {where}, by <@{report.reporter_id}>, "
        f"of <@{report.user_id}>{reason}\n  {report.link}\n  ||{_clause(report.text)}||"
    )


def _clause(text: str) -> str:
    line = " ".join(text.split())
    short = line if len(line) <= _MAX_CLAUSE else line[: _MAX_CLAUSE - 1] + "…"
    return escape(short) or "…"
