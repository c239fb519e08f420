"""What a text has cost is settled once, in limits and statistics, wherever its job ended."""

import pytest

from bot.core.asker import Asker
from bot.core.jobs import Job, JobState
from bot.core.limit_buckets import Per, Unit
from bot.core.limit_rules import ServerRules
from bot.core.limits import HostLimits, applied
from bot.core.usage import Asked, Outcome, Request
from bot.jobqueue.api import Placement
from bot.services.ledger import Ledger
from bot.state.memory_limits import MemoryLimits
from bot.state.memory_usage import MemoryUsage
from tests.memory_services import MODEL
from tests.unit.services.asking import Desk

NOW_S = 1_795_600_000.0
ASKER = Asker(user_id=100, guild_id=10, channel_id=20)
HOST = HostLimits(member_requests_per_minute=5, member_tokens_per_hour=1_000)
BUCKETS = applied(ASKER, ServerRules(), HOST)


class Books:
    """A ledger and its stores; a text of 200 tokens was charged and noted."""

    def __init__(self) -> None:
        self.limits = MemoryLimits(lambda: NOW_S)
        self.usage = MemoryUsage(clock=lambda: NOW_S)
        self.ledger = Ledger(self.limits, self.usage)

    async def left(self) -> dict[tuple[Unit, Per], int]:
        """What the member has left."""
        states = await self.limits.peek(BUCKETS)
        return {(state.bucket.unit, state.bucket.per): state.left for state in states}

    async def request(self) -> Request:
        """The note of the text."""
        [request] = await self.usage.requests(10)
        return request


@pytest.fixture
async def books() -> Books:
    """The text runs."""
    books = Books()
    await books.limits.charge("1", BUCKETS, 200)
    await books.usage.asked(Asked.by(ASKER, job_id="1", tokens=200, outcome=Outcome.ACCEPTED))
    assert {(Unit.REQUESTS, Per.MINUTE): 4, (Unit.TOKENS, Per.HOUR): 800} == await books.left()
    return books


async def test_what_was_not_used_comes_back(books: Books):
    """The request does not: a text was written."""
    await books.ledger.settle("1", JobState.DONE, prompt_tokens=10, tokens=40, waited_s=1.5)

    assert {(Unit.REQUESTS, Per.MINUTE): 4, (Unit.TOKENS, Per.HOUR): 950} == await books.left()
    request = await books.request()
    assert 50 == request.real_tokens
    [day] = await books.usage.days(10, 1)
    assert (1, 10, 40, 1500) == (
        day.counts.done,
        day.counts.tokens_read,
        day.counts.tokens_written,
        day.counts.wait_ms,
    )


@pytest.mark.parametrize("state", [JobState.STOPPED, JobState.EXPIRED, JobState.DEAD])
async def test_text_that_never_began_costs_nothing(books: Books, state: JobState):
    """Not even a request, as `/limits simulate` counts it, too."""
    await books.ledger.settle("1", state)

    assert {(Unit.REQUESTS, Per.MINUTE): 5, (Unit.TOKENS, Per.HOUR): 1_000} == await books.left()
    assert 0 == (await books.request()).real_tokens


async def test_settling_again_changes_nothing(books: Books):
    """A worker dies between the ledger and the queue, and another one writes the text again."""
    await books.ledger.settle("1", JobState.DONE, prompt_tokens=10, tokens=40)
    before = await books.left(), await books.request(), await books.usage.days(10, 1)

    await books.ledger.settle("1", JobState.DONE, prompt_tokens=10, tokens=40)
    await books.ledger.settle("1", JobState.DEAD)

    assert before == (await books.left(), await books.request(), await books.usage.days(10, 1))


async def test_unknown_text_is_no_error(books: Books):
    """Its charge ran out, or it was never charged."""
    await books.ledger.settle("2", JobState.DONE, tokens=1)

    assert 800 == (await books.left())[Unit.TOKENS, Per.HOUR]


async def test_text_that_is_over_before_its_request_is_noted_is_counted():
    """The bot notes what it asked once the queue has taken it; a worker may be faster."""
    desk = Desk()
    queue = desk.queues[MODEL]
    put = queue.put

    async def put_and_write(job: Job) -> Placement:
        placement = await put(job)
        (claim,) = await queue.claim("w", 1, 0)
        assert await queue.finish("w", job.id, claim.attempt, JobState.DONE, 40)
        ledger = Ledger(desk.stores.limits, desk.stores.usage)
        await ledger.settle(job.id, JobState.DONE, prompt_tokens=10, tokens=30, waited_s=0.001)
        return placement

    queue.put = put_and_write
    await desk.ask()

    [request] = await desk.noted()
    assert (Outcome.ACCEPTED, 40) == (request.outcome, request.real_tokens)
    [day] = await desk.stores.usage.days(None, 1)
    assert (1, 1, 30) == (day.counts.jobs, day.counts.done, day.counts.tokens_written)
