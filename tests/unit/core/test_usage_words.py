"""Usage in words: short enough for Discord, and as much as the pictures say."""

from dataclasses import replace

import pytest

from bot.core.limit_buckets import Scope, Unit
from bot.core.simulation import Proposal
from bot.core.usage import Counts, DayUsage
from bot.core.usage_words import (
    MAX_ALT_TEXT,
    duration,
    limit_in_words,
    simulation_alt_text,
    simulation_text,
    stats_alt_text,
    stats_text,
)
from tests.unit.plots.usage_days import LAST, days_of_use, simulation

PHONE_CHARACTERS = 38  # of a code block on a small phone, before it is wrapped


def table_of(text: str) -> list[str]:
    return text.split("```")[1].strip("\n").splitlines()


@pytest.mark.parametrize("n", [1, 7, 30, 90])
@pytest.mark.parametrize("scale", [1, 100_000])
def test_usage_fits_discord_and_a_phone(n: int, scale: int):
    """With numbers as large as no server's."""
    days = days_of_use(n, scale=scale)

    text = stats_text(days)

    assert len(text) <= 2000
    assert len(stats_alt_text(days)) <= MAX_ALT_TEXT
    rows = table_of(text)
    assert {PHONE_CHARACTERS} == {len(row) for row in rows}
    assert 5 == len(rows)


def test_usage_says_what_was_counted():
    """The table, the kinds of refusals, the waits; the text of the picture the same."""
    counts = Counts.of(
        {"jobs": 1200, "tokens_written": 4000, "refused_limit": 2, "refused_queue": 1, "w3": 10}
    )
    days = [DayUsage(LAST, counts)]
    text, alt_text = stats_text(days), stats_alt_text(days)

    assert ["texts", "1,200", "1,200", "1,200"] == table_of(text)[1].split()
    for said in (text, alt_text):
        assert "Refused: 2 by a limit, 1 by the queue, 0 for other reasons." in said
        assert "half of the texts began within 3.5 s, 95% within 4.8 s" in said
    assert "1,200 in all, most of them on Nov 25: 1,200." in alt_text
    assert "4,000 written and 0 read" in alt_text


def test_without_refusals_and_waits_there_are_no_sentences_about_them():
    """Nobody waited for nothing."""
    days = [DayUsage(LAST, Counts(jobs=1))]

    assert "Refused:" not in stats_text(days)
    assert "Waits" not in stats_text(days)
    assert "Nothing was refused." in stats_alt_text(days)


def test_simulation_says_what_would_have_been():
    """Numbers of members and no names."""
    text, alt_text = simulation_text(simulation()), simulation_alt_text(simulation())

    assert text.startswith("**If there were a limit** – each member: 20 requests per hour\n")
    for said in (text, alt_text):
        assert "It would have refused 28 of the 238 requests of the last 7 days (12%)." in said
        assert "Of 12 members, 3 would have been refused at least once." in said
        assert "The longest wait until it is allowed again: 13 minutes." in said
        assert "40% went to the most active member, 30% to the next four, 30% to all" in said
    assert ["2026-11-25", "34", "4"] == table_of(text)[-1].split()
    assert "Nov 25: 34 and 4." in alt_text


def test_simulation_of_any_size_fits():
    """Discord's bounds, with numbers as large as no server's."""
    large = simulation(allowed=10**9, refused=10**9)

    assert len(simulation_text(large)) <= 2000
    assert len(simulation_alt_text(large)) <= MAX_ALT_TEXT


def test_simulation_without_refusals_is_one_sentence():
    """No wait, no members to count."""
    text = simulation_text(simulation(refused=0))

    assert "it would have refused none: 210 requests" in text
    assert "longest wait" not in text


def test_requests_that_could_never_run_are_pointed_out():
    """Else the longest wait would seem to be for them too."""
    text = simulation_text(replace(simulation(), too_large=5))

    assert "5 of them cost more than may be used at once" in text


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"scope": Scope.SERVER}, "the whole server: 1,000 tokens per day"),
        ({"scope": Scope.CHANNEL}, "each channel: 1,000 tokens per day"),
        (
            {"scope": Scope.CHANNEL, "channel_id": 5},
            "<#5>: 1,000 tokens per day",
        ),
        (
            {"scope": Scope.ROLE, "role_id": 6},
            "each member with <@&6>: 1,000 tokens per day",
        ),
        ({"scope": Scope.USER, "user_id": 7}, "<@7>: 1,000 tokens per day"),
        (
            {"scope": Scope.MEMBER, "burst": 90, "per_s": 90},
            "each member: 1,000 in each 90 seconds (90 at once)",
        ),
    ],
)
def test_limit_in_words(changes: dict, words: str):
    """Each scope, with and without what it needs."""
    values = {"unit": Unit.TOKENS, "amount": 1000, "per_s": 86_400} | changes

    assert words == limit_in_words(Proposal(**values))


def test_durations_are_said_in_units_that_fit():
    """Two digits, more or less."""
    assert ["0.4 s", "12 s", "119 s", "2 minutes", "3 hours", "2 days"] == [
        duration(seconds) for seconds in (0.4, 12, 119, 125, 3 * 3600, 48 * 3600)
    ]
