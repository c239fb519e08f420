"""Days of usage made of chance, for pictures and words."""

import random
from datetime import date, timedelta

from bot.core.limit_buckets import Scope, Unit
from bot.core.simulation import Proposal, SimulatedDay, Simulation
from bot.core.usage import Counts, DayUsage

LAST = date(2026, 11, 25)


def days_of_use(n: int, *, scale: int = 1) -> list[DayUsage]:
    """n days until `LAST`, the second without use."""
    chance = random.Random(n)
    return [
        DayUsage(
            LAST - timedelta(days=n - 1 - index),
            Counts() if index == 1 else Counts.of(_counters(chance, scale)),
        )
        for index in range(n)
    ]


def simulation(*, allowed: int = 30, refused: int = 4, top: float = 0.4) -> Simulation:
    """The same every day."""
    return Simulation(
        proposal=Proposal(scope=Scope.MEMBER, unit=Unit.REQUESTS, amount=20, per_s=3600),
        days=tuple(
            SimulatedDay(LAST - timedelta(days=ago), allowed, refused) for ago in range(6, -1, -1)
        ),
        members=12,
        members_refused=3 if refused else 0,
        longest_wait_s=754.0 if refused else 0.0,
        too_large=0,
        top_1=top,
        top_5=min(1.0, top + 0.3),
    )


def _counters(chance: random.Random, scale: int) -> dict[str, int]:
    jobs = chance.randint(1, 300) * scale
    return {
        "jobs": jobs,
        "tokens_written": jobs * 90,
        "tokens_read": jobs * 30,
        "refused_limit": chance.randint(0, 30) * scale,
        "refused_other": chance.randint(0, 3) * scale,
        "w2": jobs,
        "w6": jobs // 9,
    }
