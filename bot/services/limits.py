"""Limits for the cogs: charge a request, show what is left, change a server's rules.

Built by `app` around a store; called by cogs. The rules are `core/limits`, the words
`core/limit_words`; here they meet the store, whose clock is the only one that counts.
"""

from dataclasses import dataclass

import structlog

from bot.core.asker import Asker
from bot.core.limit_buckets import Charged
from bot.core.limit_rules import MAX_RULES, Rule, RuleKey, ServerRules
from bot.core.limit_words import bar_line, notes, refusal_sentence, rule_line
from bot.core.limits import HostLimits, applied, check_rule
from bot.errors import ConflictError, LimitReachedError, OptionError
from bot.language import slash, speaking, spoken, tr, tr_n
from bot.state.limits_api import MAX_LOG, LimitsStore, LoggedChange

_log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

THE_BOT = 0  # in the log: no user, but something was deleted
_DROP_TRIES = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What a command changed.

    Attributes:
        before: the server's rules as they were.
        after: as they are now.
    """

    before: ServerRules
    after: ServerRules


class LimitsService:
    """Limits of servers, channels, roles and users.

    Args:
        store: where buckets and rules are.
        host_limits: what the host sets for all servers.
    """

    def __init__(self, store: LimitsStore, host_limits: HostLimits) -> None:
        self._store = store
        self._host = host_limits

    @property
    def host_limits(self) -> HostLimits:
        """What the host sets for all servers."""
        return self._host

    async def charge(
        self, asker: Asker, job_id: str, tokens: int, *, language: str | None = None
    ) -> tuple[str, ...]:
        """Takes a job's cost from all limits that apply, before the job is put.

        Args:
            asker: who asks, and where.
            job_id: names the charge; charging it again changes nothing.
            tokens: the estimate; the ledger corrects it when the job has ended.
            language: of the notes, which stand under a text that everybody sees; None = as spoken.

        Returns:
            Notes for the asker on limits of which three quarters or more are used.

        Raises:
            LimitReachedError: a limit leaves no room; nothing was taken.
            QueueDownError: the store can't be reached.
        """
        buckets = applied(asker, await self._rules_of(asker), self._host)
        answer = await self._store.charge(job_id, buckets, tokens)
        if isinstance(answer, Charged):
            with speaking(language or spoken()):
                return notes(answer.states)
        _log.info("limit reached", job_id=job_id, bucket=answer.state.bucket.key)
        raise LimitReachedError(refusal_sentence(answer))

    async def refund(self, job_id: str) -> bool:
        """Gives everything back: the job was not taken after all."""
        return await self._store.refund(job_id)

    async def mine(self, asker: Asker) -> tuple[str, ...]:
        """A line with a bar for each limit that applies to the asker here; none = no limits."""
        buckets = applied(asker, await self._rules_of(asker), self._host)
        return tuple(map(bar_line, await self._store.peek(buckets))) if buckets else ()

    async def rules(self, guild_id: int) -> ServerRules:
        """A server's rules."""
        return await self._store.rules(guild_id)

    async def set_rule(self, guild_id: int, rule: Rule, by_user: int) -> Change:
        """Sets a rule, in place of the one about the same.

        Raises:
            OptionError: it makes no sense, or the host does not allow it.
            ConflictError: another admin was faster; says what the rule is now.
        """
        check_rule(rule, self._host)
        before = await self._store.rules(guild_id)
        after = before.with_rule(rule)
        if len(after.rules) > MAX_RULES:
            raise OptionError(
                tr_n(
                    "A server can have {n} limit at most; remove one first (`{command}`).",
                    "A server can have {n} limits at most; remove one first (`{command}`).",
                    MAX_RULES,
                    command=slash("limits remove"),
                )
            )
        return await self._change(guild_id, before, after, by_user, rule.key)

    async def remove_rule(self, guild_id: int, key: RuleKey, by_user: int) -> Change:
        """Removes a rule.

        Raises:
            OptionError: there is no such rule.
            ConflictError: another admin was faster.
        """
        before = await self._store.rules(guild_id)
        if before.find(key) is None:
            raise OptionError(
                tr(
                    "There is no such limit (any more); `{command}` lists them all.",
                    command=slash("limits show"),
                )
            )
        return await self._change(guild_id, before, before.without(key), by_user, key)

    async def set_exempt(
        self, guild_id: int, role_id: int, *, is_exempt: bool, by_user: int
    ) -> Change:
        """Frees the members of a role from personal limits, or no longer.

        Raises:
            OptionError: the server has too many exempt roles.
            ConflictError: another admin was faster.
        """
        before = await self._store.rules(guild_id)
        after = before.with_exempt(role_id, is_exempt=is_exempt)
        if len(after.exempt_roles) > MAX_RULES:
            raise OptionError(
                tr_n(
                    "A server can have {n} exempt role at most.",
                    "A server can have {n} exempt roles at most.",
                    MAX_RULES,
                )
            )
        return await self._change(guild_id, before, after, by_user, None)

    async def log(self, guild_id: int, n: int = MAX_LOG) -> list[LoggedChange]:
        """The newest changes of a server's rules, newest first."""
        return await self._store.log(guild_id, n)

    async def undo(self, guild_id: int, by_user: int) -> LoggedChange:
        """Takes the newest change back that is not undone yet.

        Raises:
            OptionError: there is none.
            ConflictError: another admin was faster.
        """
        undone = await self._store.undo(guild_id, by_user)
        if undone is not None:
            return undone
        newest = await self._store.log(guild_id)
        taken_back = {change.undoes for change in newest}
        if any(one.undoes is None and one.revision not in taken_back for one in newest):
            raise ConflictError(
                tr(
                    "Somebody else changed the limits of this server at the same moment. See "
                    "`{command}`, and undo again if it is still to be undone.",
                    command=slash("limits log"),
                )
            )
        raise OptionError(tr("There is no change left that could be undone."))

    async def drop_target(self, guild_id: int, target_id: int) -> bool:
        """Removes all rules for a role or channel that was deleted; whether there were any.

        Raises:
            ConflictError: admins changed the rules again and again in the meantime.
        """
        for _ in range(_DROP_TRIES):
            before = await self._store.rules(guild_id)
            after = before.without_target(target_id)
            if after.says_the_same_as(before):
                return False
            if await self._store.change_rules(guild_id, before.revision, after, THE_BOT):
                return True
        raise ConflictError(tr("The limits of this server change too fast."))

    async def forget_guild(self, guild_id: int) -> None:
        """Deletes a server's rules and their log; what was used stays used for its day."""
        await self._store.forget_guild(guild_id)

    async def _rules_of(self, asker: Asker) -> ServerRules:
        if asker.guild_id is None:
            return ServerRules()
        return await self._store.rules(asker.guild_id)

    async def _change(
        self,
        guild_id: int,
        before: ServerRules,
        after: ServerRules,
        by_user: int,
        key: RuleKey | None,
    ) -> Change:
        if after.says_the_same_as(before):
            return Change(before=before, after=after)  # nothing to log, and nothing to undo
        if await self._store.change_rules(guild_id, before.revision, after, by_user):
            return Change(before=before, after=after)
        current = await self._store.rules(guild_id)
        raise ConflictError(_conflict(current, key))


def _conflict(current: ServerRules, key: RuleKey | None) -> str:
    """That another admin was faster, and what is set now."""
    rule = None if key is None else current.find(key)
    if rule is None:
        return tr(
            "Somebody else changed the limits of this server at the same moment, so yours was not "
            "set. See `{command}` for what is set now. Type the command again if yours should "
            "stand.",
            command=slash("limits show"),
        )
    return tr(
        "Somebody else changed the limits of this server at the same moment, so yours was not set. "
        "Now it is {rule}. Type the command again if yours should stand.",
        rule=rule_line(rule),
    )
