"""The usage service on a store in memory: answers with and without pictures, and a store away."""

import asyncio
from typing import Any

import pytest
from structlog.testing import capture_logs

from bot.core.limit_buckets import Scope, Unit
from bot.core.simulation import Proposal
from bot.core.usage import Outcome
from bot.errors import OptionError, QueueDownError
from bot.services.usage import UsageService
from bot.state.memory_usage import MemoryUsage
from tests.contract.usage_backends import GUILD, USER, asked, ended

NOW_S = 1_795_600_000.0
TWO_AN_HOUR = Proposal(scope=Scope.MEMBER, unit=Unit.REQUESTS, amount=2, per_s=3600)


class Away:
    """A store whose Redis is gone."""

    def __getattr__(self, name: str) -> Any:
        raise QueueDownError("It is away.")


@pytest.fixture
def usage() -> UsageService:
    """On an empty store."""
    return UsageService(MemoryUsage(clock=lambda: NOW_S), clock=lambda: NOW_S)


async def test_stats_come_with_a_picture_that_is_told_in_words(usage: UsageService):
    """One request of today."""
    await usage.asked(asked("1"))
    await usage._store.ended(ended("1"))

    report = await usage.stats(GUILD, 7)

    assert report.picture is not None
    assert report.picture.startswith(b"\x89PNG")
    assert "Texts: 1 in all" in report.alt_text
    assert "the last 7 days" in report.text


async def test_stats_of_all_servers_are_for_the_host(usage: UsageService):
    """A server's own are not in another's."""
    await usage.asked(asked("1", outcome=Outcome.REFUSED_QUEUE))

    assert (await usage.stats(None, 7)).picture is not None
    assert (await usage.stats(11, 7)).picture is None


async def test_without_use_there_is_a_sentence_and_no_picture(usage: UsageService):
    """For both questions."""
    stats, simulated = await usage.stats(GUILD, 30), await usage.simulate(GUILD, TWO_AN_HOUR)

    assert (None, None) == (stats.picture, simulated.picture)
    assert stats.text.startswith("Nothing was asked here in the last 30 days")
    assert "nothing to replay" in simulated.text


async def test_limit_is_tried_on_what_was_asked(usage: UsageService):
    """Three at the same moment."""
    for job_id in ("1", "2", "3"):
        await usage.asked(asked(job_id))

    report = await usage.simulate(GUILD, TWO_AN_HOUR)

    assert report.picture is not None
    assert "It would have refused 1 of the 3 requests" in report.text
    assert "refused 1 of the 3" in report.alt_text


async def test_the_loop_goes_on_while_pictures_are_drawn(usage: UsageService):
    """Drawing takes a second; a gateway that waits for it misses its heartbeats."""
    await usage.asked(asked("1"))
    beats = 0

    async def beat() -> None:
        nonlocal beats
        while True:
            await asyncio.sleep(0.01)
            beats += 1

    heart = asyncio.create_task(beat())
    await asyncio.gather(*(usage.stats(GUILD, days) for days in (30, 90)))
    heart.cancel()

    assert beats > 5


@pytest.mark.parametrize("days", [0, 91])
async def test_days_out_of_bounds_are_refused(usage: UsageService, days: int):
    """Discord checks only as long as it has the newest form of the command."""
    with pytest.raises(OptionError):
        await usage.stats(GUILD, days)


async def test_proposal_without_sense_is_refused(usage: UsageService):
    """A role's limit without the role."""
    proposal = Proposal(scope=Scope.ROLE, unit=Unit.REQUESTS, amount=2, per_s=3600)

    with pytest.raises(OptionError, match="needs the role"):
        await usage.simulate(GUILD, proposal)


async def test_request_does_not_fail_for_want_of_a_note():
    """The log has it; who asks for figures is told."""
    usage = UsageService(Away(), clock=lambda: NOW_S)

    with capture_logs() as logs:
        await usage.asked(asked("1"))

    assert ["request not noted"] == [line["event"] for line in logs]
    with pytest.raises(QueueDownError):
        await usage.stats(GUILD, 7)


async def test_forgetting_reaches_the_store(usage: UsageService):
    """Server and user."""
    await usage.asked(asked("1"))
    await usage.asked(asked("2", user_id=101))

    assert 1 == await usage.forget_user(USER)
    assert (
        "it would have refused none: 1 requests" in (await usage.simulate(GUILD, TWO_AN_HOUR)).text
    )
    await usage.forget_guild(GUILD)
    assert (await usage.simulate(GUILD, TWO_AN_HOUR)).picture is None
