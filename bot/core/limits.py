"""Limits as pure rules: what the host allows, and which buckets a request goes through.

Used by `services/limits`. Which of a server's rules (`limit_rules`) apply to a request:

    shared    every rule for the server and for the channel applies, to everybody
    personal  of each unit and period one rule applies: one for the named user before one for a
              role before the one for each member; of several roles the most generous one. None
              applies to a member with an exempt role
    defaults  the host's apply where no personal rule of that unit does, and not to the exempt
    ceilings  the host's apply always, to everybody

The host's buckets are named by the user (or the server) alone, so that one user has one bucket in
all servers, threads, direct messages and user installs. A member's personal bucket is named by
server, member, unit and period: it stays the same whichever rule is the one that applies. Where
an amount changes, the used share of the bucket stays: half used is still half used.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from bot.core.asker import Asker
from bot.core.limit_buckets import Bucket, Per, Scope, Unit
from bot.core.limit_rules import Rule, ServerRules
from bot.core.limit_words import rate_in_words
from bot.errors import OptionError
from bot.language import number, tr

# As `_bucket` and `_host_bucket` name them; limits_common.lua knows these names too.
_OWN_KEY = re.compile(r"g[0-9]+:m(?P<member>[0-9]+):|host:u(?P<user>[0-9]+):")
MAX_AMOUNT = 1_000_000_000
_MAX_FILL_MS = 31 * Per.DAY.ms

SHARED_SCOPES = (Scope.SERVER, Scope.CHANNEL)
PERSONAL_SCOPES = (Scope.MEMBER, Scope.ROLE, Scope.USER)  # each wins over the ones before it


@dataclass(frozen=True, slots=True, kw_only=True)
class HostLimits:
    """What the host of the bot sets for all servers; 0 = no limit.

    Attributes:
        member_requests_per_minute: of each user, where a server has no personal rule for requests.
        member_tokens_per_hour: the same for tokens.
        ceiling_member_tokens_per_day: of each user, in all places together.
        ceiling_server_tokens_per_day: of each server.
    """

    member_requests_per_minute: int = 0
    member_tokens_per_hour: int = 0
    ceiling_member_tokens_per_day: int = 0
    ceiling_server_tokens_per_day: int = 0

    def most(self, scope: Scope, unit: Unit) -> int | None:
        """The greatest amount that an admin's rule may have; None = any."""
        if unit is not Unit.TOKENS:
            return None
        ceilings = [self.ceiling_server_tokens_per_day]
        if scope in PERSONAL_SCOPES:
            ceilings.append(self.ceiling_member_tokens_per_day)
        return min((ceiling for ceiling in ceilings if ceiling), default=None)


def check_rule(rule: Rule, host: HostLimits) -> None:
    """Refuses a rule that makes no sense, or that the host does not allow.

    A ceiling is per day: a rule of any period is refused where its amount alone is above it. A
    rule below it can still meet it in the course of the day; then both apply.

    Raises:
        OptionError: with the sentence for the admin.
    """
    if not (1 <= rule.amount <= MAX_AMOUNT and 1 <= rule.at_once <= MAX_AMOUNT):
        raise OptionError(
            tr("This can't be done: amounts must be from 1 to {most}.", most=number(MAX_AMOUNT))
        )
    if rule.at_once * rule.per.ms / rule.amount > _MAX_FILL_MS:
        raise OptionError(
            tr(
                "This can't be done: at {rate}, a burst of {burst} would need more than 31 days to "
                "come back. Take a smaller burst.",
                rate=rate_in_words(rule.amount, rule.unit, rule.per),
                burst=number(rule.at_once),
            )
        )
    most = host.most(rule.scope, rule.unit)
    if most is not None and max(rule.amount, rule.at_once) > most:
        raise OptionError(
            tr(
                "The host of this bot allows at most {most} tokens per day here, so {amount} can't "
                "be set. Take an amount up to {most}.",
                most=number(most),
                amount=number(max(rule.amount, rule.at_once)),
            )
        )


def personal_rules(asker: Asker, server: ServerRules) -> tuple[Rule, ...]:
    """The rules that make a member's own allowance: one of each unit and period."""
    if is_exempt(asker, server):
        return ()
    chosen: dict[tuple[Unit, Per], Rule] = {}
    for rule in server.rules:
        if not _is_for(rule, asker):
            continue
        slot = (rule.unit, rule.per)
        if slot not in chosen or _rank(rule) > _rank(chosen[slot]):
            chosen[slot] = rule
    return tuple(chosen.values())


def is_exempt(asker: Asker, server: ServerRules) -> bool:
    """Whether one of the asker's roles frees them from personal limits."""
    return not asker.role_ids.isdisjoint(server.exempt_roles)


def applied(asker: Asker, server: ServerRules, host: HostLimits) -> tuple[Bucket, ...]:
    """The buckets that a request of this asker goes through; no two have the same key.

    Args:
        asker: who asks, and where.
        server: the rules of the asker's server; of no meaning where they have none.
        host: what the host sets.
    """
    rules: tuple[Rule, ...] = ()
    if asker.guild_id is not None:
        shared = (rule for rule in server.rules if rule.scope in SHARED_SCOPES)
        rules = (
            *(rule for rule in shared if rule.target_id in (0, asker.channel_id)),
            *personal_rules(asker, server),
        )
    without_default = {rule.unit for rule in rules if rule.scope in PERSONAL_SCOPES}
    if asker.guild_id is not None and is_exempt(asker, server):
        without_default = set(Unit)
    return (
        *(_bucket(rule, asker) for rule in rules),
        *_defaults(asker, host, without_default),
        *_ceilings(asker, host),
    )


def user_of(key: str) -> int | None:
    """Whose bucket this is, by its key; None where it is shared by several."""
    match = _OWN_KEY.match(key)
    return int(match["member"] or match["user"]) if match else None


def _is_for(rule: Rule, asker: Asker) -> bool:
    match rule.scope:
        case Scope.MEMBER:
            return True
        case Scope.ROLE:
            return rule.target_id in asker.role_ids
        case Scope.USER:
            return rule.target_id == asker.user_id
        case _:
            return False


def _rank(rule: Rule) -> tuple[int, int, int, int]:
    """Greater wins. The period is the same, so amounts compare as rates; ids only break ties."""
    return PERSONAL_SCOPES.index(rule.scope), rule.amount, rule.at_once, -rule.target_id


def _bucket(rule: Rule, asker: Asker) -> Bucket:
    owner = {Scope.SERVER: "all", Scope.CHANNEL: f"c{rule.target_id}"}.get(
        rule.scope, f"m{asker.user_id}"
    )
    return Bucket(
        key=f"g{asker.guild_id}:{owner}:{rule.unit}:{rule.per}",
        scope=rule.scope,
        target_id=rule.target_id,
        unit=rule.unit,
        amount=rule.amount,
        per=rule.per,
        burst=rule.at_once,
    )


def _defaults(asker: Asker, host: HostLimits, without: set[Unit]) -> Iterator[Bucket]:
    if host.member_requests_per_minute and Unit.REQUESTS not in without:
        yield _host_bucket(asker, Unit.REQUESTS, host.member_requests_per_minute, Per.MINUTE)
    if host.member_tokens_per_hour and Unit.TOKENS not in without:
        yield _host_bucket(asker, Unit.TOKENS, host.member_tokens_per_hour, Per.HOUR)


def _ceilings(asker: Asker, host: HostLimits) -> Iterator[Bucket]:
    if host.ceiling_member_tokens_per_day:
        yield _host_bucket(asker, Unit.TOKENS, host.ceiling_member_tokens_per_day, Per.DAY)
    if host.ceiling_server_tokens_per_day and asker.guild_id is not None:
        amount = host.ceiling_server_tokens_per_day
        yield Bucket(
            key=f"host:g{asker.guild_id}:tokens:day", scope=Scope.HOST_SERVER, target_id=0,
            unit=Unit.TOKENS, amount=amount, per=Per.DAY, burst=amount,
        )  # fmt: skip


def _host_bucket(asker: Asker, unit: Unit, amount: int, per: Per) -> Bucket:
    return Bucket(
        key=f"host:u{asker.user_id}:{unit}:{per}", scope=Scope.HOST_MEMBER, target_id=0,
        unit=unit, amount=amount, per=per, burst=amount,
    )  # fmt: skip
