"""What people are told of the line: why there is no room, how long a wait is, who waits."""

from collections.abc import Sequence

_MOST_USERS = 15

_FULL = {
    "full": "Too many texts are waiting already; please try again later.",
    "full_server": (
        "This server has as many texts waiting as one server may have; please wait until some of "
        "them are written."
    ),
    "full_user": (
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
        return f"I am paused by my host: {paused}" if paused else "I am paused by my host."
    if status == "too_late":
        wait = duration(eta_s) if eta_s is not None else "too long"
        return (
            f"The line is too long: your text would start in {wait}, and Discord closes a reply "
            "after 15 minutes. Please try again later."
        )
    return _FULL[status]


def duration(seconds: float) -> str:
    """A rough length of time, such as "about 20 seconds"."""
    if seconds < 8:
        return "a few seconds"
    if seconds < 55:
        return f"about {round(seconds / 10) * 10 or 10} seconds"
    minutes = round(seconds / 60)
    return "about a minute" if minutes <= 1 else f"about {minutes:,} minutes"


def server_load(loads: Sequence[tuple[str, int, int, Sequence[tuple[int, int, int]]]]) -> str:
    """What a server's admin is told of its texts.

    Args:
        loads: for each model its name, how many wait, how many run, and (user id, waiting,
            running) of those who have most.
    """
    if not loads:
        return "No text of this server waits or is being written."
    lines: list[str] = []
    for model, queued, running, users in loads:
        lines.append(f"**{model}**: {queued} waiting, {running} being written")
        lines += [f"- <@{user}>: {waits} and {runs}" for user, waits, runs in users[:_MOST_USERS]]
    return "\n".join(lines)[:1900]
