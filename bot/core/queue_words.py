"""What people are told of the line: why there is no room, how long a wait is, who waits."""

from collections.abc import Sequence

from bot.language import mark, number, tr, tr_n

_MOST_USERS = 15

_FULL = {
    "full": mark("Too many texts are waiting already; please try again later."),
    "full_server": mark(
        "This server has as many texts waiting as one server may have; please wait until some of "
        "them are written."
    ),
    "full_user": mark(
        "You have as many texts waiting as one member may have; please wait until one of them is "
        "written."
    ),
}


def refusal(status: str, eta_s: float | None, paused: str | None) -> str:
    """Why a job was not taken.

    Args:
        status: the value of a `PutStatus`.
        eta_s: seconds until the job could have started, where that is known.
        paused: the host's message during a pause.
    """
    if status == "paused":
        if paused:
            return tr("I am paused by my host: {message}", message=paused)
        return tr("I am paused by my host.")
    if status == "too_late" and eta_s is None:
        return tr(
            "The line is too long: Discord closes a reply after 15 minutes, before your text "
            "would start. Please try again later."
        )
    if status == "too_late" and eta_s is not None:
        return tr(
            "The line is too long: your text would start in {wait}, and Discord closes a reply "
            "after 15 minutes. Please try again later.",
            wait=duration(eta_s),
        )
    return tr(_FULL[status])


def duration(seconds: float) -> str:
    """A rough length of time, such as "about 20 seconds"."""
    if seconds < 8:
        # Translators: stands after "in", as do the next three
        return tr("a few seconds")
    if seconds < 55:
        tens = round(seconds / 10) * 10 or 10
        # Translators: stands after "in"
        return tr_n("about {n} second", "about {n} seconds", tens)
    minutes = max(1, round(seconds / 60))
    # Translators: stands after "in"
    return tr_n("about a minute", "about {n} minutes", minutes)


def server_load(loads: Sequence[tuple[str, int, int, Sequence[tuple[int, int, int]]]]) -> str:
    """What a server's admin is told of its texts.

    Args:
        loads: for each model its name, how many wait, how many run, and (user id, waiting,
            running) of those who have most.
    """
    if not loads:
        return tr("No text of this server waits or is being written.")
    lines: list[str] = []
    for model, queued, running, users in loads:
        lines.append(
            tr(
                "**{model}**: {queued} waiting, {running} being written",
                model=model,
                queued=number(queued),
                running=number(running),
            )
        )
        lines += [
            tr(
                "- {member}: {waiting} and {running}",
                member=f"<@{user}>",
                waiting=number(waits),
                running=number(runs),
            )
            for user, waits, runs in users[:_MOST_USERS]
        ]
    return "\n".join(lines)[:1900]
