"""What limits look like in words: sentences, notes, bars and lists.

Used by `services/limits` and `cogs/limits`. Knows Discord's markup for times, channels, roles and
users; a limit is never a riddle: which one, how much is left, when it comes back.
"""

from collections.abc import Callable, Iterable, Sequence

from bot.core.limit_buckets import Bucket, BucketState, Refused, Scope, Unit
from bot.core.limit_rules import Rule, ServerRules
from bot.core.markdown import MAX_MESSAGE, length
from bot.language import mark, mark_n, number, percent, tr, tr_n

USUAL_TOKENS = 160  # what a text of usual length is charged: the default length and a short prompt
_BAR_CELLS = 10
_ROOM_FOR_REST = 40  # characters of "…and 12 more."

NameOf = Callable[[Scope, int], str | None]  # of a channel, role or user; None = it is gone

_GONE = {
    Scope.CHANNEL: mark("a deleted channel"),
    Scope.ROLE: mark("a deleted role"),
    Scope.USER: mark("a deleted user"),
}
_RATES = {
    ("tokens", "minute"): mark_n("{n} token per minute", "{n} tokens per minute"),
    ("tokens", "hour"): mark_n("{n} token per hour", "{n} tokens per hour"),
    ("tokens", "day"): mark_n("{n} token per day", "{n} tokens per day"),
    ("tokens", "week"): mark_n("{n} token per week", "{n} tokens per week"),
    ("requests", "minute"): mark_n("{n} request per minute", "{n} requests per minute"),
    ("requests", "hour"): mark_n("{n} request per hour", "{n} requests per hour"),
    ("requests", "day"): mark_n("{n} request per day", "{n} requests per day"),
    ("requests", "week"): mark_n("{n} request per week", "{n} requests per week"),
}
_MARKUP = {Scope.CHANNEL: "<#{}>", Scope.ROLE: "<@&{}>", Scope.USER: "<@{}>"}


def at(unix_ms: int) -> str:
    """A moment as Discord shows it to each reader: "in 5 minutes". Never too early."""
    return f"<t:{-(-unix_ms // 1000)}:R>"


def counted(amount: int, unit: Unit) -> str:
    """ "1 token", "2,000 requests"."""
    if unit is Unit.TOKENS:
        return tr_n("{n} token", "{n} tokens", amount)
    return tr_n("{n} request", "{n} requests", amount)


def rate_in_words(amount: int, unit: str, per: str) -> str:
    """ "2,000 tokens per hour".

    Args:
        amount: how many of the unit.
        unit: "tokens" or "requests".
        per: "minute", "hour", "day" or "week".
    """
    return tr_n(*_RATES[unit, per], amount)


def rate(limit: Rule | Bucket) -> str:
    """ "2,000 tokens per hour (500 at once)"."""
    at_once = limit.at_once if isinstance(limit, Rule) else limit.burst
    words = rate_in_words(limit.amount, limit.unit, limit.per)
    if at_once == limit.amount:
        return words
    return tr("{rate} ({burst} at once)", rate=words, burst=number(at_once))


def meaning(limit: Rule) -> str:
    """What an amount is good for: "about 12 texts of usual length"."""
    if limit.unit is Unit.REQUESTS:
        return tr_n("{n} text", "{n} texts", limit.amount)
    texts = limit.amount // USUAL_TOKENS
    if texts == 0:
        return tr("less than one text of usual length")
    return tr_n("about {n} text of usual length", "about {n} texts of usual length", texts)


def target(scope: Scope, target_id: int, name_of: NameOf) -> str:
    """Whom a rule is for: "each member", "<#5>", "a deleted role"."""
    if scope is Scope.SERVER:
        return tr("the whole server")
    if scope is Scope.MEMBER:
        return tr("each member")
    name = name_of(scope, target_id) or tr(_GONE[scope])
    return tr("each member with {role}", role=name) if scope is Scope.ROLE else name


def mention(scope: Scope, target_id: int) -> str | None:
    """A `NameOf` that believes in everything: Discord itself shows the name."""
    return _MARKUP[scope].format(target_id)


def rule_line(rule: Rule, name_of: NameOf = mention) -> str:
    """ "each member with <@&7>: 2,000 tokens per hour"."""
    return tr("{whom}: {rate}", whom=target(rule.scope, rule.target_id, name_of), rate=rate(rule))


def refusal_sentence(refused: Refused) -> str:
    """Why a text is not written, what is left, and what to do."""
    bucket, left = refused.state.bucket, refused.state.left
    limit, cost = _limit(bucket), counted(refused.cost, bucket.unit)
    if refused.is_for_good:
        return tr(
            "This text can take up to {cost}, more than this limit lets through at once: {limit}. "
            "Waiting does not help. Ask for a shorter text: {most} at most, its prompt included.",
            cost=cost,
            limit=limit,
            most=counted(bucket.burst, bucket.unit),
        )
    back = at(refused.back_at_ms)
    if bucket.unit is Unit.REQUESTS:
        return tr("Used up: {limit}. The next one is back {when}.", limit=limit, when=back)
    if left == 0:
        return tr(
            "Used up: {limit}. This text can take up to {cost}, and enough for it will be back "
            "{when}. Please wait until then, or ask for a shorter text.",
            limit=limit,
            cost=cost,
            when=back,
        )
    return tr_n(
        "{n} is left of {limit}, and this text can take up to {cost}; enough for it will be back "
        "{when}. Ask for a shorter text, or wait.",
        "{n} are left of {limit}, and this text can take up to {cost}; enough for it will be back "
        "{when}. Ask for a shorter text, or wait.",
        left,
        limit=limit,
        cost=cost,
        when=back,
    )


def note(state: BucketState) -> str:
    """That a limit is nearly reached: "80% used of your 2,000 tokens per hour…"."""
    used = percent(int(state.used_share * 100) / 100)
    limit, back = _limit(state.bucket), at(state.whole_at_ms)
    if _is_own(state.bucket):
        return tr(
            "You have used {used} of {limit}; all of it is back {when}.",
            used=used, limit=limit, when=back,
        )  # fmt: skip
    return tr(
        "Together you have used {used} of {limit}; all of it is back {when}.",
        used=used, limit=limit, when=back,
    )  # fmt: skip


def bar_line(state: BucketState) -> str:
    """A limit with a bar of what is left of it."""
    bucket, left = state.bucket, state.left
    cells = min(_BAR_CELLS, round(left / bucket.burst * _BAR_CELLS))
    if left and not cells:
        cells = 1  # an empty bar means that nothing is left
    values = {
        "bar": "▰" * cells + "▱" * (_BAR_CELLS - cells),
        "left": number(left),
        "most": counted(bucket.burst, bucket.unit),
        "limit": _limit(bucket),
    }
    if state.whole_at_ms <= state.now_ms:
        return tr("{bar} {left} of {most} left · {limit} · whole", **values)
    return tr(
        "{bar} {left} of {most} left · {limit} · whole again {when}",
        when=at(state.whole_at_ms),
        **values,
    )


def rules_lines(server: ServerRules, name_of: NameOf = mention) -> list[str]:
    """All rules of a server, in a steady order, then the exempt roles."""
    order = list(Scope)
    rules = sorted(
        server.rules, key=lambda r: (order.index(r.scope), r.target_id, r.unit, r.per.ms)
    )
    lines = [f"- {rule_line(rule, name_of)}" for rule in rules]
    exempt = (target(Scope.ROLE, role_id, name_of) for role_id in sorted(server.exempt_roles))
    return [*lines, *("- " + tr("{whom}: no personal limits", whom=whom) for whom in exempt)]


def change_lines(before: ServerRules, after: ServerRules, name_of: NameOf = mention) -> list[str]:
    """What differs: "each member: 1,000 tokens per hour → 2,000 tokens per hour"."""
    keys = dict.fromkeys(rule.key for rule in (*before.rules, *after.rules))
    lines: list[str] = []
    for key in keys:
        old, new = before.find(key), after.find(key)
        if old != new:
            whom = target(key.scope, key.target_id, name_of)
            lines.append(_changed(whom, _rate_or_none(old), _rate_or_none(new)))
    for role_id in sorted(before.exempt_roles ^ after.exempt_roles):
        whom = target(Scope.ROLE, role_id, name_of)
        words = (tr("personal limits"), tr("no personal limits"))
        old, new = words if role_id in after.exempt_roles else reversed(words)
        lines.append(_changed(whom, old, new))
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
            more = tr_n("…and {n} more.", "…and {n} more.", len(rest))
            return f"{text}\n{more}{after}"
        text = longer
        rest.pop(0)
    return text + after


def notes(states: Sequence[BucketState]) -> tuple[str, ...]:
    """A note for each bucket of which most is used, the emptiest first."""
    noteworthy = sorted((s for s in states if s.is_noteworthy), key=lambda s: -s.used_share)
    return tuple(map(note, noteworthy))


def _rate_or_none(rule: Rule | None) -> str:
    return tr("no limit") if rule is None else rate(rule)


def _changed(whom: str, before: str, after: str) -> str:
    return tr("{whom}: {before} → {after}", whom=whom, before=before, after=after)


def _is_own(bucket: Bucket) -> bool:
    return bucket.scope not in (Scope.SERVER, Scope.CHANNEL, Scope.HOST_SERVER)


def _limit(bucket: Bucket) -> str:
    """Whose limit it is, as part of a sentence: "your 2,000 tokens per hour"."""
    amount = rate(bucket)
    match bucket.scope:
        case Scope.SERVER:
            return tr("this server's {rate}", rate=amount)
        case Scope.CHANNEL:
            return tr("the {rate} of {channel}", rate=amount, channel=f"<#{bucket.target_id}>")
        case Scope.ROLE:
            return tr("your {rate} as {role}", rate=amount, role=f"<@&{bucket.target_id}>")
        case Scope.HOST_MEMBER:
            return tr("your {rate} in all places, as the host of this bot set them", rate=amount)
        case Scope.HOST_SERVER:
            return tr("this server's {rate}, as the host of this bot set them", rate=amount)
        case _:
            return tr("your {rate}", rate=amount)
