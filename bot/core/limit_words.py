"""What limits look like in words: sentences, notes, bars and lists.

Used by `services/limits` and `cogs/limits`. Knows Discord's markup for times, channels, roles and
users; a limit is never a riddle: which one, how much is left, when it comes back.
"""

from collections.abc import Callable, Iterable, Sequence

from bot.core.limit_buckets import Bucket, BucketState, Refused, Scope, Unit
from bot.core.limit_rules import Rule, ServerRules
from bot.core.markdown import MAX_MESSAGE, length

USUAL_TOKENS = 160  # what a text of usual length is charged: the default length and a short prompt
_BAR_CELLS = 10
_ROOM_FOR_REST = 40  # characters of "…and 12 more."

NameOf = Callable[[Scope, int], str | None]  # of a channel, role or user; None = it is gone

_GONE = {
    Scope.CHANNEL: "a deleted channel",
    Scope.ROLE: "a deleted role",
    Scope.USER: "a deleted user",
}
_MARKUP = {Scope.CHANNEL: "<#{}>", Scope.ROLE: "<@&{}>", Scope.USER: "<@{}>"}


def at(unix_ms: int) -> str:
    """A moment as Discord shows it to each reader: "in 5 minutes". Never too early."""
    return f"<t:{-(-unix_ms // 1000)}:R>"


def counted(amount: int, unit: Unit) -> str:
    """ "1 token", "2,000 requests"."""
    name = unit.value.removesuffix("s") if amount == 1 else unit.value
    return f"{amount:,} {name}"


def rate(limit: Rule | Bucket) -> str:
    """ "2,000 tokens per hour (500 at once)"."""
    at_once = limit.at_once if isinstance(limit, Rule) else limit.burst
    extra = "" if at_once == limit.amount else f" ({at_once:,} at once)"
    return f"{counted(limit.amount, limit.unit)} per {limit.per}{extra}"


def meaning(limit: Rule) -> str:
    """What an amount is good for: "about 12 texts of usual length"."""
    if limit.unit is Unit.REQUESTS:
        return counted(limit.amount, Unit.REQUESTS).replace("request", "text")
    texts = limit.amount // USUAL_TOKENS
    if texts == 0:
        return "less than one text of usual length"
    return f"about {texts:,} {'text' if texts == 1 else 'texts'} of usual length"


def target(scope: Scope, target_id: int, name_of: NameOf) -> str:
    """Whom a rule is for: "each member", "<#5>", "a deleted role"."""
    if scope is Scope.SERVER:
        return "the whole server"
    if scope is Scope.MEMBER:
        return "each member"
    name = name_of(scope, target_id) or _GONE[scope]
    return f"each member with {name}" if scope is Scope.ROLE else name


def mention(scope: Scope, target_id: int) -> str | None:
    """A `NameOf` that believes in everything: Discord itself shows the name."""
    return _MARKUP[scope].format(target_id)


def rule_line(rule: Rule, name_of: NameOf = mention) -> str:
    """ "each member with <@&7>: 2,000 tokens per hour"."""
    return f"{target(rule.scope, rule.target_id, name_of)}: {rate(rule)}"


def refusal_sentence(refused: Refused) -> str:
    """Why a text is not written, what is left, and what to do."""
    state = refused.state
    limit, cost = _limit(state.bucket), counted(refused.cost, state.bucket.unit)
    if refused.is_for_good:
        most = counted(state.bucket.burst, state.bucket.unit)
        return (
            f"This text can take up to {cost}, more than {limit} let through at once, so waiting "
            f"does not help. Ask for a shorter text: {most} at most, its prompt included."
        )
    back = at(refused.back_at_ms)
    if state.bucket.unit is Unit.REQUESTS:
        return f"{_capital(limit)} {_are(state)} used up; the next one is back {back}."
    if state.left == 0:
        return (
            f"{_capital(limit)} {_are(state)} used up; this text can take up to {cost}, and enough "
            f"for it will be back {back}. Please wait until then, or ask for a shorter text."
        )
    verb = "is" if state.left == 1 else "are"
    return (
        f"Of {limit} {state.left:,} {verb} left, and this text can take up to {cost}; enough for "
        f"it will be back {back}. Ask for a shorter text, or wait."
    )


def note(state: BucketState) -> str:
    """That a limit is nearly reached: "You have used 80 % of your 2,000 tokens per hour…"."""
    percent = int(state.used_share * 100)
    who = "You have" if _is_own(state.bucket) else "Together you have"
    return (
        f"{who} used {percent} % of {_limit(state.bucket)}; "
        f"all of it is back {at(state.whole_at_ms)}."
    )


def bar_line(state: BucketState) -> str:
    """A limit with a bar of what is left of it."""
    bucket, left = state.bucket, state.left
    cells = min(_BAR_CELLS, round(left / bucket.burst * _BAR_CELLS))
    if left and not cells:
        cells = 1  # an empty bar means that nothing is left
    bar = "▰" * cells + "▱" * (_BAR_CELLS - cells)
    back = "whole" if state.whole_at_ms <= state.now_ms else f"whole again {at(state.whole_at_ms)}"
    return (
        f"{bar} {left:,} of {counted(bucket.burst, bucket.unit)} left · {_limit(bucket)} · {back}"
    )


def rules_lines(server: ServerRules, name_of: NameOf = mention) -> list[str]:
    """All rules of a server, in a steady order, then the exempt roles."""
    order = list(Scope)
    rules = sorted(
        server.rules, key=lambda r: (order.index(r.scope), r.target_id, r.unit, r.per.ms)
    )
    lines = [f"- {rule_line(rule, name_of)}" for rule in rules]
    exempt = (target(Scope.ROLE, role_id, name_of) for role_id in sorted(server.exempt_roles))
    return [*lines, *(f"- {whom}: no personal limits" for whom in exempt)]


def change_lines(before: ServerRules, after: ServerRules, name_of: NameOf = mention) -> list[str]:
    """What differs: "each member: 1,000 tokens per hour → 2,000 tokens per hour"."""
    keys = dict.fromkeys(rule.key for rule in (*before.rules, *after.rules))
    lines: list[str] = []
    for key in keys:
        old, new = before.find(key), after.find(key)
        if old != new:
            whom = target(key.scope, key.target_id, name_of)
            lines.append(f"{whom}: {_rate_or_none(old)} → {_rate_or_none(new)}")
    for role_id in sorted(before.exempt_roles ^ after.exempt_roles):
        whom = target(Scope.ROLE, role_id, name_of)
        words = ("personal limits", "no personal limits")
        old, new = words if role_id in after.exempt_roles else reversed(words)
        lines.append(f"{whom}: {old} → {new}")
    return lines


def fitting(lines: Iterable[str], taken: str = "", *, after: str = "") -> str:
    """Lines as one message, the last ones left out where it would be too long.

    Args:
        lines: each shorter than a message.
        taken: text that goes before them.
        after: text that follows them, whatever is left out.
    """
    rest = list(lines)
    text = taken
    while rest:
        longer = f"{text}\n{rest[0]}" if text else rest[0]
        if length(longer) > MAX_MESSAGE - _ROOM_FOR_REST - length(after):
            return f"{text}\n…and {len(rest)} more.{after}"
        text = longer
        rest.pop(0)
    return text + after


def notes(states: Sequence[BucketState]) -> tuple[str, ...]:
    """A note for each bucket of which most is used, the emptiest first."""
    noteworthy = sorted((s for s in states if s.is_noteworthy), key=lambda s: -s.used_share)
    return tuple(map(note, noteworthy))


def _rate_or_none(rule: Rule | None) -> str:
    return "no limit" if rule is None else rate(rule)


def _is_own(bucket: Bucket) -> bool:
    return bucket.scope not in (Scope.SERVER, Scope.CHANNEL, Scope.HOST_SERVER)


def _limit(bucket: Bucket) -> str:
    """Whose limit it is, as part of a sentence: "your 2,000 tokens per hour"."""
    amount = rate(bucket)
    match bucket.scope:
        case Scope.SERVER:
            return f"this server's {amount}"
        case Scope.CHANNEL:
            return f"the {amount} of <#{bucket.target_id}>"
        case Scope.ROLE:
            return f"your {amount} as <@&{bucket.target_id}>"
        case Scope.HOST_MEMBER:
            return f"your {amount} in all places, as the host of this bot set them"
        case Scope.HOST_SERVER:
            return f"this server's {amount}, as the host of this bot set them"
        case _:
            return f"your {amount}"


def _are(state: BucketState) -> str:
    return "is" if state.bucket.amount == 1 else "are"


def _capital(text: str) -> str:
    return text[0].upper() + text[1:]
