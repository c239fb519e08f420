"""The rules of a server as values: what an admin set, and how it is stored.

Used by `limits`, which says what they mean, by the stores in `state` and by `services/limits`.
"""

import json
from dataclasses import dataclass
from typing import Any

from bot.core.limit_buckets import Per, Scope, Unit

MAX_RULES = 50  # of one server; the record is read for every request
_VERSION = 1


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


def _read_rule(values: list[Any]) -> Rule:
    scope, target_id, unit, amount, per, burst = values
    return Rule(
        scope=Scope(scope), target_id=int(target_id), unit=Unit(unit), amount=int(amount),
        per=Per(per), burst=None if burst is None else int(burst),
    )  # fmt: skip
