"""What became of every job of a chaos run, and whether that is allowed."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

from bot.core.buttons import has_stop
from bot.core.jobs import END_STATES, JobState
from bot.core.replies import UNFINISHED_MARK
from bot.local.handles import Interaction


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One command of a member: what was asked, by whom, and Discord's record of it."""

    interaction: Interaction
    user_id: int
    at_s: float
    prompt: str
    length: int


@dataclass(slots=True)
class Account:
    """The balance of a run.

    Attributes:
        ends: how many jobs ended in which state; "never accepted" for those that the queue has
            never had.
        complaints: what must not be, one sentence each.
    """

    ends: Counter[str] = field(default_factory=Counter[str])
    complaints: list[str] = field(default_factory=list[str])

    def complain(self, asked: Asked, what: str) -> None:
        """Notes something about one job."""
        self.complaints.append(f"job {asked.interaction.id}: {what}")


def draw_up(asked: Sequence[Asked], states: Sequence[JobState | None]) -> Account:
    """Looks at every reply.

    Args:
        asked: all commands of the run.
        states: what the queue says of each; None = it has never had it.
    """
    account = Account()
    texts: dict[tuple[str, int], set[str]] = defaultdict(set)
    for one, state in zip(asked, states, strict=True):
        account.ends[state.value if state else "never accepted"] += 1
        if state is None:
            continue
        if state not in END_STATES:
            account.complain(one, f"it never ended: {state.value}")
            continue
        _check_reply(account, one, state)
        if state is JobState.DONE and one.interaction.reply:
            text = str(one.interaction.reply["content"]).partition("\n-# ")[0]
            texts[one.prompt, one.length].add(text)
    for (prompt, length), found in texts.items():
        if len(found) > 1:
            account.complaints.append(f"{prompt!r}, {length} tokens: {len(found)} different texts")
    return account


def _check_reply(account: Account, asked: Asked, state: JobState) -> None:
    reply = asked.interaction.reply
    if reply is None:
        account.complain(asked, f"{state.value}, and its reply is not there")
        return
    content = str(reply["content"])
    public = [one for one in asked.interaction.followups if not one["flags"] & 64]
    if public:
        account.complain(asked, f"{len(public)} messages beside its reply")
    if UNFINISHED_MARK in content or not content:
        account.complain(asked, f"{state.value}, and its reply stands unfinished")
    if has_stop(reply["components"]):
        account.complain(asked, f"{state.value}, and its reply still has a Stop button")
    if state is JobState.DONE and not content.startswith(f"**{asked.prompt}**"):
        account.complain(asked, "done, and its reply shows something else")
    if state in (JobState.DEAD, JobState.EXPIRED, JobState.FAILED) and "-# Error " not in content:
        account.complain(asked, f"{state.value}, and nobody was told")
