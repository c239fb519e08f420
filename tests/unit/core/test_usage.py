"""Usage records and counts: what is in them, what is never in them, and what they add up to."""

import json
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.asker import Asker
from bot.core.jobs import JobState, UnknownVersionError
from bot.core.usage import (
    MAX_ROLES,
    WAIT_BOUNDS_S,
    Asked,
    Counts,
    Ended,
    Outcome,
    date_of,
    day_number,
    number_of,
    read_asked,
    read_ended,
)

ID = st.integers(1, 2**63)
ASKED = st.builds(
    Asked,
    job_id=ID.map(str),
    guild_id=ID,
    channel_id=ID,
    user_id=ID,
    role_ids=st.frozensets(ID, max_size=5),
    tokens=st.integers(0, 2000),
    outcome=st.sampled_from(Outcome),
)


@given(ASKED)
def test_request_comes_back_as_it_was_stored(event: Asked):
    """Ids are beyond what a double holds."""
    read = read_asked(17, event.to_json())

    assert (17, event.job_id, event.channel_id, event.user_id, event.role_ids) == (
        read.at_ms,
        read.job_id,
        read.channel_id,
        read.user_id,
        read.role_ids,
    )
    assert (event.tokens, event.outcome, None) == (read.tokens, read.outcome, read.real_tokens)


def test_record_has_no_more_roles_than_fit():
    """A member can have hundreds; the oldest stay."""
    asker = Asker(user_id=1, guild_id=2, channel_id=3, role_ids=frozenset(range(1, 300)))
    event = Asked.by(asker, job_id="4", tokens=5, outcome=Outcome.ACCEPTED)

    assert frozenset(range(1, MAX_ROLES + 1)) == read_asked(0, event.to_json()).role_ids


@pytest.mark.parametrize("text", ['{"v":2}', "[]", "{}", "1"])
def test_record_of_another_version_is_told_apart(text: str):
    """A newer program may write what this one can't read."""
    with pytest.raises(UnknownVersionError):
        read_asked(0, text)
    with pytest.raises(UnknownVersionError):
        read_ended(text)


@pytest.mark.parametrize("text", ["", "{", '{"v":1}', '{"v":1,"j":"1","r":3}'])
def test_damaged_record_is_an_error(text: str):
    """And not a crash of another kind."""
    with pytest.raises(ValueError):
        read_asked(0, text)


def test_damaged_end_is_an_error():
    """And not a crash of another kind."""
    with pytest.raises(ValueError, match="damaged"):
        read_ended(json.dumps({"v": 1, "j": "1"}))


def ended(waited_s: float | None, **changes: int) -> Ended:
    tokens = {"tokens_read": 10, "tokens_written": 20} | changes
    return Ended(job_id="1", state=JobState.DONE, waited_s=waited_s, **tokens)


def test_counts_add_up():
    """Days of several kinds of events."""
    asked = Asked(
        job_id="1", guild_id=1, channel_id=1, user_id=1, tokens=1, outcome=Outcome.REFUSED_QUEUE
    )
    days = [Counts.of(ended(1.5).counts()), Counts.of(asked.counts()), Counts.of({"new": 3})]

    total = Counts.total(days)

    assert (10, 20, 30, 1) == (
        total.tokens_read,
        total.tokens_written,
        total.tokens,
        total.refused,
    )
    assert (1, 1500, 1, 0) == (total.done, total.wait_ms, sum(total.waits), total.jobs)


def test_text_that_never_began_did_not_wait():
    """It would make the others' waits look longer."""
    counts = Counts.of(ended(None).counts())

    assert (0, 0, 1) == (sum(counts.waits), counts.wait_ms, counts.done)
    assert counts.wait_s(0.5) is None


@given(
    waits_s=st.lists(st.floats(0, 2000), min_size=1, max_size=50),
    share=st.sampled_from([0.5, 0.95, 1.0]),
)
def test_percentile_lies_in_the_bucket_of_the_real_one(waits_s: list[float], share: float):
    """As exact as a histogram can be; waits beyond the last bound count as that."""
    counters = [Counts.of(ended(wait_s).counts()) for wait_s in waits_s]
    real_s = sorted(waits_s)[max(0, -int(-share * len(waits_s) // 1) - 1)]
    bounds = (0, *WAIT_BOUNDS_S)

    found_s = Counts.total(counters).wait_s(share)

    index = next((i for i, bound in enumerate(WAIT_BOUNDS_S) if real_s <= bound), 11)
    assert found_s is not None
    assert bounds[index] <= found_s <= bounds[index + 1]


def test_days_have_numbers():
    """The last ms of a day is its own, the next is not."""
    assert date(2026, 11, 25) == date_of(number_of(date(2026, 11, 25)))
    start_ms = number_of(date(2026, 11, 25)) * 86_400_000
    assert date(2026, 11, 24) == date_of(day_number(start_ms - 1))
    assert date(2026, 11, 25) == date_of(day_number(start_ms))
