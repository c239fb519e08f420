"""What limits look like in words."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.limit_buckets import Bucket, BucketState, Per, Refused, Scope, Unit
from bot.core.limit_rules import Rule, ServerRules
from bot.core.limit_words import (
    at,
    bar_line,
    change_lines,
    fitting,
    meaning,
    note,
    notes,
    refusal_sentence,
    rules_lines,
)
from bot.core.markdown import MAX_MESSAGE, length

NOW_MS = 1_700_000_000_000


def state(
    used: float, *, scope: Scope = Scope.MEMBER, unit: Unit = Unit.TOKENS, amount: int = 2000,
    burst: int | None = None,
) -> BucketState:  # fmt: skip
    """A bucket per hour of which so much is used."""
    bucket = Bucket(
        key="k", scope=scope, target_id=5, unit=unit, amount=amount, per=Per.HOUR,
        burst=amount if burst is None else burst,
    )  # fmt: skip
    return BucketState(bucket=bucket, tat_ms=NOW_MS + used * bucket.interval_ms, now_ms=NOW_MS)


def test_refusal_says_which_limit_how_much_is_left_and_when_it_comes_back():
    """160 more tokens are back in 288 s."""
    assert (
        "140 are left of your 2,000 tokens per hour, and this text can take up to 300 tokens; "
        "enough for it will be back <t:1700000288:R>. Ask for a shorter text, or wait."
    ) == refusal_sentence(Refused(state(1860), 300))


@pytest.mark.parametrize(
    ("scope", "words"),
    [
        (Scope.SERVER, "this server's 2,000 tokens per hour, "),
        (Scope.CHANNEL, "the 2,000 tokens per hour of <#5>, "),
        (Scope.ROLE, "your 2,000 tokens per hour as <@&5>, "),
        (Scope.MEMBER, "your 2,000 tokens per hour, "),
        (Scope.USER, "your 2,000 tokens per hour, "),
        (Scope.HOST_MEMBER, "your 2,000 tokens per hour in all places, as the host"),
        (Scope.HOST_SERVER, "this server's 2,000 tokens per hour, as the host"),
    ],
)
def test_every_scope_is_named(scope: Scope, words: str):
    """A limit is never a riddle."""
    assert words in refusal_sentence(Refused(state(1860, scope=scope), 300))


def test_nothing_left_is_said_as_such():
    """Of requests one needs the next only."""
    assert (
        "Used up: your 6 requests per hour. The next one is back <t:1700000600:R>."
    ) == refusal_sentence(Refused(state(6, unit=Unit.REQUESTS, amount=6), 1))
    assert refusal_sentence(Refused(state(2000), 300)).startswith(
        "Used up: your 2,000 tokens per hour. This text can take up to 300 tokens"
    )


def test_text_that_can_never_pass_is_told_to_be_shorter():
    """Waiting does not help, and no time is told."""
    sentence = refusal_sentence(Refused(state(0, burst=200), 300))

    assert "lets through at once: your 2,000 tokens per hour (200 at once)." in sentence
    assert "Waiting does not help" in sentence
    assert "200 tokens at most" in sentence
    assert "<t:" not in sentence


def test_notes_begin_at_three_quarters():
    """The emptiest limit first; what is whole is not mentioned."""
    found = notes([state(1499), state(1500), state(1, unit=Unit.REQUESTS, amount=1), state(0)])

    assert ["100%", "75%"] == [re.findall(r"\d+%", one)[0] for one in found]
    assert "You have used 80% of your 2,000 tokens per hour; all of it is back" in note(state(1600))
    assert note(state(1600, scope=Scope.CHANNEL)).startswith("Together you have used 80%")


def test_bar_shows_what_is_left():
    """An empty bar means that nothing is left."""
    assert bar_line(state(0)).startswith("▰▰▰▰▰▰▰▰▰▰ 2,000 of 2,000 tokens left")
    assert bar_line(state(0)).endswith("whole")
    assert bar_line(state(1400)).startswith("▰▰▰▱▱▱▱▱▱▱ 600 of")
    assert bar_line(state(1999)).startswith("▰▱▱▱▱▱▱▱▱▱ 1 of")
    assert bar_line(state(2000)).startswith("▱▱▱▱▱▱▱▱▱▱ 0 of")
    assert "whole again <t:1700003600:R>" in bar_line(state(2000))


@given(st.floats(0, 5000))
def test_bar_always_has_ten_cells(used: float):
    """Also in debt."""
    assert 10 == len(re.findall("[▰▱]", bar_line(state(used))))


def test_time_is_never_told_too_early():
    """Discord shows whole seconds."""
    assert ("<t:2:R>", "<t:1:R>") == (at(1001), at(1000))


ROLE_RULE = Rule(scope=Scope.ROLE, target_id=7, unit=Unit.TOKENS, amount=2000, per=Per.HOUR)
ONE_A_DAY = Rule(scope=Scope.SERVER, unit=Unit.REQUESTS, amount=1, per=Per.DAY, burst=3)


def test_amounts_are_said_in_texts():
    """What 2,000 tokens are good for, nobody knows."""
    assert "about 12 texts of usual length" == meaning(ROLE_RULE)
    assert "1 text" == meaning(ONE_A_DAY)


def test_rules_are_listed_and_deleted_targets_are_shown_as_such():
    """With exempt roles at the end."""
    server = ServerRules(rules=(ROLE_RULE, ONE_A_DAY), exempt_roles=frozenset({8}))

    assert [
        "- the whole server: 1 request per day (3 at once)",
        "- each member with <@&7>: 2,000 tokens per hour",
        "- each member with <@&8>: no personal limits",
    ] == rules_lines(server)
    assert "- each member with a deleted role: no personal limits" in rules_lines(
        server, lambda _scope, _id: None
    )


def test_change_is_told_as_before_and_after():
    """What is new, other and gone."""
    before = ServerRules(rules=(ROLE_RULE,), exempt_roles=frozenset({8}))
    after = ServerRules(rules=(ONE_A_DAY,), exempt_roles=frozenset({9}))

    assert [
        "each member with <@&7>: 2,000 tokens per hour → no limit",
        "the whole server: no limit → 1 request per day (3 at once)",
        "each member with <@&8>: no personal limits → personal limits",
        "each member with <@&9>: personal limits → no personal limits",
    ] == change_lines(before, after)
    assert [] == change_lines(before, before)


@given(st.lists(st.text(max_size=200), max_size=60), st.text(max_size=300))
def test_many_lines_fit_into_one_message(lines: list[str], after: str):
    """And it is said how many are left out, before what follows them."""
    whole = fitting(lines, after=after)

    assert length(whole) <= MAX_MESSAGE
    assert whole.endswith(after)
    text = whole.removesuffix(after)
    left_out = re.search(r"\n…and (\d+) more\.$", text)
    assert left_out is not None or "\n".join(lines).lstrip("\n") == text.lstrip("\n")
