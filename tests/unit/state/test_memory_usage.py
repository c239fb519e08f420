"""How time passes for usage in memory, and with it what the lifetimes on Redis mean."""

from bot.core.usage import COUNTER_DAYS, RECORD_DAYS
from bot.state.memory_usage import MemoryUsage
from tests.contract.usage_backends import GUILD, asked, ended

DAY_S = 86_400.0


class Clock:
    """A clock that stands, just before midnight UTC."""

    now_s = 20_000 * DAY_S - 1

    def __call__(self) -> float:
        return self.now_s


async def test_records_and_counters_go_with_their_days():
    """A record of a day's last second lives six days and a second."""
    clock = Clock()
    usage = MemoryUsage(clock=clock)
    await usage.asked(asked("1"))

    clock.now_s += (RECORD_DAYS - 1) * DAY_S
    assert 1 == len(await usage.requests(GUILD))
    clock.now_s += 1
    assert 0 == len(await usage.requests(GUILD))

    clock.now_s += (COUNTER_DAYS - RECORD_DAYS) * DAY_S - 1
    assert 1 == (await usage.days(GUILD, COUNTER_DAYS))[0].counts.jobs
    clock.now_s += 1
    assert 0 == sum(day.counts.jobs for day in await usage.days(GUILD, COUNTER_DAYS))


async def test_end_waits_ten_minutes_for_its_request():
    """For a request that never comes, nothing stays."""
    for waits_s, noted in ((599, 1), (600, 0)):
        clock = Clock()
        usage = MemoryUsage(clock=clock)
        await usage.ended(ended("1"))

        clock.now_s += waits_s
        await usage.asked(asked("1"))

        assert noted == sum(day.counts.done for day in await usage.days(GUILD, 1))


async def test_end_counts_for_the_day_on_which_it_was_asked():
    """So that a day's texts and its tokens belong together."""
    clock = Clock()
    usage = MemoryUsage(clock=clock)
    await usage.asked(asked("1"))
    clock.now_s += 5
    await usage.ended(ended("1"))

    yesterday, today = await usage.days(GUILD, 2)

    assert (1, 90) == (yesterday.counts.jobs, yesterday.counts.tokens_written)
    assert (0, 0) == (today.counts.jobs, today.counts.tokens_written)
