"""What was used, and what a limit would have done, in words: messages and texts for pictures.

Called by `services.usage`. A picture's text says all that the picture says, for those who can't
see it; Discord takes at most `MAX_ALT_TEXT` characters of it.
"""

import unicodedata
from collections.abc import Callable, Sequence

from bot.core.limit_buckets import Scope
from bot.core.limit_words import rate_in_words
from bot.core.simulation import Proposal, Simulation
from bot.core.usage import Counts, DayUsage
from bot.language import listed, number, percent, short_date, tr, tr_n

MAX_ALT_TEXT = 1024
_SPANS = {60: "minute", 3600: "hour", 86_400: "day", 604_800: "week"}
_NAME, _NUMBER = 14, 8  # widths of a table's columns, as many as a phone shows in a line


def stats_text(days: Sequence[DayUsage]) -> str:
    """The message over a picture of usage: a table that fits a phone.

    Args:
        days: at least one; all in a row.
    """
    total = Counts.total(day.counts for day in days)
    lines = [
        tr_n(
            "**What was used here in the last day** (UTC)",
            "**What was used here in the last {n} days** (UTC)",
            len(days),
        ),
        "```",
        _line("", tr("total"), tr("a day"), tr("most")),
        _row(tr("texts"), days, lambda one: one.jobs),
        _row(tr("tokens written"), days, lambda one: one.tokens_written),
        _row(tr("tokens read"), days, lambda one: one.tokens_read),
        _row(tr("refused"), days, lambda one: one.refused),
        "```",
        _refusals(total),
        _waits(total),
    ]
    return "\n".join(line for line in lines if line)


def stats_alt_text(days: Sequence[DayUsage]) -> str:
    """What a picture of usage shows, in words."""
    total = Counts.total(day.counts for day in days)
    busiest = max(days, key=lambda day: day.counts.jobs)
    sentences = [
        tr(
            "Four charts by day, from {first} to {last}.",
            first=short_date(days[0].day),
            last=short_date(days[-1].day),
        ),
        tr(
            "Texts: {total} in all, most of them on {day}: {most}.",
            total=number(total.jobs),
            day=short_date(busiest.day),
            most=number(busiest.counts.jobs),
        ),
        tr(
            "Tokens: {written} written and {read} read.",
            written=number(total.tokens_written),
            read=number(total.tokens_read),
        ),
        _waits(total),
        _refusals(total) or tr("Nothing was refused."),
    ]
    if len(days) <= 7:
        by_day = (f"{short_date(day.day)}: {number(day.counts.jobs)}" for day in days)
        sentences.append(tr("Texts by day: {by_day}.", by_day=listed(by_day)))
    return _cut(" ".join(sentence for sentence in sentences if sentence))


def nothing_used(n_days: int) -> str:
    """The message where there is nothing to draw."""
    return tr_n(
        "Nothing was asked here in the last day, so there is nothing to show.",
        "Nothing was asked here in the last {n} days, so there is nothing to show.",
        n_days,
    )


def nothing_to_replay() -> str:
    """The message where no request is about a proposed limit."""
    return tr(
        "In the last 7 days nobody asked for anything that this limit is about, so there is "
        "nothing to replay."
    )


def simulation_text(simulation: Simulation) -> str:
    """The message over a picture of a simulation."""
    lines = [
        tr("**If there were a limit** – {limit}", limit=limit_in_words(simulation.proposal)),
        _verdict(simulation),
        "```",
        _line(tr("day (UTC)"), tr("asked"), tr("refused")),
        *(
            _line(day.day.isoformat(), number(day.allowed + day.refused), number(day.refused))
            for day in simulation.days
        ),
        "```",
        _shares(simulation),
        "-# "
        + tr("Nothing was changed. Requests that a limit or the queue refused were replayed too."),
    ]
    if simulation.proposal.leaves_out_exempt:
        lines.append(
            "-# " + tr("Members whose roles are exempt from personal limits are left out.")
        )
    return "\n".join(lines)


def simulation_alt_text(simulation: Simulation) -> str:
    """What a picture of a simulation shows, in words."""
    by_day = listed(
        tr(
            "{day}: {asked} and {refused}",
            day=short_date(day.day),
            asked=number(day.allowed + day.refused),
            refused=number(day.refused),
        )
        for day in simulation.days
    )
    return _cut(
        tr(
            "Two charts. {verdict} By day, asked and refused: {by_day}. {shares}",
            verdict=_verdict(simulation),
            by_day=by_day,
            shares=_shares(simulation),
        )
    )


def limit_in_words(proposal: Proposal) -> str:
    """A proposed limit as a clause, such as "each member: 20 requests per hour (5 at once)"."""
    span = _SPANS.get(proposal.per_s)
    if span is None:
        rate = tr_n(
            "{amount} in each {n} second", "{amount} in each {n} seconds", proposal.per_s,
            amount=number(proposal.amount),
        )  # fmt: skip
    else:
        rate = rate_in_words(proposal.amount, proposal.unit, span)
    if proposal.burst is not None:
        rate = tr("{rate} ({burst} at once)", rate=rate, burst=number(proposal.burst))
    return tr("{whom}: {rate}", whom=_whom(proposal), rate=rate)


def _whom(proposal: Proposal) -> str:
    match proposal.scope:
        case Scope.SERVER:
            return tr("the whole server")
        case Scope.CHANNEL if proposal.channel_id is None:
            return tr("each channel")
        case Scope.CHANNEL:
            return f"<#{proposal.channel_id}>"
        case Scope.ROLE:
            return tr("each member with {role}", role=f"<@&{proposal.role_id}>")
        case Scope.MEMBER:
            return tr("each member")
        case _:
            return f"<@{proposal.user_id}>"


def percents(simulation: Simulation) -> tuple[int, int]:
    """The shares of the first and of the first five members, in percent."""
    return round(simulation.top_1 * 100), round(simulation.top_5 * 100)


def duration(seconds: float) -> str:
    """A time as a person says it, in the largest unit that leaves a number of two digits."""
    if seconds >= 2 * 86_400:
        return tr_n("{n} day", "{n} days", round(seconds / 86_400))
    if seconds >= 2 * 3600:
        return tr_n("{n} hour", "{n} hours", round(seconds / 3600))
    if seconds >= 2 * 60:
        return tr_n("{n} minute", "{n} minutes", round(seconds / 60))
    return tr("{seconds} s", seconds=number(round(seconds, 1) if seconds < 10 else round(seconds)))


def _verdict(simulation: Simulation) -> str:
    asked, refused = simulation.asked, simulation.refused
    if not refused:
        return tr(
            "Of all requests of the last 7 days it would have refused none: {asked} requests from "
            "{members} members.",
            asked=number(asked),
            members=number(simulation.members),
        )
    sentences = [
        tr_n(
            "It would have refused {refused} of the {n} request of the last 7 days ({share}).",
            "It would have refused {refused} of the {n} requests of the last 7 days ({share}).",
            asked,
            refused=number(refused),
            share=_percent(refused / asked),
        ),
        tr_n(
            "Of {n} member, {refused} would have been refused at least once.",
            "Of {n} members, {refused} would have been refused at least once.",
            simulation.members,
            refused=number(simulation.members_refused),
        ),
    ]
    if simulation.longest_wait_s:
        wait = duration(simulation.longest_wait_s)
        sentences.append(tr("The longest wait until it is allowed again: {wait}.", wait=wait))
    if simulation.too_large:
        sentences.append(
            tr_n(
                "{n} of them costs more than may be used at once, so waiting would not help it.",
                "{n} of them cost more than may be used at once, so waiting would not help them.",
                simulation.too_large,
            )
        )
    return " ".join(sentences)


def _shares(simulation: Simulation) -> str:
    first, five = percents(simulation)
    return tr(
        "Tokens: {first} went to the most active member, {next} to the next four, {rest} to all "
        "others.",
        first=percent(first / 100),
        next=percent((five - first) / 100),
        rest=percent((100 - five) / 100),
    )


def _refusals(total: Counts) -> str:
    if not total.refused:
        return ""
    return tr(
        "Refused: {limit} by a limit, {queue} by the queue, {other} for other reasons.",
        limit=number(total.refused_limit),
        queue=number(total.refused_queue),
        other=number(total.refused_other),
    )


def _waits(total: Counts) -> str:
    half, most = total.wait_s(0.5), total.wait_s(0.95)
    if half is None or most is None:
        return ""
    return tr(
        "Waits: half of the texts began within {half}, {share} within {most}.",
        half=duration(half),
        share=percent(0.95),
        most=duration(most),
    )


def _row(name: str, days: Sequence[DayUsage], value_of: Callable[[Counts], int]) -> str:
    values = [value_of(day.counts) for day in days]
    mean = sum(values) / len(values)
    shown = number(round(mean, 1)) if 0 < mean < 10 else _short(round(mean))
    return _line(name, _short(sum(values)), shown, _short(max(values)))


def _line(name: str, *numbers: str) -> str:
    """A line of a table: a name at the left, numbers at the right of their columns."""
    gap = " " * max(0, _NAME - _cells(name))
    columns = (" " * max(1, _NUMBER - _cells(one)) + one for one in numbers)
    return name + gap + "".join(columns)


def _cells(text: str) -> int:
    """How wide a text is where all letters are of one width; Chinese ones take two."""
    return sum(2 if unicodedata.east_asian_width(one) in "WF" else 1 for one in text)


def _short(value: int) -> str:
    """A whole number in at most seven characters."""
    for unit, size in (("B", 1e9), ("M", 1e6)):
        if value >= size:
            return f"{number(round(value / size, 1))}{unit}"
    return number(value)


def _percent(share: float) -> str:
    if share < 0.01:
        return tr("less than {share}", share=percent(0.01))
    return percent(share)


def _cut(text: str) -> str:
    return text if len(text) <= MAX_ALT_TEXT else text[: MAX_ALT_TEXT - 1] + "…"
