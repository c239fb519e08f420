"""Limits as pure rules: what admins and the host may set, and which buckets a request goes through.

Used by `services/limits`; the stores in `state` keep what is here as JSON. Which rule applies:

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

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from bot.core.asker import Asker
from bot.core.limit_buckets import Bucket, Per, Scope, Unit
from bot.errors import OptionError

MAX_AMOUNT = 1_000_000_000
MAX_RULES = 50  # of one server; the record is read for every request
_MAX_FILL_MS = 31 * Per.DAY.ms
_VERSION = 1

SHARED_SCOPES = (Scope.SERVER, Scope.CHANNEL)
PERSONAL_SCOPES = (Scope.MEMBER, Scope.ROLE, Scope.USER)  # each wins over the ones before it
TARGETED_SCOPES = (Scope.CHANNEL, Scope.ROLE, Scope.USER)


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleKey:
    """What a rule is about; a server has at most one rule for each."""

    scope: Scope
    target_id: int
    unit: Unit
    per: Per

    def __str__(self) -> str:
        """Such as "role:123:tokens:hour"; `parse` reads it."""
        return f"{self.scope}:{self.target_id}:{self.unit}:{self.per}"

    @classmethod
    def parse(cls, text: str) -> "RuleKey | None":
        """Reads what `str` writes; None where the text is no such thing."""
        try:
            scope, target, unit, per = text.split(":")
            return cls(scope=Scope(scope), target_id=int(target), unit=Unit(unit), per=Per(per))
        except ValueError:
            return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One limit that an admin set.

    Attributes:
        scope: whom it is for.
        target_id: the channel, role or user; 0 for the server and for each member.
        unit: what it counts.
        amount: how much comes back in a period.
        per: the period.
        burst: how much fits at once; None = the amount.
    """

    scope: Scope
    target_id: int = 0
    unit: Unit
    amount: int
    per: Per
    burst: int | None = None

    @property
    def key(self) -> RuleKey:
        """What it is about."""
        return RuleKey(scope=self.scope, target_id=self.target_id, unit=self.unit, per=self.per)

    @property
    def at_once(self) -> int:
        """How much fits at once."""
        return self.amount if self.burst is None else self.burst


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerRules:
    """All rules of one server.

    Attributes:
        revision: counts the changes; 0 where nothing was ever set.
        rules: at most one of each key.
        exempt_roles: whose members have no personal limits.
    """

    revision: int = 0
    rules: tuple[Rule, ...] = ()
    exempt_roles: frozenset[int] = frozenset()

    def find(self, key: RuleKey) -> Rule | None:
        """The rule about this, if there is one."""
        return next((rule for rule in self.rules if rule.key == key), None)

    def with_rule(self, rule: Rule) -> "ServerRules":
        """With this rule in place of the one about the same; revision unchanged."""
        others = self.without(rule.key).rules
        return self._changed(rules=(*others, rule))

    def without(self, key: RuleKey) -> "ServerRules":
        """Without the rule about this; revision unchanged."""
        return self._changed(rules=tuple(rule for rule in self.rules if rule.key != key))

    def without_target(self, target_id: int) -> "ServerRules":
        """Without all that names this role, channel or user; revision unchanged."""
        return self._changed(
            rules=tuple(rule for rule in self.rules if rule.target_id != target_id),
            exempt_roles=self.exempt_roles - {target_id},
        )

    def with_exempt(self, role_id: int, *, is_exempt: bool) -> "ServerRules":
        """With or without personal limits for a role; revision unchanged."""
        role = frozenset({role_id})
        roles = self.exempt_roles | role if is_exempt else self.exempt_roles - role
        return self._changed(exempt_roles=roles)

    def says_the_same_as(self, other: "ServerRules") -> bool:
        """Whether they differ in nothing but their revision and their order."""
        return set(self.rules) == set(other.rules) and self.exempt_roles == other.exempt_roles

    def to_json(self) -> str:
        """The stored form, without the revision: versioned JSON."""
        rules = [[r.scope, r.target_id, r.unit, r.amount, r.per, r.burst] for r in self.rules]
        data = {"v": _VERSION, "rules": rules, "exempt": sorted(self.exempt_roles)}
        return json.dumps(data, separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str, revision: int) -> "ServerRules":
        """Reads the stored form.

        Raises:
            ValueError: it is damaged, or of a version that this program does not know.
        """
        try:
            data: dict[str, Any] = json.loads(text)
            if data["v"] != _VERSION:
                raise ValueError(f"limits of version {data['v']}, this program knows {_VERSION}")
            rules = tuple(map(_read_rule, data["rules"]))
            return cls(revision=revision, rules=rules, exempt_roles=frozenset(data["exempt"]))
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"damaged limits: {error!r}") from error

    def _changed(
        self, *, rules: tuple[Rule, ...] | None = None, exempt_roles: frozenset[int] | None = None
    ) -> "ServerRules":
        return ServerRules(
            revision=self.revision,
            rules=self.rules if rules is None else rules,
            exempt_roles=self.exempt_roles if exempt_roles is None else exempt_roles,
        )


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
        raise OptionError(f"This can't be done: amounts must be from 1 to {MAX_AMOUNT:,}.")
    if rule.at_once * rule.per.ms / rule.amount > _MAX_FILL_MS:
        raise OptionError(
            f"This can't be done: at {rule.amount:,} per {rule.per}, a burst of {rule.at_once:,} "
            "would need more than 31 days to come back. Take a smaller burst."
        )
    most = host.most(rule.scope, rule.unit)
    if most is not None and max(rule.amount, rule.at_once) > most:
        raise OptionError(
            f"The host of this bot allows at most {most:,} tokens per day here, so "
            f"{max(rule.amount, rule.at_once):,} can't be set. Take an amount up to {most:,}."
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


def _read_rule(values: list[Any]) -> Rule:
    scope, target_id, unit, amount, per, burst = values
    return Rule(
        scope=Scope(scope), target_id=int(target_id), unit=Unit(unit), amount=int(amount),
        per=Per(per), burst=None if burst is None else int(burst),
    )  # fmt: skip
