"""What the host's commands answer, as Discord's markdown. Pure: the cogs send it."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from bot.core.jobs import Job
from bot.core.limit_words import fitting
from bot.core.markdown import escape

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
    name = f" <@{subject_id}>" if kind == "user" else ""
    return f"{kind}{name} `{subject_id}`"


def blocked_text(kind: str, subject_id: int, reason: str, n_dropped: int) -> str:
    """That somebody is shut out from now on, and how many waiting texts were dropped."""
    text = f"The {subject(kind, subject_id)} is shut out: {_clause(reason)}"
    if not n_dropped:
        return text
    texts = "1 waiting text was" if n_dropped == 1 else f"{n_dropped:,} waiting texts were"
    return f"{text}\n-# {texts} dropped."


def blocks_shown(blocks: Sequence[_Block]) -> str:
    """Who is shut out, why, by whom and since when."""
    lines = [
        f"- {subject(one.kind, one.id)}: {_clause(one.reason)} "
        f"(by {_who(one.by)}, <t:{int(one.at_s)}:R>)"
        for one in blocks
    ]
    return fitting(lines) or "Nobody is shut out."


def weights_shown(weights: Mapping[str, float]) -> str:
    """Whose share is not the usual one."""
    kinds = {"g": "server", "u": "user"}
    lines = [
        f"- {subject(kinds.get(tenant[:1], tenant[:1]), tenant[1:])}: {weight:g}"
        for tenant, weight in sorted(weights.items())
    ]
    return fitting(lines) or "Everybody has the usual share, 1."


def workers_shown(workers: Sequence[tuple[str, _Worker]]) -> str:
    """Who works, for which model."""
    lines = [
        f"- `{one.id}`: {escape(model)}, {_work(one)}, version {_code(one.version or 'unknown')}, "
        f"heard from {max(0, round(one.heartbeat_age_s))} s ago"
        for model, one in workers
    ]
    return fitting(lines) or "No worker lives."


def letters_shown(letters: Sequence[_Letter]) -> str:
    """What was given up, newest first; whose it was, and no word of the text."""
    lines = [
        f"- `{one.letter.job_id}` <t:{int(one.letter.at_s)}:R>: {_clause(one.letter.reason)}, "
        f"{_attempts(one.letter.attempts)} ({escape(one.model)}{_asker(one.letter.job)})"
        for one in letters
    ]
    return fitting(lines) or "Nothing was given up."


def _work(worker: _Worker) -> str:
    if worker.drain:  # it has no slots any more
        return f"leaves after {worker.running} more"
    return f"{worker.running} of {worker.slots} slots in use"


def _attempts(count: int) -> str:
    return "1 attempt" if count == 1 else f"{count} attempts"


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
