"""Which models are served, and which queue is whose."""

from collections.abc import Sequence

import pytest

from bot.errors import ModelNotServedError
from bot.jobqueue.memory_queue import MemoryQueue
from bot.jobqueue.registry import MemoryModelRegistry
from bot.services.pools import GRACE_S, Pools

DAY_S = 24 * 3600.0


class Seen(MemoryModelRegistry):
    """A registry with what was announced how long ago (s)."""

    def __init__(self, **ages_s: float) -> None:
        super().__init__()
        self.ages_s = ages_s

    async def seen(self, within_s: float) -> Sequence[str]:
        return sorted(model for model, age_s in self.ages_s.items() if age_s <= within_s)


def make_pools(**ages_s: float) -> tuple[Pools, list[str]]:
    """Pools whose default is `small`, and for which models a queue was opened."""
    opened: list[str] = []

    def open_pool(model: str) -> MemoryQueue:
        opened.append(model)
        return MemoryQueue(clock=lambda: 0.0)

    return Pools(open_pool, Seen(**ages_s), default="small"), opened


def test_each_model_has_one_queue():
    """Opened when it is asked for first."""
    pools, opened = make_pools()

    small, large = pools.of("small"), pools.of("large")

    assert small is pools.of("small")
    assert small is not large
    assert ["small", "large"] == opened


@pytest.mark.parametrize(
    ("ages_s", "wanted", "chosen"),
    [
        ({"small": 1, "large": 1}, None, "small"),
        ({"small": 1, "large": 1}, "large", "large"),
        ({"large": 1, "xl": 1}, None, "large"),
        ({}, None, "small"),
        ({"small": GRACE_S, "large": 1}, None, "small"),
        ({"small": GRACE_S + 1, "large": 1}, None, "large"),
        ({"large": GRACE_S}, "large", "large"),
    ],
    ids=[
        "default", "wish", "default is not served", "nothing is served", "default restarts",
        "default is away", "wish restarts",
    ],
)  # fmt: skip
async def test_model_is_chosen(ages_s: dict[str, float], wanted: str | None, chosen: str):
    """A model whose worker restarts is still there for a while."""
    assert chosen == await make_pools(**ages_s)[0].choose(wanted)


@pytest.mark.parametrize(
    ("ages_s", "says"),
    [
        ({"small": 1, "large": 1}, "model xl right now; choose one of large, small"),
        ({"xl": GRACE_S + 1, "small": 1}, "model xl right now; choose one of small"),
        ({}, "model xl right now; please try again later"),
    ],
)
async def test_wish_that_nobody_serves_is_a_sentence(ages_s: dict[str, float], says: str):
    """It names what can be had, where anything can."""
    with pytest.raises(ModelNotServedError, match=says):
        await make_pools(**ages_s)[0].choose("xl")


async def test_jobs_are_looked_for_where_they_may_be():
    """In the line of the default model first, and in those of models that are gone for hours."""
    pools, _ = make_pools(large=DAY_S - 1, small=1, ancient=DAY_S + 1)

    assert ["small", "large"] == await pools.known()
    assert ["small"] == await pools.served()


async def test_default_model_is_known_before_any_worker():
    """Its jobs wait for the first one."""
    assert ["small"] == await make_pools()[0].known()


async def test_line_that_no_worker_has_announced_knows_of_a_pause():
    """A bot with a new default model starts during the pause."""
    registry = Seen()
    await registry.pause("later")
    pools = Pools(lambda _model: MemoryQueue(clock=lambda: 0.0), registry, default="new")

    assert "later" == await pools.of(await pools.choose(None)).paused()
