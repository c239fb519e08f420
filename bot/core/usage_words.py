"""What was used, and what a limit would have done, in words: messages and texts for pictures.

Called by `services.usage`. A picture's text says all that the picture says, for those who can't
see it; Discord takes at most `MAX_ALT_TEXT` characters of it.
"""

from collections.abc import Callable, Sequence
from datetime import date

from bot.core.limit_buckets import Scope
from bot.core.simulation import Proposal, Simulation
from bot.core.usage import Counts, DayUsage

MAX_ALT_TEXT = 1024
# Not by strftime: that speaks the language of the host's machine.
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_SPANS = {60: "minute", 3600: "hour", 86_400: "day", 604_800: "week"}


def stats_text(days: Sequence[DayUsage]) -> str:
    """The message over a picture of usage: a table that fits a phone.

    Args:
        days: at least one; all in a row.
    """
    total = Counts.total(day.counts for day in days)
    rows = [
        _row("texts", days, lambda one: one.jobs),
        _row("tokens written", days, lambda one: one.tokens_written),
        _row("tokens read", days, lambda one: one.tokens_read),
        _row("refused", days, lambda one: one.refused),
    ]
    head = f"{'':<14}{'total':>8}{'a day':>8}{'most':>8}"
    lines = [
        f"**What was used here in the last {len(days)} days** (UTC)",
        "```",
        head,
        *rows,
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
        f"Four charts by day, from {short_date(days[0].day)} to {short_date(days[-1].day)}.",
        f"Texts: {total.jobs:,} in all, most of them on {short_date(busiest.day)}: "
        f"{busiest.counts.jobs:,}.",
        f"Tokens: {total.tokens_written:,} written and {total.tokens_read:,} read.",
        _waits(total),
        _refusals(total) or "Nothing was refused.",
    ]
    if len(days) <= 7:
        by_day = ", ".join(f"{short_date(day.day)}: {day.counts.jobs:,}" for day in days)
        sentences.append(f"Texts by day: {by_day}.")
    return _cut(" ".join(sentence for sentence in sentences if sentence))


def nothing_used(n_days: int) -> str:
    """The message where there is nothing to draw."""
    return f"Nothing was asked here in the last {n_days} days, so there is nothing to show."


def nothing_to_replay() -> str:
    """The message where no request is about a proposed limit."""
    return (
        "In the last 7 days nobody asked for anything that this limit is about, so there is "
        "nothing to replay."
    )


def simulation_text(simulation: Simulation) -> str:
    """The message over a picture of a simulation."""
    lines = [
        f"**If there were a limit: {limit_in_words(simulation.proposal)}**",
        _verdict(simulation),
        "```",
        f"{'day (UTC)':<12}{'asked':>8}{'refused':>9}",
        *(
            f"{day.day.isoformat():<12}{day.allowed + day.refused:>8,}{day.refused:>9,}"
            for day in simulation.days
        ),
        "```",
        _shares(simulation),
        "-# Nothing was changed. Requests that a limit or the queue refused were replayed too.",
    ]
    if simulation.proposal.leaves_out_exempt:
        lines.append("-# Members whose roles are exempt from personal limits are left out.")
    return "\n".join(lines)


def simulation_alt_text(simulation: Simulation) -> str:
    """What a picture of a simulation shows, in words."""
    by_day = ", ".join(
        f"{short_date(day.day)}: {day.allowed + day.refused:,} and {day.refused:,}"
        for day in simulation.days
    )
    return _cut(
        f"Two charts. {_verdict(simulation)} By day, asked and refused: {by_day}. "
        f"{_shares(simulation)}"
    )


def limit_in_words(proposal: Proposal) -> str:
    """A proposed limit as a clause, such as "20 requests an hour for each member"."""
    whom = {
        Scope.SERVER: "for all of the server together",
        Scope.CHANNEL: "for each channel"
        if proposal.channel_id is None
        else f"for all in <#{proposal.channel_id}> together",
        Scope.ROLE: f"for each member with the role <@&{proposal.role_id}>",
        Scope.MEMBER: "for each member",
        Scope.USER: f"for <@{proposal.user_id}>",
    }[proposal.scope]
    span = _SPANS.get(proposal.per_s, f"{proposal.per_s} s")
    burst = "" if proposal.burst is None else f", at most {proposal.burst:,} at once"
    unit = proposal.unit.value
    return f"{proposal.amount:,} {unit} in each {span} {whom}{burst}"


def percents(simulation: Simulation) -> tuple[int, int]:
    """The shares of the first and of the first five members, in percent."""
    return round(simulation.top_1 * 100), round(simulation.top_5 * 100)


def duration(seconds: float) -> str:
    """A time as a person says it, in the largest unit that leaves a number of two digits."""
    for size, unit in ((86_400, "days"), (3600, "hours"), (60, "minutes")):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"


def _verdict(simulation: Simulation) -> str:
    asked, refused = simulation.asked, simulation.refused
    if not refused:
        return (
            f"It would have refused none of the {asked:,} requests of the last 7 days, from "
            f"{simulation.members:,} members."
        )
    sentences = [
        f"It would have refused {refused:,} of the {asked:,} requests of the last 7 days "
        f"({_percent(refused / asked)}).",
        f"Of {simulation.members:,} members, {simulation.members_refused:,} would have been "
        "refused at least once.",
    ]
    if simulation.longest_wait_s:
        sentences.append(
            f"The longest wait until it is allowed again: {duration(simulation.longest_wait_s)}."
        )
    if simulation.too_large:
        sentences.append(
            f"{simulation.too_large:,} of them cost more than may be used at once, so waiting "
            "would not help them."
        )
    return " ".join(sentences)


def _shares(simulation: Simulation) -> str:
    first, five = percents(simulation)
    return (
        f"Tokens: {first} % went to the most active member, {five - first} % to the next four, "
        f"{100 - five} % to all others."
    )


def _refusals(total: Counts) -> str:
    if not total.refused:
        return ""
    return (
        f"Refused: {total.refused_limit:,} by a limit, {total.refused_queue:,} by the queue, "
        f"{total.refused_other:,} for other reasons."
    )


def _waits(total: Counts) -> str:
    half, most = total.wait_s(0.5), total.wait_s(0.95)
    if half is None or most is None:
        return ""
    return f"Waits: half of the texts began within {duration(half)}, 95 % within {duration(most)}."


def _row(name: str, days: Sequence[DayUsage], value_of: Callable[[Counts], int]) -> str:
    values = [value_of(day.counts) for day in days]
    mean = sum(values) / len(values)
    shown = f"{mean:.1f}" if 0 < mean < 10 else _short(round(mean))
    return f"{name:<14}{_short(sum(values)):>8}{shown:>8}{_short(max(values)):>8}"


def _short(number: int) -> str:
    """A whole number in at most seven characters."""
    for unit, size in (("B", 1e9), ("M", 1e6)):
        if number >= size:
            return f"{number / size:.1f}{unit}"
    return f"{number:,}"


def _percent(share: float) -> str:
    return "less than 1 %" if share < 0.01 else f"{share:.0%}".replace("%", " %")


def short_date(day: date) -> str:
    """A date as in "Nov 25"."""
    return f"{_MONTHS[day.month - 1]} {day.day}"


def _cut(text: str) -> str:
    return text if len(text) <= MAX_ALT_TEXT else text[: MAX_ALT_TEXT - 1] + "…"
