"""What a text has cost is settled in limits and usage, once, however its job ends."""

import asyncio

import pytest

from bot.core.jobs import JobState
from bot.core.limit_buckets import Bucket, Charged, Per, Scope, Unit
from bot.core.usage import Asked, Counts, Outcome
from bot.discord_io.reply_rest import ReplyGoneError
from bot.errors import QueueDownError
from bot.jobqueue.limits import QueueLimits
from bot.services.chores import settle_orphans
from bot.services.pools import Pools
from tests.unit.worker.workshop import LEASE_S, PATIENCE_S, TapeEngine, Workshop

GUILD = 10
PROMPT_TOKENS = len(b"Once upon a time")
ESTIMATE = 500
# A token takes over a minute to come back, so nothing does within a test.
BUCKET = Bucket(
    key="b", scope=Scope.SERVER, target_id=0, unit=Unit.TOKENS, amount=1000, per=Per.DAY,
    burst=1000,
)  # fmt: skip


class Accounts:
    """What the limits and the usage records say of the workshop's jobs."""

    def __init__(self, workshop: Workshop) -> None:
        self._workshop = workshop

    async def open(self, job_id: str = "1") -> None:
        """As the bot process does before it puts a job: charges the estimate, notes the request."""
        charged = await self._workshop.limits.charge(job_id, [BUCKET], ESTIMATE)
        assert isinstance(charged, Charged)
        await self._workshop.usage.asked(
            Asked(
                job_id=job_id, guild_id=GUILD, channel_id=2, user_id=100, tokens=ESTIMATE,
                outcome=Outcome.ACCEPTED,
            )
        )  # fmt: skip

    async def charged(self) -> int:
        """Tokens that are taken from the bucket."""
        (state,) = await self._workshop.limits.peek([BUCKET])
        return round(max(0.0, state.tat_ms - state.now_ms) / BUCKET.interval_ms)

    async def counts(self) -> Counts:
        """The usage of the server."""
        days = await self._workshop.usage.days(GUILD, 2)
        return Counts.total(day.counts for day in days)


@pytest.fixture
async def accounts(workshop: Workshop) -> Accounts:
    """With one job's cost in them."""
    accounts = Accounts(workshop)
    await accounts.open()
    return accounts


async def test_finished_text_costs_what_was_read_and_written(
    workshop: Workshop, accounts: Accounts
):
    """Not what was estimated; its request says so, too."""
    await workshop.put(length=40)
    assert ESTIMATE == await accounts.charged()

    async with workshop.running(TapeEngine()):
        assert JobState.DONE == await workshop.ended()
        await workshop.until_settled()

    assert PROMPT_TOKENS + 40 == await accounts.charged()
    counts = await accounts.counts()
    assert (1, 1) == (counts.jobs, counts.done)
    assert (PROMPT_TOKENS, 40) == (counts.tokens_read, counts.tokens_written)
    assert 1 == sum(counts.waits)
    (request,) = await workshop.usage.requests(GUILD)
    assert PROMPT_TOKENS + 40 == request.real_tokens


async def test_stopped_text_costs_what_exists(workshop: Workshop, accounts: Accounts):
    """What was not written is given back."""
    await workshop.put(length=ESTIMATE - PROMPT_TOKENS)
    async with workshop.running(TapeEngine(step_s=0.01)):
        await workshop.until(lambda: workshop.replies.edits)
        await workshop.memory.cancel("1")
        assert JobState.STOPPED == await workshop.ended()
        await workshop.until_settled()

    counts = await accounts.counts()
    assert (1, 0) == (counts.stopped, counts.done)
    assert 0 < counts.tokens_written < ESTIMATE - PROMPT_TOKENS
    assert counts.tokens == await accounts.charged()


async def test_text_whose_reply_is_gone_costs_what_was_written(
    workshop: Workshop, accounts: Accounts
):
    """The engine has worked for it all the same."""
    await workshop.put(length=40)
    workshop.replies.troubles = [ReplyGoneError("404")] * 2

    async with workshop.running(TapeEngine()):
        assert JobState.FAILED == await workshop.ended()
        await workshop.until_settled()

    counts = await accounts.counts()
    assert (1, 0) == (counts.failed, counts.done)
    assert PROMPT_TOKENS < counts.tokens == await accounts.charged()


async def test_late_text_costs_nothing(workshop: Workshop, accounts: Accounts):
    """Nobody began to write it, so it did not wait for its start either."""
    await workshop.put(deadline_at_s=workshop.now() - 1)

    async with workshop.running(TapeEngine()):
        assert JobState.EXPIRED == await workshop.ended()
        await workshop.until_settled()

    assert 0 == await accounts.charged()
    counts = await accounts.counts()
    assert (1, 0, 0) == (counts.expired, counts.tokens, sum(counts.waits))


async def test_text_that_always_failed_costs_nothing(workshop: Workshop, accounts: Accounts):
    """After the last attempt; those before settle nothing."""
    engine = TapeEngine()
    engine.failures = [RuntimeError("broken")] * QueueLimits().max_attempts
    await workshop.put(length=40)

    async with workshop.running(engine):
        assert JobState.DEAD == await workshop.ended()
        await workshop.until_settled()

    assert 0 == await accounts.charged()
    counts = await accounts.counts()
    assert (1, 0) == (counts.dead, counts.tokens)


async def test_job_that_the_queue_gives_up_costs_nothing(workshop: Workshop, accounts: Accounts):
    """Every worker died with it, also those that were to say so: a living one settles it."""
    await workshop.put()
    limits = QueueLimits()
    n_claims = limits.max_attempts + limits.max_farewells
    for n in range(n_claims):
        assert n + 1 == (await workshop.claim_as("gone")).attempt
        workshop.skew_s += 2 * LEASE_S
        if n + 1 < n_claims:
            await workshop.memory.reap()
    assert ESTIMATE == await accounts.charged()

    async with workshop.running(TapeEngine()):
        assert JobState.DEAD == await workshop.ended()
        async with asyncio.timeout(PATIENCE_S):
            while await accounts.charged():  # noqa: ASYNC110  # nobody tells of it
                await asyncio.sleep(0.01)

    counts = await accounts.counts()
    assert (1, 0) == (counts.dead, counts.tokens)


async def test_engine_failure_settles_nothing_yet(workshop: Workshop, accounts: Accounts):
    """The next attempt writes the text, and its cost is the job's."""
    engine = TapeEngine()
    engine.failures = [RuntimeError("broken")]
    await workshop.put(length=40)

    async with workshop.running(engine):
        assert JobState.DONE == await workshop.ended()
        await workshop.until_settled()

    assert PROMPT_TOKENS + 40 == await accounts.charged()
    counts = await accounts.counts()
    assert (1, 0, 40) == (counts.done, counts.dead, counts.tokens_written)


async def die_in(
    workshop: Workshop, owner: object, call: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker writes the text and dies at a call that ends it."""
    reached = asyncio.Event()

    async def never(*_arguments: object, **_options: object) -> bool:
        reached.set()
        await asyncio.Event().wait()
        raise AssertionError

    with monkeypatch.context() as patch:
        patch.setattr(owner, call, never, raising=False)
        dying = asyncio.create_task(
            workshop.worker(TapeEngine(), name="dying").run(asyncio.Event())
        )
        async with asyncio.timeout(PATIENCE_S):
            await reached.wait()
        dying.cancel()
        await asyncio.wait([dying])


async def test_worker_that_dies_before_it_finishes_settles_nothing(
    workshop: Workshop, accounts: Accounts, monkeypatch: pytest.MonkeyPatch
):
    """Another one writes the text again, and its end counts."""
    await workshop.put(length=40)
    await die_in(workshop, workshop.queue, "finish", monkeypatch)
    assert JobState.RUNNING == await workshop.memory.state("1")
    assert ESTIMATE == await accounts.charged()
    workshop.skew_s += 2 * LEASE_S

    async with workshop.running(TapeEngine(), name="second"):
        assert JobState.DONE == await workshop.ended()
        await workshop.until_settled()

    assert PROMPT_TOKENS + 40 == await accounts.charged()
    counts = await accounts.counts()
    assert (1, 1, PROMPT_TOKENS + 40) == (counts.jobs, counts.done, counts.tokens)
    assert 1 == sum(counts.waits)


@pytest.mark.parametrize("call", ["settle", "ended"])
async def test_worker_that_dies_while_it_settles_leaves_it_to_the_chore(
    workshop: Workshop, accounts: Accounts, call: str, monkeypatch: pytest.MonkeyPatch
):
    """The queue knows what the text has cost, so nothing is lost and nothing counts twice."""
    await workshop.put(length=40)
    owner = {"settle": workshop.limits, "ended": workshop.usage}[call]
    await die_in(workshop, owner, call, monkeypatch)
    assert JobState.DONE == await workshop.memory.state("1")

    pools = Pools(lambda _model: workshop.memory, workshop.registry, default="m")
    chore = asyncio.create_task(
        settle_orphans(workshop.limits, workshop.ledger, pools, every_s=0.01, after_s=0)
    )
    await workshop.until_settled()
    await asyncio.sleep(0.05)  # it comes round again
    chore.cancel()

    assert PROMPT_TOKENS + 40 == await accounts.charged()
    counts = await accounts.counts()
    assert (1, 1, PROMPT_TOKENS + 40) == (counts.jobs, counts.done, counts.tokens)


async def test_end_that_the_queue_does_not_take_settles_nothing(
    workshop: Workshop, accounts: Accounts, monkeypatch: pytest.MonkeyPatch
):
    """The lease went to another worker in the last moment; that one's end counts."""
    refused = asyncio.Event()

    async def refuse(*_arguments: object) -> bool:
        refused.set()
        return False

    monkeypatch.setattr(workshop.queue, "finish", refuse, raising=False)
    await workshop.put(length=40)
    async with workshop.running(TapeEngine()):
        async with asyncio.timeout(PATIENCE_S):
            await refused.wait()
        await asyncio.sleep(0.05)

    assert ESTIMATE == await accounts.charged()
    assert 0 == (await accounts.counts()).tokens


async def test_lost_lease_settles_nothing(workshop: Workshop, accounts: Accounts):
    """The job is another worker's now, and so is its cost."""
    await workshop.put(length=5000)
    async with workshop.running(TapeEngine(step_s=0.005)):
        await workshop.until(lambda: workshop.replies.edits)
        workshop.skew_s = LEASE_S * 2
        assert 1 == (await workshop.memory.reap()).put_back
        await workshop.claim_as("other")
        await asyncio.sleep(LEASE_S)

    assert ESTIMATE == await accounts.charged()
    assert (1, 0) == ((counts := await accounts.counts()).jobs, counts.tokens)


async def test_outage_delays_the_settling(
    workshop: Workshop, accounts: Accounts, monkeypatch: pytest.MonkeyPatch
):
    """The worker goes on trying; the text stands there all the same."""
    settle, is_down, n_tries = workshop.limits.settle, True, 0

    async def flaky(job_id: str, used_tokens: int) -> bool:
        nonlocal n_tries
        n_tries += 1
        if is_down:
            raise QueueDownError("The limits can't be reached.")
        return await settle(job_id, used_tokens)

    monkeypatch.setattr(workshop.limits, "settle", flaky)
    await workshop.put(length=20)
    async with workshop.running(TapeEngine()):
        await workshop.until(lambda: n_tries >= 2)
        assert JobState.DONE == await workshop.memory.state("1")
        is_down = False
        await workshop.until_settled()

    assert PROMPT_TOKENS + 20 == await accounts.charged()
    assert 1 == (await accounts.counts()).done
