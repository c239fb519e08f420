"""What the host's commands answer, as Discord's markdown. Pure: the cogs send it."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from bot.core.jobs import Job
from bot.core.limit_words import fitting
from bot.core.markdown import escape
from bot.language import number, tr, tr_n

_MAX_CLAUSE = 200  # characters of a reason


class _Block(Protocol):
    @property
    def kind(self) -> str: ...
    @property
    def id(self) -> int: ...
    @property
    def reason(self) -> str: ...
    @property
    def by(self) -> str: ...
    @property
    def at_s(self) -> float: ...


class _Worker(Protocol):
    @property
    def id(self) -> str: ...
    @property
    def slots(self) -> int: ...
    @property
    def version(self) -> str: ...
    @property
    def running(self) -> int: ...
    @property
    def heartbeat_age_s(self) -> float: ...
    @property
    def drain(self) -> bool: ...


class _DeadLetter(Protocol):
    @property
    def job_id(self) -> str: ...
    @property
    def at_s(self) -> float: ...
    @property
    def attempts(self) -> int: ...
    @property
    def reason(self) -> str: ...
    @property
    def job(self) -> Job | None: ...


class _Letter(Protocol):
    @property
    def model(self) -> str: ...
    @property
    def letter(self) -> _DeadLetter: ...


def subject(kind: str, subject_id: int | str) -> str:
    """A server or user: "server `5`"; a user's name, too, as far as Discord knows it."""
    if kind == "user":
        return tr("user {mention} `{id}`", mention=f"<@{subject_id}>", id=subject_id)
    return tr("server `{id}`", id=subject_id)


def blocked_text(kind: str, subject_id: int, reason: str, n_dropped: int) -> str:
    """That somebody is shut out from now on, and how many waiting texts were dropped."""
    values = {"id": subject_id, "reason": _clause(reason)}
    if kind == "user":
        mention = f"<@{subject_id}>"
        text = tr("The user {mention} `{id}` is shut out: {reason}", mention=mention, **values)
    else:
        text = tr("The server `{id}` is shut out: {reason}", **values)
    if not n_dropped:
        return text
    dropped = tr_n("{n} waiting text was dropped.", "{n} waiting texts were dropped.", n_dropped)
    return f"{text}\n-# {dropped}"


def unblocked_text(kind: str, subject_id: int, *, was_blocked: bool) -> str:
    """That somebody may ask again, or might all the time."""
    mention = f"<@{subject_id}>"
    if kind == "user" and was_blocked:
        return tr("The user {mention} `{id}` may ask again.", mention=mention, id=subject_id)
    if kind == "user":
        return tr("The user {mention} `{id}` was not shut out.", mention=mention, id=subject_id)
    if was_blocked:
        return tr("The server `{id}` may ask again.", id=subject_id)
    return tr("The server `{id}` was not shut out.", id=subject_id)


def blocks_shown(blocks: Sequence[_Block]) -> str:
    """Who is shut out, why, by whom and since when."""
    lines = [
        tr(
            "- {subject}: {reason} (by {who}, {when})",
            subject=subject(one.kind, one.id),
            reason=_clause(one.reason),
            who=_who(one.by),
            when=f"<t:{int(one.at_s)}:R>",
        )
        for one in blocks
    ]
    return fitting(lines) or tr("Nobody is shut out.")


def weights_shown(weights: Mapping[str, float]) -> str:
    """Whose share is not the usual one."""
    kinds = {"g": "server", "u": "user"}
    lines = [
        f"- {subject(kinds.get(tenant[:1], tenant[:1]), tenant[1:])}: {number(weight)}"
        for tenant, weight in sorted(weights.items())
    ]
    return fitting(lines) or tr("Everybody has the usual share, 1.")


def workers_shown(workers: Sequence[tuple[str, _Worker]]) -> str:
    """Who works, for which model."""
    unknown = tr("unknown")
    lines = [
        tr(
            "- `{id}`: {model}, {work}, version {version}, heard from {seconds} s ago",
            id=one.id,
            model=escape(model),
            work=_work(one),
            version=_code(one.version or unknown),
            seconds=number(max(0, round(one.heartbeat_age_s))),
        )
        for model, one in workers
    ]
    return fitting(lines) or tr("No worker lives.")


def letters_shown(letters: Sequence[_Letter]) -> str:
    """What was given up, newest first; whose it was, and no word of the text."""
    lines = [
        f"- `{one.letter.job_id}` <t:{int(one.letter.at_s)}:R>: {_clause(one.letter.reason)}, "
        f"{_attempts(one.letter.attempts)} ({escape(one.model)}{_asker(one.letter.job)})"
        for one in letters
    ]
    return fitting(lines) or tr("Nothing was given up.")


def _work(worker: _Worker) -> str:
    if worker.drain:  # it has no slots any more
        return tr_n("leaves after {n} more", "leaves after {n} more", worker.running)
    return tr_n(
        "{running} of {n} slots in use", "{running} of {n} slots in use", worker.slots,
        running=number(worker.running),
    )  # fmt: skip


def _attempts(count: int) -> str:
    return tr_n("{n} attempt", "{n} attempts", count)


def _asker(job: Job | None) -> str:
    return "" if job is None else f", {subject('user', job.user_id)}"


def _who(by: str) -> str:
    return f"<@{by}>" if by.isdecimal() else escape(by)


def _code(text: str) -> str:
    """As it is: escaped, a version's first dot would look like a list's."""
    return f"`{text.replace('`', '')}`"


def _clause(text: str) -> str:
    """In one line, of bounded length."""
    return escape(" ".join(text.split())[:_MAX_CLAUSE])
